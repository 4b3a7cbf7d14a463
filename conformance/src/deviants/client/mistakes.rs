//! What clients have wrong, and the case that is meant for each.
//! Invariant: each is wrong in one way.
//! Byte order: none.

use crate::deviants::{Deviant, Mistake as Any};

macro_rules! mistakes {
    ($($variant:ident $id:literal $what:literal $caught_by:literal;)*) => {
        /// What it has wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mistake {
            $(#[doc = $what] $variant,)*
        }

        /// Clients that are wrong in one way each.
        pub const DEVIANTS: &[Deviant] = &[
            $(Deviant {
                id: $id,
                what: $what,
                caught_by: $caught_by,
                mistake: Any::Client(Mistake::$variant),
            },)*
        ];
    };
}

mistakes! {
    NoParameters "client-no-parameters" "leaves out X-P2P-PeerDist" "pccrtp-client-version";
    NoVersion "client-no-version" "sends X-P2P-PeerDist without a version" "pccrtp-client-version";
    VersionWithSpace "client-version-with-space" "writes a space before the dot of the version" "pccrtp-client-version-form";
    NoExtended "client-no-extended" "leaves out X-P2P-PeerDistEx with version 1.1" "pccrtp-client-content-information";
    Min2 "client-min-2" "says that it cannot read version 1.0 of content information" "pccrtp-client-content-information";
    AlwaysMax2 "client-always-max-2" "says that it can read version 2.0 when it was told not to" "pccrtp-client-content-information-1";
    IgnoresMakeHash "client-ignores-make-hash" "makes no request for hashes" "pccrtp-client-hash-request";
    NoMissingData "client-no-missing-data" "does not say that data are missing" "pccrtp-client-missing-data";
    MissingWithCoding "client-missing-with-coding" "takes the coding for data that are missing" "pccrtp-client-missing-without-coding";
    CodingByCase "client-coding-by-case" "knows the coding in lower case only" "pccrtp-client-coding-in-other-case";
    Resets "client-resets" "closes connections by a reset" "pccrtp-client-closes-gracefully";
    KeepsInformation "client-keeps-information" "takes what is no content information for the content" "pccrtp-client-broken-information";
    UnicastProbe "client-unicast-probe" "sends its probes to one address" "pccrd-client-multicast";
    ProbesV1 "client-probes-v1" "looks for content of version 2.0 with probes of version 1.0" "pccrd-client-version-2";
    LowerCase "client-lower-case" "writes segment ids in lower case" "pccrd-client-scopes-1";
    OtherMatchBy "client-other-match-by" "names another rule of matching" "pccrd-client-match-by-2";
    OtherTo "client-other-to" "addresses probes to somebody else" "pccrd-client-envelope";
    SameMessageId "client-same-message-id" "gives all probes one MessageID" "pccrd-client-message-ids";
    OtherNamespace "client-other-namespace" "makes a namespace of its own" "pccrd-client-namespace";
    NoTypes "client-no-types" "looks for another type" "pccrd-client-types-1";
    TwoScopes "client-two-scopes" "writes two scopes into a probe of version 2.0" "pccrd-client-scopes-2";
    LongProbe "client-long-probe" "looks for more segments than a probe can count" "pccrd-client-many-segments";
    ShortTimer "client-short-timer" "waits 20 milliseconds for matches" "pccrd-client-request-timer";
    NoTimer "client-no-timer" "takes matches that come seconds late" "pccrd-client-late-match";
    AnyTypes "client-any-types" "does not look at Types of matches" "pccrd-client-match-of-other-type";
    AnyAddress "client-any-address" "does not look at where the address of a match is" "pccrd-client-match-from-elsewhere";
    AnySegments "client-any-segments" "does not look at which segments a match has" "pccrd-client-match-of-other-segments";
    ChokesOnMatches "client-chokes-on-matches" "gives up at a match that it cannot read" "pccrd-client-malformed-matches";
    NoBrackets "client-no-brackets" "cannot read an address in brackets" "pccrd-client-ipv6-peer";
    FirstAddress "client-first-address" "looks at the first address of a match alone" "pccrd-client-several-addresses";
    AllAddresses "client-all-addresses" "wants to read every address of a match" "pccrd-client-ipv6-zone";
    ServesIpv4 "client-serves-ipv4" "serves what it offers over IPv4 alone" "pchc-client-ipv6-cache";
    NameWithBrackets "client-name-with-brackets" "takes the brackets of an address for a part of the name" "pchc-client-ipv6-secured-cache";
    OtherPath "client-other-path" "leaves out the slash behind the path" "pccrr-client-post";
    Version2 "client-version-2" "writes version 2.0 into requests for blocks" "pccrr-client-version";
    SizeLessHeader "client-size-less-header" "leaves the header out of MsgSize" "pccrr-client-layout";
    PrefersClear "client-prefers-clear" "asks for blocks in clear" "pccrr-client-algorithm";
    Algorithm9 "client-algorithm-9" "names an algorithm that there is not" "pccrr-client-algorithm";
    ManyBlocks "client-many-blocks" "asks for all blocks at once" "pccrr-client-one-block";
    SegmentAsIndex "client-segment-as-index" "asks for a version 2.0 segment by its number" "pccrr-client-block-0-of-v2-segment";
    VrfData "client-vrf-data" "sends data for verification" "pccrr-client-vrf-data";
    KeyInRequest "client-key-in-request" "sends the segment secret along" "pccrr-client-no-key";
    UnjoinedRanges "client-unjoined-ranges" "writes ranges that touch, the last first" "pccrr-client-ranges-joined";
    RangesPastEnd "client-ranges-past-end" "asks for lists up to block 600" "pccrr-client-ranges";
    EmptyRange "client-empty-range" "writes a range with a count of 0" "pccrr-client-ranges";
    NoRanges "client-no-ranges" "asks for a list without ranges" "pccrr-client-ranges";
    ListsAlways "client-lists-always" "asks for a list for a single block" "pccrr-client-simple-download";
    ListsNever "client-lists-never" "asks for any number of blocks without a list" "ccrod-client-list-first";
    ListsTwice "client-lists-twice" "asks each server twice for its list" "ccrod-client-one-list-a-server";
    IgnoresLists "client-ignores-lists" "asks servers for blocks that they did not list" "ccrod-client-listed-blocks";
    SegmentListToPeer "client-segment-list-to-peer" "asks peers for lists of segments" "pccrr-client-no-segment-list-to-peers";
    NoVerification "client-no-verification" "takes blocks without looking at their hash" "pccrc-client-wrong-bytes";
    AnyHashes "client-any-hashes" "takes hashes of blocks that do not give that of their segment" "pccrc-client-wrong-list-of-hashes";
    AnySegmentId "client-any-segment-id" "takes blocks that name another segment" "pccrr-client-other-segment";
    AnyIndex "client-any-index" "takes blocks that name another index" "pccrr-client-other-index";
    AnyListId "client-any-list-id" "takes lists that name another segment" "pccrr-client-list-of-other-segment";
    AnyList "client-any-list" "takes a list without blocks for one of all" "pccrr-client-list-of-nothing";
    AnySize "client-any-size" "does not look at the size in front" "pccrr-client-size-in-front";
    AnyMessageSize "client-any-message-size" "does not look at MsgSize" "pccrr-client-message-size";
    TakesSurplus "client-takes-surplus" "passes over bytes behind a message" "pccrr-client-surplus";
    AnyAlgorithm "client-any-algorithm" "takes algorithms that there are not for AES-128" "pccrr-client-unknown-algorithm";
    AnyStatus "client-any-status" "takes messages with an error of HTTP" "pccrr-client-http-error";
    Always128 "client-always-128" "decrypts everything with 128 bits" "pccrr-client-aes-256";
    NoNegotiation "client-no-negotiation" "does not ask again when a peer negotiates" "pccrr-client-negotiated";
    AsksAgain "client-asks-again" "goes on asking servers that failed" "ccrod-client-failed-server";
    LongTimer "client-long-timer" "waits nine seconds for an answer" "pccrr-client-request-timer";
    HastyTimer "client-hasty-timer" "waits 300 milliseconds for an answer" "pccrr-client-slow-answer";
    CacheUnused "client-cache-unused" "asks the hosted cache for all, and takes all from the content server" "ccrod-client-cache-gives-all";
    CacheListIgnored "client-cache-list-ignored" "asks the hosted cache for blocks that it did not list" "ccrod-client-cache-lists-some";
    OneOfList "client-one-of-list" "asks each server for the first block of its list alone" "ccrod-client-cache-list-leads-to-blocks";
    CacheListsFew "client-cache-lists-few" "asks the hosted cache for a list of three blocks" "ccrod-client-cache-few";
    EachBlockTwice "client-each-block-twice" "asks twice for each block" "ccrod-client-each-block-once";
    CacheListFails "client-cache-list-fails" "asks a hosted cache for blocks whose list failed" "ccrod-client-cache-list-fails";
    StopsAtFailure "client-stops-at-failure" "asks nobody more once a server failed" "ccrod-client-goes-on-after-failure";
    ProbesAgain "client-probes-again" "looks again two seconds later for what nobody had" "ccrod-client-empty-list-is-not-refilled";
    LongListTimer "client-long-list-timer" "waits nine seconds for a list" "pccrr-client-list-timer";
    LongSegmentListTimer "client-long-segment-list-timer" "waits nine seconds for a list of segments" "pccrr-client-segment-list-timer";
    LongNegotiationTimer "client-long-negotiation-timer" "waits nine seconds for an answer to its negotiation" "pccrr-client-negotiation-timer";
    BlockTimerRunsOn "client-block-timer-runs-on" "has one timer for all blocks of a peer" "pccrr-client-block-ends-timer";
    ListTimerRunsOn "client-list-timer-runs-on" "goes on counting from the request for a list" "pccrr-client-list-ends-timer";
    SegmentListTimerRunsOn "client-segment-list-timer-runs-on" "goes on counting from the request for a list of segments" "pccrr-client-segment-list-ends-timer";
    NegotiatesBackwards "client-negotiates-backwards" "says its highest version first" "pccrr-client-negotiation-request";
    NegotiatesOther "client-negotiates-other" "leaves the version that it speaks out of its negotiation" "pccrr-client-negotiation-request";
    GivesUp "client-gives-up" "fails where no peer has anything" "ccrod-client-no-peers";
    OnePeer "client-one-peer" "asks the first peer alone" "ccrod-client-shares-load";
    SegmentList1 "client-segment-list-1" "writes version 1.0 into lists of segments" "pccrr-client-segment-list";
    SameRequestId "client-same-request-id" "gives all lists of segments one id" "pccrr-client-request-ids";
    NoOffer "client-no-offer" "offers nothing" "pchc-client-offers-new";
    OffersAll "client-offers-all" "offers what came from the cache" "pchc-client-offers-nothing-old";
    OtherOfferPath "client-other-offer-path" "posts offers elsewhere" "pchc-client-post";
    OfferVersion "client-offer-version" "writes the major version first" "pchc-client-header";
    OfferType "client-offer-type" "offers batches as initial offers" "pchc-client-header";
    OfferSize "client-offer-size" "gives another size of segments" "pchc-client-descriptors-1";
    ShortTag "client-short-tag" "sends a tag of 4 bytes" "pchc-client-tag";
    TagOfSegment "client-tag-of-segment" "makes a tag for each segment" "pchc-client-one-tag";
    OfferAlgorithm "client-offer-algorithm" "names another hash" "pchc-client-descriptors-2";
    OffersHashOfData "client-offers-hash-of-data" "offers HoD in place of the segment id" "pchc-client-descriptors-1";
    LongOffer "client-long-offer" "offers any number of segments at once" "pchc-client-at-most-128";
    OtherPort "client-other-port" "names a port where nobody listens" "pchc-client-serves-offered";
    ChokesOnAnswer "client-chokes-on-answer" "fails where an offer is not answered" "pchc-client-offer-unanswered";
    OffersTwice "client-offers-twice" "sends an offer again that was answered" "pchc-client-answered-offer";
    SecuredPath "client-secured-path" "posts offers of version 1.0 to the path of version 2.0" "pchc-client-secured-post";
    SecuredBatch "client-secured-batch" "offers batches over TLS" "pchc-client-secured-post";
    InitialVersion "client-initial-version" "writes version 2.0 into initial offers" "pchc-client-initial-offer";
    InitialType "client-initial-type" "gives initial offers the type of hashes" "pchc-client-initial-offer";
    InitialHashOfData "client-initial-hash-of-data" "offers HoD in place of the segment id in version 1.0" "pchc-client-initial-offer";
    SecuredPort "client-secured-port" "names a port in offers of version 1.0 where nobody listens" "pchc-client-secured-serves-offered";
    IgnoresInterested "client-ignores-interested" "keeps the hashes to itself" "pchc-client-interested";
    InfoInClear "client-info-in-clear" "sends the hashes, and the segment secret, in clear" "pchc-client-interested";
    InfoUnasked "client-info-unasked" "sends the hashes to a cache that has them" "pchc-client-not-interested";
    AnyCode "client-any-code" "takes any code that is not OK for INTERESTED" "pchc-client-initial-offer-answered-by-other-code";
    TakesRefusals "client-takes-refusals" "sends the hashes to a cache that refuses it" "pchc-client-secured-unauthorized";
    SecuredChokes "client-secured-chokes" "fails where an offer of version 1.0 is not answered" "pchc-client-initial-offer-unanswered";
    InterestedForEver "client-interested-for-ever" "sends the hashes for as long as the cache is interested" "pchc-client-interested-in-hashes";
    OffersAgain "client-offers-again" "sends an initial offer again that was answered" "pchc-client-answered-initial-offer";
    InfoAgain "client-info-again" "sends hashes again that were answered" "pchc-client-answered-hashes";
    InfoType "client-info-type" "gives hashes the type of initial offers" "pchc-client-segment-information";
    InfoNoTag "client-info-no-tag" "sends hashes without a content tag" "pchc-client-segment-information";
    InfoOffset "client-info-offset" "begins the range of a whole segment inside of it" "pchc-client-segment-information";
    InfoReadBytes "client-info-read-bytes" "counts the last byte of a segment from 0" "pchc-client-segment-information";
    InfoSecret "client-info-secret" "leaves the segment secret out" "pchc-client-segment-information";
    InfoFewerBlocks "client-info-fewer-blocks" "leaves out the hash of the last block" "pchc-client-segment-information";
    InfoBlocksReversed "client-info-blocks-reversed" "lists the hashes of blocks from the end" "pchc-client-segment-information";
    InfoAlgorithm "client-info-algorithm" "names SHA-256 whatever the hash is" "pchc-client-information-of-sha-384";
    InfoOffsetInContent "client-info-offset-in-content" "says of every segment that it is the first" "pchc-client-information-of-later-segment";
    InfoWhole "client-info-whole" "sends the content information of all segments" "pchc-client-information-of-later-segment";
    AnyCertificate "client-any-certificate" "offers to whoever answers" "pchc-client-certificate";
}
