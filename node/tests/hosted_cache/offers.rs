//! What is to work: both versions, a second client, a restart, what others know better, and who may offer.

use http::{Method, StatusCode};
use peerdist::hosted_cache::Version;
use peerdist::hosted_cache::client::{Event, Refusal};

use crate::room::{Branch, Content, Room, localhost};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_client_gets_what_a_first_one_offered_in_version_1() {
    let room = Room::new();
    let running = room.start().await;
    let content = Content::new(Version::V1, 1, 300_001);
    let branch = Branch::with(localhost(2), &[&content]).await;
    let events = running.offer(Version::V1, branch.at, &content).await;
    let [Event::Offered { with_hashes, .. }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert!(with_hashes, "the hashes were asked for, and sent");
    let blocks = u64::from(content.facts[0].1.block_count());
    running
        .until("all blocks", |it| {
            it.counters.blocks_verified.get() == blocks
        })
        .await;
    drop(branch);
    assert_eq!(running.content(&content).await, content.bytes);
    let statistics = running.store.statistics().unwrap();
    assert_eq!(
        (statistics.verified_blocks, statistics.sealed_blocks),
        (blocks, 0)
    );
    let status = running.cache.status();
    let tag = peerdist::hosted_cache::WellKnownTag::WebIo;
    assert_eq!(status.borrow().tags.of(tag), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_client_gets_what_a_first_one_offered_in_version_2() {
    let room = Room::new();
    let running = room.start().await;
    let content = Content::new(Version::V2, 2, 1_000_000);
    let segments = content.facts.len() as u64;
    assert!(segments > 3);
    let branch = Branch::with(localhost(2), &[&content]).await;
    running.offer(Version::V2, branch.at, &content).await;
    running
        .until("all blocks", |it| {
            it.counters.blocks_sealed.get() == segments
        })
        .await;
    drop(branch);
    assert_eq!(running.content(&content).await, content.bytes);
    let statistics = running.store.statistics().unwrap();
    assert_eq!(
        statistics.verified_blocks, 0,
        "nobody here could verify one"
    );
    assert_eq!(statistics.sealed_blocks, segments);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_is_known_after_a_restart() {
    let room = Room::new();
    let running = room.start().await;
    let one = Content::new(Version::V1, 3, 200_000);
    let two = Content::new(Version::V2, 4, 400_000);
    let branch = Branch::with(localhost(2), &[&one, &two]).await;
    running.offer(Version::V1, branch.at, &one).await;
    running.offer(Version::V2, branch.at, &two).await;
    let (blocks, segments) = (
        u64::from(one.facts[0].1.block_count()),
        two.facts.len() as u64,
    );
    running
        .until("all blocks", |it| {
            it.counters.blocks_verified.get() == blocks
                && it.counters.blocks_sealed.get() == segments
        })
        .await;
    running.stop().await;

    let running = room.start().await;
    let known = running.cache.status().borrow().segments_known;
    assert_eq!(known, 1 + two.facts.len());
    assert_eq!(running.content(&one).await, one.bytes);
    assert_eq!(running.content(&two).await, two.bytes);
    let events = running.offer(Version::V1, branch.at, &one).await;
    let is_known = matches!(
        events.as_slice(),
        [Event::Offered {
            with_hashes: false,
            ..
        }]
    );
    assert!(is_known, "no hashes are asked for: {events:?}");
    running.offer(Version::V2, branch.at, &two).await;
    running
        .until("all held", |it| {
            it.counters.offered_held.get() == 1 + segments
        })
        .await;
    assert_eq!(running.counters.fetches.get(), 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_are_not_what_was_offered_are_refused_in_version_1() {
    let room = Room::new();
    let running = room.start().await;
    let content = Content::new(Version::V1, 5, 250_000);
    let liar = Branch::lying(localhost(2), &[&content]).await;
    running.offer(Version::V1, liar.at, &content).await;
    running
        .until("the end of it", |it| it.counters.fetches_failed.get() == 1)
        .await;
    assert!(running.counters.blocks_wrong.get() >= 1);
    assert_eq!(running.store.statistics().unwrap().verified_blocks, 0);
    assert_eq!(running.block(&content, 0, 0).await, None);

    let honest = Branch::with(localhost(3), &[&content]).await;
    running.offer(Version::V1, honest.at, &content).await;
    running
        .until("all blocks", |it| it.counters.blocks_verified.get() == 4)
        .await;
    assert_eq!(running.content(&content).await, content.bytes);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_rubbish_goes_once_the_hashes_are_known_and_good_ciphertext_becomes_verified() {
    let room = Room::new();
    let running = room.start().await;
    for (number, lies) in [(6, true), (7, false)] {
        let content = Content::new(Version::V1, number, 150_000);
        let verified = running.counters.blocks_verified.get();
        let sealed = running.counters.blocks_sealed.get();
        let (before, honest) = match lies {
            true => (
                Branch::lying(localhost(2), &[&content]).await,
                Branch::with(localhost(3), &[&content]).await,
            ),
            false => (
                Branch::with(localhost(2), &[&content]).await,
                Branch::with(localhost(3), &[]).await,
            ),
        };
        // Offers of version 2.0 may be of content whose information is of version 1.0.
        running.offer(Version::V2, before.at, &content).await;
        running
            .until("sealed blocks", |it| {
                it.counters.blocks_sealed.get() == sealed + 3
            })
            .await;
        drop(before);
        // Once to bring the hashes, by which the rubbish is found out; once more to be fetched from.
        running.offer(Version::V1, honest.at, &content).await;
        running
            .until("no rubbish", |it| {
                let held = it.store.inspect(&content.facts[0].0).unwrap();
                held.is_none_or(|held| held.sealed.is_empty())
            })
            .await;
        running.offer(Version::V1, honest.at, &content).await;
        running
            .until("verified blocks", |it| {
                let held = it.store.verified_blocks(&content.facts[0].0).unwrap();
                let fetched = it.counters.blocks_verified.get() - verified;
                held.len() == 3 && fetched == if lies { 3 } else { 0 }
            })
            .await;
        assert_eq!(running.content(&content).await, content.bytes);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_gave_up_is_fetched_again_when_it_is_offered_again() {
    let room = Room::new();
    let running = room.start().await;
    let content = Content::new(Version::V1, 8, 100_000);
    let branch = Branch::with(localhost(2), &[&content]).await;
    for round in 1..=2 {
        running.offer(Version::V1, branch.at, &content).await;
        running
            .until("all blocks", |it| {
                it.counters.blocks_verified.get() == 2 * round
            })
            .await;
        running
            .until("the end of it", |it| {
                it.cache.status().borrow().segments_in_flight == 0
            })
            .await;
        running.store.forget(&content.facts[0].0).unwrap();
        running
            .until("forgotten", |it| {
                it.cache.status().borrow().segments_known == 0
            })
            .await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_must_authenticate_themselves_are_told_how() {
    let room = Room::new();
    let running = room
        .start_with(|options| options.settings.authenticate_clients = true)
        .await;
    let content = Content::new(Version::V1, 9, 100_000);
    let branch = Branch::with(localhost(2), &[&content]).await;
    let url = running.url(Version::V1);
    let (parts, body) = running
        .send(branch.at.ip(), Method::POST, &url, vec![0; 16])
        .await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    assert_eq!(parts.headers["www-authenticate"], "Negotiate");
    assert!(body.is_empty());
    let events = running.offer(Version::V1, branch.at, &content).await;
    let is_refused = |event: &Event| {
        matches!(
            event,
            Event::Refused {
                why: Refusal::Status(401),
                ..
            }
        )
    };
    assert!(events.iter().any(is_refused), "{events:?}");
    assert_eq!(running.counters.fetches.get(), 0);
    // Version 2.0 has no authentication.
    running.offer(Version::V2, branch.at, &content).await;
    running
        .until("sealed blocks", |it| it.counters.blocks_sealed.get() == 2)
        .await;
    running.stop().await;
}
