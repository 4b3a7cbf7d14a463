//! Chance: streams of numbers that follow from the seed of a run and from what they are for.
//! Invariant: the same seed and purpose give the same numbers on every machine and in every release: only whole numbers,
//! and of floating point only what IEEE 754 defines to the last bit.

use peerdist::entropy::{Entropy, Purpose};
use peerdist::hash::{HashAlgorithm, digest};

use crate::scenario::units::Span;

/// A stream of numbers for one purpose.
#[derive(Debug, Clone)]
pub struct Chance(Entropy);

/// The seed of a machine or a stream: of a run, for a purpose, for the one of so many.
#[must_use]
pub fn seed_of(seed: u64, purpose: &str, of: &[u64]) -> [u8; 32] {
    let mut text = format!("{seed} {purpose}");
    for number in of {
        text.push_str(&format!(" {number}"));
    }
    let digest = digest(HashAlgorithm::Sha256, text.as_bytes());
    digest.as_bytes().try_into().unwrap_or_default()
}

impl Chance {
    /// The stream of a run for a purpose, for the one of so many.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, of: &[u64]) -> Self {
        Self(Entropy::new(&seed_of(seed, purpose, of), Purpose::Order))
    }

    /// A number from 0 to `bound - 1`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// A time below another.
    pub fn within(&mut self, span: Span) -> Span {
        Span(self.0.below(span.0))
    }

    /// A number above 0, and up to 1.
    pub fn unit(&mut self) -> f64 {
        // 53 bits, and never 0.
        ((self.0.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// A number of the standard normal distribution, by Marsaglia's polar method: of logarithm and root alone.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// Whether something happens that happens so many times in a million.
    pub fn happens(&mut self, per_million: u64) -> bool {
        per_million > 0 && self.0.below(1_000_000) < per_million
    }

    /// A time of an exponential distribution.
    pub fn exponential(&mut self, mean: Span) -> Span {
        let nanos = -ln(self.unit()) * mean.0 as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; more than fits ends at the greatest there is"
        )]
        Span(nanos as u64)
    }
}

/// The natural logarithm of a positive number, from additions, multiplications and divisions alone: those of libraries
/// differ in their last bits from one machine to the other.
#[must_use]
pub fn ln(x: f64) -> f64 {
    const LN_2: f64 = std::f64::consts::LN_2;
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    let (mantissa, exponent) = if mantissa > std::f64::consts::SQRT_2 {
        (mantissa / 2.0, exponent + 1)
    } else {
        (mantissa, exponent)
    };
    // ln m = 2 artanh((m - 1) / (m + 1)), with |z| below 0.172: the eleventh term is below 1e-17.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let mut sum = 0.0;
    for term in (0..12).rev() {
        sum = sum * square + 1.0 / f64::from(2 * term + 1);
    }
    2.0 * z * sum + f64::from(exponent) * LN_2
}

/// e to a power, from additions, multiplications and divisions alone.
#[must_use]
pub fn exp(x: f64) -> f64 {
    /// ln 2, the first 32 bits of it and the rest.
    const LN_2: [f64; 2] = [
        f64::from_bits(0x3fe6_2e42_fee0_0000),
        f64::from_bits(0x3dea_39ef_3579_3c76),
    ];
    if x > 709.0 {
        return f64::INFINITY;
    }
    if x < -708.0 {
        return 0.0;
    }
    let times = (x * std::f64::consts::LOG2_E).round();
    let rest = x - times * LN_2[0] - times * LN_2[1];
    // |rest| is at most ln 2 / 2: the eighteenth term is below 1e-24.
    let mut sum = 1.0;
    for term in (1..=17).rev() {
        sum = 1.0 + sum * rest / f64::from(term);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to 2046 by the bounds above"
    )]
    let exponent = (times + 1023.0) as u64;
    sum * f64::from_bits(exponent << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_the_last_digits() {
        for x in [-700.0, -20.5, -1.0, -1e-9, 0.0, 0.3, 1.0, 2.5, 42.0, 700.0] {
            let error = (exp(x) / f64::exp(x) - 1.0).abs();
            assert!(error <= 4e-16, "{x}: {error}");
        }
        assert_eq!(exp(-1e4), 0.0);
    }

    #[test]
    fn the_logarithm_is_right_to_the_last_digits() {
        for x in [1e-16, 0.001, 0.5, 0.99999, 1.0, 1.5, 2.0, 10.0, 12345.678] {
            let error = (ln(x) - x.ln()).abs();
            assert!(error <= 4e-16 * x.ln().abs().max(1.0), "{x}: {error}");
        }
    }

    #[test]
    fn exponential_times_have_their_mean() {
        let mut chance = Chance::new(7, "test", &[]);
        let mean = Span::seconds(100);
        let sum: u64 = (0..20_000).map(|_| chance.exponential(mean).0 / 1000).sum();
        let found = sum as f64 * 1e3 / 20_000.0 / mean.0 as f64;
        assert!((found - 1.0).abs() < 0.03, "{found}");
    }

    #[test]
    fn streams_follow_from_seed_purpose_and_number() {
        let first = |seed, purpose, of: &[u64]| Chance::new(seed, purpose, of).below(u64::MAX);
        assert_eq!(first(1, "a", &[2]), first(1, "a", &[2]));
        let others = [
            first(2, "a", &[2]),
            first(1, "b", &[2]),
            first(1, "a", &[3]),
        ];
        assert!(!others.contains(&first(1, "a", &[2])));
    }
}
