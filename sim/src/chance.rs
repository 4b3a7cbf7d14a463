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

    /// A time of an exponential distribution.
    pub fn exponential(&mut self, mean: Span) -> Span {
        // 53 bits, and never 0.
        let uniform = ((self.0.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        let nanos = -ln(uniform) * mean.0 as f64;
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

#[cfg(test)]
mod tests {
    use super::*;

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
