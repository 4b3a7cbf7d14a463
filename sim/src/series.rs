//! What flowed when: bytes in bins of time, as many bins as there may be and no more.
//! Invariant: the sum over the bins is exactly what was recorded; merging does not depend on order.
//! Unit: bytes; nanoseconds since the beginning. A bin holds what came from its first nanosecond to before the next one's.

use peerdist::time::Instant;

/// When a bin more would be needed, all become twice as wide.
pub const BINS_MOST: usize = 1_024;
/// Where there are more branches than this, only all of them together have a series.
pub const BRANCHES_RECORDED_MOST: usize = 64;
/// The narrowest bin. All widths are this times a power of two, so any two series can be merged.
const BIN_NS_LEAST: u64 = 1_000_000;

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Measure {
    /// Over the line, towards the branch.
    WanDown,
    /// Over the line, towards the data centre.
    WanUp,
    /// Content that the origin gave, when it was verified.
    Origin,
    /// Content that neighbours gave.
    Peers,
    /// Content that the hosted cache gave.
    HostedCache,
    /// Content that was there already.
    LocalCache,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; MEASURES] = [
        Self::WanDown,
        Self::WanUp,
        Self::Origin,
        Self::Peers,
        Self::HostedCache,
        Self::LocalCache,
    ];
}

const MEASURES: usize = 6;

/// Bytes over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    bin_ns: u64,
    bins: Vec<[u64; MEASURES]>,
}

impl Default for Series {
    fn default() -> Self {
        Self::for_span(0)
    }
}

impl Series {
    /// With bins wide enough for so much time.
    #[must_use]
    pub const fn for_span(span_ns: u64) -> Self {
        let mut bin_ns = BIN_NS_LEAST;
        while span_ns / bin_ns >= BINS_MOST as u64 {
            bin_ns *= 2;
        }
        Self {
            bin_ns,
            bins: Vec::new(),
        }
    }

    /// How wide a bin is.
    #[must_use]
    pub const fn bin_ns(&self) -> u64 {
        self.bin_ns
    }

    /// How many bins there are: up to the last in which anything was recorded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bins.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// What a bin has; nothing where there is none.
    #[must_use]
    pub fn at(&self, bin: usize, what: Measure) -> u64 {
        self.bins.get(bin).map_or(0, |bin| bin[what as usize])
    }

    /// What all bins have together.
    #[must_use]
    pub fn total(&self, what: Measure) -> u64 {
        self.bins.iter().map(|bin| bin[what as usize]).sum()
    }

    /// Bytes came.
    pub fn add(&mut self, at_ns: u64, what: Measure, bytes: u64) {
        if bytes > 0
            && let Some(bin) = self.bin(at_ns)
        {
            bin[what as usize] += bytes;
        }
    }

    /// Makes the bins wide enough for a moment.
    pub fn cover(&mut self, at_ns: u64) {
        while at_ns / self.bin_ns >= BINS_MOST as u64 {
            self.widen();
        }
    }

    /// Makes the bins at least so wide.
    pub fn widen_to(&mut self, bin_ns: u64) {
        while self.bin_ns < bin_ns {
            self.widen();
        }
    }

    /// All of them together came to so much by a moment: what was not recorded of it came then, and what was recorded
    /// beyond it is taken back from the last bins that have any.
    pub fn settle(&mut self, at_ns: u64, what: Measure, total: u64) {
        let recorded = self.total(what);
        self.add(at_ns, what, total.saturating_sub(recorded));
        let mut beyond = recorded.saturating_sub(total);
        for bin in self.bins.iter_mut().rev() {
            let taken = beyond.min(bin[what as usize]);
            bin[what as usize] -= taken;
            beyond -= taken;
        }
    }

    /// Adds everything of another series.
    pub fn merge(&mut self, other: &Self) {
        self.widen_to(other.bin_ns);
        for (place, from) in (0_u64..).zip(&other.bins) {
            if let Some(bin) = self.bin(place * other.bin_ns) {
                for (to, from) in bin.iter_mut().zip(from) {
                    *to += from;
                }
            }
        }
    }

    fn bin(&mut self, at_ns: u64) -> Option<&mut [u64; MEASURES]> {
        self.cover(at_ns);
        let place = usize::try_from(at_ns / self.bin_ns).ok()?;
        if place >= self.bins.len() {
            self.bins.resize(place + 1, [0; MEASURES]);
        }
        self.bins.get_mut(place)
    }

    fn widen(&mut self) {
        self.bin_ns *= 2;
        let pair = |pair: &[[u64; MEASURES]]| {
            let mut sum = [0; MEASURES];
            for bin in pair {
                for (to, from) in sum.iter_mut().zip(bin) {
                    *to += from;
                }
            }
            sum
        };
        self.bins = self.bins.chunks(2).map(pair).collect();
    }
}

/// A series of a branch whose line is read at the edges of bins, for what goes over it flows all the time.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) series: Series,
    /// The edge at which the line was read last, and what it had carried then.
    edge_ns: u64,
    carried: [u64; 2],
}

impl Recorder {
    pub(crate) const fn for_span(span_ns: u64) -> Self {
        Self {
            series: Series::for_span(span_ns),
            edge_ns: 0,
            carried: [0; 2],
        }
    }

    pub(crate) fn add(&mut self, at: Instant, what: Measure, bytes: u64) {
        self.series.add(at.as_nanos(), what, bytes);
    }

    /// The next edge at which the line is to be read, where that is not after a moment.
    pub(crate) fn edge_until(&self, moment: Instant) -> Option<Instant> {
        let edge = self.next_edge();
        (edge <= moment.as_nanos()).then(|| Instant::from_nanos(edge))
    }

    /// The next edge, in nanoseconds.
    pub(crate) const fn next_edge(&self) -> u64 {
        (self.edge_ns / self.series.bin_ns + 1) * self.series.bin_ns
    }

    /// What the line has carried by an edge.
    pub(crate) fn read(&mut self, edge: Instant, carried: [u64; 2]) {
        let ways = [Measure::WanDown, Measure::WanUp];
        for ((way, now), before) in ways.into_iter().zip(carried).zip(&mut self.carried) {
            // Of what came since the edge before.
            self.series
                .add(self.edge_ns, way, now.saturating_sub(*before));
            *before = now.max(*before);
        }
        self.edge_ns = edge.as_nanos();
    }

    /// All is over.
    pub(crate) fn finish(mut self, carried: [u64; 2]) -> Series {
        self.read(Instant::from_nanos(self.edge_ns), carried);
        for (way, total) in [Measure::WanDown, Measure::WanUp].into_iter().zip(carried) {
            self.series.settle(self.edge_ns, way, total);
        }
        self.series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    #[test]
    fn the_sum_over_bins_is_what_was_recorded_however_late_it_came() {
        let mut series = Series::default();
        let mut chance = Chance::new(1, "series", &[]);
        let mut all = 0;
        for power in 0..60 {
            let bytes = chance.below(1 << 40);
            series.add(1 << power, Measure::Peers, bytes);
            all += bytes;
            assert!(series.len() <= BINS_MOST);
        }
        assert_eq!(series.total(Measure::Peers), all);
        assert_eq!(series.total(Measure::Origin), 0);
    }

    #[test]
    fn merging_gives_the_same_in_any_order() {
        let parts: Vec<Series> = (0..6_u64)
            .map(|number| {
                let mut chance = Chance::new(number, "series", &[]);
                let mut series = Series::for_span(number * 700_000_000);
                for what in Measure::ALL {
                    for _ in 0..50 {
                        series.add(
                            chance.below((number + 1) * 900_000_000),
                            what,
                            chance.below(1 << 30),
                        );
                    }
                }
                series
            })
            .collect();
        let mut one = Series::default();
        let mut other = Series::default();
        parts.iter().for_each(|part| one.merge(part));
        parts.iter().rev().for_each(|part| other.merge(part));
        assert_eq!(one, other);
        for what in Measure::ALL {
            let totals = parts.iter().map(|part| part.total(what));
            assert_eq!(one.total(what), totals.sum::<u64>());
        }
    }

    #[test]
    fn a_line_that_is_read_at_edges_has_its_bytes_in_the_bins_before_them() {
        let mut recorder = Recorder::for_span(0);
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        assert_eq!(recorder.edge_until(Instant::from_nanos(999_999)), None);
        assert_eq!(recorder.edge_until(at(5)), Some(at(1)));
        recorder.read(at(1), [100, 7]);
        recorder.read(at(2), [100, 8]);
        recorder.read(at(3), [301, 8]);
        // What the last reading had too much of is taken back.
        let series = recorder.finish([300, 9]);
        let of = |what| -> Vec<u64> { (0..series.len()).map(|bin| series.at(bin, what)).collect() };
        assert_eq!(of(Measure::WanDown), [100, 0, 200, 0]);
        assert_eq!(of(Measure::WanUp), [7, 1, 0, 1]);
    }
}
