//! Probes answered, not answered, and numbered.

use std::path::Path;

use peerdist::discovery::AppSequence;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_the_peers_that_have_segments_and_nobody_else() {
    let Some(loopback) = loopback() else { return };
    let port = free_port();
    let on_port = |seed: u8| {
        move |options: &mut ResponderOptions| {
            options.port = port;
            options.seed = [seed; 32];
        }
    };
    for version in [Version::V1, Version::V2] {
        let have = |number| BTreeMap::from([(id(number), held(version, Replies::default()))]);
        let first = Peer::start(&loopback, have(1), on_port(1)).await;
        let second = Peer::start(&loopback, have(2), on_port(2)).await;
        let other = Peer::start(&loopback, have(9), on_port(3)).await;
        let prober = prober(&loopback, port, 4).await;
        let search = prober.discover(version, wanted(&[1, 2, 3])).unwrap();
        let (found, replies) = matches(search).await;
        let mut offered: Vec<_> = found.iter().map(|one| one.segments[0].id).collect();
        offered.sort();
        assert_eq!(offered, [id(1), id(2)], "{version:?}");
        assert!(found.iter().all(|one| one.addresses == [SERVED_AT]));
        let totals: Vec<_> = replies.iter().map(|one| (one.total, one.full)).collect();
        assert_eq!(totals, [(1, 1), (1, 1), (0, 0)]);
        assert!(other.counters.nothing_held.get() > 0);
        assert_eq!(other.counters.answers.get(), 0);
        for peer in [first, second, other] {
            peer.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_over_ipv6_where_the_machine_has_a_link_for_it() {
    let Some(link) = interfaces(&[]).ok().and_then(|all| {
        let is_link = |local: &LocalInterface| local.speaks(false);
        all.into_iter().find(is_link)
    }) else {
        eprintln!(
            "NOT RUN: discovery over IPv6: no interface but the loopback has an address of it"
        );
        return;
    };
    let only_v6 = LocalInterface {
        interface: link.interface,
        addresses: link
            .addresses
            .iter()
            .copied()
            .filter(|(address, _)| address.is_ipv6())
            .collect(),
    };
    let at = only_v6
        .addresses
        .iter()
        .map(|(address, _)| SocketAddr::new(*address, 8_080));
    let at: Vec<_> = at.collect();
    let port = free_port();
    let mut options = ResponderOptions::new(Numbers::forgotten(), [7; 32], Clock::of_the_machine());
    options.port = port;
    let holdings = Arc::new(BTreeMap::from([(
        id(1),
        held(Version::V2, Replies::default()),
    )]));
    let links = [only_v6];
    let bound = ResponderService::bind(&TokioNetwork, &links, &at, holdings, options).await;
    let service = match bound {
        Ok(service) => service,
        Err(error) => {
            eprintln!("NOT RUN: discovery over IPv6: {error}");
            return;
        }
    };
    let stop = CancellationToken::new();
    tokio::spawn(service.run(stop.clone()));
    let prober = prober(&links, port, 4).await;
    let (found, _) = matches(prober.discover(Version::V2, wanted(&[1])).unwrap()).await;
    assert!(!found.is_empty());
    assert!(found.iter().all(|one| one.from.is_ipv6()));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_whose_segment_enough_others_offered_stays_silent() {
    let Some(loopback) = loopback() else { return };
    let port = free_port();
    let enough = Replies {
        total: 10,
        full: 10,
    };
    let holdings = BTreeMap::from([
        (id(1), held(Version::V1, enough)),
        (id(2), held(Version::V1, Replies::default())),
    ]);
    let peer = Peer::start(&loopback, holdings, |options| options.port = port).await;
    let silent =
        tokio::task::spawn_blocking(move || ask_by_hand(port, 1, 1, Duration::from_millis(300)));
    assert_eq!(silent.await.unwrap(), None);
    let answered =
        tokio::task::spawn_blocking(move || ask_by_hand(port, 2, 2, Duration::from_secs(5)));
    assert!(answered.await.unwrap().is_some());
    // An answer counts when the call that sent it has come back, and whoever waits for it may be faster.
    let counters = Arc::clone(&peer.counters);
    peer.stop().await;
    assert_eq!(counters.suppressed.get(), 1);
    assert_eq!(counters.answers.get(), 1);
}

async fn number_of_an_answer(
    loopback: &[LocalInterface],
    directory: &Path,
    seconds: u64,
    seed: u64,
) -> AppSequence {
    let port = free_port();
    let holdings = BTreeMap::from([(id(1), held(Version::V1, Replies::default()))]);
    let peer = Peer::start(loopback, holdings, |options| {
        options.port = port;
        options.numbers = Numbers::in_directory(directory);
        let shown = peerdist::time::Instant::from_nanos(seconds * 1_000_000_000);
        options.clock = Clock::starting_at(shown);
    })
    .await;
    let asked =
        tokio::task::spawn_blocking(move || ask_by_hand(port, seed, 1, Duration::from_secs(5)));
    let answer = asked.await.unwrap().expect("a peer answers");
    peer.stop().await;
    answer.sequence.expect("a match is numbered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_never_uses_a_number_twice_whatever_the_clock_says() {
    let Some(loopback) = loopback() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut last = None;
    for (round, seconds) in [1_000, 1_000, 500, 2_000].into_iter().enumerate() {
        let place = number_of_an_answer(&loopback, directory.path(), seconds, round as u64).await;
        let place = (place.instance_id, place.message_number);
        assert!(Some(place.0) > last, "{place:?} after {last:?}");
        last = Some(place.0);
    }
    // The number of a start is its second, and a slow start may be one of a later second.
    let last = last.unwrap();
    assert!((2_000..2_060).contains(&last), "{last}");
}

#[tokio::test]
async fn a_peer_does_not_begin_with_numbers_that_it_cannot_read() {
    let Some(loopback) = loopback() else { return };
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("discovery"), "not numbers").unwrap();
    let numbers = Numbers::in_directory(directory.path());
    let options = ResponderOptions::new(numbers, [7; 32], Clock::of_the_machine());
    let holdings = Arc::new(BTreeMap::new());
    let bound = ResponderService::bind(&TokioNetwork, &loopback, &[], holdings, options).await;
    let error = bound.unwrap_err().to_string();
    assert!(error.contains("remove it"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_ends_with_its_timer_when_nobody_answers_and_at_once_when_dropped() {
    let Some(loopback) = loopback() else { return };
    let prober = prober(&loopback, free_port(), 1).await;
    let (found, replies) = matches(prober.discover(Version::V2, wanted(&[1])).unwrap()).await;
    assert_eq!(found, []);
    assert_eq!(replies, [Replies::default()]);
    // Far more than the machine takes at a time: dropped ones give their room back.
    for _ in 0..500 {
        drop(prober.discover(Version::V2, wanted(&[1])).unwrap());
    }
    let last = prober.discover(Version::V2, wanted(&[1])).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), matches(last));
    assert_eq!(ended.await.unwrap().0, []);
}

#[tokio::test]
async fn a_search_for_what_no_probe_can_ask_is_refused() {
    let Some(loopback) = loopback() else { return };
    let prober = prober(&loopback, free_port(), 1).await;
    let long = SegmentId(Digest::try_from(&[1; 64][..]).unwrap());
    let mixed = [
        wanted(&[1]),
        vec![Wanted {
            id: long,
            blocks: 1,
        }],
    ]
    .concat();
    assert!(prober.discover(Version::V2, mixed.clone()).is_err());
    assert!(prober.discover(Version::V1, mixed).is_ok());
    assert!(prober.discover(Version::V1, Vec::new()).is_err());
    assert!(prober.discover(Version::V1, wanted(&[1; 256])).is_err());
}
