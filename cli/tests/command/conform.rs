//! `conform`: what judges, as people and CI systems meet it: cases, verdicts, reports, exit codes.

mod cases;
mod files;
mod judging;
mod mistakes;
mod reports;
mod roles;
mod tls;

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use crate::room::{Ended, PEERDIST, Room};

/// Two cases that a good maker passes and a bad one fails.
const ONE_BYTE: &str = "pccrc-maker-v1-one-byte";
const CHUNK: &str = "pccrc-maker-v2-chunk";
/// A maker of bytes that are no content information.
const BAD: &str = "sh -c 'head -c 50 {content} >{out}'";
/// What has none of it.
const UNSUPPORTED: &str = "sh -c 'exit 127' {content} {out}";

/// Our own maker.
fn good() -> String {
    format!(
        "'{PEERDIST}' info create {{content}} --secret-hex {{secret_hex}} --version {{version}} -o {{out}}"
    )
}

/// `conform run` against a maker of content information.
fn judged(room: &Room, maker: &str, rest: &str) -> Ended {
    let mut args = vec!["conform", "run", "--exec", maker];
    args.extend(rest.split_whitespace());
    room.run_args(&args)
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|error| {
        panic!("{error} in {}", String::from_utf8_lossy(text));
    })
}

/// What a report says of each case.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let cases = report["cases"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    cases
        .map(|case| (text(&case["id"]), text(&case["verdict"])))
        .collect()
}

/// An element: its name, its attributes, and the text in it.
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
}

/// All elements of a document in the order in which they begin; panics at what is no XML.
fn elements(xml: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(xml);
    let (mut all, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    let element = |start: &BytesStart<'_>| Element {
        name: start.name().0.to_owned(),
        attributes: start
            .attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                let value = quick_xml::escape::unescape(&attribute.value).unwrap();
                (attribute.key.0.to_owned(), value.into_owned())
            })
            .collect(),
        text: String::new(),
    };
    loop {
        let text = match reader.read_event().unwrap() {
            Event::Start(start) => {
                open.push(all.len());
                all.push(element(&start));
                continue;
            }
            Event::Empty(start) => {
                all.push(element(&start));
                continue;
            }
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Eof => break,
            Event::Text(text) => text.into_inner().into_owned(),
            Event::GeneralRef(name) => match &*name {
                "lt" => "<".to_owned(),
                "gt" => ">".to_owned(),
                "amp" => "&".to_owned(),
                "quot" => "\"".to_owned(),
                other => panic!("&{other}; in {xml}"),
            },
            Event::Decl(_) => continue,
            other => panic!("{other:?}"),
        };
        let allowed = |sign: char| matches!(sign, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(text.chars().all(allowed), "{text:?} is not for XML 1.0");
        if let Some(element) = open.last().and_then(|at| all.get_mut(*at)) {
            element.text.push_str(&text);
        }
    }
    assert!(open.is_empty());
    all
}
