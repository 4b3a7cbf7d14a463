//! A content server, right or wrong in one way.
//! Invariant: it serves two contents, a short and a long one, and neither ever changes.
//! Byte order: that of MS-PCCRC.

mod asked;
mod coding;
mod serving;

use std::collections::BTreeSet;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use super::Stage;
use super::server::Server;
use crate::targets::Targets;
use crate::targets::content_server::ContentServer;
use crate::wire::content_info::ContentInfo;
use crate::wire::digest::Algorithm;

/// What secrets are derived from.
const SECRET_KEY: &[u8] = b"what a content server keeps to itself";
/// Bytes of the short content: several blocks and several segments of version 2.0.
const SHORT_BYTES: usize = 3 * 65_536 + 12_345;
/// Bytes of the long content: two segments of version 1.0.
const LONG_BYTES: usize = (32 << 20) + 100_001;
/// Bytes of a segment of version 2.0.
const SEGMENT_V2_BYTES: usize = 60_001;

mistakes! {
    ContentServer;
    CodesForAll "server-codes-for-all" "codes for clients that did not ask" "pccrtp-server-plain-request";
    NeedsNoAcceptEncoding "server-needs-no-accept-encoding" "takes the version for the client's consent" "pccrtp-server-plain-header-fields-alone";
    AnyCoding "server-any-coding" "takes any Accept-Encoding for its own" "pccrtp-server-plain-other-codings";
    TakesStar "server-takes-star" "codes for clients that accept anything" "pccrtp-server-plain-accept-anything";
    IgnoresQuality "server-ignores-quality" "does not look at q=0" "pccrtp-server-plain-refused";
    SubstringOfCoding "server-substring-of-coding" "looks for the name anywhere in Accept-Encoding" "pccrtp-server-plain-similar-name";
    CodesForEver "server-codes-for-ever" "codes all that follows on a connection" "pccrtp-server-plain-after-coded";
    CaseOfCoding "server-case-of-coding" "reads the name of the coding in lower case alone" "pccrtp-server-coding-without-case";
    FirstCoding "server-first-coding" "looks at the first coding alone" "pccrtp-server-coding-in-a-list";
    ChokesOnQuality "server-chokes-on-quality" "does not know codings with a quality" "pccrtp-server-coding-with-quality";
    WritesPeerDist "server-writes-peerdist" "writes the coding's name in capitals" "pccrtp-server-coding-name";
    FirstAcceptEncoding "server-first-accept-encoding" "looks at the first Accept-Encoding field alone" "pccrtp-server-accept-encoding-twice";
    CaseOfNames "server-case-of-names" "knows its header fields in one spelling alone" "pccrtp-server-header-names";
    NoParameters "server-no-parameters" "sends no X-P2P-PeerDist" "pccrtp-server-header-field";
    NoVersion "server-no-version" "leaves out Version" "pccrtp-server-parameters-of-response";
    NoContentLength "server-no-content-length" "leaves out ContentLength" "pccrtp-server-parameters-of-response";
    LengthOfBody "server-length-of-body" "writes the length of the coded body as ContentLength" "pccrtp-server-content-length";
    SpacesInVersion "server-spaces-in-version" "writes spaces around the dot of the version" "pccrtp-server-header-field";
    Version11ToAll "server-1.1-to-all" "answers in version 1.1 whatever the client knows" "pccrtp-server-version-1.0";
    EchoesVersion "server-echoes-version" "says the version that the client said" "pccrtp-server-version-1.10";
    VersionIsAFraction "server-version-is-a-fraction" "takes 0.10 for a version like any other" "pccrtp-server-version-0.10";
    FailsOnUnknownVersion "server-fails-on-unknown-version" "answers 400 to versions that do not exist" "pccrtp-server-version-999.999";
    TrimsVersion "server-trims-version" "takes spaces around the dot of a version" "pccrtp-server-version-with-spaces";
    FailsOnMalformed "server-fails-on-malformed" "answers 400 to versions that are none" "pccrtp-server-version-malformed";
    FailsOnTwice "server-fails-on-twice" "answers 500 to parameters that stand twice" "pccrtp-server-version-twice";
    RefusesEmptyElements "server-refuses-empty-elements" "codes nothing where a list has empty elements" "pccrtp-server-list-with-empty-elements";
    FailsOnUnknownParameter "server-fails-on-unknown-parameter" "answers 400 to parameters that it does not know" "pccrtp-server-unknown-parameter";
    V2WithoutWindow "server-v2-without-window" "sends version 2.0 to clients that name no versions" "pccrtp-server-window-none";
    V2ToAll "server-v2-to-all" "sends version 2.0 to clients that read 1.0" "pccrtp-server-window-1.0";
    ParsesWithSpace "server-parses-with-space" "parts the bounds at comma and space alone" "pccrtp-server-window-without-spaces";
    TakesMinimum2 "server-takes-minimum-2" "takes 2.0 for a minimum" "pccrtp-server-window-2.0-alone";
    TakesReversed "server-takes-reversed" "does not see that bounds are the wrong way round" "pccrtp-server-window-reversed";
    TakesAbove "server-takes-above" "takes any maximum from 2.0 on" "pccrtp-server-window-above";
    TakesBetween "server-takes-between" "takes a maximum between 1.0 and 2.0 for 1.0" "pccrtp-server-window-between";
    TakesBelow "server-takes-below" "does not look at the minimum" "pccrtp-server-window-below";
    IgnoresMalformedWindow "server-ignores-malformed-window" "sends version 1.0 where the bounds are no numbers" "pccrtp-server-window-malformed";
    CodesMissingData "server-codes-missing-data" "codes the answer to a request for missing data" "pccrtp-server-missing-data-whole";
    MissingDataWhole "server-missing-data-whole" "sends all of the content for missing data" "pccrtp-server-missing-data-range";
    DescribesWhole "server-describes-whole" "describes the whole content in the answer to a range" "pccrtp-server-range-middle-1.0";
    HashesOfListed "server-hashes-of-listed" "makes HoD of the blocks listed alone" "pccrtp-server-range-first-bytes-1.0";
    RangeOfCoded "server-range-of-coded" "cuts the range out of the content information" "pccrtp-server-range-first-bytes-2.0";
    NoOffset "server-no-offset" "writes 0 for the offset in the first segment" "pccrtp-server-range-middle-2.0";
    ReadsFromSegment "server-reads-from-segment" "counts the bytes of the last segment from its start where one segment is listed" "pccrtp-server-range-middle-1.0";
    LengthOfRangeZero "server-length-of-range-0" "writes 0 for the length of every range" "pccrtp-server-range-last-bytes-2.0";
    RangeIsOneShort "server-range-is-one-short" "takes the last byte of a range for the one behind" "pccrtp-server-range-one-byte-2.0";
    BlocksFromZero "server-lists-one-block-more" "lists the block behind a range that ends at a border" "pccrtp-server-range-block-borders-1.0";
    SuffixFromStart "server-suffix-from-start" "takes a suffix for the first bytes" "pccrtp-server-range-suffix";
    RangeOfLength "server-range-of-length" "writes the length of the whole for a range" "pccrtp-server-range-first-bytes-1.0";
    SeveralAsOne "server-several-as-one" "codes several ranges and does not say which" "pccrtp-server-range-several";
    FailsOnUnsatisfiable "server-fails-on-unsatisfiable" "answers 500 to a range behind the end" "pccrtp-server-range-unsatisfiable";
    SegmentIndexZero "server-index-0" "counts segments of a range from the start of the range" "pccrtp-server-range-last-bytes-2.0";
    OneSegment "server-one-segment" "makes one segment of version 1.0 of all content" "pccrtp-server-several-segments";
    OffsetOfRange "server-offsets-from-range" "counts offsets of segments from the first listed" "pccrtp-server-range-second-segment-1.0";
    SecretIsHash "server-secret-is-hash" "hashes HoD and the secret key instead of HMAC" "pccrtp-server-segment-secrets";
    SecretOfRawKey "server-secret-of-raw-key" "takes the secret key itself for the key of HMAC" "pccrtp-server-segment-secrets";
    SendsKs "server-sends-ks" "sends the hash of its secret key as segment secret" "pccrtp-server-secret-not-disclosed";
    PadsLastBlock "server-pads-last-block" "hashes the last block with zeros up to 64 KiB" "pccrtp-server-content-information-1.0";
    HashOfContent "server-hash-of-content" "hashes the bytes of a segment for HoD of version 1.0" "pccrtp-server-content-information-1.0";
    HashOfBlocks2 "server-hash-of-blocks-2.0" "hashes the hash of a segment for HoD of version 2.0" "pccrtp-server-content-information-2.0";
    NewSecrets "server-new-secrets" "draws a new secret key for every response" "pccrtp-server-same-again";
    NoValidator "server-no-validator" "codes without ETag and Last-Modified" "pccrtp-server-validator";
    NoVary "server-no-vary" "lets every cache keep what it coded" "pccrtp-server-vary";
    IgnoresIfRange "server-ignores-if-range" "sends the range of whatever state" "pccrtp-server-if-range-of-other-state";
    SilentFirst "server-silent-first" "says nothing of hashes when it has none yet" "pccrtp-server-make-hash-request";
    NoVersionWithMakeHash "server-make-hash-without-version" "sends MakeHashRequest without X-P2P-PeerDist" "pccrtp-server-make-hash-request-with-version";
    HashRequestNeedsAccept "server-hash-request-needs-accept" "codes hash requests only with Accept-Encoding" "pccrtp-server-hash-request-alone";
    ClosesToBits "server-closes-to-bits" "closes after ranges, to Microsoft BITS too" "pccrtp-server-close-not-to-bits";
    SaysClose "server-says-close" "says that it closes and does not" "pccrtp-server-connection-close";
    DropsSecond "server-drops-second" "closes after a response without saying so" "pccrtp-server-connection-kept";
    ForgetsPipelined "server-forgets-pipelined" "throws away what came with a request" "pccrtp-server-pipelined";
    ReadsOnce "server-reads-once" "takes what the first packet brings for the request" "pccrtp-server-byte-by-byte";
    BodyToHead "server-body-to-head" "sends a body to HEAD" "pccrtp-server-head";
    CodesPost "server-codes-post" "answers POST with content information" "pccrtp-server-post";
    ChunksToOld "server-chunks-to-1.0" "sends chunks to HTTP/1.0" "pccrtp-server-http-1.0";
    EndsWithHalf "server-ends-with-half" "serves nobody any more once a request broke off" "pccrtp-server-half-a-request";
    OneAtATime "server-one-at-a-time" "serves one connection after the other" "pccrtp-server-idle-connections";
    EndlessHead "server-endless-head" "reads heads of any length" "pccrtp-server-long-head";
}

/// A content and what describes it.
#[derive(Debug)]
struct Served {
    content: Vec<u8>,
    v1: ContentInfo,
    v2: Option<ContentInfo>,
}

/// Both contents, made once.
fn served() -> &'static [Served; 2] {
    static SERVED: OnceLock<[Served; 2]> = OnceLock::new();
    SERVED.get_or_init(|| {
        let mut short = Vec::with_capacity(SHORT_BYTES + 64);
        let mut number = 0_u64;
        while short.len() < SHORT_BYTES {
            short.extend(Algorithm::Sha512.hash(&number.to_le_bytes()));
            number += 1;
        }
        short.truncate(SHORT_BYTES);
        let mut long = vec![0; LONG_BYTES];
        for (at, byte) in long.iter_mut().enumerate().skip(100).step_by(3_000_017) {
            *byte = u8::try_from(at % 251).unwrap_or(1) | 1;
        }
        [
            Served {
                v1: ContentInfo::v1(&short, SECRET_KEY, Algorithm::Sha256),
                v2: Some(ContentInfo::v2(&short, SECRET_KEY, SEGMENT_V2_BYTES)),
                content: short,
            },
            Served {
                v1: ContentInfo::v1(&long, SECRET_KEY, Algorithm::Sha256),
                v2: None,
                content: long,
            },
        ]
    })
}

/// What all connections share.
#[derive(Debug)]
struct State {
    mistake: Option<Mistake>,
    /// Names that were asked for before.
    known: Mutex<BTreeSet<String>>,
    /// Whether it serves nobody any more.
    is_over: AtomicBool,
}

impl State {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }
}

/// Starts one.
pub(super) fn stage(mistake: Option<Mistake>) -> io::Result<Stage> {
    let state = Arc::new(State {
        mistake,
        known: Mutex::default(),
        is_over: AtomicBool::new(false),
    });
    let server = Server::start(mistake == Some(Mistake::OneAtATime), move |connection| {
        // A connection that ends in an error has ended; nobody waits to hear why.
        let _ = state.serve(&connection);
        let _ = connection.shutdown(Shutdown::Both);
    })?;
    let mut target = ContentServer::at(format!("http://{}/short", server.address));
    target.long_url = Some(format!("http://{}/long", server.address));
    target.secret_key = Some(SECRET_KEY.to_vec());
    Ok(Stage {
        targets: Targets {
            content_server: Some(target),
            ..Targets::default()
        },
        _keep: Box::new(server),
    })
}
