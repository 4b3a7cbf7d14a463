//! A hosted cache, right or wrong in one way.
//! Invariant: what it can verify it keeps verified; what it cannot it keeps as it came, and never in place of the other.
//! Byte order: that of MS-PCHC.

mod fetch;
mod offers;
mod serving;

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Stage;
use super::server::Server;
use crate::targets::Targets;
use crate::targets::hosted_cache::HostedCache;
use crate::wire::content_info::{Segment, Version};

/// How long it waits for a request.
const IDLE: Duration = Duration::from_secs(60);

mistakes! {
    HostedCache;
    NoSize "cache-no-size" "leaves out the size in front of a response" "pchc-cache-response-to-initial-offer";
    SizeCountsItself "cache-size-counts-itself" "counts the size field in the size in front" "pchc-cache-response-to-batch";
    LongCode "cache-long-code" "writes the code in four bytes" "pchc-cache-response-to-segment-info";
    InterestedInBatch "cache-interested-in-batch" "is interested in a batch" "pchc-cache-batch";
    InterestedInInfo "cache-interested-in-info" "is interested in what it was just told" "pchc-cache-segment-info-after-offer";
    AlwaysOk "cache-always-ok" "says OK to segments of which it has no hashes" "pchc-cache-unknown-segment";
    AlwaysInterested "cache-always-interested" "is interested in segments of which it has all hashes" "pchc-cache-known-segment";
    PartIsEnough "cache-part-is-enough" "says OK when it has some of the hashes" "pchc-cache-partial-hashes";
    BatchOverHttps "cache-batch-over-https" "takes version 2.0 over HTTPS" "pchc-cache-batch-over-https";
    Version1OverHttp "cache-1.0-over-http" "takes version 1.0 over HTTP" "pchc-cache-initial-offer-over-http";
    InfoOverHttp "cache-info-over-http" "refuses the hashes over HTTP, and fetches by them" "pchc-cache-segment-info-over-http";
    BothPaths "cache-both-paths" "serves both paths at both ports" "pchc-cache-paths-swapped";
    LooksAtPadding "cache-looks-at-padding" "wants zeros for the padding of the header" "pchc-cache-header-padding";
    LooksBehindPort "cache-looks-behind-port" "wants zeros behind the port" "pchc-cache-connection-padding";
    AnyPath "cache-any-path" "takes offers at every path" "pchc-cache-other-path";
    AnyMethod "cache-any-method" "answers GET with a response message" "pchc-cache-get";
    DropsSecond "cache-drops-second" "closes the connection after a response without saying so" "pchc-cache-connection-kept";
    ReadsOnce "cache-reads-once" "takes what the first packet brings for the offer" "pchc-cache-byte-by-byte";
    OneAtATime "cache-one-at-a-time" "serves one connection after the other" "pchc-cache-idle-connections";
    NoTls "cache-no-tls" "takes version 1.0 in clear" "pchc-cache-certificate";
    AuthenticatesHttp "cache-authenticates-http" "wants authentication over HTTP" "pchc-cache-no-authentication-over-http";
    NoAuthentication "cache-no-authentication" "takes offers of anybody where it is to authenticate" "pchc-cache-authentication";
    TakesMinor "cache-takes-minor" "does not look at the minor version" "pchc-cache-v2-version";
    TakesUnknownType "cache-takes-unknown-type" "takes every type for the one of its path" "pchc-cache-v2-type";
    TakesSurplus "cache-takes-surplus" "ignores bytes behind the last descriptor" "pchc-cache-v2-surplus";
    TakesEmptyBatches "cache-takes-empty-batches" "takes batches without a descriptor" "pchc-cache-v2-no-descriptor";
    TakesLongBatches "cache-takes-long-batches" "takes batches of any length" "pchc-cache-v2-129-descriptors";
    TakesAnyTagSize "cache-takes-any-tag-size" "does not look at SizeOfContentTag" "pchc-cache-v2-size-of-content-tag";
    TakesAnyHash "cache-takes-any-hash" "does not look at HashAlgorithm" "pchc-cache-v2-hash-algorithm";
    TakesAnyId "cache-takes-any-id" "takes segment ids of any length" "pchc-cache-v1-id-length";
    AnswersEmpty "cache-answers-empty" "answers an offer without a byte" "pchc-cache-empty-body";
    TakesManySegments "cache-takes-many-segments" "takes the first of several segments" "pchc-cache-information-segments";
    IgnoresBlockSize "cache-ignores-block-size" "does not look at cbBlockSize" "pchc-cache-information-block-size";
    IgnoresSurplusOfInfo "cache-ignores-surplus-of-info" "ignores bytes behind content information" "pchc-cache-information-surplus";
    RefusesReadBytesZero "cache-refuses-read-bytes-0" "wants the length of the segment for dwReadBytesInLastSegment" "pchc-cache-read-bytes-zero";
    RefusesOffset "cache-refuses-offset" "takes the first segment of a content alone" "pchc-cache-later-segment";
    OnlySha256 "cache-only-sha-256" "knows no SHA-384" "pchc-cache-sha-384";
    NeedsOffer "cache-needs-offer" "takes hashes only after an offer" "pchc-cache-segment-info";
    FromItself "cache-from-itself" "fetches from its own address" "pchc-cache-address-of-the-offer";
    PortOfSource "cache-port-of-source" "fetches from the port that the offer came from" "pchc-cache-batch";
    FirstOfBatch "cache-first-of-batch" "fetches the first segment of a batch alone" "pchc-cache-batch-of-several";
    FirstBlock "cache-first-block" "fetches the first block of a segment alone" "pchc-cache-one-byte-segment";
    BatchesHaveOneBlock "cache-batches-have-one-block" "takes all segments of a batch for those of version 2.0" "pchc-cache-batch-sha-256";
    ForgetsTheRest "cache-forgets-the-rest" "never fetches what the first client had not" "pchc-cache-missing-blocks-of-another";
    DoesNotVerify "cache-does-not-verify" "takes blocks for what they are said to be" "pchc-cache-wrong-blocks";
    VerifiesAnyHash "cache-verifies-any-hash" "takes a block that has the hash of any block of the segment" "pchc-cache-other-blocks";
    IgnoresHashOfData "cache-ignores-hash-of-data" "does not hold the block hashes against HoD" "pchc-cache-hashes-at-odds-with-the-segment";
    OverwritesVerified "cache-overwrites-verified" "lets later blocks take the place of verified ones" "pchc-cache-verified-stays";
    OverwritesHeld "cache-overwrites-held" "fetches what it has again" "pchc-cache-held-stays";
    KeepsUnverified "cache-keeps-unverified" "keeps what it could not verify when it could" "pchc-cache-verified-heals";
    IgnoresIdOfBlock "cache-ignores-id-of-block" "does not look which segment a block is said to be of" "pchc-cache-blocks-of-other-segment";
    KeepsEmpty "cache-keeps-empty" "keeps empty blocks as blocks" "pchc-cache-client-without-blocks";
    OneFetchAtATime "cache-one-fetch-at-a-time" "fetches from one client after the other, and waits for ever" "pchc-cache-silent-client";
    AsksForAll "cache-asks-for-all" "asks for all blocks in one request" "pchc-cache-asks-one-block-at-a-time";
    AsksForOther "cache-asks-for-other" "asks for blocks in an encryption that does not exist" "pchc-cache-asks-for-known-algorithms";
    AsksSegmentLists "cache-asks-segment-lists" "asks clients which segments they have" "pchc-cache-asks-no-segment-lists";
    ListsOffered "cache-lists-offered" "lists what it was offered" "pchc-cache-offered-is-not-held";
    SegmentsFromOne "cache-segments-from-1" "counts places in segment lists from 1" "pchc-cache-segment-list";
    ChokesOnBlob "cache-chokes-on-blob" "discards segment list requests with a blob" "pchc-cache-segment-list-blob";
    OffersAlone "cache-offers-alone" "serves no blocks" "pchc-cache-serves-after-the-client";
}

/// Starts one.
pub(super) fn stage(mistake: Option<Mistake>) -> io::Result<Stage> {
    let state = Arc::new(State {
        mistake,
        entries: Mutex::default(),
        offered: Mutex::default(),
        one_fetch: Mutex::default(),
    });
    let one_at_a_time = mistake == Some(Mistake::OneAtATime);
    let (config, serving) = (tls()?, Arc::clone(&state));
    let http = Server::start(one_at_a_time, move |tcp| {
        serving.serve_clear(tcp, Port::Http);
    })?;
    let mut https = Vec::new();
    for port in [Port::Https, Port::Authenticated] {
        let (serving, config) = (Arc::clone(&state), Arc::clone(&config));
        let is_clear = mistake == Some(Mistake::NoTls);
        https.push(Server::start(one_at_a_time, move |tcp| {
            if is_clear {
                serving.serve_clear(tcp, port);
            } else {
                serving.serve_tls(tcp, Arc::clone(&config), port);
            }
        })?);
    }
    let target = HostedCache {
        http: http.address,
        https: https.first().map(|server| server.address),
        https_authenticated: https.last().map(|server| server.address),
    };
    Ok(Stage {
        targets: Targets {
            hosted_cache: Some(target),
            ..Targets::default()
        },
        _keep: Box::new((http, https)),
    })
}

fn tls() -> io::Result<Arc<ServerConfig>> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.map_err(io::Error::other)?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        });
    config.map(Arc::new).map_err(io::Error::other)
}

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Http,
    Https,
    /// HTTPS, for clients that say who they are.
    Authenticated,
}

impl Port {
    const fn version(self) -> Version {
        match self {
            Self::Http => Version::V2,
            Self::Https | Self::Authenticated => Version::V1,
        }
    }
}

/// A block as it is kept.
#[derive(Debug, Clone)]
enum Kept {
    Verified(Vec<u8>),
    /// As it came.
    Sealed {
        algorithm: u32,
        iv: Vec<u8>,
        bytes: Vec<u8>,
    },
}

/// What is known of a segment.
#[derive(Debug, Default)]
struct Entry {
    /// What describes it, once the hashes were held against HoD.
    segment: Option<Segment>,
    blocks: BTreeMap<u32, Kept>,
    /// The blocks that it was said to have.
    offered: u32,
}

#[derive(Debug)]
struct State {
    mistake: Option<Mistake>,
    entries: Mutex<BTreeMap<Vec<u8>, Entry>>,
    /// Ids of INITIAL_OFFER_MESSAGE.
    offered: Mutex<Vec<Vec<u8>>>,
    /// Held while a client is asked, by who asks one client after the other.
    one_fetch: Mutex<()>,
}

impl State {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve_clear(self: &Arc<Self>, tcp: TcpStream, port: Port) {
        if let Ok(reading) = tcp.try_clone() {
            // A connection that ends in an error has ended; nobody waits to hear why.
            let _ = self.serve(&reading, tcp, port);
        }
    }

    fn serve_tls(self: &Arc<Self>, tcp: TcpStream, config: Arc<ServerConfig>, port: Port) {
        let Ok(reading) = tcp.try_clone() else { return };
        if let Ok(tls) = ServerConnection::new(config) {
            // As above.
            let _ = self.serve(&reading, StreamOwned::new(tls, tcp), port);
        }
    }
}
