//! Files below a directory over HTTP: validators, conditions, ranges, content types.
//! Invariant: nothing outside of the directory is opened; an answer's body, length and tag are of one open file.
//! Byte order: none.

mod conditions;
mod content_type;
mod file_body;
mod listing;
mod ranges;
mod root;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use peerdist::http_encoding::{Field, FieldValue};
use tower_service::Service;

use super::content_infos::PeerDistSource;
use crate::world::{fill_random, offload, system_time};
use conditions::Condition;
pub use file_body::FileBody;
use ranges::Wanted;
use root::{Found, Root};

/// The file that stands for its directory.
const INDEX: &str = "index.html";

/// What a file service is set to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileSettings {
    /// Whether a directory without an index is shown as a list of its names.
    pub list: bool,
}

/// Serves the files below a directory.
#[derive(Debug, Clone)]
pub struct FileService {
    root: Arc<Root>,
    settings: FileSettings,
}

impl FileService {
    /// Opens the directory.
    ///
    /// # Errors
    /// Those of the system; `NotADirectory` for what is none.
    pub fn open(root: &Path, settings: FileSettings) -> io::Result<Self> {
        Ok(Self {
            root: Arc::new(Root::open(root)?),
            settings,
        })
    }
}

impl<B> Service<Request<B>> for FileService {
    type Response = Response<FileBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, _) = request.into_parts();
        let this = self.clone();
        Box::pin(async move {
            // Finding a file waits for the disk.
            let answered = offload(move || this.answer(&parts.method, &parts.uri, &parts.headers));
            Ok(answered.await.unwrap_or_else(|_| {
                said(StatusCode::INTERNAL_SERVER_ERROR, "The server failed.\n")
            }))
        })
    }
}

impl FileService {
    fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<FileBody> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        let path = uri.path();
        let mut response = match root::decode(path) {
            None => said(StatusCode::NOT_FOUND, "There is no such file.\n"),
            Some(name) => self
                .find(path, &name, method, headers)
                .unwrap_or_else(|error| failed(path, &error)),
        };
        if method == Method::HEAD {
            let length = response.body().length();
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            *response.body_mut() = FileBody::text(Bytes::new());
        }
        response
    }

    fn find(
        &self,
        path: &str,
        name: &Path,
        method: &Method,
        headers: &HeaderMap,
    ) -> io::Result<Response<FileBody>> {
        let is_directory_path = path.ends_with('/');
        match self.root.open_below(name)? {
            Found::File(file) if !is_directory_path => {
                file_response(file, name, path, method, headers)
            }
            Found::File(_) => Err(io::ErrorKind::NotFound.into()),
            Found::Directory(directory) => {
                let index = name.join(INDEX);
                let has_index = match self.root.open_below(&index) {
                    Ok(Found::File(file)) if is_directory_path => {
                        return file_response(file, &index, path, method, headers);
                    }
                    Ok(found) => matches!(found, Found::File(_)),
                    Err(_) => false,
                };
                if !has_index && !self.settings.list {
                    return Err(io::ErrorKind::NotFound.into());
                }
                if !is_directory_path {
                    return Ok(moved_to_directory(path));
                }
                listing::response(&directory, path)
            }
        }
    }
}

/// A short text instead of a file.
fn said(status: StatusCode, text: &'static str) -> Response<FileBody> {
    let mut response = Response::new(FileBody::text(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn failed(path: &str, error: &io::Error) -> Response<FileBody> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    match error.kind() {
        NotFound | NotADirectory | InvalidFilename => {
            said(StatusCode::NOT_FOUND, "There is no such file.\n")
        }
        PermissionDenied => said(StatusCode::FORBIDDEN, "This file is not to be read.\n"),
        // A symbolic link that leads out of the directory: who asks learns nothing of it.
        _ if root::leads_out(error) => said(StatusCode::NOT_FOUND, "There is no such file.\n"),
        _ => {
            tracing::warn!(path, %error, "a file cannot be served");
            let text = "The file cannot be read at the moment.\n";
            said(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

fn moved_to_directory(path: &str) -> Response<FileBody> {
    let mut response = said(StatusCode::MOVED_PERMANENTLY, "It is a directory.\n");
    // One slash in front: with two, a browser takes the path for a host.
    let target = format!("/{}/", path.trim_matches('/'));
    if let Ok(target) = HeaderValue::from_str(&target) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    response
}

fn file_response(
    file: File,
    name: &Path,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> io::Result<Response<FileBody>> {
    let now = system_time();
    let source = PeerDistSource::of_file(Arc::new(file), path)?;
    let identity = *source.identity();
    let state = State {
        tag: identity.entity_tag(now),
        modified: identity.last_modified(now),
        is_rested: identity.is_rested(now),
        length: identity.length(),
    };
    let mut response = Response::new(FileBody::text(Bytes::new()));
    state.write(response.headers_mut());
    match conditions::of(headers, &state) {
        Condition::Failed => {
            *response.status_mut() = StatusCode::PRECONDITION_FAILED;
            return Ok(response);
        }
        Condition::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Condition::Holds => {}
    }
    let content_type = content_type::of(name);
    let set = |response: &mut Response<FileBody>, name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(&mut response, header::CONTENT_TYPE, content_type.to_owned());
    set(&mut response, header::ACCEPT_RANGES, "bytes".to_owned());
    // RFC 9110 14.2: a range is defined for GET alone.
    let wanted = if method == Method::GET {
        ranges::wanted(headers, &state)
    } else {
        Wanted::Whole
    };
    let content_range = |range| {
        let value = FieldValue::ContentRange {
            range,
            total: state.length,
        };
        Field {
            name: "Content-Range",
            value,
        }
        .value
        .to_string()
    };
    match wanted {
        Wanted::Whole => {
            *response.body_mut() = FileBody::of(&source, [(0, state.length)]);
        }
        Wanted::Part(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(
                &mut response,
                header::CONTENT_RANGE,
                content_range(Some(range)),
            );
            *response.body_mut() = FileBody::of(&source, [(range.start, range.length)]);
        }
        Wanted::Parts(parts) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let boundary = format!("{:032x}", rand_boundary(&state));
            let kind = format!("multipart/byteranges; boundary={boundary}");
            set(&mut response, header::CONTENT_TYPE, kind);
            *response.body_mut() = FileBody::parts(
                &source,
                parts.into_iter().map(|range| {
                    let mut head = String::new();
                    let _ = write!(
                        head,
                        "\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {}\r\n\r\n",
                        content_range(Some(range))
                    );
                    (head, range)
                }),
                format!("\r\n--{boundary}--\r\n"),
            );
        }
        Wanted::Unsatisfiable => {
            let text = "No part of this range is in the file.\n";
            let mut refused = said(StatusCode::RANGE_NOT_SATISFIABLE, text);
            state.write(refused.headers_mut());
            set(&mut refused, header::CONTENT_RANGE, content_range(None));
            return Ok(refused);
        }
    }
    response.extensions_mut().insert(source);
    Ok(response)
}

/// A boundary that nobody who writes the file could know before he wrote it.
fn rand_boundary(state: &State) -> u128 {
    let mut bytes = [0; 16];
    match fill_random(&mut bytes) {
        Ok(()) => u128::from_le_bytes(bytes),
        Err(_) => u128::from(state.length) << 64 | 0x9e37_79b9_7f4a_7c15,
    }
}

/// The validators of a file and its length.
struct State {
    tag: String,
    modified: SystemTime,
    is_rested: bool,
    length: u64,
}

impl State {
    fn write(&self, headers: &mut HeaderMap) {
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(self.modified)) {
            headers.insert(header::LAST_MODIFIED, date);
        }
    }
}
