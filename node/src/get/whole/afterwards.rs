//! MS-PCCRTP 3.1.5.1: content that came plainly is described afterwards, and then kept and shared like other content.
//! Invariant: only blocks of the file that agree with the hashes are; what goes wrong here is no failure of the download.
//! Byte order: none.

use std::fs::File;
use std::sync::Arc;

use peerdist::client::{DownloadToken, Shared};
use peerdist::http_encoding::{self, ContentToken, HashRequests};
use peerdist::retrieval::BlockSet;

use super::{Fetching, Serving};
use crate::get::described::Described;
use crate::get::local;
use crate::get::offers::Offers;
use crate::get::request::Mode;
use crate::get::share::Shelf;
use crate::get::workers::Bench;
use crate::net::Network;
use crate::spare::Spare;
use crate::world::offload;

const CONTENT: ContentToken = ContentToken(1);

impl<N: Network> Fetching<N> {
    /// Asks for the hashes of what came plainly, and does with it what would have been done with them at once.
    pub(super) async fn afterwards(&mut self, file: &File) -> Option<(Serving, Option<Offers<N>>)> {
        let request = Arc::clone(&self.request);
        let is_hosted = matches!(request.mode, Mode::Hosted(_));
        let sharing = request.sharing.as_ref();
        let sharing = sharing.filter(|sharing| sharing.lingers || is_hosted);
        if sharing.is_none() && request.cache.is_none() {
            return None;
        }
        let described = tokio::select! {
            biased;
            () = request.stop.cancelled() => return None,
            described = self.hashes() => Arc::new(described?),
        };
        let file = file.try_clone().ok()?;
        let bench = Bench {
            described: Arc::clone(&described),
            file: Some(file.try_clone().ok()?),
            // Nothing may be written into the file any more: it has its name.
            cache: None,
            spare: Spare::default(),
        };
        let cache = request.cache.clone();
        let looking = offload(move || {
            let have = local::blocks(&bench, Vec::new())?;
            if let (Some(cache), Some(file)) = (cache, &bench.file) {
                local::keep(&bench.described, file, &*cache, &have)?;
            }
            Ok::<_, std::io::Error>(have)
        });
        let have = match looking.await {
            Ok(Ok(have)) => have,
            failed => {
                tracing::warn!(?failed, "what was fetched cannot be read again");
                return None;
            }
        };
        let shelf = Arc::new(Shelf::new(&described, file, &have, request.clock.now()));
        let served = self.serve(sharing?, &shelf).await;
        let failed = |error: &_| tracing::warn!(%error, "what was fetched is not shared");
        let (serving, port) = served.inspect_err(failed).ok()?;
        let offers = self.offer_all(&described, &have, &serving, port);
        Some((serving, offers))
    }

    async fn hashes(&mut self) -> Option<Described> {
        let settings = self.request.settings;
        let most = settings.content_information_bytes_most;
        let mut machine = HashRequests::new(settings.hash_requests);
        let mut input = http_encoding::Input::MakeHashRequest(CONTENT);
        let mut described = None;
        loop {
            machine.handle(self.request.clock.now(), input).ok()?;
            let mut answered = None;
            while let Some(output) = machine.poll_output() {
                match output {
                    http_encoding::Output::Send(_) => {
                        let asked = self.origin.hashes(self.request.range, most).await;
                        let (answer, found) = asked;
                        self.metadata_bytes += found.as_ref().map_or(0, |(_, bytes)| *bytes);
                        described = found.map(|(described, _)| described);
                        answered = Some(http_encoding::Input::Answered(CONTENT, answer));
                    }
                    http_encoding::Output::Event(http_encoding::Event::Done(_)) => {
                        return described;
                    }
                    http_encoding::Output::Event(event) => {
                        tracing::debug!(?event, "no hashes of what came plainly");
                        return None;
                    }
                }
            }
            input = match answered {
                Some(answered) => answered,
                None => {
                    let due = machine.poll_timeout();
                    self.request.clock.sleep_until(due).await;
                    http_encoding::Input::Timeout
                }
            };
        }
    }

    /// To the hosted cache, if there is one: all of it came from the origin.
    fn offer_all(
        &self,
        described: &Arc<Described>,
        have: &[BlockSet],
        serving: &Serving,
        port: u16,
    ) -> Option<Offers<N>> {
        let Mode::Hosted(hosted) = &self.request.mode else {
            return None;
        };
        let mut offers = self.offers(hosted, port, described, Some(&serving.blocks_given))?;
        for (segment, blocks) in have.iter().enumerate() {
            let Some(wanted) = described.wanted(segment) else {
                break;
            };
            if blocks.len() >= wanted.block_count() {
                offers.offer(&Shared {
                    download: DownloadToken(1),
                    segment,
                    id: wanted.id,
                    blocks: *blocks,
                    from_origin: blocks.len(),
                    is_complete: true,
                });
            }
        }
        Some(offers)
    }
}
