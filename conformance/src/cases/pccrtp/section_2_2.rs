//! MS-PCCRTP 2.2: the coding's name, the two header fields, and their parameters.
//! Invariant: values that the grammar allows are read as they are meant.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop};
use crate::targets::content_server::{
    ASKS_FOR_V1, CODING, Coded, ContentServer, Given, PEERDIST, PEERDIST_EX,
};
use crate::wire::content_info::Version;

const NAME: &str = "PCCRTP-2.2-01";
const LIST: &str = "PCCRTP-2.2-03";
const MISSING: &str = "PCCRTP-2.2-08";
const WINDOW: &str = "MinContentInformation=1.0, MaxContentInformation=1.0";

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-coding-without-case",
        "the name of the coding is read without case",
        &[NAME],
        |session| is_coded_for(session, &["PeerDist", "PEERDIST"]),
    ),
    Case::content_server(
        "pccrtp-server-coding-in-a-list",
        "the coding is found wherever it stands in a list",
        &[NAME],
        |session| {
            is_coded_for(
                session,
                &[
                    "gzip, deflate, peerdist",
                    "peerdist, gzip",
                    "gzip,,peerdist ,",
                ],
            )
        },
    ),
    Case::content_server(
        "pccrtp-server-coding-with-quality",
        "a coding that is accepted with a quality is accepted",
        &[NAME],
        |session| {
            is_coded_for(
                session,
                &["peerdist;q=1", "peerdist; q=0.5", "peerdist;q=0.001"],
            )
        },
    ),
    Case::content_server(
        "pccrtp-server-coding-name",
        "Content-Encoding names the coding alone, in lower case",
        &[NAME],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            let codings: Vec<&str> = coded.head.all("Content-Encoding").collect();
            let found = format!("Content-Encoding is {codings:?}");
            let is_alone = matches!(codings.as_slice(), [one] if one.eq_ignore_ascii_case(CODING));
            session.holds(is_alone, NAME, &found)?;
            if codings == [CODING] {
                return Ok(());
            }
            session.quirk("rtp-coding-case", NAME, found)
        },
    )
    .quirks(&["rtp-coding-case"]),
    Case::content_server(
        "pccrtp-server-header-field",
        "a coded response has X-P2P-PeerDist, a list of parameters that the document knows",
        &["PCCRTP-2.2-02", LIST, "PCCRTP-2.2-05"],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            is_well_formed(session, &coded)
        },
    )
    .quirks(&["rtp-leading-comma", "rtp-unknown-parameter"]),
    Case::content_server(
        "pccrtp-server-content-length",
        "ContentLength is the length of the content, not that of the body",
        &["PCCRTP-2.2-07", "PCCRTP-3.2.5.1-07"],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            let found = coded.parameter("ContentLength").map(str::to_owned);
            let expected = Some(resource.total().to_string());
            session.equal("PCCRTP-3.2.5.1-07", "ContentLength", &found, &expected)?;
            session.equal("PCCRTP-2.2-07", "ContentLength", &found, &expected)
        },
    ),
    Case::content_server(
        "pccrtp-server-list-with-empty-elements",
        "empty elements and white space in the list of parameters mean nothing",
        &[LIST],
        |session| {
            let resource = session.resource()?;
            for value in [", Version=1.1", "Version=1.1,", " ,, Version=1.1 , ,"] {
                let fields = [
                    ("Accept-Encoding", CODING),
                    (PEERDIST, value),
                    (PEERDIST_EX, WINDOW),
                ];
                session.coded(&resource, &fields, LIST)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-unknown-parameter",
        "parameters that the document does not know bring no error",
        &[LIST],
        |session| {
            let resource = session.resource()?;
            let ex = format!("{WINDOW}, Colour=blue");
            for (value, ex) in [
                ("Version=1.1, Colour=blue", WINDOW),
                ("Version=1.1", ex.as_str()),
                ("Colour=\"a, b\", Version=1.1", WINDOW),
            ] {
                let fields = [
                    ("Accept-Encoding", CODING),
                    (PEERDIST, value),
                    (PEERDIST_EX, ex),
                ];
                let given = session.get(&resource, &fields, LIST)?;
                session.holds(given.head().status() == Some(200), LIST, given.told())?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-make-hash-request-of-client",
        "the server's own parameter in a request brings no error",
        &[LIST],
        |session| {
            let resource = session.resource()?;
            let ex = format!("{WINDOW}, MakeHashRequest=true");
            let fields = [
                ("Accept-Encoding", CODING),
                (PEERDIST, "Version=1.1"),
                (PEERDIST_EX, &ex),
            ];
            let given = session.get(&resource, &fields, LIST)?;
            session.holds(given.head().status() == Some(200), LIST, given.told())
        },
    ),
    Case::content_server(
        "pccrtp-server-missing-data-range",
        "a request for missing data gets the bytes of its range, plain, with status 206",
        &[MISSING, "PCCRTP-1.6-02"],
        |session| {
            let resource = session.resource()?;
            let total = resource.total();
            let range = format!("bytes={}-{}", total / 3, total / 2);
            let usual = session.get(&resource, &[("Range", &range)], MISSING)?;
            if usual.head().status() != Some(206) {
                return Err(Stop::Skip("the server knows no ranges".to_owned()));
            }
            let fields = [
                ("Range", range.as_str()),
                (PEERDIST, "Version=1.1, MissingDataRequest=true"),
            ];
            let given = session.get(&resource, &fields, MISSING)?;
            session.holds(given.head().status() == Some(206), MISSING, given.told())?;
            let is_plain = matches!(given, Given::Plain(_));
            session.holds(is_plain, "PCCRTP-1.6-02", given.told())
        },
    ),
    Case::content_server(
        "pccrtp-server-missing-data-whole",
        "a request for missing data without a range gets the whole content, plain",
        &[MISSING],
        |session| {
            let resource = session.resource()?;
            for value in [
                "Version=1.1, MissingDataRequest=true",
                "Version=1.0,MissingDataRequest=true",
            ] {
                session.plain(&resource, &[(PEERDIST, value)], MISSING)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-missing-data-identity",
        "missing data is plain as well where the window of content information stands beside it",
        &[MISSING],
        |session| {
            let resource = session.resource()?;
            let fields = [
                ("Accept-Encoding", "identity"),
                (PEERDIST, "Version=1.1, MissingDataRequest=true"),
                (PEERDIST_EX, WINDOW),
            ];
            session.plain(&resource, &fields, MISSING).map(drop)
        },
    ),
];

fn is_coded_for(session: &Session<'_, ContentServer>, codings: &[&str]) -> Outcome {
    let resource = session.resource()?;
    for coding in codings {
        let mut fields = vec![("Accept-Encoding", *coding)];
        fields.extend(ASKS_FOR_V1.iter().skip(1));
        session.coded(&resource, &fields, NAME)?;
    }
    Ok(())
}

fn is_well_formed(session: &Session<'_, ContentServer>, coded: &Coded) -> Outcome {
    let values: Vec<&str> = coded.head.all(PEERDIST).collect();
    let found = format!("{PEERDIST} is {values:?}");
    session.holds(!values.is_empty(), "PCCRTP-2.2-02", &found)?;
    let joined = values.join(",");
    let mut seen = Vec::new();
    let mut is_first = true;
    for element in joined.split(',').map(str::trim) {
        if element.is_empty() {
            session.quirk("rtp-leading-comma", LIST, &found)?;
            continue;
        }
        is_first = false;
        let parted = element.split_once('=');
        session.holds(parted.is_some(), LIST, &found)?;
        let Some((name, value)) = parted else {
            continue;
        };
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match name {
            "Version" => {
                let parts = value.split_once('.');
                let is_good =
                    parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor));
                session.holds(is_good, "PCCRTP-2.2-05", &found)?;
            }
            "ContentLength" => session.holds(is_number(value), LIST, &found)?,
            "MissingDataRequest" => session.holds(value == "true", LIST, &found)?,
            _ => session.quirk("rtp-unknown-parameter", LIST, &found)?,
        }
        session.holds(!seen.contains(&name), LIST, &found)?;
        seen.push(name);
    }
    session.holds(!is_first && seen.contains(&"Version"), LIST, &found)
}
