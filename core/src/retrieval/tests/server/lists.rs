use super::*;

#[test]
fn a_block_list_is_what_was_asked_for_and_is_there() {
    let cache = Cache::with(&[(id(1), &[(3, 5), (20, 10), (500, 12)])]);
    let mut server = server(ServerSettings::peer());
    let mut list = |ranges: &[(u32, u32)], segment| {
        let (body, exchange) = response(&send(&mut server, &get_list(segment, ranges), &cache));
        assert_eq!(server.active_clients(), 1);
        sent(&mut server, exchange.unwrap());
        assert_eq!(server.active_clients(), 0);
        let ResponseBody::BlockList(list) = Response::decode(&body).unwrap().body else {
            panic!()
        };
        assert_eq!(list.segment, segment);
        assert!(list.available.are_normalised());
        (list.available.set(), list.next)
    };
    assert_eq!(list(&[(0, 5)], id(1)), (set(&[(3, 2)]), 5));
    assert_eq!(list(&[(0, 8)], id(1)), (set(&[(3, 5)]), 20));
    assert_eq!(
        list(&[(25, 1), (4, 2), (5, 1)], id(1)),
        (set(&[(4, 2), (25, 1)]), 26)
    );
    assert_eq!(
        list(&[(0, 512)], id(1)),
        (set(&[(3, 5), (20, 10), (500, 12)]), 0)
    );
    assert_eq!(list(&[(0, 3), (100, 50)], id(1)), (BlockSet::EMPTY, 0));
    assert_eq!(list(&[(0, 512)], id(2)), (BlockSet::EMPTY, 0));
    assert_eq!(list(&[], id(1)), (BlockSet::EMPTY, 0));
}

#[test]
fn a_segment_list_names_what_is_there_in_full_or_in_part_with_its_age() {
    let mut cache = Cache::default();
    cache.hold(id(2), &[(0, 1)], at(0));
    cache.hold(id(3), &[(0, 512)], at(900));
    cache.hold(id(5), &[(7, 1)], at(995));
    cache.hold(id(6), &[], at(0));
    let mut server = server(ServerSettings::hosted_cache());
    let ids = [1, 2, 3, 4, 5, 6].map(id);
    let (body, exchange) = response(&send(&mut server, &get_segments(&ids), &cache));
    assert_eq!(server.active_clients(), 1);
    sent(&mut server, exchange.unwrap());
    assert_eq!(server.active_clients(), 0);
    let decoded = Response::decode(&body).unwrap();
    assert_eq!(decoded.version, ProtocolVersion::V2_0);
    let ResponseBody::SegmentList(list) = decoded.body else {
        panic!()
    };
    assert_eq!(list.request_id, [0xEE; 16]);
    let ranges: Vec<_> = list
        .available
        .iter()
        .map(|range| (range.first(), range.count()))
        .collect();
    assert_eq!(ranges, [(1, 2), (4, 1)]);
    let ages = SegmentAges::decode(list.blob).unwrap();
    assert_eq!(ages.unit(), AgeUnit::Hundredths);
    let ages: Vec<_> = ages
        .iter()
        .map(|segment| (segment.index, segment.age.as_millis()))
        .collect();
    // Counted from the first segment that the response lists; hundredths are cut, not rounded.
    assert_eq!(ages, [(0, 1000), (1, 100), (3, 0)]);
}

#[test]
fn segments_more_than_255_behind_the_first_get_no_age() {
    let ids: Vec<_> = (0..600u32)
        .map(|number| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            SegmentId(Digest::try_from(&bytes[..]).unwrap())
        })
        .collect();
    let mut cache = Cache::default();
    for id in &ids[10..] {
        cache.hold(*id, &[(0, 1)], at(0));
    }
    let mut server = server(ServerSettings::hosted_cache());
    let (body, _) = response(&send(&mut server, &get_segments(&ids), &cache));
    let ResponseBody::SegmentList(list) = Response::decode(&body).unwrap().body else {
        panic!()
    };
    assert_eq!(list.available.iter().next(), SegmentRange::new(10, 590));
    let ages = SegmentAges::decode(list.blob).unwrap();
    assert_eq!(ages.iter().len(), 255);
    assert_eq!(ages.iter().last().unwrap().index, 254);
}
