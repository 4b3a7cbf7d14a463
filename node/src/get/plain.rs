//! Content fetched plainly, with nothing of PeerDist.
//! Invariant: a body that breaks off is continued from the same state of the content, or there is no content.
//! Byte order: none.

use std::fs::File;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use http_body_util::BodyExt;
use peerdist::content::ContentRange;
use peerdist::http_encoding::Asked;

use super::error::GetError;
use super::origin::{Origin, Plain, Ranged};
use super::report::{Observer, Progress};
use super::settings::Settings;
use super::stream::{Piece, Stream};
use crate::net::Network;
use crate::world::offload;

/// Where a plain body goes.
pub(super) enum Into<'a> {
    File(&'a File),
    Stream(&'a Stream),
}

/// Fetches the body; tells its bytes.
pub(super) async fn receive<N: Network>(
    origin: &mut Origin<N>,
    first: Plain,
    start: u64,
    into: &Into<'_>,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<u64, GetError> {
    let length = first.length;
    let mut received = 0;
    let mut body = first.response.into_body();
    let mut continuations = 0;
    loop {
        let Err(why) = pump(&mut body, &mut received, length, into, settings, observer).await
        else {
            return Ok(received);
        };
        let why = why?;
        let broke_off = GetError::BrokeOff {
            url: origin.url(),
            received,
            length,
            why,
        };
        let rest = length.and_then(|length| length.checked_sub(received));
        let Some(rest) = rest.filter(|rest| *rest > 0 && origin.validator.is_some()) else {
            return Err(broke_off);
        };
        if continuations >= settings.continuations_most {
            return Err(broke_off);
        }
        continuations += 1;
        let range = ContentRange {
            start: start + received,
            length: rest,
        };
        match origin.range(Asked::Plainly(Some(range)), range, true).await {
            Ok(Ranged::Body(rest)) => body = *rest,
            Ok(Ranged::Changed) => return Err(GetError::Changed { url: origin.url() }),
            Ok(Ranged::NoRanges) | Err(_) => return Err(broke_off),
        }
    }
}

/// Reads a body to its end. The inner error ends everything.
async fn pump(
    body: &mut crate::http::client::ClientBody,
    received: &mut u64,
    length: Option<u64>,
    into: &Into<'_>,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<(), Result<String, GetError>> {
    let mut gathered = Vec::new();
    loop {
        let frame = body.frame().await;
        let (data, end) = match frame {
            Some(Ok(frame)) => (frame.into_data().unwrap_or_default(), None),
            Some(Err(error)) => (Bytes::new(), Some(Err(Ok(error.to_string())))),
            None => (Bytes::new(), Some(Ok(()))),
        };
        match into {
            Into::Stream(stream) => {
                *received += data.len() as u64;
                if !data.is_empty() {
                    stream.push(Piece::Bytes(data));
                }
                while stream.backlog.bytes() > settings.write_bytes as u64 && !stream.has_ended() {
                    let patience = tokio::time::Duration::from_millis(100);
                    let _ = tokio::time::timeout(patience, stream.backlog.shrunk()).await;
                }
                if stream.has_ended() {
                    return Err(Err(GetError::ReaderWentAway));
                }
            }
            Into::File(file) => {
                gathered.extend_from_slice(&data);
                if gathered.len() >= settings.write_bytes || end.is_some() {
                    gathered = write(file, gathered, *received).await.map_err(Err)?;
                    *received += gathered.len() as u64;
                    gathered.clear();
                }
            }
        }
        let mut progress = Progress {
            length,
            ..Progress::default()
        };
        progress.shares.origin = *received;
        observer.progress(&progress);
        match end {
            None => {}
            Some(Ok(())) if length.is_some_and(|length| *received < length) => {
                return Err(Ok("the server closed the connection".into()));
            }
            Some(end) => return end,
        }
    }
}

async fn write(file: &File, bytes: Vec<u8>, at: u64) -> Result<Vec<u8>, GetError> {
    let failed = |source| GetError::Write {
        what: "the content".into(),
        source,
    };
    let file = file.try_clone().map_err(failed)?;
    let written = offload(move || {
        file.write_all_at(&bytes, at)?;
        Ok(bytes)
    });
    written
        .await
        .map_err(|error| failed(std::io::Error::other(error)))?
        .map_err(failed)
}
