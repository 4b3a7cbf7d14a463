//! What an interrupted run left is used by the next, and only where it is good; so is what the store has.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use http::StatusCode;
use peerdist::content::Version;
use peerdist_node::get::{BlocksInMemory, Destination, Mode, Observer, Progress};
use tokio_util::sync::CancellationToken;

use crate::room::{Blocks, Desk, Origin, Temper, content, get, info_of, peer};

const LENGTH: usize = 8_000_009;

struct StopsAfter(u64, CancellationToken);

impl Observer for StopsAfter {
    fn progress(&mut self, progress: &Progress) {
        if progress.shares.total() >= self.0 {
            self.1.cancel();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_is_continued_with_what_is_good_of_it() {
    for version in [Version::V1, Version::V2] {
        let bytes = content(LENGTH, 21);
        let info = info_of(version, &bytes);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let has_all = peer(Blocks::of(&info, &bytes, |_| true)).await;
        let desk = Desk::new();
        let request = desk.request(&origin, &[has_all.at]);
        let mut observer = StopsAfter(2_000_000, request.stop.clone());
        let stopped =
            peerdist_node::get::fetch(&peerdist_node::net::TokioNetwork, request, &mut observer);
        stopped.await.unwrap_err();
        assert_eq!(desk.names(), [".got.bin.peerdist-part"]);
        // Somebody meddles with the part: what was changed is fetched again.
        let part = desk.directory.path().join(".got.bin.peerdist-part");
        let part = std::fs::File::options().write(true).open(part).unwrap();
        part.write_all_at(b"meddled", 10).unwrap();
        let report = get(desk.request(&origin, &[has_all.at])).await.unwrap();
        desk.assert_is(&bytes);
        let local = report.shares.local_cache;
        assert!((1_000_000..LENGTH as u64).contains(&local), "{local}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_do_not_write_the_same_file() {
    let bytes = content(100_000, 22);
    let origin = Origin::start(Temper::good(Version::V1, &bytes)).await;
    let desk = Desk::new();
    let other = peerdist_node::output::Partial::open(&desk.file()).unwrap();
    let error = get(desk.request(&origin, &[])).await.unwrap_err();
    assert!(
        error.to_string().contains("another process is writing"),
        "{error}"
    );
    drop(other);
    get(desk.request(&origin, &[])).await.unwrap();
    desk.assert_is(&bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_has_is_fetched_from_nowhere() {
    for version in [Version::V1, Version::V2] {
        let bytes = content(LENGTH, 23);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let cache = Arc::new(BlocksInMemory::default());
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[]);
        request.cache = Some(cache.clone());
        request.mode = Mode::Local;
        let first = get(request.clone()).await.unwrap();
        assert_eq!(first.shares.origin, LENGTH as u64);
        let ranges = origin.ranges().len();
        let second = get(request.clone()).await.unwrap();
        desk.assert_is(&bytes);
        assert_eq!(second.shares.local_cache, LENGTH as u64);
        assert_eq!(origin.ranges().len(), ranges);
        // The same as a stream, of content that is another in its middle.
        let mut other = bytes.clone();
        other[3_000_000..3_000_500].fill(1);
        origin.is_now(Temper {
            tag: "\"b\"",
            ..Temper::good(version, &other)
        });
        let (to, mut from) = tokio::sync::mpsc::channel(4);
        request.destination = Destination::Stream(to);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(piece) = from.recv().await {
                all.extend_from_slice(&piece);
            }
            all
        });
        let third = get(request).await.unwrap();
        assert!(reading.await.unwrap() == other);
        if version == Version::V2 {
            assert!(
                third.shares.origin < 500_000 && third.shares.origin > 0,
                "{:?}",
                third.shares
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_goes_away_leaves_a_part_to_be_continued() {
    let bytes = content(LENGTH, 24);
    let info = info_of(Version::V1, &bytes);
    let mut temper = Temper::good(Version::V1, &bytes);
    let gone = Temper {
        status: StatusCode::SERVICE_UNAVAILABLE,
        ..temper.clone()
    };
    temper.becomes = Some((1, Box::new(gone)));
    let origin = Origin::start(temper).await;
    let some = peer(Blocks::of(&info, &bytes, |number| number < 40)).await;
    let desk = Desk::new();
    let error = get(desk.request(&origin, &[some.at])).await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    assert_eq!(desk.names(), [".got.bin.peerdist-part"]);
    origin.is_now(Temper::good(Version::V1, &bytes));
    let report = get(desk.request(&origin, &[])).await.unwrap();
    desk.assert_is(&bytes);
    assert_eq!(report.shares.local_cache, 40 * 65_536);
    assert_eq!(report.shares.origin, LENGTH as u64 - 40 * 65_536);
}
