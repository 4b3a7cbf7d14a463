//! The header fields of a request, on their way to a service that knows nothing of the coding.
//! Invariant: what the service sees is a request for the content itself.
//! Byte order: none.

use http::{HeaderMap, HeaderValue, Method, Version, header, request};
use peerdist::http_encoding::{AcceptEncoding, HttpVersion, PEERDIST, PEERDIST_EX, RequestFields};

use super::entity_tag;

/// A request as it came, as far as it matters behind the service.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) http: HttpVersion,
    headers: HeaderMap,
    /// Host and path, by which the content is known where it is no file.
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    /// Whether the request named the tag of a coded representation.
    pub(super) has_coded_tag: bool,
}

impl Asked {
    /// Takes down what matters and makes the request one for the content itself.
    pub(super) fn take(request: &mut request::Parts) -> Self {
        let mut asked = Self {
            method: request.method.clone(),
            http: match request.version {
                Version::HTTP_10 => HttpVersion::Http10,
                Version::HTTP_11 => HttpVersion::Http11,
                _ => HttpVersion::Other,
            },
            headers: request.headers.clone(),
            host: host(request),
            path: path(request),
            has_coded_tag: false,
        };
        let headers = &mut request.headers;
        for name in [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_RANGE] {
            if let header::Entry::Occupied(mut values) = headers.entry(name) {
                for value in values.iter_mut() {
                    if let Some(plain) = entity_tag::plain(value) {
                        *value = plain;
                        asked.has_coded_tag = true;
                    }
                }
            }
        }
        let fields = asked.fields(true);
        if fields.accept_encoding() == AcceptEncoding::Accepted
            || fields.peerdist().is_some()
            || fields.peerdist_ex().is_some()
        {
            // Hashes are of the content itself, and ranges too: another coding would make both useless.
            let identity = HeaderValue::from_static("identity");
            headers.insert(header::ACCEPT_ENCODING, identity);
        }
        headers.remove(PEERDIST);
        headers.remove(PEERDIST_EX);
        asked
    }

    /// What core is to know of them; `with_range` only where the service answered with a range.
    pub(super) fn fields(&self, with_range: bool) -> RequestFields<'_> {
        let mut fields = RequestFields::new();
        for (name, value) in &self.headers {
            // Whether the range still holds, the service has decided.
            let is_of_range = *name == header::RANGE && !with_range;
            if !is_of_range && *name != header::IF_RANGE {
                fields.add(name.as_str().as_bytes(), value.as_bytes());
            }
        }
        fields
    }
}

fn host(request: &request::Parts) -> Vec<u8> {
    let of_uri = request
        .uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let of_field = request.headers.get(header::HOST).map(HeaderValue::as_bytes);
    of_uri.or(of_field).unwrap_or_default().to_ascii_lowercase()
}

fn path(request: &request::Parts) -> Vec<u8> {
    let path = request.uri.path_and_query();
    path.map_or_else(Vec::new, |path| path.as_str().as_bytes().to_vec())
}
