//! A download from its first request to its report.
//! Invariant: the file gets its name only when every byte of it was verified, or came whole and plainly.
//! Byte order: none.

mod afterwards;
pub(crate) mod announced;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::hosted_cache::client::ClientSettings as OfferSettings;
use sha2::{Digest, Sha256};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::described::Described;
use super::discovery::Discovery;
use super::driver::{Driver, Ended, Parts};
use super::error::GetError;
use super::head_start::{self, HeadStart};
use super::local;
use super::offers::Offers;
use super::origin::{First, Origin};
use super::pace::Pace;
use super::peers::Peers;
use super::plain;
use super::report::{Observer, Report, Shares};
use super::request::{Destination, HostedCache, Mode, Request, Sharing};
use super::share::Shelf;
use super::stream::Stream;
use super::workers::Bench;
use crate::counters::RetrievalCounters;
use crate::http::client::Client;
use crate::net::Network;
use crate::output::Partial;
use crate::peer::Peer;
use crate::spare::Spare;
use crate::world::offload;

/// Bytes that are read at a time for the digest of a whole file.
const HASH_BYTES: usize = 1 << 20;

/// What all attempts have in common.
struct Fetching<N> {
    network: N,
    request: Arc<Request>,
    origin: Origin<N>,
    peer_client: Client<N>,
    /// Where a peer of this process serves what is kept.
    peer_port: Option<u16>,
    metadata_bytes: u64,
    lies: u64,
    rejected: u64,
    restarts: u32,
}

/// What an attempt came to.
enum Attempt<N> {
    Done(Box<Got<N>>),
    /// Begin anew: the content is another.
    Changed,
    /// The origin does not have what its content information says.
    Differs,
    /// The origin gives the whole only: fetch it plainly.
    NoRanges,
}

struct Got<N> {
    shares: Shares,
    is_described: bool,
    /// How often each segment was offered, of those that were looked for.
    replies: BTreeMap<SegmentId, Replies>,
    /// It came plainly, but the origin will have hashes of it.
    has_hashes_later: bool,
    sha256: Option<Sha256>,
    sharing: Option<Serving>,
    /// What the hosted cache is still to be told, and to fetch.
    offers: Option<Offers<N>>,
}

/// Others are being served, until this goes.
struct Serving {
    _stop: DropGuard,
    share_for_ms: u64,
    lingers: bool,
    blocks_given: Arc<RetrievalCounters>,
    peer: Peer<Shelf>,
}

impl Serving {
    /// Whether others took this many blocks, to the last byte: they count before they leave.
    fn gave(&self, blocks: u64) -> bool {
        self.blocks_given.blocks.get() >= blocks && self.peer.service().active_clients() == 0
    }
}

/// Fetches content.
///
/// # Errors
/// [`GetError`] says why there is none. No file has its final name then, and a stream got no byte that is not of the
/// content.
pub async fn fetch<N: Network>(
    network: &N,
    request: Request,
    observer: &mut dyn Observer,
) -> Result<Report, GetError> {
    let began = tokio::time::Instant::now();
    let url = request.url.split('#').next().unwrap_or_default();
    let uri: http::Uri = url.parse().map_err(|_| GetError::Url {
        url: request.url.clone(),
    })?;
    if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(GetError::Url {
            url: request.url.clone(),
        });
    }
    let request = Arc::new(request);
    let settings = &request.settings;
    let origin = Origin {
        client: Client::new(network.clone(), request.tls.clone(), settings.origin),
        uri,
        settings: settings.encoding,
        redirects_most: settings.redirects_most,
        program: None,
        validator: None,
    };
    let mut fetching = Fetching {
        network: network.clone(),
        request: Arc::clone(&request),
        origin,
        peer_client: Client::new(network.clone(), request.tls.clone(), settings.peers),
        peer_port: None,
        metadata_bytes: 0,
        lies: 0,
        rejected: 0,
        restarts: 0,
    };
    // Before anything is asked for: what cannot be written is not fetched.
    let mut partial = match &request.destination {
        Destination::File(path) => Some(Partial::open(path)?),
        Destination::Stream(_) => None,
    };
    let mut got = fetching.until_done(partial.as_mut(), observer).await?;
    let bytes = got.shares.total();
    let file = partial.map(|partial| partial.finish(bytes)).transpose()?;
    // The content is there, under its name: what follows is for others.
    let elapsed = began.elapsed();
    if let (Some(file), true) = (&file, got.has_hashes_later) {
        let (sharing, offers) = fetching.afterwards(file).await.unzip();
        (got.sharing, got.offers) = (sharing, offers.flatten());
    }
    tokio::join!(
        flush(&request, got.replies),
        fetching.until_fetched(got.offers, got.sharing.as_ref())
    );
    let sha256 = match (file, got.sha256) {
        _ if !request.wants_sha256 => None,
        (None, hash) => hash.map(|hash| hash.finalize().into()),
        (Some(file), _) => Some(hash_file(file, bytes).await?.finalize().into()),
    };
    if let Some(serving) = got.sharing.filter(|serving| serving.lingers) {
        let rest = tokio::time::Duration::from_millis(serving.share_for_ms);
        tokio::select! {
            biased;
            () = request.stop.cancelled() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
    Ok(Report {
        bytes,
        shares: got.shares,
        metadata_bytes: fetching.metadata_bytes,
        is_described: got.is_described,
        elapsed,
        sha256,
        lies: fetching.lies,
        rejected: fetching.rejected,
        restarts: fetching.restarts,
    })
}

/// Brings to the store what is known of the segments, and all of it to the disk.
async fn flush(request: &Request, replies: BTreeMap<SegmentId, Replies>) {
    if let Some(cache) = request.cache.clone() {
        let flushed = offload(move || {
            for (id, replies) in replies {
                cache.note_replies(&id, replies)?;
            }
            cache.flush()
        })
        .await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "the store could not keep everything");
        }
    }
}

async fn hash_file(file: File, length: u64) -> Result<Sha256, GetError> {
    let failed = |source| GetError::Write {
        what: "the content".into(),
        source,
    };
    let hashing = offload(move || {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; HASH_BYTES];
        let mut at = 0;
        while at < length {
            match file.read_at(&mut buffer, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    hash.update(buffer.get(..read).unwrap_or_default());
                    at += read as u64;
                }
            }
        }
        Ok(hash)
    });
    hashing
        .await
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(failed)
}

impl<N: Network> Fetching<N> {
    async fn until_done(
        &mut self,
        mut partial: Option<&mut Partial>,
        observer: &mut dyn Observer,
    ) -> Result<Got<N>, GetError> {
        let mut encoded = self.request.mode != Mode::Off;
        loop {
            let attempt = self
                .attempt(partial.as_deref_mut(), encoded, observer)
                .await?;
            let error = match attempt {
                Attempt::Done(got) => return Ok(*got),
                Attempt::NoRanges if self.request.described_only => {
                    return Err(GetError::Origin {
                        url: self.origin.url(),
                        why: "it sends the whole where a range is asked for".into(),
                    });
                }
                Attempt::NoRanges => {
                    encoded = false;
                    continue;
                }
                Attempt::Changed => GetError::Changed {
                    url: self.origin.url(),
                },
                Attempt::Differs => GetError::Differs {
                    url: self.origin.url(),
                },
            };
            // A reader of a stream cannot be given the beginning a second time.
            if partial.is_none() || self.restarts >= self.request.settings.restarts_most {
                return Err(error);
            }
            self.restarts += 1;
            tracing::warn!(why = %error, "beginning anew");
        }
    }

    async fn attempt(
        &mut self,
        partial: Option<&mut Partial>,
        encoded: bool,
        observer: &mut dyn Observer,
    ) -> Result<Attempt<N>, GetError> {
        let request = Arc::clone(&self.request);
        let most = request.settings.content_information_bytes_most;
        match self.origin.first(request.range, encoded, most).await? {
            First::Plain(_) if request.described_only => Err(GetError::NotDescribed {
                url: self.origin.url(),
            }),
            First::Plain(first) => {
                let start = request.range.map_or(0, |range| range.start);
                let has_hashes_later = first.has_hashes_later;
                let settings = &request.settings;
                let (bytes, sha256) = match (partial, &request.destination) {
                    (Some(partial), _) => {
                        partial.keep(false);
                        let file = partial.file();
                        file.set_len(0).map_err(|source| GetError::Write {
                            what: "the content".into(),
                            source,
                        })?;
                        let into = plain::Into::File(file);
                        (
                            plain::receive(
                                &mut self.origin,
                                *first,
                                start,
                                &into,
                                settings,
                                observer,
                            )
                            .await?,
                            None,
                        )
                    }
                    (None, Destination::Stream(to)) => {
                        let stream = Stream::start(to.clone(), None, request.wants_sha256);
                        let into = plain::Into::Stream(&stream);
                        let bytes = plain::receive(
                            &mut self.origin,
                            *first,
                            start,
                            &into,
                            settings,
                            observer,
                        )
                        .await?;
                        (bytes, Some(stream.finish().await?))
                    }
                    (None, Destination::File(_)) => {
                        return Err(GetError::Settings("a file without its part"));
                    }
                };
                let shares = Shares {
                    origin: bytes,
                    ..Shares::default()
                };
                Ok(Attempt::Done(Box::new(Got {
                    shares,
                    is_described: false,
                    replies: BTreeMap::new(),
                    has_hashes_later,
                    sha256,
                    sharing: None,
                    offers: None,
                })))
            }
            First::Described {
                described,
                metadata_bytes,
            } => {
                self.metadata_bytes += metadata_bytes;
                self.described(Arc::new(*described), partial, observer)
                    .await
            }
        }
    }

    async fn described(
        &mut self,
        described: Arc<Described>,
        mut partial: Option<&mut Partial>,
        observer: &mut dyn Observer,
    ) -> Result<Attempt<N>, GetError> {
        let request = Arc::clone(&self.request);
        let failed = |source| GetError::Write {
            what: "the content".into(),
            source,
        };
        let file = partial
            .as_ref()
            .map(|partial| partial.file().try_clone())
            .transpose()
            .map_err(failed)?;
        let bench = Arc::new(Bench {
            described: Arc::clone(&described),
            file,
            cache: request.cache.clone(),
            spare: Spare::default(),
        });
        let stream = match &request.destination {
            Destination::Stream(to) => Some(Stream::start(
                to.clone(),
                Some(Arc::clone(&bench)),
                request.wants_sha256,
            )),
            Destination::File(_) => None,
        };
        // A reader does not wait until all is looked at that the store has.
        let ahead = request.settings.of_v1.ahead_bytes_limit;
        let start = match &stream {
            Some(to) => head_start::hand_on(&bench, to, ahead, observer, &request.stop).await?,
            None => HeadStart::default(),
        };
        let looking = Arc::clone(&bench);
        let have = offload(move || local::blocks(&looking, start.have)).await;
        let have = have
            .map_err(|error| failed(io::Error::other(error)))?
            .map_err(failed)?;
        let (shelf, serving, port) = match (&request.sharing, partial.as_ref()) {
            (Some(sharing), Some(partial)) => {
                let file = partial.reader().map_err(failed)?;
                let shelf = Arc::new(Shelf::new(&described, file, &have, request.clock.now()));
                let (serving, port) = self.serve(sharing, &shelf).await?;
                (Some(shelf), Some(serving), port)
            }
            _ => (None, None, self.peer_port.unwrap_or_default()),
        };
        let hosted = match &request.mode {
            Mode::Hosted(hosted) => Some(hosted),
            _ => None,
        };
        let given = serving.as_ref().map(|serving| &serving.blocks_given);
        let offers = hosted.and_then(|hosted| self.offers(hosted, port, &described, given));
        let distributed = request.mode == Mode::Distributed;
        let parts = Parts {
            origin: self.origin.clone(),
            peer_client: self.peer_client.clone(),
            bench,
            have,
            handed_on: start.until,
            stream,
            shelf,
            peers: Peers::new(hosted.map(|hosted| hosted.retrieval.as_str())),
            is_hosted: hosted.is_some(),
            discovery: if distributed {
                request.discovery.clone()
            } else {
                Discovery::Nobody
            },
            order: request.order,
            settings: request.settings,
            seed: request.seed,
            clock: request.clock,
            // A server that knows no entity tag of content information would never agree.
            conditional: self.restarts < request.settings.restarts_most,
            offers,
        };
        let mut driver = Driver::new(parts)?;
        let ended = driver.run(observer, &request.stop).await;
        self.lies += driver.lies;
        self.rejected += driver.rejected;
        let shares = driver.progress.shares;
        let (stream, offers) = driver.finish().await;
        if let Some(partial) = partial.as_mut() {
            partial.keep(shares.total() > 0);
        }
        let attempt = match ended? {
            Ended::Done => {
                let sha256 = match stream {
                    Some(stream) => Some(stream.finish().await?),
                    None => None,
                };
                return Ok(Attempt::Done(Box::new(Got {
                    shares,
                    is_described: true,
                    replies: described.replies(),
                    has_hashes_later: false,
                    sha256,
                    sharing: serving,
                    offers,
                })));
            }
            Ended::Changed => Attempt::Changed,
            Ended::Differs => Attempt::Differs,
            Ended::NoRanges => Attempt::NoRanges,
        };
        // What a stream was given already cannot be taken back.
        match stream {
            Some(stream) if !matches!(attempt, Attempt::NoRanges) || shares.total() > 0 => {
                drop(stream);
                Err(GetError::Changed {
                    url: self.origin.url(),
                })
            }
            _ => Ok(attempt),
        }
    }

    async fn serve(
        &self,
        sharing: &Sharing,
        shelf: &Arc<Shelf>,
    ) -> Result<(Serving, u16), GetError> {
        let stop = CancellationToken::new();
        let (shelf, options) = (Arc::clone(shelf), sharing.options.clone());
        let started = Peer::start(&self.network, shelf, options, stop.clone());
        let peer = started.await.map_err(|source| GetError::Serve { source })?;
        let serving = Serving {
            _stop: stop.drop_guard(),
            share_for_ms: sharing.share_for_ms,
            lingers: sharing.lingers,
            blocks_given: Arc::clone(&sharing.options.retrieval.counters),
            peer,
        };
        let port = serving.peer.local_addr().port();
        Ok((serving, port))
    }

    fn offers(
        &self,
        hosted: &HostedCache,
        port: u16,
        described: &Arc<Described>,
        given: Option<&Arc<RetrievalCounters>>,
    ) -> Option<Offers<N>> {
        let to = hosted.offers.as_ref().filter(|_| port != 0)?;
        let scheme = match hosted.version {
            peerdist::hosted_cache::Version::V1 => "https",
            peerdist::hosted_cache::Version::V2 => "http",
        };
        let settings = OfferSettings {
            version: hosted.version,
            retrieval_port: port,
            ..OfferSettings::default()
        };
        let base = format!("{scheme}://{to}");
        let (clock, limits) = (self.request.clock, &self.request.settings);
        let (most, still_ms) = (limits.offers_ahead_most, limits.offers_still_ms);
        let pace = Pace::new(most, still_ms, given.cloned(), clock.now());
        let client = self.peer_client.clone();
        Some(Offers::new(client, &base, settings, described, clock, pace))
    }

    /// Waits until the hosted cache fetched what it was offered, or time is up.
    async fn until_fetched(&self, offers: Option<Offers<N>>, serving: Option<&Serving>) {
        let Some(mut offers) = offers else {
            return;
        };
        // The peer of this process serves on; nobody has to wait for that.
        let fetched = |blocks| serving.is_none_or(|serving| serving.gave(blocks));
        let share_for_ms = serving.map_or(self.request.settings.share_ms, |serving| {
            serving.share_for_ms
        });
        let most = tokio::time::Duration::from_millis(share_for_ms);
        let look = tokio::time::Duration::from_millis(20);
        let waiting = async {
            offers.end();
            loop {
                let is_over = offers.is_idle();
                if is_over && fetched(offers.offered_blocks) {
                    return;
                }
                let _ = tokio::time::timeout(look, offers.turn()).await;
            }
        };
        tokio::select! {
            biased;
            () = self.request.stop.cancelled() => {}
            waited = tokio::time::timeout(most, waiting) => {
                if waited.is_err() {
                    tracing::debug!(share_for_ms, "the hosted cache did not fetch all that was for it");
                }
            }
        }
    }
}
