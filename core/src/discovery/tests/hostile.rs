//! What a hostile network sends as MS-PCCRD: every limit, every forbidden part of XML.
//! Invariant: each is refused by its own name, and soon.
//! Byte order: as in the messages.

use super::*;

const END: &str = "</soap:Envelope>";

pub(super) fn usual(index: usize) -> String {
    text(&messages()[index])
}

/// The name of the fault, once `from` has become `to` in one of the messages.
#[track_caller]
pub(super) fn fault_of(index: usize, from: &str, to: &str) -> &'static str {
    let text = usual(index);
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text, "nothing to replace");
    fault(&changed).unwrap_err()
}

#[test]
fn document_types_and_entities_are_refused() {
    let body = usual(0);
    let (_, envelope) = body.split_once("?>").unwrap();
    let laughs: String = (1..10).fold("<!ENTITY a0 'ha'>".to_owned(), |all, n| {
        let before = format!("&a{};", n - 1).repeat(10);
        format!("{all}<!ENTITY a{n} '{before}'>")
    });
    for doctype in [
        "<!DOCTYPE x>".to_owned(),
        "<!doctype x>".to_owned(),
        "<!DOCTYPE".to_owned(),
        "<!DOCTYPE >".to_owned(),
        "<!DOCTYPE x SYSTEM \"http://192.0.2.1/x.dtd\">".to_owned(),
        format!("<!DOCTYPE x [{laughs}]>"),
    ] {
        assert_eq!(
            fault(&format!("{doctype}{envelope}")),
            Err("doctype"),
            "{doctype}"
        );
    }
    for entity in [
        "&a9;",
        "&nbsp;",
        "&amp",
        "&;",
        "&#0;",
        "&#x0;",
        "&#xD800;",
        "&#x110000;",
    ] {
        let fault = fault_of(0, &"AB".repeat(32), entity);
        assert_eq!(fault, "entity", "{entity}");
        assert_eq!(fault_of(0, "strcmp0", entity), "entity", "{entity}");
    }
    for entity in [
        "&#+65;",
        "&#x+41;",
        "&#99999999999999999999;",
        "& ",
        "&#-1;",
        "&#;",
        "&#x;",
        "&a&b;",
    ] {
        assert_eq!(fault_of(0, &"AB".repeat(32), entity), "entity", "{entity}");
    }
}

#[test]
fn processing_instructions_are_refused_and_so_is_a_late_declaration() {
    assert_eq!(
        fault_of(0, "<soap:Body>", "<?php x ?><soap:Body>"),
        "processing-instruction"
    );
    assert_eq!(
        fault_of(0, "<soap:Envelope", "<?x?><soap:Envelope"),
        "processing-instruction"
    );
    let (declaration, _) = "<?xml version=\"1.0\"?>".split_at(21);
    let twice = format!("{declaration}{}", usual(0));
    assert_eq!(fault(&twice), Err("not-well-formed"));
    assert_eq!(fault(&format!(" {}", usual(0))), Err("not-well-formed"));
    assert_eq!(
        fault_of(0, "version=\"1.0\"", "version=\"1.1\""),
        "not-well-formed"
    );
    assert_eq!(fault_of(0, "version=\"1.0\" ", ""), "not-well-formed");
}

#[test]
fn an_encoding_other_than_the_real_one_is_refused() {
    for encoding in ["utf-16", "iso-8859-1", "ebcdic", ""] {
        let fault = fault_of(0, "utf-8", encoding);
        assert_eq!(fault, "encoding", "{encoding}");
    }
    let wide = utf16(&usual(0), u16::to_le_bytes);
    let error = Message::decode(&wide).unwrap_err();
    assert_eq!(error.problem.name(), "encoding");
    // Without its mark it is taken for UTF-8, in which it has NULs.
    let error = Message::decode(&wide[2..]).unwrap_err();
    assert_eq!((error.problem.name(), error.at), ("character", 1));
    let alone = usual(0).replace("utf-8\"", "UTF-8\" standalone=\"yes\"");
    assert!(fault(&alone).is_ok());
}

#[test]
fn elements_inside_each_other_are_counted() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let inside = |depth| format!("{}<soap:Body>", nested(depth));
    let limit = MAX_DEPTH - 1;
    let text = usual(0);
    assert!(fault(&text.replacen("<soap:Body>", &inside(limit), 1)).is_ok());
    assert_eq!(fault_of(0, "<soap:Body>", &inside(limit + 1)), "too-deep");
    assert_eq!(
        fault(&usual(0).replacen("<wsa:To>", &"<a>".repeat(20_000), 1)),
        Err("too-deep")
    );
    assert_eq!(
        fault_of(0, &"AB".repeat(32), &nested(5)),
        "element-in-value"
    );
}

#[test]
fn elements_attributes_and_prefixes_are_counted() {
    let many = "<a/>".repeat(MAX_ELEMENTS);
    assert_eq!(
        fault_of(0, "<soap:Body>", &format!("{many}<soap:Body>")),
        "too-many-elements"
    );
    let attributes =
        |count: usize| -> String { (0..count).map(|n| format!(" a{n}='{n}'")).collect() };
    let text = usual(0);
    let fits = format!("<soap:Body{}>", attributes(MAX_ATTRIBUTES));
    assert!(fault(&text.replacen("<soap:Body>", &fits, 1)).is_ok());
    let over = format!("<soap:Body{}>", attributes(MAX_ATTRIBUTES + 1));
    assert_eq!(fault_of(0, "<soap:Body>", &over), "too-many-attributes");
    let thousands = format!("<soap:Body{}>", attributes(5000));
    assert_eq!(
        fault_of(0, "<soap:Body>", &thousands),
        "too-many-attributes"
    );
    let huge = format!("<soap:Body a='{}'>", "x".repeat(40_000));
    assert!(fault(&text.replacen("<soap:Body>", &huge, 1)).is_ok());
    let prefixes = |count: usize, from: usize| -> String {
        (from..from + count)
            .map(|n| format!(" xmlns:p{n}='u'"))
            .collect()
    };
    let fits = format!("<soap:Body{}>", prefixes(MAX_NAMESPACES - 4, 0));
    assert!(fault(&text.replacen("<soap:Body>", &fits, 1)).is_ok());
    let over = format!("<soap:Body{}>", prefixes(MAX_NAMESPACES - 3, 0));
    assert_eq!(fault_of(0, "<soap:Body>", &over), "too-many-namespaces");
    // What has gone out of scope does not count.
    let gone = format!("<a{}/>", prefixes(20, 0)).repeat(10);
    assert!(fault(&text.replacen("<soap:Body>", &format!("{gone}<soap:Body>"), 1)).is_ok());
}

#[test]
fn a_datagram_that_is_too_large_is_refused() {
    let padded = format!("{}{}", usual(0), " ".repeat(MAX_MESSAGE_BYTES));
    assert_eq!(fault(&padded), Err("message-too-large"));
}

#[test]
fn nothing_but_comments_and_white_space_may_stand_outside_the_root() {
    for (after, name) in [
        ("x", "trailing-bytes"),
        ("<a/>", "trailing-bytes"),
        ("&#32;", "trailing-bytes"),
        ("<![CDATA[ ]]>", "not-well-formed"),
        ("</a>", "not-well-formed"),
        ("<", "truncated"),
        ("<!--", "truncated"),
        ("\0", "character"),
    ] {
        let found = fault(&format!("{}{after}", usual(0)));
        assert!(
            found == Err(name) || after == "&#32;" && found.is_ok(),
            "{after}: {found:?}"
        );
    }
    let (declaration, envelope) = usual(0)
        .split_once("?>")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(
        fault(&format!("{declaration}?>x{envelope}")),
        Err("unexpected-text")
    );
    for nothing in ["", " ", "<?xml version='1.0'?>", "<!-- -->", "\u{FEFF}"] {
        assert_eq!(fault(nothing), Err("truncated"), "{nothing}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (from, to) in [
        ("</wsd:Probe>", "</wsd:probe>"),
        ("</wsd:Probe>", "</d:Probe>"),
        ("</wsd:Probe>", "</wsd:Probe></wsd:Probe>"),
        ("<soap:Body>", "<soap:Body a=1>"),
        ("<soap:Body>", "<soap:Body a>"),
        ("<soap:Body>", "<soap:Body a='1' a='2'>"),
        ("<soap:Body>", "<soap:Body a='<'>"),
        ("<soap:Body>", "<soap:Body 1='1'>"),
        ("<soap:Body>", "<a:b:c/><soap:Body>"),
        ("<soap:Body>", "<:a/><soap:Body>"),
        ("<soap:Body>", "<a:/><soap:Body>"),
        ("<soap:Body>", "<1/><soap:Body>"),
        ("<soap:Body>", "</><soap:Body>"),
        ("<soap:Body>", "<a\"b/><soap:Body>"),
        ("<soap:Body>", "<!x><soap:Body>"),
        ("<soap:Body>", "<!-- -- --><soap:Body>"),
        ("<soap:Body>", "<!--><soap:Body>"),
        ("<soap:Body>", "<![cdata[x]]><soap:Body>"),
        ("<wsd:Probe>", "<x>]]></x><wsd:Probe>"),
    ] {
        let found = fault_of(0, from, to);
        assert!(
            ["not-well-formed", "truncated"].contains(&found),
            "{to}: {found}"
        );
    }
    for to in [
        "x<soap:Body>",
        "<![CDATA[x]]><soap:Body>",
        "&lt;<soap:Body>",
    ] {
        assert_eq!(fault_of(0, "<soap:Body>", to), "unexpected-text", "{to}");
    }
}

#[test]
fn prefixes_mean_what_they_are_bound_to_where_they_stand() {
    let rebound = "<wsd:Probe xmlns:wsd='urn:x'>";
    assert_eq!(fault_of(0, "<wsd:Probe>", rebound), "missing-element");
    let rebound = "<wsd:Types xmlns:PeerDist='urn:x'>";
    assert_eq!(fault_of(0, "<wsd:Types>", rebound), "foreign-types");
    let elsewhere = format!(
        "<x:a xmlns:x='urn:x' xmlns:wsd='urn:y'/><wsd:Probe xmlns:x='{}'>",
        xml::PEER_DIST
    );
    assert!(fault(&usual(0).replacen("<wsd:Probe>", &elsewhere, 1)).is_ok());
    assert_eq!(
        fault_of(0, "<soap:Body>", "<x:a/><soap:Body>"),
        "unbound-prefix"
    );
    assert_eq!(
        fault_of(0, "<soap:Body>", "<soap:Body x:a=''>"),
        "unbound-prefix"
    );
    assert_eq!(fault_of(0, " xmlns:wsd=", " xmlns:d="), "unbound-prefix");
    // A prefix ends with the element that bound it.
    let gone = "<x:a xmlns:x='urn:x'/><x:a/><soap:Body>";
    assert_eq!(fault_of(0, "<soap:Body>", gone), "unbound-prefix");
    for reserved in [
        "<a xmlns:xml='urn:x'/>",
        "<a xmlns:xmlns='urn:x'/>",
        "<a xmlns:x='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:x=''/>",
        "<xmlns:a/>",
    ] {
        let changed = format!("{reserved}<soap:Body>");
        assert_eq!(
            fault_of(0, "<soap:Body>", &changed),
            "reserved-prefix",
            "{reserved}"
        );
    }
    let fine =
        "<a xmlns='' xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace'/><soap:Body>";
    assert!(fault(&usual(0).replacen("<soap:Body>", fine, 1)).is_ok());
    // An attribute of the sequence is one without a prefix.
    let qualified = " wsd:InstanceId=";
    assert_eq!(fault_of(2, " InstanceId=", qualified), "missing-element");
}

#[test]
fn only_a_soap_1_2_envelope_is_read() {
    let soap_1_1 = "http://schemas.xmlsoap.org/soap/envelope/";
    assert_eq!(fault_of(0, xml::SOAP, soap_1_1), "not-soap");
    assert_eq!(fault("<Envelope/>"), Err("not-soap"));
    let empty = format!("<Envelope xmlns='{}'/>", xml::SOAP);
    assert_eq!(fault(&empty), Err("missing-element"));
    let (start, rest) = usual(0)
        .split_once("<soap:Header>")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let (header, rest) = rest.split_once("</soap:Header>").unwrap();
    let late = format!(
        "{start}{}<soap:Header>{header}</soap:Header>{END}",
        rest.trim_end_matches(END)
    );
    assert_eq!(fault(&late), Err("missing-element"));
}
