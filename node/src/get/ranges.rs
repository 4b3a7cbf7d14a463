//! Ranges fetched from the origin and cut into blocks as they come.
//! Invariant: a range's bytes in memory are never more than its length.
//! Byte order: none.

use http_body_util::BodyExt;
use peerdist::client::FetchToken;
use peerdist::content::ContentRange;
use peerdist::http_encoding::Asked;
use tokio::sync::mpsc;

use super::happening::Happening;
use super::origin::{Origin, Ranged};
use crate::net::Network;

/// Fetches a range and tells of each block.
pub(super) async fn fetch<N: Network>(
    mut origin: Origin<N>,
    fetch: FetchToken,
    range: ContentRange,
    blocks: Vec<ContentRange>,
    conditional: bool,
    events: mpsc::UnboundedSender<Happening>,
) {
    let failed = |why: String| Happening::OriginFailed { fetch, why };
    let ended = match origin
        .range(Asked::MissingData(range), range, conditional)
        .await
    {
        Ok(Ranged::Body(mut body)) => {
            let mut blocks = blocks.into_iter().peekable();
            let Some(mut block) = blocks.next() else {
                return;
            };
            let mut bytes = Vec::with_capacity(capacity(block));
            loop {
                let data = match body.frame().await {
                    Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                    Some(Err(error)) => break failed(error.to_string()),
                    None => break failed("the range broke off".into()),
                };
                let mut rest = &data[..];
                while !rest.is_empty() {
                    let missing = capacity(block) - bytes.len();
                    let (now, later) = rest.split_at(missing.min(rest.len()));
                    bytes.extend_from_slice(now);
                    rest = later;
                    if bytes.len() < capacity(block) {
                        continue;
                    }
                    let _ = events.send(Happening::OriginBlock {
                        fetch,
                        start: block.start,
                        received: block.end() - range.start,
                        is_last: blocks.peek().is_none(),
                        bytes: std::mem::take(&mut bytes),
                    });
                    let Some(next) = blocks.next() else {
                        // To the end, so that the connection can be used again.
                        let _ = body.frame().await;
                        return;
                    };
                    block = next;
                    bytes.reserve_exact(capacity(block));
                }
            }
        }
        Ok(Ranged::Changed) => Happening::OriginChanged,
        Ok(Ranged::NoRanges) => Happening::OriginWithoutRanges,
        Err(error) => failed(error.to_string()),
    };
    let _ = events.send(ended);
}

fn capacity(block: ContentRange) -> usize {
    usize::try_from(block.length).unwrap_or(usize::MAX)
}
