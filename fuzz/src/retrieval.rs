//! Messages of retrieval (MS-PCCRR 2.2) decoded from anything.
//! Invariant: what decodes is written again as the same message, of the length that was foretold.
//! Byte order: none, core reads the numbers.

use peerdist::retrieval::{
    REQUEST_MAX_BYTES, RESPONSE_MAX_BYTES, Request, RequestBody, Response, ResponseBody,
    SegmentAges, TRANSPORT_HEADER_BYTES, encode_ages_into, matches_path,
};

use crate::agreement::decoded;

/// Decodes a request and writes it again.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn retrieval_request(data: &[u8]) {
    let decoded = decoded!(data, Request);
    let Ok(request) = decoded else { return };
    assert!(data.len() <= REQUEST_MAX_BYTES);
    let encoded = request.encode();
    let again = Request::decode(&encoded).expect("what was written decodes");
    assert_eq!(again, request);
    assert_eq!(again.encode(), encoded);
    assert_eq!(encoded.len(), data.len());
    assert_eq!(again.quirks(), request.quirks());
    match request.body {
        RequestBody::BlockList(list) => {
            let set = list.needed.set();
            assert_eq!(list.needed.smallest(), set.first_from(0));
            assert_eq!(
                set.ranges().map(|range| range.count()).sum::<u32>(),
                set.len()
            );
        }
        RequestBody::Blocks(blocks) => {
            assert!(blocks.requested.smallest().is_some());
        }
        RequestBody::SegmentList(list) => {
            assert_eq!(list.segments.iter().count(), list.segments.len());
            let _ = SegmentAges::decode(list.blob);
        }
        RequestBody::Negotiation(versions) => {
            let _ = versions.selected(&versions);
        }
    }
}

/// Decodes a response behind the size that the transport puts in front, and writes it again.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn retrieval_response(data: &[u8]) {
    let decoded = decoded!(data, Response);
    let Ok(response) = decoded else { return };
    assert!(response.message_len() <= RESPONSE_MAX_BYTES);
    assert_eq!(TRANSPORT_HEADER_BYTES + response.message_len(), data.len());
    let encoded = response.encode();
    let again = Response::decode(&encoded).expect("what was written decodes");
    assert_eq!(again, response);
    assert_eq!(again.encode(), encoded);
    assert_eq!(encoded.len(), data.len());
    assert_eq!(again.quirks(), response.quirks());
    match response.body {
        ResponseBody::BlockList(list) => {
            assert!(list.available.iter().all(|range| range.count() > 0));
        }
        ResponseBody::SegmentList(list) => {
            assert_eq!(list.available.iter().count(), list.available.count());
            let _ = SegmentAges::decode(list.blob);
        }
        ResponseBody::Negotiation(_) | ResponseBody::Block(_) => {}
    }
}

/// Decodes the extensible blob of segment lists, and writes its ages again; and a path of HTTP.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn segment_ages(data: &[u8]) {
    let _ = matches_path(&String::from_utf8_lossy(data));
    let blob = match SegmentAges::decode(data) {
        Ok(blob) => blob,
        Err(error) => {
            assert!(error.at <= data.len(), "{error:?}");
            return;
        }
    };
    let mut written = Vec::new();
    encode_ages_into(blob.unit(), blob.iter(), &mut written);
    let again = SegmentAges::decode(&written).expect("what was written decodes");
    assert_eq!(again, blob);
    assert!(
        data.starts_with(&written),
        "what follows the ages is left out"
    );
}
