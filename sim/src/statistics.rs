//! Several runs as one figure: the mean, and how far off it may be.
//! Invariant: the interval is that of Student's t, for runs are few.
//! Byte order: none.

use serde::Serialize;

/// A figure of several runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The true mean lies within so much of it, with 95 % confidence; nothing can be said of one run.
    pub confidence_95: Option<f64>,
    /// Runs.
    pub runs: usize,
}

/// Quantiles of 97.5 % of Student's t, for 1 to 30 degrees of freedom.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

fn t(degrees: usize) -> f64 {
    let far = 1.95996 + 2.42 / degrees as f64;
    T.get(degrees.wrapping_sub(1)).copied().unwrap_or(far)
}

/// The mean of some values; nothing of none.
#[must_use]
pub fn mean(values: &[f64]) -> Option<Mean> {
    let runs = values.len();
    if runs == 0 {
        return None;
    }
    let count = runs as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let confidence_95 = (runs > 1).then(|| {
        let deviation = (squares / (count - 1.0)).sqrt();
        t(runs - 1) * deviation / count.sqrt()
    });
    Some(Mean {
        mean,
        confidence_95,
        runs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_student() {
        let of = mean(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!((of.mean - 2.5).abs() < 1e-12);
        // 3.182 times the deviation 1.29099 by 2.
        assert!((of.confidence_95.unwrap() - 2.05397).abs() < 1e-4);
        assert_eq!(mean(&[7.0]).unwrap().confidence_95, None);
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn quantiles_of_many_runs_go_on_from_those_of_few() {
        // Of 40 and of 120 degrees of freedom: 2.021 and 1.980.
        assert!((t(40) - 2.021).abs() < 0.001 && (t(120) - 1.980).abs() < 0.001);
        assert!(t(30) > t(31) && t(1_000_000) > 1.9599);
    }
}
