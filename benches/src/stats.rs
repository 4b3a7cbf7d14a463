//! Statistics of paired samples: medians, noise, and which pairs were quiet.
//! Invariant: a rule treats both sides alike, so that selection cannot favour one of them.
//! Samples are seconds per byte or message; ratios are rival time over our time (above 1: we are faster).

/// A pair is quiet when neither side took longer than this, counted from its own tenth percentile.
pub const QUIET_FACTOR: f64 = 1.08;

/// And only when this much of the core was there for both.
pub const WHOLE_CORE: f64 = 0.95;

/// With fewer quiet pairs than this, selection would pick luck: all pairs count, and the noise says so.
pub const MIN_QUIET_PAIRS: usize = 5;

/// And so it is with a smaller share of quiet pairs than this.
pub const MIN_QUIET_SHARE: f64 = 0.15;

/// One turn: our sample and the rival's sample right after it, in seconds per byte or message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Our time for a byte or message.
    pub ours: f64,
    /// The rival's time for a byte or message.
    pub rival: f64,
    /// The share of its core that the thread had meanwhile, see [`crate::core_share`].
    pub core: f64,
}

/// What a list of pairs says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Median of our samples in use, in bytes or messages a second.
    pub ours: f64,
    /// Median of the rival's samples in use, in bytes or messages a second.
    pub rival: f64,
    /// Median of the ratios of the pairs in use.
    pub ratio: f64,
    /// Spread of the ratios in use, in percent of the median: 1.4826 times the median absolute deviation,
    /// which is the standard deviation if the spread is normal; or what was lost of the core, where that is more.
    pub noise_percent: f64,
    /// Spread of our own speed in use, in the same way.
    pub ours_noise_percent: f64,
    /// The share of its core that the thread had in the pairs in use.
    pub core: f64,
    /// Pairs in use.
    pub pairs_used: usize,
    /// Pairs measured.
    pub pairs_taken: usize,
}

/// The value below which the share `q` of the values lies, between two neighbours interpolated.
///
/// `None` for no values.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "position lies between 0 and the last index"
    )]
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    let fraction = position - below as f64;
    Some(sorted[below] * (1.0 - fraction) + sorted[above] * fraction)
}

/// The middle value; `None` for no values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The spread of the values in percent of their median, see [`Summary::noise_percent`].
#[must_use]
pub fn noise_percent(values: &[f64]) -> Option<f64> {
    const NORMAL: f64 = 1.4826;
    let middle = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    Some(100.0 * NORMAL * median(&deviations)? / middle)
}

/// The pairs that nothing else on the machine disturbed, or all of them when too few were quiet.
///
/// A stolen time slice only ever makes a sample longer, so the fast end of each side's own samples is the
/// undisturbed machine. A neighbour on the same core stays for longer than a run, and slows one side more than the
/// other: pairs beside one are left out first.
#[must_use]
pub fn quiet(pairs: &[Pair]) -> Vec<Pair> {
    let enough = |selected: &[Pair]| {
        selected.len() >= MIN_QUIET_PAIRS
            && selected.len() as f64 >= MIN_QUIET_SHARE * pairs.len() as f64
    };
    let of_a_whole_core: Vec<Pair> = pairs
        .iter()
        .copied()
        .filter(|pair| pair.core >= WHOLE_CORE)
        .collect();
    let candidates = if enough(&of_a_whole_core) {
        &of_a_whole_core[..]
    } else {
        pairs
    };
    let of = |side: fn(&Pair) -> f64| {
        let samples: Vec<f64> = candidates.iter().map(side).collect();
        quantile(&samples, 0.1)
    };
    let (Some(ours), Some(rival)) = (of(|pair| pair.ours), of(|pair| pair.rival)) else {
        return Vec::new();
    };
    let selected: Vec<Pair> = candidates
        .iter()
        .copied()
        .filter(|pair| pair.ours <= ours * QUIET_FACTOR && pair.rival <= rival * QUIET_FACTOR)
        .collect();
    if enough(&selected) {
        selected
    } else {
        candidates.to_vec()
    }
}

/// Sums the pairs up; `None` for no pairs.
#[must_use]
pub fn summarize(pairs: &[Pair]) -> Option<Summary> {
    let used = quiet(pairs);
    let ratios: Vec<f64> = used.iter().map(|pair| pair.rival / pair.ours).collect();
    let ours: Vec<f64> = used.iter().map(|pair| pair.ours).collect();
    let rival: Vec<f64> = used.iter().map(|pair| pair.rival).collect();
    let core: Vec<f64> = used.iter().map(|pair| pair.core).collect();
    let core = median(&core)?;
    let lost_percent = if core < WHOLE_CORE {
        100.0 * (1.0 - core)
    } else {
        0.0
    };
    Some(Summary {
        ours: 1.0 / median(&ours)?,
        rival: 1.0 / median(&rival)?,
        ratio: median(&ratios)?,
        noise_percent: noise_percent(&ratios)?.max(lost_percent),
        ours_noise_percent: noise_percent(&ours)?.max(lost_percent),
        core,
        pairs_used: used.len(),
        pairs_taken: pairs.len(),
    })
}

/// What several rounds say, each with memory of its own: where the pages of a working set happen to lie
/// decides over cache conflicts, and no number of pairs on the same pages shows it.
///
/// Every figure is the median of the rounds; the noise is that inside a round or that between rounds,
/// whichever is greater. `None` for no rounds.
#[must_use]
pub fn combine(rounds: &[Summary]) -> Option<Summary> {
    let of = |figure: fn(&Summary) -> f64| rounds.iter().map(figure).collect::<Vec<f64>>();
    let spread =
        |figures: &[f64], inside: &[f64]| Some(median(inside)?.max(noise_percent(figures)?));
    let (ours, ratios) = (of(|round| round.ours), of(|round| round.ratio));
    Some(Summary {
        ours: median(&ours)?,
        rival: median(&of(|round| round.rival))?,
        ratio: median(&ratios)?,
        noise_percent: spread(&ratios, &of(|round| round.noise_percent))?,
        ours_noise_percent: spread(&ours, &of(|round| round.ours_noise_percent))?,
        core: median(&of(|round| round.core))?,
        pairs_used: rounds.iter().map(|round| round.pairs_used).sum(),
        pairs_taken: rounds.iter().map(|round| round.pairs_taken).sum(),
    })
}

/// What samples without a rival say: bytes or messages a second, and noise in percent; `None` for no samples.
#[must_use]
pub fn summarize_alone(samples: &[f64]) -> Option<(f64, f64)> {
    let twins: Vec<Pair> = samples
        .iter()
        .map(|&ours| Pair {
            ours,
            rival: ours,
            core: 1.0,
        })
        .collect();
    let used: Vec<f64> = quiet(&twins).iter().map(|pair| pair.ours).collect();
    Some((1.0 / median(&used)?, noise_percent(&used)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(f64, f64)]) -> Vec<Pair> {
        of.iter()
            .map(|&(ours, rival)| Pair {
                ours,
                rival,
                core: 1.0,
            })
            .collect()
    }

    fn assert_close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn the_median_of_an_odd_count_is_the_middle_and_of_an_even_count_the_mean_of_two() {
        assert_close(median(&[3.0, 1.0, 2.0]).unwrap(), 2.0);
        assert_close(median(&[4.0, 1.0, 2.0, 3.0]).unwrap(), 2.5);
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn quantiles_reach_from_the_least_to_the_greatest() {
        let values = [5.0, 1.0, 3.0, 2.0, 4.0];
        assert_close(quantile(&values, 0.0).unwrap(), 1.0);
        assert_close(quantile(&values, 0.25).unwrap(), 2.0);
        assert_close(quantile(&values, 1.0).unwrap(), 5.0);
        assert_close(quantile(&[7.0], 0.1).unwrap(), 7.0);
    }

    #[test]
    fn noise_is_nought_for_equal_values_and_ignores_one_outlier() {
        assert_close(noise_percent(&[2.0; 9]).unwrap(), 0.0);
        assert_close(noise_percent(&[2.0, 2.0, 2.0, 2.0, 50.0]).unwrap(), 0.0);
        // Deviations 0.1 0 0.1 of a median of 1.
        assert_close(noise_percent(&[0.9, 1.0, 1.1]).unwrap(), 14.826);
    }

    #[test]
    fn the_ratio_is_taken_pair_by_pair() {
        // The machine is twice as slow in every other pair: ratios stay at 2.
        let measured: Vec<Pair> = (0..10)
            .map(|turn| f64::from(turn % 2 + 1))
            .map(|slow| Pair {
                ours: slow,
                rival: 2.0 * slow,
                core: 1.0,
            })
            .collect();
        let summary = summarize(&measured).unwrap();
        assert_close(summary.ratio, 2.0);
        assert_close(summary.noise_percent, 0.0);
    }

    #[test]
    fn our_own_noise_shows_where_both_sides_waver_together() {
        let both = [1.0, 1.02, 1.04, 1.06, 1.07].map(|slow| (slow, 2.0 * slow));
        let summary = summarize(&pairs(&both)).unwrap();
        assert_close(summary.noise_percent, 0.0);
        assert_close(summary.ours_noise_percent, 100.0 * 1.4826 * 0.02 / 1.04);
    }

    #[test]
    fn disturbed_pairs_are_left_out_whichever_side_was_disturbed() {
        let mut measured = pairs(&[(1.0, 2.0); 8]);
        measured.extend(pairs(&[(1.5, 2.0), (1.0, 3.0), (4.0, 4.0)]));
        let summary = summarize(&measured).unwrap();
        assert_eq!((summary.pairs_used, summary.pairs_taken), (8, 11));
        assert_close(summary.ratio, 2.0);
        assert_close(summary.ours, 1.0);
        assert_close(summary.rival, 0.5);
    }

    #[test]
    fn too_few_quiet_pairs_mean_all_pairs_and_visible_noise() {
        let measured: Vec<Pair> = (1..=10)
            .map(|turn| Pair {
                ours: 1.0,
                rival: 1.0 + f64::from(turn) / 5.0,
                core: 1.0,
            })
            .collect();
        let summary = summarize(&measured).unwrap();
        assert_eq!(summary.pairs_used, 10);
        assert!(summary.noise_percent > 20.0);
    }

    #[test]
    fn pairs_beside_a_neighbour_on_the_core_are_left_out_while_others_remain() {
        let beside = |count, core, ours| {
            vec![
                Pair {
                    ours,
                    rival: 2.0,
                    core
                };
                count
            ]
        };
        let mut measured = beside(12, 0.7, 1.4);
        measured.extend(beside(5, 1.0, 1.0));
        let summary = summarize(&measured).unwrap();
        assert_eq!(summary.pairs_used, 5);
        assert_close(summary.ratio, 2.0);
        assert_close(summary.noise_percent, 0.0);
        // With a neighbour all the time, what he took is how little the figure says.
        let summary = summarize(&beside(12, 0.7, 1.4)).unwrap();
        assert_close(summary.noise_percent, 30.0);
        assert_close(summary.core, 0.7);
    }

    #[test]
    fn an_unlucky_round_does_not_move_the_median_but_rounds_that_disagree_are_noise() {
        let round = |ratio, noise_percent| Summary {
            ours: ratio,
            rival: 1.0,
            ratio,
            noise_percent,
            ours_noise_percent: 0.0,
            core: 1.0,
            pairs_used: 4,
            pairs_taken: 5,
        };
        let combined = combine(&[round(2.0, 1.0), round(1.2, 1.0), round(2.0, 3.0)]).unwrap();
        assert_close(combined.ratio, 2.0);
        assert_close(combined.noise_percent, 1.0);
        assert_eq!((combined.pairs_used, combined.pairs_taken), (12, 15));
        let scattered = combine(&[round(2.0, 1.0), round(1.2, 1.0), round(1.6, 1.0)]).unwrap();
        assert_close(scattered.noise_percent, 100.0 * 1.4826 * 0.4 / 1.6);
        assert_close(scattered.ours_noise_percent, scattered.noise_percent);
        assert_eq!(combine(&[]), None);
    }

    #[test]
    fn no_pairs_have_no_summary() {
        assert_eq!(summarize(&[]), None);
        assert_eq!(summarize_alone(&[]), None);
    }

    #[test]
    fn samples_without_a_rival_still_have_a_speed_and_noise() {
        let (speed, noise) = summarize_alone(&[0.5, 0.5, 0.5, 0.5, 0.5, 2.0]).unwrap();
        assert_close(speed, 2.0);
        assert_close(noise, 0.0);
    }
}
