//! The client: when it offers, what it sends, and how its requests end (MS-PCHC 3.2).

use super::*;
use crate::hosted_cache::client::*;
use crate::time::{Duration, Instant};

const OK: [u8; 5] = [0, 0, 0, 1, 0];
const INTERESTED: [u8; 5] = [0, 0, 0, 1, 1];

struct Bench {
    client: Client,
    now: Instant,
}

impl Bench {
    fn new(settings: ClientSettings) -> Self {
        let (client, now) = (Client::new(settings), Instant::ZERO);
        Self { client, now }
    }

    fn v1() -> Self {
        Self::new(ClientSettings {
            version: Version::V1,
            ..ClientSettings::default()
        })
    }

    fn v2() -> Self {
        Self::new(ClientSettings::default())
    }

    fn input(&mut self, input: Input<'_>) -> Vec<Output> {
        self.client.handle(self.now, input).unwrap();
        core::iter::from_fn(|| self.client.poll_output()).collect()
    }

    fn blocks(&mut self, segment: Offerable, count: u32, is_complete: bool) -> Vec<Output> {
        self.input(Input::NewBlocks {
            segment,
            count,
            is_complete,
        })
    }

    fn respond(&mut self, request: RequestId, status: u16, body: &[u8]) -> Vec<Output> {
        self.input(Input::Response {
            request,
            status,
            body,
        })
    }

    /// Goes on to the time that the machine waits for.
    fn wait(&mut self) -> Vec<Output> {
        self.now = self.client.poll_timeout().unwrap();
        self.input(Input::Timeout)
    }
}

fn v1_segment(number: u8, blocks: u32) -> Offerable {
    Offerable {
        content: ContentToken(1),
        index: u64::from(number),
        key: v1_key(number),
        length: blocks * 65536,
        tag: tag(),
    }
}

fn v2_segment(number: u8) -> Offerable {
    Offerable {
        content: ContentToken(2),
        index: u64::from(number),
        key: v2_key(number),
        length: 40_000,
        tag: tag(),
    }
}

fn sent(outputs: &[Output]) -> Vec<&Send> {
    let sent = outputs.iter().filter_map(|output| match output {
        Output::Send(send) => Some(send),
        _ => None,
    });
    sent.collect()
}

fn events(outputs: &[Output]) -> Vec<&Event> {
    let events = outputs.iter().filter_map(|output| match output {
        Output::Event(event) => Some(event),
        _ => None,
    });
    events.collect()
}

#[test]
fn offers_after_twenty_percent_of_a_segment_is_new_and_again_after_the_next() {
    let mut bench = Bench::v1();
    let segment = v1_segment(1, 512);
    assert!(bench.blocks(segment, 102, false).is_empty());
    let outputs = bench.blocks(segment, 1, false);
    let first = sent(&outputs)[0].clone();
    assert_eq!(
        first.message,
        Message::InitialOffer(InitialOffer {
            port: 80,
            segment: id(1)
        })
    );
    assert_eq!(
        (first.version, first.with_authentication),
        (Version::V1, false)
    );
    // More while the first offer is on its way waits for its end.
    assert!(bench.blocks(segment, 200, false).is_empty());
    let outputs = bench.respond(first.request, 200, &OK);
    assert_eq!(sent(&outputs).len(), 1);
    assert!(matches!(
        events(&outputs)[0],
        Event::Offered {
            with_hashes: false,
            ..
        }
    ));
}

#[test]
fn offers_the_rest_when_a_segment_is_complete_and_then_forgets_it() {
    let mut bench = Bench::v1();
    let segment = v1_segment(1, 512);
    let outputs = bench.blocks(segment, 412, false);
    bench.respond(sent(&outputs)[0].request, 200, &OK);
    let outputs = bench.blocks(segment, 100, true);
    let request = sent(&outputs)[0].request;
    bench.respond(request, 200, &OK);
    assert_eq!(bench.client.poll_timeout(), None);
    assert!(bench.blocks(segment, 0, true).is_empty());
}

#[test]
fn sends_hashes_to_a_cache_that_is_interested() {
    let mut bench = Bench::v1();
    let segment = v1_segment(1, 5);
    let outputs = bench.blocks(segment, 1, false);
    let outputs = bench.respond(sent(&outputs)[0].request, 200, &INTERESTED);
    let second = sent(&outputs)[0].clone();
    assert_eq!(second.message, Message::SegmentInfo { port: 80, segment });
    assert!(events(&outputs).is_empty(), "the sequence goes on");
    let outputs = bench.respond(second.request, 200, &OK);
    assert!(matches!(
        events(&outputs)[..],
        [Event::Offered {
            with_hashes: true,
            ..
        }]
    ));
    assert_eq!(bench.client.poll_timeout(), None);
}

#[test]
fn only_an_initial_offer_may_be_answered_interested_and_nothing_with_another_code() {
    let mut bench = Bench::v1();
    let outputs = bench.blocks(v1_segment(1, 5), 1, false);
    let outputs = bench.respond(sent(&outputs)[0].request, 200, &INTERESTED);
    let outputs = bench.respond(sent(&outputs)[0].request, 200, &INTERESTED);
    assert!(matches!(events(&outputs)[..],
        [Event::Rejected(why), Event::Refused { why: Refusal::BadResponse, .. }]
        if why.requirement == "PCHC-2.2.2.2-04"));
    let outputs = bench.blocks(v1_segment(2, 5), 1, false);
    let outputs = bench.respond(sent(&outputs)[0].request, 200, &[0, 0, 0, 1, 2]);
    assert!(matches!(events(&outputs)[0], Event::Rejected(why)
        if why.requirement == "PCHC-2.2.2.2-02" && why.at == 4));
    let mut bench = Bench::v2();
    bench.blocks(v2_segment(1), 1, true);
    let outputs = bench.input(Input::Flush);
    let outputs = bench.respond(sent(&outputs)[0].request, 200, &INTERESTED);
    assert!(matches!(events(&outputs)[0], Event::Rejected(why)
        if why.requirement == "PCHC-2.2.2.2-03"));
    assert_eq!(bench.client.poll_timeout(), None);
}

#[test]
fn a_batch_goes_when_it_is_full_or_its_first_segment_waited_long_enough() {
    let mut bench = Bench::v2();
    for number in 0..127 {
        assert!(bench.blocks(v2_segment(number), 1, true).is_empty());
    }
    let outputs = bench.blocks(v2_segment(127), 1, true);
    let Message::BatchedOffer { port, descriptors } = &sent(&outputs)[0].message else {
        panic!("not a batch");
    };
    assert_eq!((*port, descriptors.len()), (80, 128));
    assert_eq!(descriptors[3].key(), v2_key(3));
    assert_eq!(descriptors[3].block_size, 40_000);
    bench.respond(sent(&outputs)[0].request, 200, &OK);
    bench.blocks(v2_segment(200), 1, true);
    assert_eq!(
        bench.client.poll_timeout().unwrap().since(bench.now),
        Duration::from_secs(1)
    );
    let outputs = bench.wait();
    let Message::BatchedOffer { descriptors, .. } = &sent(&outputs)[0].message else {
        panic!("not a batch");
    };
    assert_eq!(descriptors.len(), 1);
    let outputs = bench.respond(sent(&outputs)[0].request, 200, &OK);
    let Event::Offered { segments, .. } = events(&outputs)[0] else {
        panic!("not offered");
    };
    assert_eq!(segments.segments(), [v2_segment(200)]);
}

#[test]
fn version_1_content_is_offered_in_batches_by_blocks_and_not_with_longer_hashes() {
    let mut bench = Bench::v2();
    bench.blocks(v1_segment(1, 10), 2, false);
    let outputs = bench.input(Input::Flush);
    let Message::BatchedOffer { descriptors, .. } = &sent(&outputs)[0].message else {
        panic!("not a batch");
    };
    assert_eq!(
        (descriptors[0].block_size, descriptors[0].segment_size),
        (65536, 655_360)
    );
    let mut sha512 = v1_segment(1, 10);
    sha512.key = SegmentKey {
        algorithm: HashAlgorithm::Sha512,
        id: id_of(1, 64),
    };
    for (mut bench, segment) in [(Bench::v2(), sha512), (Bench::v1(), v2_segment(1))] {
        let outputs = bench.blocks(segment, 1, true);
        assert!(matches!(
            outputs[..],
            [Output::Event(Event::NotOffered {
                why: NotOffered::Algorithm,
                ..
            })]
        ));
        assert!(bench.input(Input::Flush).is_empty());
    }
}

#[test]
fn a_request_expires_at_the_third_tick_after_it_was_sent() {
    let mut bench = Bench::v1();
    let outputs = bench.blocks(v1_segment(1, 5), 1, true);
    let request = sent(&outputs)[0].request;
    let start = bench.now;
    assert!(bench.wait().is_empty());
    assert!(bench.wait().is_empty());
    let outputs = bench.wait();
    assert_eq!(bench.now.since(start), Duration::from_secs(15));
    assert_eq!(outputs[0], Output::Cancel { request });
    assert!(matches!(events(&outputs)[..], [Event::TimedOut { .. }]));
    assert_eq!(
        bench.client.poll_timeout(),
        None,
        "the timer stops with the last request"
    );
    // What comes now is not processed.
    let outputs = bench.respond(request, 200, &INTERESTED);
    assert!(matches!(events(&outputs)[..], [Event::Rejected(why)]
        if why.requirement == "PCHC-3.2.5.1-03"));
    assert!(sent(&outputs).is_empty());
}

#[test]
fn a_request_sent_between_ticks_lives_more_than_ten_seconds() {
    let mut bench = Bench::v1();
    bench.blocks(v1_segment(1, 5), 1, true);
    bench.now = bench.now + Duration::from_millis(4_999);
    bench.blocks(v1_segment(2, 5), 1, true);
    let start = bench.now;
    bench.now = Instant::ZERO + Duration::from_secs(15);
    let outputs = bench.input(Input::Timeout);
    // Both are past their second tick, and this one is the third.
    assert_eq!(events(&outputs).len(), 2);
    assert!(bench.now.since(start) > Duration::from_secs(10));
}

#[test]
fn a_late_timeout_does_not_shorten_the_life_of_what_was_sent_meanwhile() {
    let mut bench = Bench::v1();
    bench.blocks(v1_segment(1, 5), 1, true);
    // Nobody handed the ticks in.
    bench.now = bench.now + Duration::from_secs(60);
    let outputs = bench.blocks(v1_segment(2, 5), 1, true);
    let late = sent(&outputs)[0].request;
    let outputs = bench.input(Input::Timeout);
    assert_eq!(events(&outputs).len(), 1, "only the first");
    let outputs = bench.respond(late, 200, &OK);
    assert!(matches!(events(&outputs)[..], [Event::Offered { .. }]));
}

#[test]
fn sends_again_with_authentication_after_401_once_and_with_its_full_time() {
    let mut bench = Bench::v1();
    let outputs = bench.blocks(v1_segment(1, 5), 1, true);
    let first = sent(&outputs)[0].clone();
    bench.wait();
    bench.wait();
    let outputs = bench.respond(first.request, 401, b"go away");
    let again = sent(&outputs)[0].clone();
    assert_eq!(
        (again.request, &again.message),
        (first.request, &first.message)
    );
    assert!(again.with_authentication);
    assert!(bench.wait().is_empty() && bench.wait().is_empty());
    let outputs = bench.respond(first.request, 401, b"");
    assert!(matches!(
        events(&outputs)[..],
        [Event::Refused {
            why: Refusal::Status(401),
            ..
        }]
    ));
    assert!(sent(&outputs).is_empty());
}

#[test]
fn version_2_gives_no_credentials_to_a_cache_that_proves_nothing() {
    let mut bench = Bench::v2();
    bench.blocks(v2_segment(1), 1, true);
    let outputs = bench.input(Input::Flush);
    let outputs = bench.respond(sent(&outputs)[0].request, 401, b"");
    assert!(matches!(
        events(&outputs)[..],
        [Event::Refused {
            why: Refusal::Status(401),
            ..
        }]
    ));
}

#[test]
fn http_errors_broken_connections_and_nonsense_end_the_sequence() {
    for status in [204, 400, 403, 404, 500, 503] {
        let mut bench = Bench::v1();
        let outputs = bench.blocks(v1_segment(1, 5), 1, true);
        let outputs = bench.respond(sent(&outputs)[0].request, status, &INTERESTED);
        assert!(sent(&outputs).is_empty());
        assert!(matches!(events(&outputs)[..],
            [Event::Refused { why: Refusal::Status(told), .. }] if *told == status));
    }
    for body in [&b""[..], b"<html>", &[0, 0, 0, 1], &[0, 0, 0, 1, 0, 0]] {
        let mut bench = Bench::v1();
        let outputs = bench.blocks(v1_segment(1, 5), 1, true);
        let outputs = bench.respond(sent(&outputs)[0].request, 200, body);
        assert!(matches!(
            events(&outputs)[..],
            [
                Event::Rejected(_),
                Event::Refused {
                    why: Refusal::BadResponse,
                    ..
                }
            ]
        ));
    }
    let mut bench = Bench::v1();
    let outputs = bench.blocks(v1_segment(1, 5), 1, true);
    let request = sent(&outputs)[0].request;
    let outputs = bench.input(Input::Unreachable { request });
    assert!(matches!(
        events(&outputs)[..],
        [Event::Refused {
            why: Refusal::Unreachable,
            ..
        }]
    ));
    assert_eq!(bench.client.poll_timeout(), None);
}

#[test]
fn only_so_many_requests_are_on_their_way() {
    let mut bench = Bench::new(ClientSettings {
        version: Version::V1,
        requests_outstanding_max: 2,
        ..ClientSettings::default()
    });
    let mut requests: Vec<_> = (0..5)
        .flat_map(|number| bench.blocks(v1_segment(number, 5), 1, true))
        .filter_map(|output| match output {
            Output::Send(send) => Some(send.request),
            _ => None,
        })
        .collect();
    assert_eq!(requests.len(), 2);
    let outputs = bench.respond(requests.pop().unwrap(), 200, &OK);
    assert_eq!(sent(&outputs).len(), 1);
}

#[test]
fn only_so_many_segments_are_looked_after_and_the_idlest_gives_way() {
    let mut bench = Bench::new(ClientSettings {
        version: Version::V1,
        segments_tracked_max: 2,
        ..ClientSettings::default()
    });
    for number in [1, 2, 3] {
        assert!(bench.blocks(v1_segment(number, 100), 19, false).is_empty());
    }
    assert!(
        bench.blocks(v1_segment(1, 100), 1, false).is_empty(),
        "the first was given up"
    );
    assert_eq!(sent(&bench.blocks(v1_segment(3, 100), 1, false)).len(), 1);
    assert_eq!(sent(&bench.blocks(v1_segment(1, 100), 19, false)).len(), 1);
    let outputs = bench.blocks(v1_segment(4, 100), 1, false);
    assert!(matches!(
        outputs[..],
        [Output::Event(Event::NotOffered {
            why: NotOffered::TooManySegments,
            ..
        })]
    ));
}

#[test]
fn withdrawn_content_is_offered_no_more() {
    let mut bench = Bench::v2();
    bench.blocks(v2_segment(1), 1, true);
    let content = ContentToken(2);
    bench.input(Input::Withdrawn { content });
    assert_eq!(bench.client.poll_timeout(), None);
    assert!(bench.input(Input::Flush).is_empty());
    let mut bench = Bench::v1();
    let outputs = bench.blocks(v1_segment(1, 5), 1, true);
    let content = ContentToken(1);
    bench.input(Input::Withdrawn { content });
    let outputs = bench.respond(sent(&outputs)[0].request, 200, &INTERESTED);
    assert!(sent(&outputs).is_empty());
    assert!(matches!(
        events(&outputs)[..],
        [Event::NotOffered {
            why: NotOffered::Withdrawn,
            ..
        }]
    ));
}

#[test]
fn misuse_is_told_and_changes_nothing() {
    let mut bench = Bench::v1();
    let request = RequestId(0);
    let inputs = [
        Input::Unreachable { request },
        Input::Response {
            request,
            status: 200,
            body: &OK,
        },
        Input::NewBlocks {
            segment: v1_segment(1, 5),
            count: 6,
            is_complete: false,
        },
    ];
    for input in inputs {
        assert!(bench.client.handle(bench.now, input).is_err());
        assert_eq!(bench.client.poll_output(), None);
    }
    assert_eq!(bench.client.poll_timeout(), None);
}
