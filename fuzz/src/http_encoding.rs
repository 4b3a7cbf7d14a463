//! Header fields of the HTTP extension (MS-PCCRTP 2.2), and negotiation on either side.
//! Invariant: what one side of core writes the other reads without a fault, and as it was meant.
//! Byte order: none, it is text.

use peerdist::content::{ContentRange, Version};
use peerdist::http_encoding::{
    AcceptEncoding, Answer, Ask, Asked, Availability, ClientSettings, ContentEncoding, Delivery,
    HttpVersion, Meaning, PeerDist, PeerDistEx, PlainReason, Request, RequestFields, Resource,
    ResponseFields, ServerSettings, VersionNumber,
};

use crate::agreement::decoded;
use crate::script::Script;

/// Reads a value as that of each header field, and writes what can be written again.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn http_fields(data: &[u8]) {
    macro_rules! value {
        ($field:ident) => {
            decoded!(
                data,
                $field::decode(data),
                |trace| $field::decode_traced(data, trace),
                |a, b| a == b
            )
        };
    }
    let _ = value!(AcceptEncoding);
    let _ = value!(ContentEncoding);
    // Nothing but parameters that nobody knows leaves nothing to write.
    if let Ok((read, _)) = value!(PeerDist)
        && read != PeerDist::default()
    {
        let encoded = read.encode();
        let (again, quirks) = PeerDist::decode(&encoded).expect("what was written decodes");
        assert_eq!((again, again.encode()), (read, encoded));
        assert!(quirks.is_empty(), "{quirks:?}");
    }
    // Nothing but parameters that nobody knows leaves nothing to write.
    if let Ok((read, _)) = value!(PeerDistEx)
        && read != PeerDistEx::default()
    {
        let encoded = read.encode();
        let (again, quirks) = PeerDistEx::decode(&encoded).expect("what was written decodes");
        assert_eq!((again, again.encode()), (read, encoded));
        assert!(quirks.is_empty(), "{quirks:?}");
    }
    for length in [0, 1, 1000, u64::MAX] {
        if let Delivery::Part(range) = Delivery::of(data, length) {
            assert!(range.length > 0);
            let end = range.start.checked_add(range.length);
            assert!(
                end.is_some_and(|end| end <= length),
                "{range:?} of {length}"
            );
        }
    }
}

/// Lines of `name: value`.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((name, value.get(1..).unwrap_or_default().trim_ascii()))
    })
}

/// Lets a server decide about any request for any resource, and a client read what it answers.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn http_server(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let availabilities = [
        Availability::Ready,
        Availability::AtHand,
        Availability::Later,
        Availability::Never,
    ];
    let resource = Resource {
        length: script.length(),
        etag: (bits & 1 == 0).then_some(&b"\"tag\""[..]),
        last_modified: (bits & 2 != 0).then_some(&b"Sat, 29 Oct 1994 19:43:31 GMT"[..]),
        v1: *script.pick(&availabilities).expect("four"),
        v2: *script.pick(&availabilities).expect("four"),
    };
    let settings = match bits & 4 {
        0 => ServerSettings::default(),
        _ => ServerSettings::windows_server_2008_r2(),
    };
    let mut fields = RequestFields::new();
    lines(script.rest()).for_each(|(name, value)| fields.add(name, value));
    let request = Request {
        method: if bits & 8 == 0 { b"GET" } else { b"POST" },
        http: match bits >> 4 & 3 {
            0 | 1 => HttpVersion::Http11,
            2 => HttpVersion::Http10,
            _ => HttpVersion::Other,
        },
        fields: &fields,
    };
    let decision = settings.decide(&request, &resource);
    assert_eq!(decision.status(), decision.delivery.status());
    if let Some(range) = decision.range() {
        let end = range.start.checked_add(range.length);
        assert!(end.is_some_and(|end| end <= resource.length));
    }
    let may_be_coded = bits & 8 == 0
        && resource.length > 0
        && (resource.etag.is_some() || resource.last_modified.is_some())
        && match fields.accept_encoding() {
            AcceptEncoding::Accepted => true,
            AcceptEncoding::Silent => fields.peerdist_ex().is_some_and(|ex| ex.hash_request),
            AcceptEncoding::Refused => false,
        };
    match decision.answer {
        Answer::ContentInformation(version) | Answer::MakeHashRequest(version) => {
            assert!(may_be_coded, "{decision:?}");
            assert!(version == Version::V1 || settings.version >= VersionNumber::V1_1);
        }
        Answer::Plain(PlainReason::Malformed) => assert!(decision.fault.is_some()),
        Answer::Plain(reason) => assert!(!reason.name().is_empty()),
        Answer::MissingData => {}
    }
    if let Some(fault) = decision.fault {
        assert!(!fault.rejected().requirement.is_empty());
    }
    let mut answer = ResponseFields::new();
    for field in decision.fields() {
        answer.add(field.name.as_bytes(), field.value.to_string().as_bytes());
    }
    if resource.etag.is_some() || resource.last_modified.is_some() {
        answer.add(b"ETag", b"\"tag\"");
    }
    assert_eq!(answer.fault(), None, "{decision:?}");
    let range = match decision.delivery {
        Delivery::Part(range) => Some(range),
        _ => None,
    };
    let ask = Ask {
        asked: Asked::Content(range),
        settings: ClientSettings::default(),
    };
    let meaning = ask.understand(decision.status(), &answer);
    match (decision.answer, decision.delivery) {
        (_, Delivery::Unsatisfiable) => assert_eq!(meaning, Meaning::NoContent),
        (_, Delivery::SeveralParts) => {}
        (Answer::ContentInformation(_), _) => {
            let Meaning::ContentInformation { content_length, .. } = meaning else {
                panic!("{decision:?} is read as {meaning:?}");
            };
            assert_eq!(
                Some(content_length),
                decision.range().map(|range| range.length)
            );
        }
        (other, _) => {
            let Meaning::Plain {
                make_hash_request, ..
            } = meaning
            else {
                panic!("{decision:?} is read as {meaning:?}");
            };
            assert_eq!(
                make_hash_request,
                matches!(other, Answer::MakeHashRequest(_))
            );
        }
    }
}

/// Lets a client read any response to any request, and a server the request.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn http_client(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let range = ContentRange {
        start: script.length(),
        length: script.length(),
    };
    let some = (bits & 1 == 0).then_some(range);
    let ask = Ask {
        asked: match bits >> 1 & 3 {
            0 => Asked::Content(some),
            1 => Asked::Hashes(some),
            2 => Asked::MissingData(range),
            _ => Asked::Plainly(some),
        },
        settings: ClientSettings {
            version: [VersionNumber::V1_1, VersionNumber::V1_0][usize::from(bits >> 3 & 1)],
            content_information: [Version::V2, Version::V1][usize::from(bits >> 4 & 1)],
        },
    };
    let written: Vec<_> = ask
        .fields("gzip, deflate")
        .map(|field| (field.name, field.value.to_string()))
        .collect();
    let mut request = RequestFields::new();
    for (name, value) in &written {
        request.add(name.as_bytes(), value.as_bytes());
    }
    let resource = Resource {
        length: u64::MAX >> 1,
        etag: Some(b"\"tag\""),
        last_modified: None,
        v1: Availability::Ready,
        v2: Availability::Ready,
    };
    let decision = ServerSettings::default().decide(
        &Request {
            method: b"GET",
            http: HttpVersion::Http11,
            fields: &request,
        },
        &resource,
    );
    assert_eq!(decision.fault, None, "{written:?}");
    assert!(
        decision.quirks.is_empty(),
        "{written:?}: {:?}",
        decision.quirks
    );
    let status = if bits & 0x20 == 0 {
        script.u16()
    } else {
        206 - 6 * u16::from(bits >> 6 & 1)
    };
    let mut fields = ResponseFields::new();
    lines(script.rest()).for_each(|(name, value)| fields.add(name, value));
    let is_within = |range: ContentRange, asked: Option<ContentRange>| {
        asked.is_some_and(|asked| asked.start <= range.start && range.end() <= asked.end())
    };
    let asked = match ask.asked {
        Asked::Content(range) | Asked::Hashes(range) | Asked::Plainly(range) => range,
        Asked::MissingData(range) => Some(range),
    };
    match ask.understand(status, &fields) {
        Meaning::ContentInformation {
            version,
            content_length,
            range,
            ..
        } => {
            assert!(matches!(ask.asked, Asked::Content(_) | Asked::Hashes(_)));
            assert!(version <= ask.settings.version);
            assert!(range.is_none_or(|range| range.length == content_length));
            assert!(range.is_none_or(|range| status == 206 && is_within(range, asked)));
        }
        Meaning::Plain { range, .. } => {
            assert!(range.is_none_or(|range| status == 206 && is_within(range, asked)));
        }
        Meaning::Unusable(rejected) => assert!(!rejected.why.is_empty()),
        Meaning::NoContent => assert!(status != 200 && status != 206),
    }
    if let Some(fault) = fields.fault() {
        assert!(!fault.rejected().requirement.is_empty());
    }
}
