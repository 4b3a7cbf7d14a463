//! The header fields of a response that came from the service, and what the coding makes of them.
//! Invariant: only a response that may be coded and is known by a validator is ever coded.
//! Byte order: none.

use std::time::{Duration, SystemTime};

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, response};
use peerdist::content::ContentRange;
use peerdist::http_encoding::{Decision, Delivery, PEERDIST, PEERDIST_EX};

use super::entity_tag::{self, EntityTag};
use super::settings::EntityTags;
use crate::world::system_time;

/// How much older than its response a Last-Modified must be to tell one state from another: its unit is a second.
const LAST_MODIFIED_AGE: Duration = Duration::from_secs(2);
/// On what in a request the answer depends.
const VARY: &str = "Accept-Encoding, X-P2P-PeerDist, X-P2P-PeerDistEx";

fn has_directive(headers: &HeaderMap, name: &HeaderName, wanted: &[&str]) -> bool {
    headers.get_all(name).iter().any(|value| {
        value.as_bytes().split(|byte| *byte == b',').any(|item| {
            let item = item.split(|byte| *byte == b'=').next().unwrap_or_default();
            let item = item.trim_ascii();
            wanted
                .iter()
                .any(|word| item.eq_ignore_ascii_case(word.as_bytes()))
        })
    })
}

/// Whether a response is one that the coding may be put on, were it asked for.
pub(super) fn may_be_coded(response: &response::Parts) -> bool {
    let headers = &response.headers;
    let is_content = matches!(
        response.status,
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
    );
    // no-store: not even hashes are kept. no-transform: RFC 9110 7.7. Vary: * names no state that could be found again.
    is_content
        && headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .all(|coding| {
                coding
                    .as_bytes()
                    .trim_ascii()
                    .eq_ignore_ascii_case(b"identity")
            })
        && !has_directive(
            headers,
            &header::CACHE_CONTROL,
            &["no-store", "no-transform"],
        )
        && !has_directive(headers, &header::VARY, &["*"])
}

/// What the service sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes of the whole content.
    pub(super) total: u64,
    /// Which of them came.
    pub(super) delivery: Delivery,
}

impl Extent {
    /// What a body of `body_bytes` is of the content; `None` where that is not said.
    pub(super) fn of(response: &response::Parts, body_bytes: Option<u64>) -> Option<Self> {
        let field = |name| {
            let value: &HeaderValue = response.headers.get(name)?;
            value.to_str().ok()
        };
        if response.status == StatusCode::OK {
            let stated = || field(header::CONTENT_LENGTH)?.trim().parse().ok();
            let total = body_bytes.or_else(stated)?;
            return Some(Self {
                total,
                delivery: Delivery::Whole,
            });
        }
        let (range, total) = field(header::CONTENT_RANGE)?
            .trim()
            .strip_prefix("bytes ")?
            .split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        let length = last.checked_sub(first)?.checked_add(1)?;
        Some(Self {
            total: total.parse().ok()?,
            delivery: Delivery::Part(ContentRange {
                start: first,
                length,
            }),
        })
    }
}

/// By what the state of content that is no file is known.
pub(super) fn validator(headers: &HeaderMap) -> Option<&[u8]> {
    let tag = headers.get(header::ETAG).map(HeaderValue::as_bytes);
    if let Some(tag) = tag.filter(|tag| EntityTag::parse(tag).is_some_and(|tag| !tag.weak)) {
        return Some(tag);
    }
    // Two languages of a page may well have been written in the same second.
    let vary = headers.get_all(header::VARY).iter();
    let is_one = vary.fold(true, |is_one, value| {
        let names = value.as_bytes().split(|byte| *byte == b',');
        let mut names = names.map(<[u8]>::trim_ascii);
        is_one && names.all(|name| name.is_empty() || name.eq_ignore_ascii_case(b"Accept-Encoding"))
    });
    let date = |name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok();
    let now: SystemTime = date(header::DATE).unwrap_or_else(system_time);
    let modified: SystemTime = date(header::LAST_MODIFIED)?;
    let is_old = now
        .duration_since(modified)
        .is_ok_and(|age| age >= LAST_MODIFIED_AGE);
    (is_old && is_one)
        .then(|| headers.get(header::LAST_MODIFIED))
        .flatten()
        .map(HeaderValue::as_bytes)
}

/// Says on what the answer depends, beside what the service says.
pub(super) fn add_vary(headers: &mut HeaderMap) {
    let missing: Vec<&str> = VARY
        .split(", ")
        .filter(|name| !has_directive(headers, &header::VARY, &[name]))
        .collect();
    if let Ok(value) = HeaderValue::from_str(&missing.join(", "))
        && !missing.is_empty()
    {
        headers.append(header::VARY, value);
    }
}

/// The tag of the coded representation instead of the plain one.
pub(super) fn code_tag(headers: &mut HeaderMap, tags: EntityTags) {
    if tags == EntityTags::PerCoding
        && let Some(coded) = headers.get(header::ETAG).and_then(entity_tag::coded)
    {
        headers.insert(header::ETAG, coded);
    }
}

/// Writes what core decided over what the service sent.
pub(super) fn write(headers: &mut HeaderMap, decision: &Decision, coded: Option<u64>) {
    for field in decision.fields() {
        let Ok(value) = HeaderValue::from_str(&field.value.to_string()) else {
            continue;
        };
        match field.name {
            "Content-Encoding" => {
                headers.insert(header::CONTENT_ENCODING, value);
            }
            PEERDIST | PEERDIST_EX | "Connection" => {
                if let Ok(name) = HeaderName::from_bytes(field.name.as_bytes()) {
                    headers.insert(name, value);
                }
            }
            "Cache-Control" => make_private(headers),
            // The service has said the range, and Vary is said of every answer.
            _ => {}
        }
    }
    if let Some(bytes) = coded {
        for of_the_body in ["content-md5", "digest", "content-digest", "repr-digest"] {
            headers.remove(of_the_body);
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
}

/// Content information opens the content to whoever has it: no cache may hand it to another client.
fn make_private(headers: &mut HeaderMap) {
    let mut kept = vec!["private".to_owned()];
    for value in headers.get_all(header::CACHE_CONTROL) {
        let Ok(value) = value.to_str() else { continue };
        let directives = value.split(',').map(str::trim).filter(|directive| {
            let name = directive.split('=').next().unwrap_or_default().trim();
            let of_shared = ["public", "private", "s-maxage", "proxy-revalidate", ""];
            !of_shared.iter().any(|word| name.eq_ignore_ascii_case(word))
        });
        kept.extend(directives.map(str::to_owned));
    }
    if let Ok(value) = HeaderValue::from_str(&kept.join(", ")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

#[cfg(test)]
mod tests;
