//! Blocks and lists as core's client asks for them.

use peerdist::cipher::decrypt_many;
use peerdist::retrieval::client::{
    Client, ClientSettings, Event, Input, Outcome, Output, Peer, Question, Reading, Tag,
};
use peerdist::retrieval::{BlockIndex, BlockSet, PATH, Response, ResponseBody, block_key};
use peerdist::time::Instant;

use super::*;
use crate::filled::{Filled, ask_for_block, ask_for_list, content, filled, serve};

/// Has core's client ask one question, and returns what came of it with the message that brought it.
async fn asked(at: SocketAddr, filled: &Filled, question: Question) -> (Outcome, Vec<u8>) {
    let mut client = Client::new(ClientSettings::default(), &[5; 32]).unwrap();
    let now = Instant::ZERO;
    let ask = Input::Ask {
        tag: Tag(1),
        peer: Peer(1),
        question,
    };
    client.handle(now, ask).unwrap();
    let mut body = Vec::new();
    loop {
        match client.poll_output().expect("every question is settled") {
            Output::Send {
                exchange, query, ..
            } => {
                let mut message = Vec::new();
                query.encode_into(&mut message);
                let length = message.len();
                let head =
                    format!("POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
                let request = [head.as_bytes(), &message].concat();
                let (status, answer) = super::exchange(at, &request).await;
                assert_eq!(status, 200);
                body = answer;
                let bytes = &body;
                client
                    .handle(now, Input::Message { exchange, bytes })
                    .unwrap();
            }
            Output::Decrypt(op) => {
                let key = block_key(op.cipher, &filled.secret).unwrap();
                decrypt_many(&mut [op.job(&key, &mut body).unwrap()]);
                let (_, quirk) = op.plain(&body).unwrap();
                assert_eq!(quirk, None);
                let exchange = op.exchange;
                client
                    .handle(now, Input::Decrypted { exchange, quirk })
                    .unwrap();
            }
            Output::Event(Event::Finished { outcome, .. }) => return (outcome, body),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_block_is_the_contents_once_it_is_decrypted() {
    let directory = tempfile::tempdir().unwrap();
    let content = content();
    let filled = filled(directory.path(), &content);
    let peer = serve(&filled.store, |_| ()).await;
    // Twice: the second time they are read without a thread that may wait.
    for _ in 0..2 {
        for (index, expected) in (0..).zip(content.chunks(65_536)) {
            let question = Question::Block {
                segment: filled.segment,
                index: BlockIndex::new(index).unwrap(),
                reading: Reading::Plain { length: 65_536 },
            };
            let (outcome, message) = asked(peer.at, &filled, question).await;
            let Outcome::Block(block) = outcome else {
                panic!("{outcome:?}");
            };
            assert!(block.place.of(&message) == Some(expected), "block {index}");
        }
    }
    assert_eq!(peer.counters.blocks.get(), 128);
    peer.serves_nobody().await;
    peer.stop.cancel();
    peer.peer.ended().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_versions_and_blocks_that_are_not_there_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let filled = filled(directory.path(), &content());
    let peer = serve(&filled.store, |_| ()).await;
    let (outcome, _) = asked(peer.at, &filled, Question::Versions).await;
    assert!(matches!(outcome, Outcome::Versions { .. }), "{outcome:?}");
    let list = Question::BlockList {
        segment: filled.segment,
        needed: BlockSet::first_blocks(512),
    };
    let (outcome, _) = asked(peer.at, &filled, list).await;
    let Outcome::BlockList { available, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(available, BlockSet::first_blocks(64));
    let segments = Question::SegmentList {
        segments: vec![filled.segment; 200].into(),
    };
    let (outcome, _) = asked(peer.at, &filled, segments).await;
    let Outcome::SegmentList { available, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(available.len(), 200);
    let beyond = Question::Block {
        segment: filled.segment,
        index: BlockIndex::new(64).unwrap(),
        reading: Reading::Plain { length: 65_536 },
    };
    let (outcome, _) = asked(peer.at, &filled, beyond).await;
    assert!(matches!(outcome, Outcome::NoBlock { .. }), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_plain_bytes_nor_the_secret_are_ever_on_the_wire() {
    let directory = tempfile::tempdir().unwrap();
    let content = content();
    let filled = filled(directory.path(), &content);
    let peer = serve(&filled.store, |_| ()).await;
    let mut wire = Vec::new();
    for request in (0..8).map(|index| ask_for_block(filled.segment, index)) {
        wire.extend(exchange(peer.at, &request).await.1);
    }
    wire.extend(exchange(peer.at, &ask_for_list(filled.segment)).await.1);
    assert!(wire.len() > 8 * 65_536);
    let has = |part: &[u8]| wire.windows(part.len()).any(|window| window == part);
    // That the search finds what is there: the segment's id is in every answer.
    assert!(has(filled.segment.0.as_bytes()));
    assert!(!has(filled.secret.expose()));
    assert!(!has(&filled.secret.expose()[..16]));
    for block in content.chunks(65_536).take(8) {
        for at in [0, 16, 32_768, 65_520] {
            assert!(!has(&block[at..at + 16]));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_limit_of_clients_answers_are_empty_and_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let filled = filled(directory.path(), &content());
    let peer = serve(&filled.store, |options| {
        options.retrieval.settings.active_client_limit = 1;
    })
    .await;
    let requests = (0..64)
        .map(|index| ask_for_block(filled.segment, index))
        .collect();
    let requests = std::sync::Arc::new(requests);
    let done = load::load(peer.at, 32, Duration::from_secs(1), requests, 1).await;
    assert_eq!(done.errors, 0, "{done:?}");
    assert!(peer.counters.turned_away.get() > 0);
    assert!(peer.counters.blocks.get() > 0);
    peer.serves_nobody().await;
    let (_, answer) = exchange(peer.at, &ask_for_block(filled.segment, 1)).await;
    let ResponseBody::Block(block) = Response::decode(&answer).unwrap().body else {
        panic!("a block was asked for");
    };
    assert!(block.payload.len() > 65_536);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_of_both_families_is_told_and_serves_at_one_port_of_both() {
    let Ok(probe) = std::net::TcpListener::bind("[::1]:0") else {
        eprintln!("NOT RUN: a peer of both families: this machine has no IPv6");
        return;
    };
    drop(probe);
    let directory = tempfile::tempdir().unwrap();
    let filled = filled(directory.path(), &content());
    let loopback = peerdist_node::net::interfaces::interfaces(&["127.0.0.1".parse().unwrap()]);
    let peer = serve(&filled.store, |options| {
        options.listen = "0.0.0.0:0".parse().unwrap();
        options.both_families = true;
        options.interfaces = loopback.unwrap();
    })
    .await;
    let port = peer.at.port();
    let told: Vec<SocketAddr> = ["127.0.0.1", "::1"]
        .map(|at| SocketAddr::new(at.parse().unwrap(), port))
        .into();
    assert_eq!(peer.peer.addresses(), told);
    for at in told {
        let (status, _) = exchange(at, &ask_for_block(filled.segment, 0)).await;
        assert_eq!(status, 200, "{at}");
    }
}
