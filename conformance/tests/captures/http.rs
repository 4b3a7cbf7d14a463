//! Exchanges over HTTP and discovery that are right, and others that are wrong in one way.

use peerdist_conformance::evidence::pcapng;
use peerdist_conformance::evidence::record::{Flow, Recorder, Transport};
use peerdist_conformance::wire::content_info::{ContentInfo, Version};
use peerdist_conformance::wire::digest::Algorithm;
use peerdist_conformance::wire::discovery::{self, MatchDraft, Prefixes};
use peerdist_conformance::wire::draft::Draft;
use peerdist_conformance::wire::http;
use peerdist_conformance::wire::retrieval::{self, Range};

use crate::smb_writer::between;
use crate::{Deviant, Right, Side};

pub(crate) const CLIENT: &str = "10.0.0.1:50000";
/// Of the origin and of a peer.
pub(crate) const SERVER: &str = "10.0.0.2:80";
/// Of a responder.
const RESPONDER: &str = "10.0.0.2:3702";
const GROUP: &str = "239.255.255.250:3702";
const SEGMENT: [u8; 32] = [0xAB; 32];
const OTHER: [u8; 32] = [0xCD; 32];
/// AES-128.
const ALGORITHM: u32 = 1;

type Messages = Vec<(bool, Vec<u8>)>;

fn capture(messages: &Messages) -> Vec<u8> {
    between(CLIENT.parse().unwrap(), SERVER.parse().unwrap(), messages)
}

/// A request for content and its answer.
struct Content {
    request: Vec<(&'static str, &'static str)>,
    response: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Content {
    fn new(version: Version) -> Self {
        let content: Vec<u8> = (0..200_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let (info, extended) = match version {
            Version::V1 => (
                ContentInfo::v1(&content, b"key", Algorithm::Sha256),
                "MinContentInformation=1.0, MaxContentInformation=1.0",
            ),
            Version::V2 => (
                ContentInfo::v2(&content, b"key", 100_000),
                "MinContentInformation=1.0, MaxContentInformation=2.0",
            ),
        };
        Self {
            request: vec![
                ("Accept-Encoding", "gzip, peerdist"),
                ("X-P2P-PeerDist", "Version=1.1"),
                ("X-P2P-PeerDistEx", extended),
            ],
            response: vec![
                ("Content-Encoding", "peerdist"),
                ("X-P2P-PeerDist", "Version=1.1, ContentLength=200000"),
                ("ETag", "\"1\""),
            ],
            body: info.of_range(0..200_000).draft().to_bytes(),
        }
    }

    fn capture(&self) -> Vec<u8> {
        let request = http::request("GET", "/file", "server", &self.request, &[]);
        let response = http::response(200, "OK", &self.response, &self.body);
        capture(&vec![(true, request), (false, response)])
    }
}

/// Requests of retrieval, and what answers them.
#[derive(Clone)]
struct Retrieval {
    asked: Vec<Draft>,
    answers: Vec<Draft>,
    status: u16,
}

fn blocks() -> Retrieval {
    let ask = |index| retrieval::get_blocks(&SEGMENT, &[Range::new(index, 1)], ALGORITHM);
    let answer = |index, iv: u8| {
        retrieval::block(&SEGMENT, index, index + 1, ALGORITHM, &[7; 64], &[iv; 16])
    };
    Retrieval {
        asked: vec![ask(0), ask(1)],
        answers: vec![answer(0, 1), answer(1, 2)],
        status: 200,
    }
}

fn list() -> Retrieval {
    let asked = retrieval::get_block_list(&SEGMENT, &[Range::new(0, 8)], ALGORITHM);
    Retrieval {
        asked: vec![asked],
        answers: vec![retrieval::block_list(&SEGMENT, &[Range::new(0, 4)], 0)],
        status: 200,
    }
}

fn segments() -> Retrieval {
    let asked = retrieval::get_segment_list([3; 16], &[&SEGMENT, &OTHER], &[]);
    Retrieval {
        asked: vec![asked],
        answers: vec![retrieval::segment_list([3; 16], &[Range::new(1, 1)], &[])],
        status: 200,
    }
}

impl Retrieval {
    fn capture(&self) -> Vec<u8> {
        let mut messages = Messages::new();
        for (asked, answer) in self.asked.iter().zip(&self.answers) {
            let asked = asked.to_bytes();
            let request = http::request("POST", retrieval::PATH, "peer", &[], &asked);
            messages.push((true, request));
            let answer = retrieval::framed(&answer.to_bytes());
            messages.push((false, http::response(self.status, "OK", &[], &answer)));
        }
        capture(&messages)
    }
}

/// A probe and its match.
#[derive(Clone)]
struct Discovery {
    probe: Draft,
    matches: Draft,
    /// Where the match goes.
    to: &'static str,
}

fn discovery() -> Discovery {
    let id = "urn:uuid:11111111-1111-1111-1111-111111111111";
    let scopes = discovery::scopes(Version::V1, &[SEGMENT.to_vec()]);
    let found = MatchDraft {
        version: Version::V1,
        message_id: "urn:uuid:22222222-2222-2222-2222-222222222222".to_owned(),
        relates_to: id.to_owned(),
        instance_id: 1_700_000_000,
        message_number: 1,
        address: "urn:uuid:33333333-3333-3333-3333-333333333333".to_owned(),
        scopes: scopes.clone(),
        x_addrs: "10.0.0.2:80".to_owned(),
        data: "00000004".to_owned(),
    };
    Discovery {
        probe: discovery::probe(&Prefixes::USUAL, Version::V1, id, &scopes),
        matches: found.draft(&Prefixes::USUAL),
        to: CLIENT,
    }
}

impl Discovery {
    fn capture(&self) -> Vec<u8> {
        let recorder = Recorder::new();
        for (from, to, message) in [
            (CLIENT, GROUP, &self.probe),
            (RESPONDER, self.to, &self.matches),
        ] {
            let flow = recorder.flow(Flow {
                transport: Transport::Udp,
                local: from.parse().unwrap(),
                remote: to.parse().unwrap(),
            });
            flow.sent(&message.to_bytes());
        }
        pcapng::capture(&recorder.record())
    }
}

/// Exchanges in which nobody does anything wrong.
pub(crate) fn right() -> Vec<Right> {
    let right = |name, capture: Vec<u8>| Right {
        name,
        capture,
        findings: Vec::new(),
    };
    vec![
        right("content 1.0", Content::new(Version::V1).capture()),
        right("content 2.0", Content::new(Version::V2).capture()),
        right("blocks", blocks().capture()),
        right("a list of blocks", list().capture()),
        right("a list of segments", segments().capture()),
        right("discovery", discovery().capture()),
    ]
}

/// Exchanges with one mistake each, and the requirements by which it has to be found.
pub(crate) fn deviants() -> Vec<Deviant> {
    let mut all = of_content();
    all.extend(of_requests());
    all.extend(of_answers());
    all.extend(of_discovery());
    all
}

fn deviant(name: &'static str, side: Side, capture: Vec<u8>, findings: &[&'static str]) -> Deviant {
    Deviant {
        name,
        side,
        capture,
        findings: findings.to_vec(),
    }
}

fn of_content() -> Vec<Deviant> {
    let client = |name, version, fields: &[(&'static str, &'static str)], finding| {
        let mut content = Content::new(version);
        content.request = fields.to_vec();
        // Who asks so does not get any.
        content.response = Vec::new();
        deviant(name, Side::Client, content.capture(), &[finding])
    };
    let server = |name, change: &dyn Fn(&mut Content), finding| {
        let mut content = Content::new(Version::V1);
        change(&mut content);
        deviant(name, Side::Server, content.capture(), &[finding])
    };
    let coded = ("Accept-Encoding", "peerdist");
    let of_2 = |content: &mut Content| content.body = Content::new(Version::V2).body;
    vec![
        client(
            "missing data together with peerdist",
            Version::V1,
            &[
                coded,
                ("X-P2P-PeerDist", "Version=1.0, MissingDataRequest=true"),
            ],
            "PCCRTP-2.2-09",
        ),
        client("no parameters", Version::V1, &[coded], "PCCRTP-3.1.4-02"),
        client(
            "no Version",
            Version::V1,
            &[coded, ("X-P2P-PeerDist", "HashRequest=true")],
            "PCCRTP-3.1.4-03",
        ),
        client(
            "1.1 without more",
            Version::V1,
            &[coded, ("X-P2P-PeerDist", "Version=1.1")],
            "PCCRTP-3.1.4-04",
        ),
        server(
            "content information unasked",
            &|content| {
                content.request = vec![("X-P2P-PeerDist", "Version=1.0, MissingDataRequest=true")];
            },
            "PCCRTP-1.6-02",
        ),
        server(
            "coded without ContentLength",
            &|content| {
                content.response = vec![
                    ("Content-Encoding", "peerdist"),
                    ("X-P2P-PeerDist", "Version=1.1"),
                ];
            },
            "PCCRTP-3.2.5.1-07",
        ),
        server("2.0 for 1.0", &of_2, "PCCRTP-3.2.5.1-02"),
        deviant(
            "coded without X-P2P-PeerDist",
            Side::Server,
            {
                let mut content = Content::new(Version::V1);
                content.response = vec![("Content-Encoding", "peerdist")];
                content.capture()
            },
            &["PCCRTP-3.2.5.1-05", "PCCRTP-3.2.5.1-07"],
        ),
        server(
            "an unknown hash",
            &|content| content.body[2] = 0x77,
            "PCCRC-2.3-03",
        ),
    ]
}

fn of_requests() -> Vec<Deviant> {
    let request = |name, mut exchange: Retrieval, asked: Draft, findings: &[&'static str]| {
        exchange.asked[0] = asked;
        deviant(name, Side::Client, exchange.capture(), findings)
    };
    let get = |ranges: &[Range]| retrieval::get_blocks(&SEGMENT, ranges, ALGORITHM);
    let ask = |ranges: &[Range]| retrieval::get_block_list(&SEGMENT, ranges, ALGORITHM);
    let many: Vec<Range> = (0..257).map(|at| Range::new(at * 2 % 510, 1)).collect();
    let long = get(&[Range::new(0, 1)])
        .with_u32_be("SizeOfDataForVrfBlock", 98_304)
        .with("DataForVrfBlock", vec![0; 98_304]);
    let one = [Range::new(0, 1)];
    vec![
        request(
            "ProtVer 2.0 of MSG_GETBLKS",
            blocks(),
            get(&one).with_u32_be("ProtVer", retrieval::VERSION_2),
            &["PCCRR-2.2.3-07"],
        ),
        request(
            "ProtVer 1.0 of MSG_GETSEGLIST",
            segments(),
            retrieval::get_segment_list([3; 16], &[&SEGMENT, &OTHER], &[])
                .with_u32_be("ProtVer", retrieval::VERSION_1),
            &["PCCRR-2.2.3-08"],
        ),
        request(
            "257 ranges of blocks",
            blocks(),
            get(&many),
            &["PCCRR-2.2.4.3-03", "PCCRR-2.2.4.3-04"],
        ),
        request(
            "two blocks at once",
            blocks(),
            get(&[Range::new(0, 2)]),
            &["PCCRR-2.2.4.3-04"],
        ),
        request("a request too long", blocks(), long, &["PCCRR-2.2.3-11"]),
        request("257 ranges", list(), ask(&many), &["PCCRR-2.2.4.2-06"]),
        request(
            "an empty range",
            list(),
            ask(&[Range::new(0, 4), Range::new(9, 0)]),
            &["PCCRR-2.2.1.1-02"],
        ),
        request(
            "behind block 511",
            list(),
            ask(&[Range::new(0, 4), Range::new(500, 13)]),
            &["PCCRR-2.2.1.1-03"],
        ),
    ]
}

fn of_answers() -> Vec<Deviant> {
    let answer = |name, mut exchange: Retrieval, answer: Draft, findings: &[&'static str]| {
        exchange.answers[0] = answer;
        deviant(name, Side::Server, exchange.capture(), findings)
    };
    let block = |segment: &[u8], index, iv: &[u8]| {
        retrieval::block(segment, index, index + 1, ALGORITHM, &[7; 64], iv)
    };
    let mut refused = blocks();
    refused.status = 404;
    let list_of = |segment: &[u8], ranges: &[Range]| retrieval::block_list(segment, ranges, 0);
    let segments_of = |id, ranges: &[Range]| retrieval::segment_list(id, ranges, &[]);
    vec![
        deviant(
            "404 to good requests",
            Side::Server,
            refused.capture(),
            &["PCCRR-1.3-02"],
        ),
        answer(
            "a list answers a request for a block",
            blocks(),
            list_of(&SEGMENT, &[]),
            &["PCCRR-2.2.3-06"],
        ),
        answer(
            "an unknown algorithm",
            list(),
            list_of(&SEGMENT, &[Range::new(0, 4)]).with_u32_be("CryptoAlgoId", 9),
            &["PCCRR-2.2.3-15"],
        ),
        answer(
            "a list of another segment",
            list(),
            list_of(&OTHER, &[Range::new(0, 4)]),
            &["PCCRR-3.2.5.2-05"],
        ),
        answer(
            "blocks nobody asked for",
            list(),
            list_of(&SEGMENT, &[Range::new(0, 9)]),
            &["PCCRR-2.2.5.2-04"],
        ),
        answer(
            "a block of another segment",
            blocks(),
            block(&OTHER, 0, &[1; 16]),
            &["PCCRR-3.2.5.3-08"],
        ),
        answer(
            "another block",
            blocks(),
            block(&SEGMENT, 5, &[1; 16]),
            &["PCCRR-3.2.5.3-09"],
        ),
        answer(
            "a vector of 12 bytes",
            blocks(),
            block(&SEGMENT, 0, &[1; 12]),
            &["PCCRR-2.2.5.3-09"],
        ),
        answer(
            "a vector twice",
            blocks(),
            block(&SEGMENT, 0, &[2; 16]),
            &["PCCRR-2.2.5.3-10"],
        ),
        answer(
            "another RequestID",
            segments(),
            segments_of([4; 16], &[Range::new(1, 1)]),
            &["PCCRR-2.2.5.4-02"],
        ),
        answer(
            "a third segment of two",
            segments(),
            segments_of([3; 16], &[Range::new(1, 2)]),
            &["PCCRR-2.2.5.4-04"],
        ),
    ]
}

fn of_discovery() -> Vec<Deviant> {
    let probe = |name, change: &dyn Fn(Draft) -> Draft, finding| {
        let mut exchange = discovery();
        exchange.probe = change(exchange.probe);
        deviant(name, Side::Client, exchange.capture(), &[finding])
    };
    let matches = |name, change: &dyn Fn(Discovery) -> Discovery, finding| {
        deviant(
            name,
            Side::Server,
            change(discovery()).capture(),
            &[finding],
        )
    };
    vec![
        probe(
            "another namespace",
            &|probe| probe.with("xmlns:PeerDist", r#" xmlns:PeerDist="urn:other""#),
            "PCCRD-2.2.1-01",
        ),
        probe(
            "a probe without MessageID",
            &|probe| probe.without("MessageID"),
            "PCCRD-4.1-01",
        ),
        probe(
            "a probe without Action",
            &|probe| probe.without("Action"),
            "PCCRD-4.1-01",
        ),
        matches(
            "a match without Action",
            &|mut exchange| {
                exchange.matches = exchange.matches.without("Action");
                exchange
            },
            "PCCRD-4.3-01",
        ),
        matches(
            "a match by multicast",
            &|mut exchange| {
                exchange.to = GROUP;
                exchange
            },
            "PCCRD-1.3-02",
        ),
    ]
}
