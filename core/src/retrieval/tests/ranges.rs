use super::*;
use proptest::prelude::*;

#[test]
fn a_block_range_lies_within_the_512_blocks_of_a_segment() {
    assert!(BlockRange::new(0, 512).is_some());
    assert!(BlockRange::new(511, 1).is_some());
    assert!(BlockRange::new(0, 513).is_none());
    assert!(BlockRange::new(1, 512).is_none());
    assert!(BlockRange::new(511, 2).is_none());
    assert!(BlockRange::new(512, 1).is_none());
    assert!(BlockRange::new(0, 0).is_none());
    assert!(BlockRange::new(u32::MAX, 1).is_none());
    assert!(BlockRange::new(1, u32::MAX).is_none());
    // 2.2.1.1: [42, 7] is blocks 42 to 48.
    let blocks: Vec<_> = BlockSet::from(BlockRange::new(42, 7).unwrap())
        .iter()
        .collect();
    assert_eq!(blocks, (42..=48).map(block).collect::<Vec<_>>());
}

#[test]
fn a_segment_range_does_not_wrap_around() {
    assert!(SegmentRange::new(u32::MAX, 1).is_none());
    assert!(SegmentRange::new(u32::MAX - 1, 1).is_some());
    assert!(SegmentRange::new(0, 0).is_none());
    assert_eq!(SegmentRange::new(3, 4).unwrap().end(), 7);
}

#[test]
fn the_largest_set_of_ranges_apart_has_256() {
    let even: BlockSet = (0..256).map(|half| block(2 * half)).collect();
    assert_eq!(even.ranges().count(), 256);
    assert_eq!(BlockSet::first_blocks(512).ranges().count(), 1);
    assert_eq!(BlockSet::first_blocks(9999).len(), 512);
    assert_eq!(BlockSet::first_blocks(0), BlockSet::EMPTY);
}

proptest! {
    #[test]
    fn sets_of_blocks_are_sets(
        a in prop::collection::btree_set(0u32..512, 0..40),
        b in prop::collection::btree_set(0u32..512, 0..40),
    ) {
        let of = |blocks: &std::collections::BTreeSet<u32>| -> BlockSet {
            blocks.iter().copied().map(block).collect()
        };
        let (x, y) = (of(&a), of(&b));
        prop_assert!(x.iter().eq(a.iter().copied().map(block)));
        prop_assert_eq!(x.union(&y), of(&(&a | &b)));
        prop_assert_eq!(x.intersection(&y), of(&(&a & &b)));
        prop_assert_eq!(x.difference(&y), of(&(&a - &b)));
        prop_assert_eq!(x.is_subset(&y), a.is_subset(&b));
        prop_assert_eq!(u64::from(x.len()), a.len() as u64);
        let first = a.first().copied().unwrap_or(0);
        prop_assert!(BlockSet::range(first, 700).iter().eq((first..512).map(block)));
        prop_assert!(BlockSet::range(512 + first, 1).is_empty());
    }

    #[test]
    fn a_set_agrees_with_a_list_of_booleans(
        ranges in prop::collection::vec((0u32..512, 1u32..512), 0..12),
        others in prop::collection::vec((0u32..512, 1u32..512), 0..12),
        from in 0u32..600,
    ) {
        let model_of = |ranges: &[(u32, u32)]| {
            let mut model = [false; 512];
            for (index, count) in ranges {
                let end = (index + count).min(512);
                model[*index as usize..end as usize].fill(true);
            }
            model
        };
        let set_of = |ranges: &[(u32, u32)]| -> BlockSet {
            ranges.iter()
                .map(|(index, count)| BlockRange::new(*index, (*count).min(512 - index)).unwrap())
                .collect()
        };
        let (model, other_model) = (model_of(&ranges), model_of(&others));
        let (set, other) = (set_of(&ranges), set_of(&others));
        let blocks = |model: &dyn Fn(usize) -> bool| -> Vec<u32> {
            (0..512u32).filter(|index| model(*index as usize)).collect()
        };
        let list = |set: BlockSet| -> Vec<u32> { set.iter().map(BlockIndex::get).collect() };
        prop_assert_eq!(list(set), blocks(&|i| model[i]));
        prop_assert_eq!(list(set.intersection(&other)), blocks(&|i| model[i] && other_model[i]));
        prop_assert_eq!(list(set.difference(&other)), blocks(&|i| model[i] && !other_model[i]));
        prop_assert_eq!(set.len() as usize, list(set).len());
        prop_assert_eq!(set.is_empty(), list(set).is_empty());
        prop_assert_eq!(
            set.first_from(from).map(BlockIndex::get),
            (from..512).find(|index| model[*index as usize])
        );
        for index in 0..512 {
            prop_assert_eq!(set.contains(block(index)), model[index as usize]);
        }
        prop_assert_eq!(set.range_count() as usize, set.ranges().count());
        prop_assert_eq!(set.end(), list(set).last().map_or(0, |last| last + 1));
        let again: BlockSet = set.ranges().collect();
        prop_assert_eq!(again, set);
        // Neither overlap nor touch, and in order.
        let ranges: Vec<_> = set.ranges().collect();
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end() < pair[1].first().get()));
        let mut less = set;
        less.remove(block(from.min(511)));
        prop_assert!(!less.contains(block(from.min(511))));
        prop_assert_eq!(less.difference(&set), BlockSet::EMPTY);
    }
}
