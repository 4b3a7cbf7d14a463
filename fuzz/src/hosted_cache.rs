//! Messages of the hosted cache (MS-PCHC 2.2), and the content information inside one of them.
//! Invariant: what decodes is written again as the same message; content information inside never makes it malformed.
//! Byte order: none, core reads the numbers.

use peerdist::content::{ContentInfo, Version as ContentVersion};
use peerdist::hosted_cache::{
    BATCH_MAX_SEGMENTS, REQUEST_MAX_BYTES, ReadBytes, Request, Response, Scheme, SegmentInfo,
    encode_segment_info_into, route,
};

use crate::agreement::decoded;

/// Decodes any of the three requests and writes it again.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn hosted_cache_request(data: &[u8]) {
    let decoded = decoded!(data, Request);
    let Ok(request) = decoded else { return };
    let encoded = request.encode();
    assert_eq!(encoded.len(), data.len());
    let again = Request::decode(&encoded).expect("what was written decodes");
    assert_eq!(again, request);
    assert_eq!(again.encode(), encoded);
    assert_eq!(Some(request.version()), request.message_type().version());
    match request {
        Request::InitialOffer(_) => {}
        Request::SegmentInfo(info) => segment_information(&info, data.len()),
        Request::BatchedOffer(offer) => {
            assert!(offer.descriptors().len() <= BATCH_MAX_SEGMENTS);
            assert_eq!(offer.descriptors().count(), offer.descriptors().len());
        }
    }
}

fn segment_information(message: &SegmentInfo<'_>, message_len: usize) {
    let segment = match message.segment() {
        Ok(segment) => segment,
        Err(bad) => {
            assert!(bad.at <= message_len, "{bad:?} points past the end");
            assert!(!bad.requirement().is_empty() && !bad.to_string().is_empty());
            return;
        }
    };
    assert!(message_len <= REQUEST_MAX_BYTES);
    assert!(segment.length > 0 && segment.offset_in_segment < segment.length);
    let listed = segment.listed();
    let count = segment.block_hashes.len() / segment.key.algorithm.digest_len();
    assert_eq!(listed.len() as usize, count);
    assert!(listed.iter().all(|block| block.get() < segment.block_count()));
    assert!(!segment.is_proven || listed.len() == segment.block_count());
    let list = message.segment_information.get(segment.bytes_before_list..);
    assert!(list.is_some_and(|list| list.starts_with(segment.block_hashes)));
    let Ok(info) = ContentInfo::decode(message.segment_information) else {
        return;
    };
    assert_eq!(
        (info.version(), info.segment_count()),
        (ContentVersion::V1, 1)
    );
    let index = info.segments().next().map_or(0, |segment| segment.index);
    for read_bytes in [ReadBytes::SegmentLength, ReadBytes::Zero] {
        let mut written = Vec::new();
        let tag = message.content_tag;
        let is_written =
            encode_segment_info_into(&mut written, message.port, tag, &info, index, read_bytes);
        assert!(is_written);
        let Ok(Request::SegmentInfo(again)) = Request::decode(&written) else {
            panic!("an offer written of an offer read is none");
        };
        let again = again.segment().expect("what was written can be fetched by");
        assert_eq!((again.key, again.length), (segment.key, segment.length));
        assert_eq!(again.listed(), listed);
        assert_eq!(again.is_proven, segment.is_proven);
    }
}

/// Decodes a response and writes it again; and routes a path of HTTP.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn hosted_cache_response(data: &[u8]) {
    let decoded = decoded!(data, Response);
    if let Ok(response) = decoded {
        assert_eq!(response.encode(), data);
    }
    let path = String::from_utf8_lossy(data);
    for scheme in [Scheme::Http, Scheme::Https] {
        if let Some(routed) = route(scheme, &path) {
            assert_eq!(routed.version, scheme.version());
        }
    }
}
