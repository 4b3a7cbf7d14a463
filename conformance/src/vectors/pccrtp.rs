//! Replay of the vectors of MS-PCCRTP: header fields read and written, and what either side makes of a message.
//! Invariant: everything that a vector expects is compared, the offset of an error and every header field included.
//! Byte order: none.

use peerdist::content::{ContentRange, Version};
use peerdist::http_encoding::{
    AcceptEncoding, Answer, Ask, Asked, Availability, ClientSettings, ContentEncoding, DecodeError,
    Field, HttpVersion, Meaning, PeerDist, PeerDistEx, Quirks, Request, RequestFields, Resource,
    ResponseFields, ServerSettings, VersionNumber,
};
use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use super::{Group, Test, no_replay, same, typed};

pub(super) fn replay(kind: &str, group: &Group, test: &Test) -> Result<(), String> {
    match kind {
        "header" => header(group, test),
        "negotiation" => negotiation(group, test),
        _ => Err(no_replay("MS-PCCRTP", kind)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderParameters {
    header: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderInput {
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderExpect {
    result: String,
    quirks: Option<Vec<String>>,
    fields: Option<Value>,
    encoded: Option<String>,
    error: Option<String>,
    offset: Option<usize>,
}

/// What was read: the fields by their names, and the value written again.
struct Read {
    fields: Mapping,
    encoded: Option<String>,
    quirks: Quirks,
}

fn header(group: &Group, test: &Test) -> Result<(), String> {
    let HeaderParameters { header } = typed("parameters", &group.parameters)?;
    let HeaderInput { value } = typed("input", &test.input)?;
    let expect: HeaderExpect = typed("expect", &test.expect)?;
    let read = match read(&header, value.as_bytes()) {
        None => return Err(format!("there is no replay for the header field {header}")),
        Some(Err(error)) => {
            same("result", &expect.result.as_str(), &"invalid")?;
            same(
                "error",
                &expect.error.as_deref(),
                &Some(error.problem.name()),
            )?;
            return same("offset of the error", &expect.offset, &Some(error.at));
        }
        Some(Ok(read)) => read,
    };
    check_quirks(
        &expect.result,
        &expect.quirks.unwrap_or_default(),
        read.quirks,
    )?;
    same("fields", &expect.fields, &Some(Value::Mapping(read.fields)))?;
    same(
        "encoded",
        &expect.encoded,
        &read.encoded.filter(|text| !text.is_empty()),
    )
}

fn check_quirks(result: &str, expected: &[String], quirks: Quirks) -> Result<(), String> {
    let found: Vec<_> = quirks.iter().map(|quirk| quirk.name().to_owned()).collect();
    same("quirks", &expected, &found.as_slice())?;
    let verdict = if found.is_empty() { "valid" } else { "quirky" };
    same("result", &result, &verdict)
}

fn read(header: &str, value: &[u8]) -> Option<Result<Read, DecodeError>> {
    Some(match header {
        "X-P2P-PeerDist" => PeerDist::decode(value).map(|(found, quirks)| Read {
            fields: of_peerdist(&found),
            encoded: String::from_utf8(found.encode()).ok(),
            quirks,
        }),
        "X-P2P-PeerDistEx" => PeerDistEx::decode(value).map(|(found, quirks)| Read {
            fields: of_peerdist_ex(&found),
            encoded: String::from_utf8(found.encode()).ok(),
            quirks,
        }),
        "Accept-Encoding" => AcceptEncoding::decode(value).map(|(found, quirks)| {
            let word = match found {
                AcceptEncoding::Silent => "silent",
                AcceptEncoding::Accepted => "accepted",
                AcceptEncoding::Refused => "refused",
            };
            one("peerdist", word, quirks)
        }),
        "Content-Encoding" => ContentEncoding::decode(value).map(|(found, quirks)| {
            let word = match found {
                ContentEncoding::Identity => "identity",
                ContentEncoding::PeerDist => "peerdist",
                ContentEncoding::Other => "other",
                ContentEncoding::Combined => "combined",
            };
            one("coding", word, quirks)
        }),
        _ => return None,
    })
}

fn one(name: &str, word: &str, quirks: Quirks) -> Read {
    Read {
        fields: Mapping::from_iter([(name.into(), word.into())]),
        encoded: None,
        quirks,
    }
}

fn of_version(version: VersionNumber) -> Value {
    let number = |name: &str, value: u32| (name.into(), value.into());
    let fields = [
        number("major", version.major),
        number("minor", version.minor),
    ];
    Value::Mapping(Mapping::from_iter(fields))
}

fn of_peerdist(found: &PeerDist) -> Mapping {
    let version = found
        .version
        .map(|version| ("Version".into(), of_version(version)));
    let length = found
        .content_length
        .map(|length| ("ContentLength".into(), length.into()));
    let missing = found
        .missing_data_request
        .then(|| ("MissingDataRequest".into(), "true".into()));
    version.into_iter().chain(length).chain(missing).collect()
}

fn of_peerdist_ex(found: &PeerDistEx) -> Mapping {
    let window = found.window.into_iter().flat_map(|(min, max)| {
        [
            ("MinContentInformation".into(), of_version(min)),
            ("MaxContentInformation".into(), of_version(max)),
        ]
    });
    let flag = |there: bool, name: &str| there.then(|| (name.into(), "true".into()));
    window
        .chain(flag(found.make_hash_request, "MakeHashRequest"))
        .chain(flag(found.hash_request, "HashRequest"))
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    side: String,
    version: String,
    content_information: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Ready,
    AtHand,
    Later,
    Never,
}

impl State {
    const fn availability(&self) -> Availability {
        match self {
            Self::Ready => Availability::Ready,
            Self::AtHand => Availability::AtHand,
            Self::Later => Availability::Later,
            Self::Never => Availability::Never,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerInput {
    method: String,
    http: String,
    headers: Vec<Line>,
    length: u64,
    etag: Option<String>,
    last_modified: Option<String>,
    v1: State,
    v2: State,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    start: u64,
    length: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientInput {
    asked: String,
    range: Option<Range>,
    codings: Option<String>,
    status: Option<u16>,
    headers: Option<Vec<Line>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    result: String,
    quirks: Vec<String>,
    answer: Option<String>,
    reason: Option<String>,
    content_information: Option<u8>,
    status: Option<u16>,
    headers: Option<Vec<Line>>,
    meaning: Option<String>,
    content_length: Option<u64>,
    range: Option<Range>,
    requirement: Option<String>,
}

fn negotiation(group: &Group, test: &Test) -> Result<(), String> {
    let parameters: Parameters = typed("parameters", &group.parameters)?;
    let expect: Expect = typed("expect", &test.expect)?;
    let version = match parameters.version.as_str() {
        "1.0" => VersionNumber::V1_0,
        "1.1" => VersionNumber::V1_1,
        other => return Err(format!("version {other} of the vector")),
    };
    if parameters.side == "server" {
        return server(version, &typed("input", &test.input)?, expect);
    }
    let settings = ClientSettings {
        version,
        content_information: match parameters.content_information {
            Some(1) => Version::V1,
            _ => Version::V2,
        },
    };
    client(settings, &typed("input", &test.input)?, expect)
}

const fn number_of(version: Version) -> u8 {
    match version {
        Version::V1 => 1,
        Version::V2 => 2,
    }
}

fn server(version: VersionNumber, input: &ServerInput, expect: Expect) -> Result<(), String> {
    let mut fields = RequestFields::new();
    for line in &input.headers {
        fields.add(line.name.as_bytes(), line.value.as_bytes());
    }
    let request = Request {
        method: input.method.as_bytes(),
        http: match input.http.as_str() {
            "1.0" => HttpVersion::Http10,
            "1.1" => HttpVersion::Http11,
            _ => HttpVersion::Other,
        },
        fields: &fields,
    };
    let resource = Resource {
        length: input.length,
        etag: input.etag.as_deref().map(str::as_bytes),
        last_modified: input.last_modified.as_deref().map(str::as_bytes),
        v1: input.v1.availability(),
        v2: input.v2.availability(),
    };
    let settings = ServerSettings {
        version,
        ..ServerSettings::default()
    };
    let decision = settings.decide(&request, &resource);
    let (answer, reason, information) = match decision.answer {
        Answer::Plain(reason) => ("plain", Some(reason.name()), None),
        Answer::MissingData => ("missing-data", None, None),
        Answer::MakeHashRequest(version) => ("make-hash-request", None, Some(number_of(version))),
        Answer::ContentInformation(version) => {
            ("content-information", None, Some(number_of(version)))
        }
    };
    same("answer", &expect.answer.as_deref(), &Some(answer))?;
    same("reason", &expect.reason.as_deref(), &reason)?;
    same(
        "content_information",
        &expect.content_information,
        &information,
    )?;
    same("status", &expect.status, &Some(decision.status()))?;
    same_lines(expect.headers, decision.fields())?;
    check_quirks(&expect.result, &expect.quirks, decision.quirks)
}

fn same_lines<'a>(
    expected: Option<Vec<Line>>,
    found: impl Iterator<Item = Field<'a>>,
) -> Result<(), String> {
    let mut expected = expected.unwrap_or_default();
    let mut found: Vec<_> = found
        .map(|field| Line {
            name: field.name.to_owned(),
            value: field.value.to_string(),
        })
        .collect();
    expected.sort();
    found.sort();
    same("headers", &expected, &found)
}

fn client(settings: ClientSettings, input: &ClientInput, expect: Expect) -> Result<(), String> {
    let range = input.range.as_ref().map(|range| ContentRange {
        start: range.start,
        length: range.length,
    });
    let asked = match (input.asked.as_str(), range) {
        ("content", range) => Asked::Content(range),
        ("hashes", range) => Asked::Hashes(range),
        ("plainly", range) => Asked::Plainly(range),
        ("missing-data", Some(range)) => Asked::MissingData(range),
        (other, _) => return Err(format!("asked {other} of the vector")),
    };
    let ask = Ask { asked, settings };
    let Some(status) = input.status else {
        return same_lines(
            expect.headers,
            ask.fields(input.codings.as_deref().unwrap_or_default()),
        );
    };
    let mut fields = ResponseFields::new();
    for line in input.headers.iter().flatten() {
        fields.add(line.name.as_bytes(), line.value.as_bytes());
    }
    let shown = |range: ContentRange| Range {
        start: range.start,
        length: range.length,
    };
    let (meaning, length, range, requirement, quirks) = match ask.understand(status, &fields) {
        Meaning::ContentInformation {
            content_length,
            range,
            quirks,
            ..
        } => (
            "content-information",
            Some(content_length),
            range,
            None,
            quirks,
        ),
        Meaning::Plain {
            range,
            make_hash_request,
            quirks,
        } => {
            let word = if make_hash_request {
                "plain-make-hash-request"
            } else {
                "plain"
            };
            (word, None, range, None, quirks)
        }
        Meaning::Unusable(rejected) => {
            let requirement = Some(rejected.requirement.to_owned());
            ("unusable", None, None, requirement, Quirks::default())
        }
        Meaning::NoContent => ("no-content", None, None, None, Quirks::default()),
    };
    same("meaning", &expect.meaning.as_deref(), &Some(meaning))?;
    same("content_length", &expect.content_length, &length)?;
    same("range", &expect.range, &range.map(shown))?;
    same("requirement", &expect.requirement, &requirement)?;
    if meaning == "unusable" {
        return same("result", &expect.result.as_str(), &"invalid");
    }
    check_quirks(&expect.result, &expect.quirks, quirks)
}
