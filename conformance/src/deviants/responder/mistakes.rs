//! What responders can have wrong, each with the case that finds it.
//! Invariant: each is wrong in one way, and in one that somebody could have got wrong.
//! Byte order: none.

use crate::deviants::{Deviant, Mistake as Any};

macro_rules! mistakes {
    ($($variant:ident $id:literal $what:literal $caught_by:literal;)*) => {
        /// What it has wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mistake {
            $(#[doc = $what] $variant,)*
        }

        /// Responders that are wrong in one way each.
        pub const DEVIANTS: &[Deviant] = &[
            $(Deviant {
                id: $id,
                what: $what,
                caught_by: $caught_by,
                mistake: Any::Responder(Mistake::$variant),
            },)*
        ];
    };
}

mistakes! {
    AnswersToPort3702 "responder-to-port-3702" "sends matches to port 3702 of the host that asked" "pccrd-responder-unicast-back";
    OneAtATime "responder-one-at-a-time" "has one match waiting at most" "pccrd-responder-many-askers";
    AnswersNames "responder-answers-names" "takes * for every segment" "pccrd-responder-names-are-not-found";
    SameWait "responder-same-wait" "waits for 30 ms each time" "pccrd-responder-random-wait";
    NoMulticast "responder-no-multicast" "does not listen to the group" "pccrd-responder-multicast-v1";
    GroupForV1 "responder-group-for-v1" "does not answer version 2.0 probes to the group" "pccrd-responder-multicast-v2";
    OtherNamespace "responder-other-namespace" "writes the namespace of 2010 for its own elements" "pccrd-responder-namespace";
    Soap11 "responder-soap-1.1" "answers in an envelope of SOAP 1.1" "pccrd-responder-namespaces-of-soap";
    OtherPrefixes "responder-other-prefixes" "writes prefixes that iPXE does not look for" "pccrd-responder-tags-as-text";
    KnowsPrefixes "responder-knows-prefixes" "knows elements by their prefixes" "pccrd-responder-other-prefixes";
    DeclaredAtRoot "responder-declared-at-root" "reads declarations of the envelope alone" "pccrd-responder-namespaces-where-needed";
    DoubleQuotes "responder-double-quotes" "reads attributes in double quotes alone" "pccrd-responder-attribute-order";
    TypesAsText "responder-types-as-text" "does not resolve the prefix in Types" "pccrd-responder-types-of-other-namespace";
    AnySoap "responder-any-soap" "takes envelopes of any namespace" "pccrd-responder-other-versions-of-soap";
    OrderOfElements "responder-order-of-elements" "writes XAddrs in front of Scopes" "pccrd-responder-match-layout";
    TwoBlockCounts "responder-two-block-counts" "writes a BlockCount for each segment and one more" "pccrd-responder-v1-probe-v1-match";
    BlockCountInV2 "responder-block-count-in-v2" "writes BlockCount into version 2.0 matches" "pccrd-responder-v2-probe-v2-match";
    VersionOfContent "responder-version-of-content" "answers in the version of the content" "pccrd-responder-crossed-versions";
    ActionOfProbe "responder-action-of-probe" "repeats the action of the probe" "pccrd-responder-header-v1";
    ToAll "responder-to-all" "addresses version 2.0 matches to everybody" "pccrd-responder-header-v2";
    MessageIdOnce "responder-message-id-once" "has one MessageID for all matches" "pccrd-responder-message-id";
    RelatesInLowerCase "responder-relates-in-lower-case" "writes RelatesTo in lower case" "pccrd-responder-relates-to-as-sent";
    TypesOfBoth "responder-types-of-both" "lists the types of both versions" "pccrd-responder-types-v1";
    TypesOfV1 "responder-types-of-v1" "writes the type of version 1.0 into version 2.0 matches" "pccrd-responder-types-v2";
    AnyType "responder-any-type" "does not look at Types" "pccrd-responder-types-of-others";
    AddressBare "responder-address-bare" "writes its Address without urn:uuid:" "pccrd-responder-address";
    AddressFresh "responder-address-fresh" "makes an Address for each match" "pccrd-responder-address-stays";
    MetadataVersion10 "responder-metadata-version-10" "writes 10 for MetadataVersion" "pccrd-responder-metadata-version";
    InstanceOfMatch "responder-instance-of-match" "takes the time of the match for InstanceId" "pccrd-responder-instance-id";
    NumberStays "responder-number-stays" "writes 1 for every MessageNumber" "pccrd-responder-message-number";
    LowerCase "responder-lower-case" "writes scopes in lower case" "pccrd-responder-scopes-one";
    ScopesOfProbe "responder-scopes-of-probe" "lists all segments of the probe" "pccrd-responder-scopes-some-held";
    FirstScopeOnly "responder-first-scope-only" "looks at the first segment alone" "pccrd-responder-scopes-many";
    LowerCaseIsOther "responder-lower-case-is-other" "answers lower case with the scope of another segment" "pccrd-responder-scopes-lower-case";
    CompleteAlone "responder-complete-alone" "sets the second bit of a pair alone" "pccrd-responder-bits-one";
    BitsFromTheEnd "responder-bits-from-the-end" "fills bytes from the least significant pair" "pccrd-responder-bits-some-held";
    BitsOfHeld "responder-bits-of-held" "writes bits of the segments that it has alone" "pccrd-responder-bits-some-held";
    SmallBuffer "responder-small-buffer" "reads 4,096 bytes of a datagram" "pccrd-responder-bits-of-255";
    Scheme "responder-scheme" "writes http:// in front of its address" "pccrd-responder-xaddrs";
    NobodyListens "responder-nobody-listens" "names a port at which nobody listens" "pccrd-responder-xaddrs-connect";
    CountsOf16Bits "responder-counts-of-16-bits" "writes four digits a count" "pccrd-responder-block-count";
    LittleEndianCounts "responder-little-endian-counts" "writes counts least significant byte first" "pccrd-responder-block-count";
    CountsBackwards "responder-counts-backwards" "writes counts in the other order" "pccrd-responder-block-counts";
    AgesOfProbe "responder-ages-of-probe" "gives ages of all segments of the probe" "pccrd-responder-segment-ages";
    AgesInHex "responder-ages-in-hex" "writes ages in hex" "pccrd-responder-segment-ages";
    AnswersSilently "responder-never" "does not answer" "pccrd-responder-answers";
    LongWait "responder-long-wait" "waits for up to half a second" "pccrd-responder-wait-at-most";
    NoWait "responder-no-wait" "answers at once" "pccrd-responder-wait-at-least";
    SharedWait "responder-shared-wait" "lets all matches wait for one moment" "pccrd-responder-waits-of-their-own";
    SaysNothingHeld "responder-says-nothing-held" "answers that it has nothing" "pccrd-responder-nothing-held-v2";
    AnswersAllV1 "responder-answers-all-v1" "answers with counts of 0 that it has nothing" "pccrd-responder-nothing-held-v1";
    StartOfId "responder-start-of-id" "compares the first 16 bytes of ids" "pccrd-responder-almost-held";
    AnyRule "responder-any-rule" "does not look at MatchBy" "pccrd-responder-matching-rules";
    NoRule "responder-no-rule" "takes a MatchBy that is missing for its own" "pccrd-responder-no-matching-rule";
    NoMessageId "responder-no-message-id" "answers probes without MessageID" "pccrd-responder-no-message-id";
    NoHeader "responder-no-header" "answers probes without a header" "pccrd-responder-parts-missing";
    RemembersForEver "responder-remembers-for-ever" "answers a MessageID once" "pccrd-responder-same-probe-again";
    EndsInFlood "responder-ends-in-flood" "answers nobody any more after 40 probes that it has nothing of" "pccrd-responder-flood";
    EndsInGarbage "responder-ends-in-garbage" "ends at a message that it cannot read" "pccrd-responder-flood-of-garbage";
    ChokesOnMore "responder-chokes-on-more" "discards probes with elements that it does not know" "pccrd-responder-more-elements";
    TakesEmptyV1 "responder-takes-empty-v1" "takes an empty Scopes for all segments" "pccrd-responder-scopes-empty-v1";
    TakesEmptyV2 "responder-takes-empty-v2" "takes an empty scope of version 2.0 for all segments" "pccrd-responder-scopes-empty-v2";
    TakesOddHex "responder-takes-odd-hex" "reads the hex digits of a scope as far as they go" "pccrd-responder-scopes-odd-hex";
    SkipsBadScopes "responder-skips-bad-scopes" "passes over scopes that are no hex" "pccrd-responder-scopes-bad-beside-good";
    SkipsSymbols "responder-skips-symbols" "passes over what is no base64" "pccrd-responder-scopes-bad-base64";
    IgnoresSize "responder-ignores-size" "does not look at SegmentHashSize" "pccrd-responder-scopes-size";
    IgnoresCount "responder-ignores-count" "does not look at the count of ids" "pccrd-responder-scopes-count";
    TakesSurplus "responder-takes-surplus" "takes bytes behind the ids" "pccrd-responder-scopes-length";
    TakesFirstScope "responder-takes-first-scope" "takes the first of several scopes of version 2.0" "pccrd-responder-scopes-two-structures";
    NeedsDeclaration "responder-needs-declaration" "wants the declaration to the letter" "pccrd-responder-xml-declaration";
    NoByteOrderMark "responder-no-byte-order-mark" "does not know the byte order mark" "pccrd-responder-xml-byte-order-mark";
    NoWhiteSpace "responder-no-white-space" "does not trim values" "pccrd-responder-xml-white-space";
    ReadsComments "responder-reads-comments" "looks for tags in comments" "pccrd-responder-xml-comments";
    NoReferences "responder-no-references" "does not resolve references" "pccrd-responder-xml-references";
    SkipsDocumentType "responder-skips-document-type" "passes over a document type declaration" "pccrd-responder-xml-document-type";
    ResolvesEntities "responder-resolves-entities" "resolves entities of the document" "pccrd-responder-xml-entities";
    FetchesEntities "responder-fetches-entities" "fetches what a document type names" "pccrd-responder-xml-external-entity";
    EndsInDepth "responder-ends-in-depth" "ends at elements that are too deep in one another" "pccrd-responder-xml-deep";
    EndsInLength "responder-ends-in-length" "ends at a datagram of more than 60,000 bytes" "pccrd-responder-xml-long";
    ClosesTags "responder-closes-tags" "closes the tags that a message leaves open" "pccrd-responder-xml-truncated";
    NotWellFormed "responder-not-well-formed" "looks for tags and reads no XML" "pccrd-responder-xml-not-well-formed";
    TakesTrailing "responder-takes-trailing" "takes what follows the envelope" "pccrd-responder-xml-surplus";
    AnyEncoding "responder-any-encoding" "replaces what is no UTF-8" "pccrd-responder-xml-encoding";
    AnswersPrinters "responder-answers-printers" "answers probes without types and scopes" "pccrd-responder-other-services";
    AnyAction "responder-any-action" "does not look at Action" "pccrd-responder-other-actions";
    AnswersMatches "responder-answers-matches" "answers whatever has scopes" "pccrd-responder-other-messages";
    UnderstandsAll "responder-understands-all" "does not look at mustUnderstand" "pccrd-responder-must-understand";
    EchoesGarbage "responder-echoes" "sends back what it cannot read" "pccrd-responder-no-messages";
}
