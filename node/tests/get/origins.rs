//! Origins: without PeerDist, that change, break off, refuse, redirect, and know no ranges.

use http::StatusCode;
use peerdist::content::Version;
use peerdist_node::get::{GetError, Kind, Mode};

use crate::room::{Blocks, Desk, Origin, Temper, content, get, info_of, peer};

const LENGTH: usize = 2_000_003;

#[tokio::test]
async fn without_peerdist_or_with_mode_off_it_is_plain_http() {
    let bytes = content(LENGTH, 11);
    for (temper, mode) in [
        (Temper::plain(&bytes), Mode::Distributed),
        (Temper::good(Version::V2, &bytes), Mode::Off),
    ] {
        let origin = Origin::start(temper).await;
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[]);
        request.mode = mode.clone();
        let report = get(request).await.unwrap();
        desk.assert_is(&bytes);
        assert_eq!(
            (report.shares.origin, report.is_described),
            (LENGTH as u64, false)
        );
        let asked = origin.requests.lock().unwrap()[0].clone();
        assert_eq!(asked.contains_key("x-p2p-peerdist"), mode != Mode::Off);
    }
}

#[tokio::test]
async fn content_of_no_bytes_is_a_file_of_no_bytes() {
    let origin = Origin::start(Temper::plain(b"")).await;
    let desk = Desk::new();
    get(desk.request(&origin, &[])).await.unwrap();
    desk.assert_is(b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_changes_meanwhile_is_fetched_anew_and_never_mixed() {
    for version in [Version::V1, Version::V2] {
        let (old, mut new) = (content(LENGTH, 12), content(LENGTH, 12));
        new[1_000_000..1_200_000].fill(5);
        let mut temper = Temper::good(version, &old);
        let other = Temper {
            tag: "\"b\"",
            ..Temper::good(version, &new)
        };
        // The first request is for content information, the next for what is missing.
        temper.becomes = Some((1, Box::new(other)));
        let origin = Origin::start(temper).await;
        let info = info_of(version, &old);
        let some = peer(Blocks::of(&info, &old, |number| number % 2 == 0)).await;
        let desk = Desk::new();
        let report = get(desk.request(&origin, &[some.at])).await.unwrap();
        desk.assert_is(&new);
        assert_eq!(report.restarts, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_whose_content_is_not_what_it_describes_is_refused() {
    let bytes = content(LENGTH, 13);
    let temper = Temper {
        info: Some(info_of(Version::V1, &content(LENGTH, 14))),
        ..Temper::plain(&bytes)
    };
    let origin = Origin::start(temper).await;
    let desk = Desk::new();
    let error = get(desk.request(&origin, &[])).await.unwrap_err();
    assert!(matches!(error, GetError::Differs { .. }), "{error}");
    assert_eq!(error.kind(), Kind::Wrong);
    assert!(desk.names().iter().all(|name| name != "got.bin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_without_ranges_is_asked_for_the_whole() {
    let bytes = content(LENGTH, 15);
    let temper = Temper {
        has_no_ranges: true,
        ..Temper::good(Version::V2, &bytes)
    };
    let origin = Origin::start(temper).await;
    let desk = Desk::new();
    let report = get(desk.request(&origin, &[])).await.unwrap();
    desk.assert_is(&bytes);
    assert!(!report.is_described);
}

#[tokio::test]
async fn refusals_and_bodies_that_break_off_are_errors_that_leave_nothing() {
    let bytes = content(LENGTH, 16);
    for (temper, kind) in [
        (
            Temper {
                status: StatusCode::NOT_FOUND,
                ..Temper::plain(&bytes)
            },
            Kind::NotReached,
        ),
        (
            Temper {
                status: StatusCode::BAD_GATEWAY,
                ..Temper::plain(&bytes)
            },
            Kind::NotReached,
        ),
        (
            Temper {
                breaks_off: true,
                ..Temper::plain(&bytes)
            },
            Kind::NotReached,
        ),
        (
            Temper {
                location: Some("ftp://x/".into()),
                ..Temper::plain(&bytes)
            },
            Kind::NotReached,
        ),
        (
            Temper {
                location: Some("content.bin".into()),
                ..Temper::plain(&bytes)
            },
            Kind::NotReached,
        ),
    ] {
        let origin = Origin::start(temper).await;
        let desk = Desk::new();
        let error = get(desk.request(&origin, &[])).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(desk.names().is_empty(), "{error}: {:?}", desk.names());
    }
}

#[tokio::test]
async fn addresses_that_are_none_and_servers_that_are_not_there_are_told_apart() {
    let origin = Origin::start(Temper::plain(b"x")).await;
    let desk = Desk::new();
    for (url, kind) in [
        ("nonsense", Kind::Usage),
        ("ftp://127.0.0.1/x", Kind::Usage),
        ("https://127.0.0.1:1/x", Kind::NotReached),
        ("http://127.0.0.1:1/x", Kind::NotReached),
    ] {
        let mut request = desk.request(&origin, &[]);
        request.url = url.into();
        let error = get(request).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{url}: {error}");
        assert!(desk.names().is_empty());
    }
}

#[tokio::test]
async fn redirects_are_followed_and_ranges_go_where_they_led() {
    let bytes = content(LENGTH, 17);
    let last = Origin::start(Temper::good(Version::V1, &bytes)).await;
    let temper = Temper {
        location: Some(last.url()),
        ..Temper::plain(b"")
    };
    let first = Origin::start(temper).await;
    let desk = Desk::new();
    get(desk.request(&first, &[])).await.unwrap();
    desk.assert_is(&bytes);
    assert_eq!(first.requests.lock().unwrap().len(), 1);
    assert!(!last.ranges().is_empty());
}

#[tokio::test]
async fn content_information_that_is_none_is_passed_over_for_the_content() {
    let bytes = content(LENGTH, 18);
    for info in [
        b"nonsense".to_vec(),
        info_of(Version::V2, &bytes[1..]),
        Vec::new(),
    ] {
        let temper = Temper {
            info: Some(info),
            ..Temper::plain(&bytes)
        };
        let origin = Origin::start(temper).await;
        let desk = Desk::new();
        let report = get(desk.request(&origin, &[])).await.unwrap();
        desk.assert_is(&bytes);
        assert!(!report.is_described);
    }
}
