//! What peers can have wrong, and the case that is meant for each.
//! Invariant: names and cases are never reused for something else.
//! Byte order: none.

use crate::deviants::{Deviant, Mistake as Any};

macro_rules! mistakes {
    ($($variant:ident $id:literal $what:literal $caught_by:literal;)*) => {
        /// What it has wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mistake {
            $(#[doc = $what] $variant,)*
        }

        /// Peers that are wrong in one way each.
        pub const DEVIANTS: &[Deviant] = &[
            $(Deviant {
                id: $id,
                what: $what,
                caught_by: $caught_by,
                mistake: Any::Peer(Mistake::$variant),
            },)*
        ];
    };
}

mistakes! {
    NoSize "peer-no-size" "leaves out the size in front of a response" "pccrr-peer-post";
    SizeCountsItself "peer-size-counts-itself" "counts the size field in the size in front" "pccrr-peer-size-in-front";
    VersionOfHighest "peer-version-of-highest" "writes version 2.0 into every response" "pccrr-peer-version-of-responses";
    SegmentListVersion1 "peer-segment-list-1.0" "writes version 1.0 into lists of segments" "pccrr-peer-version-of-segment-lists";
    AnswersWithRequest "peer-answers-with-request" "answers lists with the type of the request" "pccrr-peer-types-of-responses";
    MessageTooLong "peer-message-too-long" "adds 400,000 zeros to each block" "pccrr-peer-response-length";
    UnknownAlgorithm "peer-unknown-algorithm" "names algorithm 7 in its responses" "pccrr-peer-algorithm-is-known";
    AnswersUnknownType "peer-answers-unknown-type" "answers messages of unknown type by negotiation" "pccrr-peer-type-unknown";
    AnswersResponses "peer-answers-responses" "answers responses by negotiation" "pccrr-peer-response-as-request";
    IgnoresMessageSize "peer-ignores-message-size" "does not look at MsgSize" "pccrr-peer-size-too-large";
    TakesLongRequests "peer-takes-long-requests" "answers requests of any length" "pccrr-peer-request-over-96k";
    LittleEndianRanges "peer-little-endian-ranges" "writes ranges least significant byte first" "pccrr-peer-list-layout";
    ListsEverything "peer-lists-everything" "lists all blocks it has, whatever was asked for" "pccrr-peer-list-asked-and-held";
    ListsAsked "peer-lists-asked" "lists all blocks that were asked for, whether it has them or not" "pccrr-peer-list-beyond-the-end";
    ListsInclusive "peer-lists-inclusive" "writes the last block of a range where its count belongs" "pccrr-peer-list-of-all";
    ListsUnsorted "peer-lists-unsorted" "lists ranges as they were asked for" "pccrr-peer-list-ranges-sorted";
    TakesFirstRange "peer-takes-first-range" "looks at the first range alone" "pccrr-peer-list-unsorted-ranges";
    ListNextZero "peer-list-next-zero" "writes 0 for NextBlockIndex of lists" "pccrr-peer-list-next-block";
    UnknownSegmentIs404 "peer-unknown-segment-404" "answers 404 for lists of segments it has not" "pccrr-peer-list-of-unknown-segment";
    MissingBlockIs404 "peer-missing-block-404" "answers 404 for blocks it has not" "pccrr-peer-block-of-unknown-segment";
    ForgetsId "peer-forgets-id" "writes zeros for the segment id" "pccrr-peer-list-id-of-32-bytes";
    OnlyIdsOf32 "peer-only-ids-of-32" "discards ids that have not 32 bytes" "pccrr-peer-list-id-of-48-bytes";
    TakesEmptyRanges "peer-takes-empty-ranges" "answers ranges with a count of 0" "pccrr-peer-list-range-of-none";
    TakesLongRanges "peer-takes-long-ranges" "answers ranges that end past block 511" "pccrr-peer-list-range-past-511";
    AnswersCutLists "peer-answers-cut-lists" "takes the ranges that are there for all" "pccrr-peer-list-range-count-too-large";
    PadsWithOnes "peer-pads-with-ones" "pads to a multiple of four with ones" "pccrr-peer-block-layout";
    BlockNextCounts "peer-block-next-counts" "writes the index and one for NextBlockIndex, also behind the last" "pccrr-peer-block-next";
    VrfBlock "peer-vrf-block" "sends data for verification" "pccrr-peer-block-vrf-empty";
    NoVector "peer-no-vector" "encrypts with a vector of zeros that it does not send" "pccrr-peer-block-iv-length";
    SameVector "peer-same-vector" "uses one vector for all blocks" "pccrr-peer-block-iv-fresh";
    SaysEncrypted "peer-says-encrypted" "sends blocks in clear and says that they are encrypted" "pccrr-peer-block-aes-128";
    KeyFromTheEnd "peer-key-from-the-end" "takes the last bytes of the segment secret for the key" "pccrr-peer-block";
    KeyOf256Short "peer-key-256-short" "encrypts with 128 bits where it says 256" "pccrr-peer-block-aes-256";
    KeyOf192Short "peer-key-192-short" "encrypts with 128 bits where it says 192" "pccrr-peer-block-aes-192";
    GarbageForPadding "peer-garbage-for-padding" "pads blocks with what lies in memory" "pccrr-peer-block-padding";
    KeyInVrf "peer-key-in-vrf" "sends the key along" "pccrr-peer-no-key-in-messages";
    AlwaysBlockZero "peer-always-block-0" "sends block 0 whichever is asked for" "pccrr-peer-block-each";
    BlockPlusOne "peer-block-plus-one" "counts blocks from 1" "pccrr-peer-block-each";
    WrongBytes "peer-wrong-bytes" "sends blocks with one bit turned over" "pccrr-peer-block";
    EveryBlockOfV2 "peer-every-block-of-v2" "sends a version 2.0 segment whichever block is asked for" "pccrr-peer-block-1-of-v2-segment";
    LastOfMany "peer-last-of-many" "sends the last of several blocks" "pccrr-peer-block-of-many";
    VectorOfEmpty "peer-vector-of-empty" "sends a vector with an empty block" "pccrr-peer-block-empty-has-no-vector";
    ChokesOnVrfData "peer-chokes-on-vrf-data" "discards requests with data for verification" "pccrr-peer-block-with-vrf-data";
    TakesSurplus "peer-takes-surplus" "answers requests with bytes behind their end" "pccrr-peer-block-surplus";
    OtherRequestId "peer-other-request-id" "makes a RequestID of its own" "pccrr-peer-segments-request-id";
    ListsAllSegments "peer-lists-all-segments" "says that it has every segment" "pccrr-peer-segments-none";
    SegmentsFromOne "peer-segments-from-one" "counts segments from 1" "pccrr-peer-segments-held";
    FirstSegmentOnly "peer-first-segment-only" "looks at the first id alone" "pccrr-peer-segments-held";
    NoBlob "peer-no-blob" "sends no ages of segments" "pccrr-peer-blob-of-response";
    BlobVersion2 "peer-blob-2" "writes 2 for the version of its blob" "pccrr-peer-blob-of-response";
    BlobUnits9 "peer-blob-units-9" "gives ages in a unit that does not exist" "pccrr-peer-blob-units";
    BlobOfOtherSegment "peer-blob-of-other-segment" "gives the age of a segment that it does not list" "pccrr-peer-blob-age-of-segment";
    ChokesOnBlob "peer-chokes-on-blob" "discards a request whose blob it cannot read" "pccrr-peer-blob-of-other-version";
    ChokesOnSurplusOfBlob "peer-chokes-on-blob-surplus" "discards a request whose blob is longer than its ages" "pccrr-peer-blob-surplus";
    NegotiatesInRange "peer-negotiates-in-range" "negotiates only with versions it supports" "pccrr-peer-negotiation-same-answer";
    SupportsVersion9 "peer-supports-9" "says that it supports version 9.0" "pccrr-peer-negotiation";
    ServesAnyVersion "peer-serves-any-version" "does not look at ProtVer" "pccrr-peer-version-of-block-request";
    RefusesMinor "peer-refuses-minor" "serves version 1.0 and 2.0 to the letter" "pccrr-peer-version-other-minor";
    NoLimit "peer-no-limit" "serves any number of clients at a time" "pccrr-peer-client-limit";
    LimitBeforeVersion "peer-limit-before-version" "looks at its limit before the version" "pccrr-peer-version-before-limit";
    NoUploadTimer "peer-no-upload-timer" "waits for ever for its answer to be read" "pccrr-peer-upload-timer";
    OneAtATime "peer-one-at-a-time" "serves one connection after the other" "pccrr-peer-idle-connections";
    ReadsOnce "peer-reads-once" "takes what the first packet brings for the request" "pccrr-peer-byte-by-byte";
    DropsSecond "peer-drops-second" "closes the connection after an answer without saying so" "pccrr-peer-connection-kept";
    AnyPath "peer-any-path" "takes messages at every path" "pccrr-peer-other-path";
    AnyMethod "peer-any-method" "answers GET with a message" "pccrr-peer-get";
}
