//! Catalogues: how long each of many contents is, and how often it is asked for.
//! Invariant: only numbers that are the same to the last bit on every machine.
//! Byte order: none.

use crate::chance::{Chance, exp, ln};
use crate::scenario::{Distribution, Size, Spread};

/// How often a length is drawn again that is beyond its limits.
const DRAWS_MOST: u32 = 100;

/// Contents of one name, and how often each is asked for.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The number of the first.
    pub first: u32,
    /// How many there are.
    pub count: u32,
    /// The weights of all up to each; nothing where all are alike.
    weights: Vec<f64>,
}

impl Catalogue {
    pub(super) fn new(first: u32, count: u32, zipf: f64) -> Self {
        let mut sum = 0.0;
        let weights = if zipf > 0.0 && count > 1 {
            let weight = |rank: u32| exp(-zipf * ln(f64::from(rank)));
            let up_to = |rank| {
                sum += weight(rank);
                sum
            };
            (1..=count).map(up_to).collect()
        } else {
            Vec::new()
        };
        Self {
            first,
            count,
            weights,
        }
    }

    /// How often the one in a place is asked for.
    #[must_use]
    pub fn probability(&self, place: u32) -> f64 {
        let up_to = |place: u32| self.weights.get(place as usize).copied();
        let Some(all) = self.weights.last() else {
            return 1.0 / f64::from(self.count);
        };
        let before = place.checked_sub(1).and_then(up_to).unwrap_or(0.0);
        (up_to(place).unwrap_or(*all) - before) / all
    }

    /// Picks one: its number.
    pub(super) fn pick(&self, chance: &mut Chance) -> u32 {
        let place = match self.weights.last() {
            None if self.count <= 1 => 0,
            None => chance.below(self.count.into()),
            Some(all) => {
                // From 0 on, and below all of them.
                let at = (1.0 - chance.unit()) * all;
                self.weights.partition_point(|up_to| *up_to <= at) as u64
            }
        };
        let last = self.count.saturating_sub(1);
        self.first + u32::try_from(place).unwrap_or(last).min(last)
    }
}

/// A length of those that a scenario allows.
pub(super) fn draw(size: &Size, chance: &mut Chance) -> u64 {
    let spread = match size {
        Size::Constant(bytes) => return bytes.0,
        Size::Drawn(spread) => spread,
    };
    let bytes = |bytes: Option<crate::scenario::units::Bytes>| bytes.map(|bytes| bytes.0);
    let least = bytes(spread.least).unwrap_or(1);
    let most = bytes(spread.most).unwrap_or(u64::MAX).max(least);
    let mut drawn = least;
    for _ in 0..DRAWS_MOST {
        drawn = once(spread, least, most, chance);
        if (least..=most).contains(&drawn) {
            return drawn;
        }
    }
    drawn.clamp(least, most)
}

fn once(spread: &Spread, least: u64, most: u64, chance: &mut Chance) -> u64 {
    let of = |bytes: Option<crate::scenario::units::Bytes>| bytes.map_or(1.0, |it| it.0 as f64);
    let length = match spread.distribution {
        Distribution::Uniform => {
            return least + chance.below((most - least).saturating_add(1));
        }
        Distribution::Exponential => -ln(chance.unit()) * of(spread.mean),
        Distribution::Pareto => {
            least as f64 * exp(-ln(chance.unit()) / spread.shape.unwrap_or(1.0))
        }
        Distribution::Lognormal => {
            of(spread.median) * exp(spread.sigma.unwrap_or(1.0) * chance.normal())
        }
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; more than fits ends at the greatest there is"
    )]
    let length = length.round() as u64;
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::units::Bytes;

    fn spread(distribution: Distribution) -> Spread {
        Spread {
            distribution,
            least: None,
            most: None,
            mean: Some(Bytes(50_000)),
            median: Some(Bytes(20_000)),
            sigma: Some(1.5),
            shape: Some(2.5),
        }
    }

    fn drawn(spread: Spread) -> Vec<f64> {
        let mut chance = Chance::new(11, "test", &[]);
        let size = Size::Drawn(spread);
        let mut all: Vec<f64> = (0..20_000)
            .map(|_| draw(&size, &mut chance) as f64)
            .collect();
        all.sort_by(f64::total_cmp);
        all
    }

    fn mean(all: &[f64]) -> f64 {
        all.iter().sum::<f64>() / all.len() as f64
    }

    #[test]
    fn lengths_are_spread_as_their_distribution_says() {
        let exponential = drawn(spread(Distribution::Exponential));
        assert!((mean(&exponential) / 50_000.0 - 1.0).abs() < 0.03);
        let lognormal = drawn(spread(Distribution::Lognormal));
        assert!((lognormal[10_000] / 20_000.0 - 1.0).abs() < 0.05);
        let logs: Vec<f64> = lognormal.iter().map(|it| it.ln()).collect();
        let around = mean(&logs);
        let squares = logs.iter().map(|it| (it - around).powi(2)).sum::<f64>();
        assert!(((squares / 20_000.0).sqrt() - 1.5).abs() < 0.03);
        let pareto = drawn(Spread {
            least: Some(Bytes(1_000)),
            ..spread(Distribution::Pareto)
        });
        // The mean of a Pareto distribution: shape / (shape - 1) times where it begins.
        assert!((mean(&pareto) / (1_000.0 * 2.5 / 1.5) - 1.0).abs() < 0.03);
        let uniform = drawn(Spread {
            least: Some(Bytes(10)),
            most: Some(Bytes(19)),
            ..spread(Distribution::Uniform)
        });
        assert_eq!((uniform[0], uniform[19_999]), (10.0, 19.0));
        assert!((mean(&uniform) - 14.5).abs() < 0.1);
    }

    #[test]
    fn no_length_is_beyond_its_limits() {
        let limited = drawn(Spread {
            least: Some(Bytes(15_000)),
            most: Some(Bytes(30_000)),
            ..spread(Distribution::Lognormal)
        });
        assert!(limited[0] >= 15_000.0 && limited[19_999] <= 30_000.0);
    }

    #[test]
    fn requests_pick_by_zipf() {
        let catalogue = Catalogue::new(100, 50, 0.8);
        let all: f64 = (0..50).map(|place| catalogue.probability(place)).sum();
        assert!((all - 1.0).abs() < 1e-12);
        let ratio = catalogue.probability(0) / catalogue.probability(15);
        assert!((ratio - 16_f64.powf(0.8)).abs() < 1e-9, "{ratio}");
        let mut chance = Chance::new(3, "test", &[]);
        let mut seen = [0_u32; 50];
        for _ in 0..100_000 {
            seen[(catalogue.pick(&mut chance) - 100) as usize] += 1;
        }
        for (place, seen) in (0..).zip(seen) {
            let expected = 100_000.0 * catalogue.probability(place);
            let apart = (f64::from(seen) - expected).abs();
            assert!(
                apart < 5.0 * expected.sqrt(),
                "{place}: {seen} and not {expected}"
            );
        }
        let alike = Catalogue::new(0, 4, 0.0);
        assert!((alike.probability(3) - 0.25).abs() < 1e-15);
    }
}
