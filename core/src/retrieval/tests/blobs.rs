use super::*;
use core::time::Duration;

fn fault(blob: &[u8]) -> (&'static str, usize, &'static str) {
    let error = SegmentAges::decode(blob).unwrap_err();
    (error.problem.name(), error.at, error.requirement())
}

#[test]
fn checks_of_a_blob_run_in_the_order_of_the_document() {
    assert_eq!(fault(&[]), ("blob-too-short", 0, "PCCRR-2.2.6-04"));
    assert_eq!(fault(&[0]), ("blob-too-short", 0, "PCCRR-2.2.6-04"));
    // Two bytes are a version, and the version is judged before the size it demands.
    assert_eq!(fault(&[0, 2]), ("blob-version", 0, "PCCRR-2.2.6-05"));
    assert_eq!(fault(&[0, 1]), ("blob-too-short", 0, "PCCRR-2.2.6.1.1-01"));
    assert_eq!(
        fault(&[0, 1, 0]),
        ("blob-too-short", 0, "PCCRR-2.2.6.1.1-01")
    );
    // The unit is judged before the count, so one wrong in both is wrong in the unit.
    assert_eq!(fault(&[0, 1, 0, 1]), ("age-unit", 2, "PCCRR-2.2.6.1.1-02"));
    assert_eq!(fault(&[0, 1, 5, 0]), ("age-unit", 2, "PCCRR-2.2.6.1.1-02"));
    assert_eq!(
        fault(&[0, 1, 3, 1]),
        ("blob-too-short", 0, "PCCRR-2.2.6.1.1-03")
    );
    assert_eq!(
        fault(&[0, 1, 3, 1, 0, 0, 0]),
        ("blob-too-short", 0, "PCCRR-2.2.6.1.1-03")
    );
}

#[test]
fn a_blob_may_be_longer_than_its_ages() {
    let ages = SegmentAges::decode(&[0, 1, 4, 1, 9, 1, 0, 0, 0xFF, 0xFF]).unwrap();
    let expected = SegmentAge {
        index: 9,
        age: Duration::from_millis(1),
    };
    assert_eq!(ages.iter().collect::<Vec<_>>(), [expected]);
    assert_eq!(SegmentAges::decode(&[0, 1, 1, 0]).unwrap().iter().len(), 0);
}

#[test]
fn an_age_is_low_then_middle_then_high_in_each_of_the_four_units() {
    for (unit, milliseconds) in [(1, 1000), (2, 100), (3, 10), (4, 1)] {
        let blob = [0, 1, unit, 1, 3, 0x01, 0x02, 0x03];
        let age = SegmentAges::decode(&blob).unwrap().iter().next().unwrap();
        let count = 0x01 + 256 * 0x02 + 65_536 * 0x03;
        assert_eq!(age.age, Duration::from_millis(count * milliseconds));
        assert_eq!(age.index, 3);
    }
}

#[test]
fn a_blob_carries_255_ages_at_most() {
    let ages = (0..300u32).map(|number| SegmentAge {
        index: u8::try_from(number % 256).unwrap(),
        age: Duration::from_secs(number.into()),
    });
    let ages: Vec<_> = ages.collect();
    let mut blob = Vec::new();
    encode_ages_into(AgeUnit::Hundredths, ages.iter().copied(), &mut blob);
    assert_eq!(blob.len(), 4 + 4 * 255);
    let read = SegmentAges::decode(&blob).unwrap();
    assert!(read.iter().eq(ages[..255].iter().copied()));
    for missing in 1..=4 {
        assert!(SegmentAges::decode(&blob[..blob.len() - missing]).is_err());
    }
}

#[test]
fn hundredths_are_the_unit_unless_an_age_is_beyond_their_reach() {
    let most = Duration::from_millis(10) * 0xFF_FFFF;
    assert_eq!(AgeUnit::reaching(Duration::ZERO), AgeUnit::Hundredths);
    assert_eq!(AgeUnit::reaching(most), AgeUnit::Hundredths);
    assert_eq!(
        AgeUnit::reaching(most + Duration::from_millis(1)),
        AgeUnit::Tenths
    );
    assert_eq!(AgeUnit::reaching(most * 11), AgeUnit::Seconds);
    let age = SegmentAge {
        index: 0,
        age: Duration::MAX,
    };
    let mut blob = Vec::new();
    encode_ages_into(AgeUnit::Seconds, [age].into_iter(), &mut blob);
    assert_eq!(blob, [0, 1, 1, 1, 0, 0xFF, 0xFF, 0xFF]);
}

#[test]
fn a_message_with_a_blob_to_drop_stays_good() {
    for blob in [&[7][..], &[0, 9, 1, 1], &[0, 1, 0, 0], &[0, 1, 3, 200, 0]] {
        let body = ResponseBody::SegmentList(SegmentList {
            request_id: [0; 16],
            available: SegmentRanges::of(&[]),
            blob,
        });
        let message = Response::new(CryptoAlgorithm::NONE, body).encode();
        let response = Response::decode(&message).unwrap();
        assert_eq!(response.body, body);
        let trace = crate::wire::Trace::new();
        Response::decode_with(crate::wire::Reader::traced(&message, &trace)).unwrap();
        let entries = trace.into_entries();
        assert!(entries.last().unwrap().meaning.starts_with("dropped: "));
    }
}
