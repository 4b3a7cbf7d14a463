//! The content server as a client asks it: redirects, validators, the meaning of its answers (MS-PCCRTP 3.1).
//! Invariant: bytes of a range are of the content that was begun with, or they are not handed on.
//! Byte order: none.

use std::sync::Arc;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use peerdist::content::{ContentRange, OwnedContentInfo};
use peerdist::http_encoding::{Ask, Asked, ClientSettings, HashAnswer, Meaning, ResponseFields};

use super::described::Described;
use super::error::GetError;
use super::redirect::resolve;
use crate::http::client::{Client, ClientBody, no_body};
use crate::net::Network;

const AGENT: &str = concat!("peerdist/", env!("CARGO_PKG_VERSION"));

/// The content server, of one content.
#[derive(Debug, Clone)]
pub(super) struct Origin<N> {
    pub(super) client: Client<N>,
    /// Where it is, redirects followed.
    pub(super) uri: Uri,
    pub(super) settings: ClientSettings,
    pub(super) redirects_most: u32,
    /// Of the program that this is fetched for, on every request; without a program only its own are sent.
    pub(super) program: Option<Arc<HeaderMap>>,
    /// What a range must be of.
    pub(super) validator: Option<Validator>,
}

/// By what the state of the content is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Validator {
    Tag(HeaderValue),
    Modified(HeaderValue),
}

/// A body of content.
pub(super) struct Plain {
    pub(super) response: Response<ClientBody>,
    /// Its bytes, where they are known.
    pub(super) length: Option<u64>,
    /// Whether the server wants to be asked for hashes later.
    pub(super) has_hashes_later: bool,
}

/// How the content server answered.
pub(super) enum First {
    Described {
        described: Box<Described>,
        metadata_bytes: u64,
    },
    Plain(Box<Plain>),
}

/// What became of a range.
pub(super) enum Ranged {
    Body(Box<ClientBody>),
    /// The content is another.
    Changed,
    /// The server sends the whole whatever it is asked for.
    NoRanges,
}

impl<N: Network> Origin<N> {
    pub(super) fn url(&self) -> String {
        self.uri.to_string()
    }

    /// Asks, and goes where redirects lead.
    async fn ask(
        &mut self,
        asked: Asked,
        condition: Option<(HeaderName, HeaderValue)>,
    ) -> Result<Response<ClientBody>, GetError> {
        let ask = self.of(asked);
        for _ in 0..=self.redirects_most {
            let mut request = Request::get(self.uri.clone());
            match (request.headers_mut(), &self.program) {
                (Some(headers), Some(program)) => headers.clone_from(program),
                _ => request = request.header(header::USER_AGENT, AGENT),
            }
            for field in ask.fields("") {
                let mut value = Vec::new();
                field.value.encode_into(&mut value);
                request = request.header(field.name, value);
            }
            if let Some((name, value)) = &condition {
                request = request.header(name, value);
            }
            let request = request
                .body(no_body())
                .map_err(|_| GetError::Url { url: self.url() })?;
            let response = self.client.request(request).await?;
            let Some(to) = redirect(&response) else {
                return Ok(response);
            };
            self.uri = resolve(&self.uri, &to).ok_or_else(|| GetError::Redirect {
                url: self.url(),
                to: String::from_utf8_lossy(&to).into_owned(),
            })?;
        }
        Err(GetError::Redirects {
            url: self.url(),
            most: self.redirects_most,
        })
    }

    const fn of(&self, asked: Asked) -> Ask {
        Ask {
            asked,
            settings: self.settings,
        }
    }

    /// The first request: for content information where `encoded`, else for the content.
    pub(super) async fn first(
        &mut self,
        range: Option<ContentRange>,
        encoded: bool,
        information_bytes_most: u64,
    ) -> Result<First, GetError> {
        if encoded {
            let asked = Asked::Content(range);
            let response = self.ask(asked, None).await?;
            let fields = fields(response.headers());
            match self
                .of(asked)
                .understand(response.status().as_u16(), &fields)
            {
                Meaning::NoContent => return Err(self.refused(&response)),
                Meaning::Plain {
                    make_hash_request, ..
                } => {
                    let plain = Plain {
                        has_hashes_later: make_hash_request,
                        ..self.plain(response)
                    };
                    return Ok(First::Plain(Box::new(plain)));
                }
                Meaning::ContentInformation {
                    content_length,
                    range,
                    ..
                } => {
                    let described = self.described(
                        asked,
                        response,
                        content_length,
                        range,
                        information_bytes_most,
                    );
                    if let Some((described, metadata_bytes)) = described.await {
                        return Ok(First::Described {
                            described: Box::new(described),
                            metadata_bytes,
                        });
                    }
                }
                Meaning::Unusable(rejected) => {
                    tracing::warn!(url = %self.uri, %rejected, "an answer that cannot be used; asking plainly");
                }
            }
        }
        let asked = Asked::Plainly(range);
        let response = self.ask(asked, None).await?;
        match self
            .of(asked)
            .understand(response.status().as_u16(), &fields(response.headers()))
        {
            Meaning::Plain { .. } => Ok(First::Plain(Box::new(self.plain(response)))),
            Meaning::Unusable(rejected) => Err(GetError::Origin {
                url: self.url(),
                why: rejected.to_string(),
            }),
            _ => Err(self.refused(&response)),
        }
    }

    fn refused(&self, response: &Response<ClientBody>) -> GetError {
        GetError::Status {
            url: self.url(),
            status: response.status(),
        }
    }

    fn plain(&mut self, response: Response<ClientBody>) -> Plain {
        self.validator = Validator::of(response.headers());
        let length = length_of(&response);
        Plain {
            response,
            length,
            has_hashes_later: false,
        }
    }

    /// Asks for the hashes of what came plainly.
    pub(super) async fn hashes(
        &mut self,
        range: Option<ContentRange>,
        bytes_most: u64,
    ) -> (HashAnswer, Option<(Described, u64)>) {
        let asked = Asked::Hashes(range);
        let response = match self.ask(asked, None).await {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!(%error, "no answer to a hash request");
                return (HashAnswer::Nothing, None);
            }
        };
        let (status, fields) = (response.status().as_u16(), fields(response.headers()));
        match self.of(asked).understand(status, &fields) {
            Meaning::ContentInformation {
                content_length,
                range,
                ..
            } => {
                let described = self.described(asked, response, content_length, range, bytes_most);
                match described.await {
                    Some(found) => (HashAnswer::ContentInformation, Some(found)),
                    None => (HashAnswer::Nothing, None),
                }
            }
            // The content comes again, and is not read: the connection ends.
            Meaning::Plain {
                make_hash_request: true,
                ..
            } => (HashAnswer::StillLater, None),
            _ => (HashAnswer::Nothing, None),
        }
    }

    /// `None`: it cannot be used.
    pub(super) async fn described(
        &mut self,
        asked: Asked,
        response: Response<ClientBody>,
        content_length: u64,
        range: Option<ContentRange>,
        bytes_most: u64,
    ) -> Option<(Described, u64)> {
        self.validator = Validator::of(response.headers());
        let rejected = |why: &dyn std::fmt::Display| {
            tracing::warn!(%why, "content information that cannot be used; asking plainly");
        };
        let bytes = match whole(response, bytes_most).await {
            Ok(bytes) => bytes,
            Err(why) => {
                rejected(&why);
                return None;
            }
        };
        let metadata_bytes = bytes.len() as u64;
        let info = OwnedContentInfo::decode(bytes)
            .map_err(|why| rejected(&why))
            .ok()?;
        let checked = self.of(asked).check(content_length, range, &info.view());
        checked.map_err(|why| rejected(&why)).ok()?;
        let described = Described::new(info);
        if described.is_none() {
            rejected(&"it contradicts itself or leaves content out");
        }
        Some((described?, metadata_bytes))
    }

    /// Bytes of the content that no peer had. `conditional`: only of the state that was begun with.
    pub(super) async fn range(
        &mut self,
        asked: Asked,
        range: ContentRange,
        conditional: bool,
    ) -> Result<Ranged, GetError> {
        let condition = self.validator.clone().filter(|_| conditional);
        let response = self.ask(asked, condition.map(Validator::condition)).await?;
        let status = response.status();
        if status == StatusCode::PRECONDITION_FAILED || status == StatusCode::RANGE_NOT_SATISFIABLE
        {
            return Ok(Ranged::Changed);
        }
        match self
            .of(asked)
            .understand(status.as_u16(), &fields(response.headers()))
        {
            Meaning::Plain {
                range: Some(came), ..
            } if came == range => {
                let now = Validator::modified(response.headers());
                let has_changed = match (&self.validator, now) {
                    (Some(Validator::Modified(before)), Some(now)) => *before != now,
                    _ => false,
                };
                Ok(if has_changed {
                    Ranged::Changed
                } else {
                    Ranged::Body(Box::new(response.into_body()))
                })
            }
            Meaning::Plain { range: None, .. } => Ok(Ranged::NoRanges),
            Meaning::Plain { .. } => Err(GetError::Origin {
                url: self.url(),
                why: "it answered with another range than the one asked for".into(),
            }),
            Meaning::Unusable(rejected) => Err(GetError::Origin {
                url: self.url(),
                why: rejected.to_string(),
            }),
            _ => Err(self.refused(&response)),
        }
    }
}

impl Validator {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let tag = headers.get(header::ETAG);
        let strong = tag.filter(|tag| tag.as_bytes().starts_with(b"\""));
        let strong = strong.cloned().map(Self::Tag);
        strong.or_else(|| Self::modified(headers).map(Self::Modified))
    }

    fn modified(headers: &HeaderMap) -> Option<HeaderValue> {
        headers.get(header::LAST_MODIFIED).cloned()
    }

    fn condition(self) -> (HeaderName, HeaderValue) {
        match self {
            Self::Tag(tag) => (header::IF_MATCH, tag),
            Self::Modified(date) => (header::IF_UNMODIFIED_SINCE, date),
        }
    }
}

pub(super) fn fields(headers: &HeaderMap) -> ResponseFields {
    let mut fields = ResponseFields::new();
    for (name, value) in headers {
        fields.add(name.as_str().as_bytes(), value.as_bytes());
    }
    fields
}

fn length_of(response: &Response<ClientBody>) -> Option<u64> {
    let text = response.headers().get(header::CONTENT_LENGTH)?;
    text.to_str().ok()?.trim().parse().ok()
}

fn redirect(response: &Response<ClientBody>) -> Option<Vec<u8>> {
    use StatusCode as S;
    let leads_on = [
        S::MOVED_PERMANENTLY,
        S::FOUND,
        S::SEE_OTHER,
        S::TEMPORARY_REDIRECT,
        S::PERMANENT_REDIRECT,
    ];
    let to = response.headers().get(header::LOCATION)?;
    leads_on
        .contains(&response.status())
        .then(|| to.as_bytes().to_vec())
}

async fn whole(response: Response<ClientBody>, bytes_most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| error.to_string())?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if (bytes.len() + data.len()) as u64 > bytes_most {
            return Err(format!("it has more than {bytes_most} bytes"));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
