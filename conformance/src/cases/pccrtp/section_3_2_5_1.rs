//! MS-PCCRTP 3.2.5.1: content information as the body of a response.
//! Invariant: every hash in it is made anew from the content.
//! Byte order: that of MS-PCCRC.

use crate::judge::{Case, Stop, Tag};
use crate::targets::content_server::{ASKS_FOR_V1, ASKS_FOR_V2, Given, PEERDIST_EX, Resource};
use crate::wire::content_info::Version;

const BODY: &str = "PCCRTP-3.2.5.1-01";
const OF_CONTENT: &str = "PCCRTP-3.2.5-01";
const LATER: &str = "PCCRTP-3.2.5.1-08";

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-content-information-1.0",
        "the body is content information 1.0 of the content, to the last block hash",
        &[BODY, OF_CONTENT, "PCCRC-2.2-03", "PCCRC-2.2-04"],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            session.is_of_content(&coded, &resource, BODY)?;
            session.is_of_content(&coded, &resource, OF_CONTENT)?;
            session.is_of_content(&coded, &resource, "PCCRC-2.2-03")?;
            session.is_of_content(&coded, &resource, "PCCRC-2.2-04")
        },
    )
    .quirks(&["v1-read-bytes-whole-last-segment"])
    .tags(&[Tag::V1]),
    Case::content_server(
        "pccrtp-server-content-information-2.0",
        "the body is content information 2.0 of the content, to the last segment",
        &[BODY, OF_CONTENT, "PCCRC-2.2-14"],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V2)?;
            session.is_of_content(&coded, &resource, BODY)?;
            session.is_of_content(&coded, &resource, OF_CONTENT)?;
            session.is_of_content(&coded, &resource, "PCCRC-2.2-14")
        },
    )
    .quirks(&["v2-segments-past-range"])
    .tags(&[Tag::V2]),
    Case::content_server(
        "pccrtp-server-several-segments",
        "content of more than 32 MiB has several segments of version 1.0, each with hashes of its own",
        &[BODY, "PCCRC-2.1-01"],
        |session| {
            let resource = session.long_resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            session.is_of_content(&coded, &resource, BODY)?;
            let expected = resource.total().div_ceil(32 << 20);
            let found = coded.info.segments.len() as u64;
            session.equal("PCCRC-2.1-01", "cSegments", &found, &expected)
        },
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::content_server(
        "pccrtp-server-segment-secrets",
        "segment secrets are HMAC of HoD with the hash of the server's secret key, in both versions",
        &["PCCRC-2.2-06", "PCCRC-2.2-05", BODY],
        |session| {
            if session.target.secret_key.is_none() {
                return Err(Stop::Skip("needs the secret key of the server".to_owned()));
            }
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            for requirement in ["PCCRC-2.2-06", "PCCRC-2.2-05", BODY] {
                session.is_of_content(&coded, &resource, requirement)?;
            }
            let given = session.get(&resource, ASKS_FOR_V2, BODY)?;
            if let Given::Coded(coded) = given {
                session.is_of_content(&coded, &resource, "PCCRC-2.2-06")?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-secret-not-disclosed",
        "the hash of the secret key is nowhere in a response",
        &["PCCRC-2.2-11"],
        |session| {
            let Some(secret_key) = &session.target.secret_key else {
                return Err(Stop::Skip("needs the secret key of the server".to_owned()));
            };
            let resource = session.resource()?;
            for version in [Version::V1, Version::V2] {
                let coded = session.standard(&resource, version)?;
                let key = coded.info.algorithm.hash(secret_key);
                let mut places = coded.bytes.windows(key.len());
                let found = "Ks is in the content information";
                session.holds(!places.any(|bytes| bytes == key), "PCCRC-2.2-11", found)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-parameters-of-response",
        "a coded response has X-P2P-PeerDist with Version and ContentLength, in both versions",
        &["PCCRTP-3.2.5.1-05", "PCCRTP-3.2.5.1-06", "PCCRTP-3.2.5.1-07"],
        |session| {
            let resource = session.resource()?;
            for fields in [ASKS_FOR_V1, ASKS_FOR_V2] {
                let coded = session.coded(&resource, fields, "PCCRTP-3.2.5.1-05")?;
                let field = coded.head.get("X-P2P-PeerDist");
                let found = "the coded response has no X-P2P-PeerDist";
                session.holds(field.is_some(), "PCCRTP-3.2.5.1-05", found)?;
                let found = format!("X-P2P-PeerDist is {field:?}");
                let has_version = coded.version().is_some();
                session.holds(has_version, "PCCRTP-3.2.5.1-06", &found)?;
                let has_length = coded.parameter("ContentLength").is_some();
                session.holds(has_length, "PCCRTP-3.2.5.1-07", &found)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-make-hash-request",
        "the first request for a content is answered coded, or plain with MakeHashRequest=true",
        &[LATER],
        |session| {
            let resource = session.resource()?;
            match session.standard(&resource, Version::V1) {
                // None at all, however often it was asked for.
                Err(Stop::Skip(why)) => return session.holds(false, LATER, why),
                other => other?,
            };
            let fresh = fresh(&resource, &session.random_array());
            let given = session.get(&fresh, ASKS_FOR_V1, LATER)?;
            if given.head().status() != Some(200) {
                let why = "the server does not know the content with a query behind its path";
                return Err(Stop::Skip(why.to_owned()));
            }
            let is_asked = given.head().lists(PEERDIST_EX, "MakeHashRequest=true");
            let is_good = is_asked || matches!(given, Given::Coded(_));
            session.holds(is_good, LATER, given.told())?;
            if matches!(given, Given::Plain(_)) {
                session.standard(&fresh, Version::V1)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-make-hash-request-with-version",
        "a plain answer with MakeHashRequest=true has X-P2P-PeerDist with Version too",
        &["PCCRTP-4-02", "PCCRTP-2.2-12"],
        |session| {
            let resource = session.resource()?;
            let fresh = fresh(&resource, &session.random_array());
            let given = session.get(&fresh, ASKS_FOR_V1, "PCCRTP-4-02")?;
            let head = given.head();
            let Some(ex) = head.get(PEERDIST_EX) else {
                let why = "the server has the hashes of the content at once".to_owned();
                return Err(Stop::Skip(why));
            };
            let is_good = ex.split(',').any(|element| element.trim() == "MakeHashRequest=true");
            session.holds(is_good, "PCCRTP-2.2-12", format_args!("{PEERDIST_EX} is '{ex}'"))?;
            let version = head.get("X-P2P-PeerDist").unwrap_or_default();
            let is_good = version.split(',').any(|element| {
                matches!(element.trim(), "Version=1.0" | "Version=1.1")
            });
            session.holds(is_good, "PCCRTP-4-02", format_args!("X-P2P-PeerDist is '{version}'"))?;
            if ex.starts_with(',') {
                let found = format!("{PEERDIST_EX} is '{ex}'");
                session.quirk("rtp-leading-comma", "PCCRTP-2.2-12", found)?;
            }
            Ok(())
        },
    )
    .quirks(&["rtp-leading-comma"]),
];

/// The same content under a name that nobody asked for before.
fn fresh<'a>(resource: &Resource<'a>, random: &[u8; 8]) -> Resource<'a> {
    let mut fresh = resource.clone();
    let mark = if fresh.path.contains('?') { '&' } else { '?' };
    let number = u64::from_le_bytes(*random);
    fresh.path.push_str(&format!("{mark}fresh={number:x}"));
    fresh
}
