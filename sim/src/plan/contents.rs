//! What is fetched: how contents fall into segments and blocks, and how long their content information is.
//! Invariant: the content information is one that core wrote; only the hashes of blocks are made up, from what is in them:
//! the same bytes have the same hash in every content.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use peerdist::client::WantedSegment;
use peerdist::content::create::{V1Builder, V2Builder};
use peerdist::content::{BLOCK_BYTES, HashOfData, OwnedContentInfo, SecretKey, Version};
use peerdist::hash::{HashAlgorithm, digest};

use super::catalogue::Catalogue;
use super::pieces::{First, Piece, Pieces};
use crate::chance::Chance;
use crate::scenario::{Content, Edits, Scenario};

/// A content.
#[derive(Debug, Clone)]
pub struct ContentPlan {
    /// Its name.
    pub name: String,
    /// Its length.
    pub size: u64,
    pieces: Arc<Pieces>,
    first: Arc<First>,
    /// Which versions somebody may ask for.
    is_asked_for: [bool; 2],
    layouts: [OnceLock<Option<Arc<Layout>>>; 2],
}

/// How a content falls into segments, as content information of one version describes it.
#[derive(Debug)]
pub struct Layout {
    /// Of which version.
    pub version: Version,
    /// The content information.
    pub info: OwnedContentInfo,
    /// Bytes of it.
    pub info_bytes: u64,
    /// The segments, with all their blocks.
    pub segments: Vec<WantedSegment>,
}

/// All contents of a scenario, and which of them each name is for.
pub(super) struct Contents {
    pub(super) all: Vec<ContentPlan>,
    pub(super) catalogues: BTreeMap<String, Catalogue>,
}

impl Contents {
    /// The contents of a scenario, in the order of their names.
    pub(super) fn new(scenario: &Scenario, seed: u64, versions: [bool; 2]) -> Self {
        let mut contents = Self {
            all: Vec::new(),
            catalogues: BTreeMap::new(),
        };
        // Numbers first, for an edit may have an earlier name than what it is an edit of.
        let mut next = 0;
        for (name, content) in &scenario.contents {
            let count = first_of(scenario, content).count;
            let catalogue = Catalogue::new(next, count, content.popularity.zipf);
            contents.catalogues.insert(name.clone(), catalogue);
            next += count;
        }
        for (name, content) in &scenario.contents {
            let of = contents.catalogues.get(name);
            let (first, count) = of.map_or((0, 0), |of| (of.first, of.count));
            for place in 0..count {
                let name = match count {
                    1 => name.clone(),
                    _ => format!("{name}-{}", place + 1),
                };
                let number = u64::from(first + place);
                let (first, pieces) =
                    made(scenario, &contents.catalogues, content, number, place, seed);
                let plan = ContentPlan::of(name, first, pieces, versions);
                contents.all.push(plan);
            }
        }
        contents
    }
}

/// The first version of a content.
fn first_of<'a>(scenario: &'a Scenario, content: &'a Content) -> &'a Content {
    let mut at = content;
    // A circle was found when the scenario was read.
    while let Some(before) = before(scenario, at) {
        at = before;
    }
    at
}

fn before<'a>(scenario: &'a Scenario, content: &Content) -> Option<&'a Content> {
    scenario.contents.get(content.edit_of.as_ref()?)
}

/// A content of this number, that in this place of its catalogue: its first version, and what it is made of.
fn made(
    scenario: &Scenario,
    catalogues: &BTreeMap<String, Catalogue>,
    content: &Content,
    number: u64,
    place: u32,
    seed: u64,
) -> (Arc<First>, Pieces) {
    let earlier = before(scenario, content).zip(content.edit_of.as_ref());
    let Some((earlier, name)) = earlier else {
        let mut chance = Chance::new(seed, "size", &[number]);
        let size = super::catalogue::draw(&content.size(), &mut chance);
        let first = Arc::new(First::new(number, size));
        let pieces = first.pieces();
        return (first, pieces);
    };
    let its = catalogues.get(name).map_or(0, |of| of.first) + place;
    let (first, pieces) = made(scenario, catalogues, earlier, its.into(), place, seed);
    let mut chance = Chance::new(seed, "edits", &[number]);
    let edits: &Edits = &content.edits;
    (first, pieces.edited(edits, number, &mut chance))
}

impl ContentPlan {
    fn of(name: String, first: Arc<First>, pieces: Pieces, versions: [bool; 2]) -> Self {
        Self {
            name,
            size: pieces.size(),
            pieces: Arc::new(pieces),
            first,
            is_asked_for: versions,
            layouts: Default::default(),
        }
    }

    /// One of a length, of which there are no other versions.
    pub(super) fn plain(name: &str, number: u64, size: u64, versions: [bool; 2]) -> Self {
        let first = Arc::new(First::new(number, size));
        let pieces = first.pieces();
        Self::of(name.to_owned(), first, pieces, versions)
    }

    /// All of its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or(0));
        self.pieces.for_each(|more| bytes.extend_from_slice(more));
        bytes
    }

    /// How content information of a version describes it; made when somebody asks first.
    #[must_use]
    pub fn layout(&self, version: u8) -> Option<&Arc<Layout>> {
        let [v1, v2] = &self.layouts;
        let [asks_v1, asks_v2] = self.is_asked_for;
        let (layout, is_asked_for) = match version {
            1 => (v1, asks_v1),
            _ => (v2, asks_v2),
        };
        if !is_asked_for {
            return None;
        }
        let make = || {
            let bytes = match version {
                1 => self.v1(),
                _ => self.v2(),
            };
            bytes.and_then(Layout::of).map(Arc::new)
        };
        layout.get_or_init(make).as_ref()
    }

    fn v1(&self) -> Option<Vec<u8>> {
        let mut builder = V1Builder::new(HashAlgorithm::Sha256, &secret_key()?, 0).ok()?;
        let block_bytes = u64::from(BLOCK_BYTES);
        for start in (0..self.size).step_by(BLOCK_BYTES as usize) {
            let length = (self.size - start).min(block_bytes);
            let hash = self.made_up(start, length, |piece| {
                let is_block = piece.start.is_multiple_of(block_bytes);
                is_block.then(|| piece.start / block_bytes)
            });
            builder
                .push_block(u32::try_from(length).ok()?, &hash)
                .ok()?;
        }
        Some(builder.finish().ok()?.to_vec())
    }

    fn v2(&self) -> Option<Vec<u8>> {
        let mut builder = V2Builder::new(&secret_key()?);
        let is_first = self.pieces.part(0, self.size).len() == 1;
        let own;
        let lengths = if is_first {
            self.first.cut()
        } else {
            own = self.pieces.cut();
            &own
        };
        let (starts, cut) = (self.first.starts(), self.first.cut());
        let mut at = 0;
        for &length in lengths {
            let hash = self.made_up(at, length.into(), |piece| {
                let place = starts.binary_search(&piece.start).ok()?;
                let is_segment = cut.get(place).copied().map(u64::from) == Some(piece.length);
                is_segment.then_some(place as u64)
            });
            let hash_of_data = HashOfData::of_block_hashes(HashAlgorithm::Sha512Truncated, &hash);
            builder.push_segment(length, &hash_of_data).ok()?;
            at += u64::from(length);
        }
        Some(builder.finish().ok()?.to_vec())
    }

    /// The hash of a part of it, which nobody ever made: by its place where it is a part of the first version, else by
    /// all that is in it.
    fn made_up(&self, start: u64, length: u64, place: impl Fn(&Piece) -> Option<u64>) -> [u8; 32] {
        let part = self.pieces.part(start, length);
        let of_first = match part.as_slice() {
            [one] if one.stream == self.first.stream => place(one),
            _ => None,
        };
        let text = match of_first {
            Some(place) => format!("{} {place}", self.first.stream),
            None => part.iter().fold(String::new(), |mut text, piece| {
                text += &format!("{}:{}+{} ", piece.stream, piece.start, piece.length);
                text
            }),
        };
        let digest = digest(HashAlgorithm::Sha256, text.as_bytes());
        digest.as_bytes().try_into().unwrap_or_default()
    }
}

impl Layout {
    fn of(bytes: Vec<u8>) -> Option<Self> {
        let info_bytes = bytes.len() as u64;
        let info = OwnedContentInfo::decode(bytes).ok()?;
        Some(Self {
            version: info.view().version(),
            info_bytes,
            segments: WantedSegment::of(&info.view()).collect(),
            info,
        })
    }
}

fn secret_key() -> Option<SecretKey> {
    SecretKey::new(*b"the key of simulated servers").ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::load;

    fn contents(of: &str) -> Vec<ContentPlan> {
        let text = format!(
            "sites: {{a: {{}}}}\nhosts: {{b: {{}}}}\ncontents:\n{of}\nworkload: [{{fetch: it}}]"
        );
        let scenario = load("test", &text).unwrap_or_else(|error| panic!("{error}"));
        Contents::new(&scenario, 1, [true, true]).all
    }

    #[test]
    fn a_content_falls_into_the_segments_that_its_bytes_give() {
        let plan = ContentPlan::plain("it", 3, 3_000_001, [true, true]);
        let v1 = plan.layout(1).unwrap();
        assert_eq!(v1.segments.len(), 1);
        assert_eq!(v1.segments[0].block_count(), 46);
        let v2 = plan.layout(2).unwrap();
        let cut = peerdist::content::cut::segments(&plan.bytes());
        let lengths: Vec<u32> = v2.segments.iter().map(|segment| segment.length).collect();
        assert_eq!(lengths, cut);
        assert!(v2.info_bytes > 64 * lengths.len() as u64);
    }

    #[test]
    fn what_nobody_asks_for_is_not_made() {
        let plan = ContentPlan::plain("it", 0, 100_000, [true, false]);
        assert!(plan.layout(1).is_some() && plan.layout(2).is_none());
    }

    /// Bytes of segments of the second that the first has too, in percent.
    fn shared(one: &ContentPlan, other: &ContentPlan, version: u8) -> f64 {
        let of = |plan: &ContentPlan| plan.layout(version).unwrap().segments.clone();
        let known: BTreeSet<_> = of(one).iter().map(|segment| segment.id).collect();
        let there = of(other).into_iter().filter(|it| known.contains(&it.id));
        let bytes: u64 = there.map(|segment| u64::from(segment.length)).sum();
        100.0 * bytes as f64 / other.size as f64
    }

    #[test]
    fn after_an_insertion_segments_of_version_2_are_the_same_again_and_those_of_version_1_never() {
        let all = contents(
            "  it: { size: 100 MB }\n  next: { edit_of: it, edits: { places: 5, inserted: 100 } }\n  last: { edit_of: next, edits: { changed: 1 %, places: 1 } }",
        );
        let [it, last, next] = all.as_slice() else {
            panic!("{}", all.len())
        };
        assert_eq!(next.size, it.size + 500);
        let (v1, v2) = (shared(it, next, 1), shared(it, next, 2));
        assert!(v2 > 98.0 && v2 < 100.0, "{v2}");
        // The first insertion is in the first fifth: no segment of 32 MiB is before it.
        assert!(v1 == 0.0, "{v1}");
        // One place: the other segments stay, of either version.
        let (v1, v2) = (shared(next, last, 1), shared(next, last, 2));
        assert!(v2 > 98.0 && v1 > 30.0 && v1 < 70.0, "{v1} {v2}");
        assert_eq!(shared(it, it, 2), 100.0);
    }

    #[test]
    fn segments_that_are_shared_are_those_that_real_hashes_would_share() {
        let all = contents(
            "  it: { size: 3 MB }\n  next: { edit_of: it, edits: { places: 4, inserted: 9, removed: 4, changed: 1 % } }",
        );
        let [it, next] = all.as_slice() else {
            panic!("{}", all.len())
        };
        let hashes = |plan: &ContentPlan| -> Vec<Vec<u8>> {
            let bytes = plan.bytes();
            let segments = &plan.layout(2).unwrap().segments;
            let of = |segment: &WantedSegment| {
                let from = usize::try_from(segment.offset).unwrap();
                let part = &bytes[from..from + segment.length as usize];
                digest(HashAlgorithm::Sha256, part).as_bytes().to_vec()
            };
            segments.iter().map(of).collect()
        };
        let ids = |plan: &ContentPlan| -> Vec<_> {
            let layout = plan.layout(2).unwrap();
            layout.segments.iter().map(|segment| segment.id).collect()
        };
        let (real, made_up) = ((hashes(it), hashes(next)), (ids(it), ids(next)));
        let is_real = |at: usize| real.0.contains(&real.1[at]);
        let is_made_up = |at: usize| made_up.0.contains(&made_up.1[at]);
        assert!((0..real.1.len()).all(|at| is_real(at) == is_made_up(at)));
        assert!((0..real.1.len()).any(is_real) && !(0..real.1.len()).all(is_real));
    }

    #[test]
    fn a_catalogue_has_as_many_as_it_says_and_its_versions_too() {
        let all = contents(
            "  it: { count: 30, size: { distribution: uniform, least: 1 kB, most: 2 kB } }\n  new: { edit_of: it, edits: { inserted: 5 } }",
        );
        assert_eq!(all.len(), 60);
        assert_eq!(
            (all[0].name.as_str(), all[59].name.as_str()),
            ("it-1", "new-30")
        );
        for (old, new) in all[..30].iter().zip(&all[30..]) {
            assert!((1_000..=2_000).contains(&old.size));
            assert_eq!(new.size, old.size + 5);
        }
    }
}
