use http::Response;

use super::*;

fn response(status: u16, fields: &[(&str, &str)]) -> response::Parts {
    let mut builder = Response::builder().status(status);
    for (name, value) in fields {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

#[test]
fn what_may_not_be_stored_transformed_or_coded_again_is_left_alone() {
    for (status, fields, expected) in [
        (200, &[][..], true),
        (206, &[], true),
        (304, &[], true),
        (404, &[], false),
        (201, &[], false),
        (200, &[("content-encoding", "gzip")], false),
        (200, &[("content-encoding", "identity")], true),
        (200, &[("cache-control", "max-age=5, No-Transform")], false),
        (200, &[("cache-control", "no-store")], false),
        (200, &[("cache-control", "private, max-age=5")], true),
        (
            200,
            &[("cache-control", "a"), ("cache-control", "no-store")],
            false,
        ),
        (200, &[("vary", "*")], false),
        (200, &[("vary", "Accept-Language")], true),
    ] {
        assert_eq!(
            may_be_coded(&response(status, fields)),
            expected,
            "{status} {fields:?}"
        );
    }
}

#[test]
fn the_extent_of_an_answer_is_what_it_says_or_unknown() {
    let whole = |total| {
        Some(Extent {
            total,
            delivery: Delivery::Whole,
        })
    };
    let part = |start, length, total| {
        let range = ContentRange { start, length };
        Some(Extent {
            total,
            delivery: Delivery::Part(range),
        })
    };
    for (status, field, body, expected) in [
        (200, ("content-length", "7"), None, whole(7)),
        (200, ("content-length", "7"), Some(5), whole(5)),
        (200, ("x", ""), None, None),
        (
            206,
            ("content-range", "bytes 2-5/10"),
            Some(4),
            part(2, 4, 10),
        ),
        (206, ("content-range", "bytes 2-5/*"), Some(4), None),
        (206, ("content-range", "bytes 5-2/10"), None, None),
        (
            206,
            ("content-range", "bytes 0-18446744073709551615/1"),
            None,
            None,
        ),
        (206, ("content-type", "multipart/byteranges"), Some(4), None),
    ] {
        assert_eq!(
            Extent::of(&response(status, &[field]), body),
            expected,
            "{field:?}"
        );
    }
}

#[test]
fn a_state_is_known_by_a_strong_tag_or_a_date_that_is_old_enough() {
    let now = ("date", "Thu, 01 Jan 2015 00:00:10 GMT");
    let old = ("last-modified", "Thu, 01 Jan 2015 00:00:08 GMT");
    let fresh = ("last-modified", "Thu, 01 Jan 2015 00:00:09 GMT");
    for (fields, expected) in [
        (&[("etag", "\"a\"")][..], Some("\"a\"")),
        (&[("etag", "\"a\""), now, fresh], Some("\"a\"")),
        (&[("etag", "W/\"a\"")], None),
        (&[("etag", "W/\"a\""), now, old], Some(old.1)),
        (&[("etag", "a")], None),
        (&[now, old], Some(old.1)),
        (&[now, fresh], None),
        (&[now, old, ("vary", "Accept-Encoding")], Some(old.1)),
        (&[now, old, ("vary", "Accept-Language")], None),
        (&[], None),
    ] {
        let parts = response(200, fields);
        let found = validator(&parts.headers);
        assert_eq!(found, expected.map(str::as_bytes), "{fields:?}");
    }
}

#[test]
fn vary_names_each_field_once() {
    let mut headers = response(200, &[("vary", "accept-encoding, Origin")]).headers;
    add_vary(&mut headers);
    add_vary(&mut headers);
    let all: Vec<_> = headers
        .get_all("vary")
        .iter()
        .map(|v| v.to_str().unwrap())
        .collect();
    assert_eq!(
        all,
        [
            "accept-encoding, Origin",
            "X-P2P-PeerDist, X-P2P-PeerDistEx"
        ]
    );
}

#[test]
fn content_information_is_for_one_client_whatever_the_content_is_for() {
    for (before, after) in [
        ("", "private"),
        ("public, max-age=60, s-maxage=5", "private, max-age=60"),
        ("private=\"x\", no-cache", "private, no-cache"),
    ] {
        let mut headers = response(200, &[("cache-control", before)]).headers;
        make_private(&mut headers);
        let all: Vec<_> = headers.get_all("cache-control").iter().collect();
        assert_eq!(all, [after]);
    }
}
