//! MS-PCCRC 2.3, 2.4: content information together with its bytes, and places in it to come back to.
//! Invariant: the bytes were checked once, when it was made, and never change.
//! Byte order: none.

use super::{ContentInfo, DecodeError, Segment, Segments, SegmentsOf, Version, v1, v2};

/// Content information and the bytes it was decoded from.
#[derive(Debug)]
pub struct OwnedContentInfo {
    bytes: Vec<u8>,
    /// What was found in them.
    found: ContentInfo<'static>,
}

impl OwnedContentInfo {
    /// Decodes either version.
    ///
    /// # Errors
    /// As [`ContentInfo::decode`].
    pub fn decode(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let found = ContentInfo {
            bytes: &[],
            ..ContentInfo::decode(&bytes)?
        };
        Ok(Self { bytes, found })
    }

    /// The view, which costs nothing.
    #[must_use]
    pub fn view(&self) -> ContentInfo<'_> {
        ContentInfo {
            bytes: &self.bytes,
            ..self.found
        }
    }

    /// The segments, each with the place to find it again by.
    pub fn places(&self) -> impl Iterator<Item = (SegmentPlace, Segment<'_>)> {
        let mut segments = self.view().segments();
        core::iter::from_fn(move || {
            let place = segments.place();
            segments.next().map(|segment| (place, segment))
        })
    }

    /// The segment at a place of this content information.
    #[must_use]
    pub fn segment_at(&self, place: SegmentPlace) -> Option<Segment<'_>> {
        Segments::at(&self.view(), place).next()
    }
}

/// A place in content information, which costs nothing to come back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentPlace(Place);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    V1((usize, usize, u64)),
    V2((usize, usize, u64, u64)),
}

impl<'a> Segments<'a> {
    const fn place(&self) -> SegmentPlace {
        SegmentPlace(match &self.0 {
            SegmentsOf::V1(segments) => Place::V1(segments.place()),
            SegmentsOf::V2(segments) => Place::V2(segments.place()),
        })
    }

    /// From a place on. One of other content information is no harm: what is read there is checked for its length.
    const fn at(info: &ContentInfo<'a>, place: SegmentPlace) -> Self {
        Self(match (place.0, info.version()) {
            (Place::V1(at), Version::V1) => SegmentsOf::V1(v1::Segments::at(info, at)),
            (Place::V2(at), Version::V2) => SegmentsOf::V2(v2::Segments::at(info, at)),
            (_, Version::V1) => SegmentsOf::V1(v1::Segments::new(info)),
            (_, Version::V2) => SegmentsOf::V2(v2::Segments::new(info)),
        })
    }
}
