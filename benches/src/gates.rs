//! The floors and targets of PERFORMANCE.md, and what they are on CPUs with other instruction sets.
//! Invariant: which bounds apply follows from the CPU alone, and a row whose bounds are not the published ones says so.

use serde::Serialize;

use crate::machine::{Class, Family};
use crate::stats::Summary;

/// A run noisier than this, in percent, decides nothing.
pub const MAX_NOISE_PERCENT: f64 = 8.0;

/// Which figure of a row is held against its floor and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// How many times as fast as the rival we are.
    Ratio,
    /// Our own speed, in the unit of the row: for work that nobody else does.
    Ours,
}

impl Figure {
    fn of(self, summary: &Summary) -> f64 {
        match self {
            Self::Ratio => summary.ratio,
            Self::Ours => summary.ours,
        }
    }

    /// Its spread, in percent.
    #[must_use]
    pub fn noise_percent(self, summary: &Summary) -> f64 {
        match self {
            Self::Ratio => summary.noise_percent,
            Self::Ours => summary.ours_noise_percent,
        }
    }
}

/// The least figure that passes, and the figure to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// What they bound.
    pub of: Figure,
    /// Below it the row fails.
    pub floor: f64,
    /// From it on nothing is left to do.
    pub target: f64,
}

const fn bounds(floor: f64, target: f64) -> Bounds {
    Bounds {
        of: Figure::Ratio,
        floor,
        target,
    }
}

const fn bounds_of_ours(floor: f64, target: f64) -> Bounds {
    Bounds {
        of: Figure::Ours,
        floor,
        target,
    }
}

/// One row of PERFORMANCE.md.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Its name.
    pub row: &'static str,
    /// Whose instruction sets decide the bounds.
    pub family: Family,
    /// Published, measured on Zen 4: SHA-NI, AVX-512, VAES of 512 bits.
    published: Bounds,
    /// The instruction sets that the published bounds hold for.
    published_for: &'static [Class],
    /// The bounds for lesser instruction sets: measured on the machine named, less a margin.
    lesser: &'static [(Class, Bounds, &'static str)],
}

const SHA_NI: &[Class] = &[Class::ShaNiAvx512, Class::ShaNi];
const AVX512: &[Class] = &[Class::Avx512];
const VAES512: &[Class] = &[Class::Vaes512];
const ANY: &[Class] = &[Class::Any];

/// All rows that have a floor.
pub const GATES: [Gate; 12] = [
    Gate {
        row: "v1-sha256",
        family: Family::Sha256,
        published: bounds(1.9, 2.3),
        published_for: SHA_NI,
        lesser: &[],
    },
    Gate {
        row: "v2-sha512",
        family: Family::Sha512,
        published: bounds(2.9, 3.3),
        published_for: AVX512,
        lesser: &[(Class::Avx2, bounds(1.6, 1.8), "4 lanes instead of 8")],
    },
    Gate {
        row: "v2-cut-and-hash",
        family: Family::Sha512,
        published: bounds(2.0, 3.0),
        published_for: AVX512,
        lesser: &[(Class::Avx2, bounds(1.7, 2.0), "4 lanes instead of 8")],
    },
    Gate {
        row: "aes-cbc-encrypt",
        family: Family::Aes,
        published: bounds(6.0, 9.5),
        published_for: VAES512,
        lesser: &[
            (
                Class::Vaes256,
                bounds(6.0, 8.0),
                "2 AES blocks in an instruction instead of 4",
            ),
            (
                Class::AesNi,
                bounds(4.5, 5.5),
                "1 AES block in an instruction instead of 4",
            ),
        ],
    },
    Gate {
        row: "aes-cbc-decrypt",
        family: Family::Aes,
        published: bounds(0.95, 2.2),
        published_for: VAES512,
        lesser: &[
            (
                Class::Vaes256,
                bounds(0.95, 1.6),
                "2 AES blocks in an instruction instead of 4",
            ),
            (
                Class::AesNi,
                bounds(0.9, 1.0),
                "1 AES block in an instruction, as the rival",
            ),
        ],
    },
    Gate {
        row: "info-v1-1-thread",
        family: Family::Sha256,
        published: bounds(1.9, 2.2),
        published_for: SHA_NI,
        lesser: &[],
    },
    Gate {
        row: "info-v1-2-threads",
        family: Family::Sha256,
        published: bounds(3.6, 4.3),
        published_for: SHA_NI,
        lesser: &[],
    },
    Gate {
        row: "info-v2-2-threads",
        family: Family::Sha512,
        published: bounds(3.0, 4.8),
        published_for: AVX512,
        lesser: &[(Class::Avx2, bounds(2.4, 3.2), "4 lanes instead of 8")],
    },
    Gate {
        row: "retrieval-machine",
        family: Family::Scalar,
        published: bounds_of_ours(2e6, 5e6),
        published_for: ANY,
        lesser: &[],
    },
    Gate {
        row: "flow-events",
        family: Family::Scalar,
        published: bounds_of_ours(5e6, 15e6),
        published_for: ANY,
        lesser: &[],
    },
    Gate {
        row: "flow-events-beside-heap",
        family: Family::Scalar,
        published: bounds(0.3, 0.9),
        published_for: ANY,
        lesser: &[],
    },
    Gate {
        row: "packet-hosts",
        family: Family::Scalar,
        published: bounds(0.3, 0.7),
        published_for: ANY,
        lesser: &[],
    },
];

/// What applies to a row on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// `None` where no bounds were ever measured.
    pub bounds: Option<Bounds>,
    /// What PERFORMANCE.md says.
    pub published: Option<Bounds>,
    /// Why the bounds are not the published ones.
    pub note: Option<String>,
}

/// The bounds of a row on a machine whose families have these classes.
#[must_use]
pub fn applied(row: &str, class_of: impl Fn(Family) -> Class) -> Applied {
    let Some(gate) = GATES.iter().find(|gate| gate.row == row) else {
        return Applied {
            bounds: None,
            published: None,
            note: None,
        };
    };
    let class = class_of(gate.family);
    let Bounds { floor, target, .. } = gate.published;
    let published = Some(gate.published);
    if gate.published_for.contains(&class) {
        return Applied {
            bounds: published,
            published,
            note: None,
        };
    }
    let needed: Vec<&str> = gate
        .published_for
        .iter()
        .map(|class| class.name())
        .collect();
    let needed = needed.join(" or ");
    let lesser = gate.lesser.iter().find(|(lesser, ..)| *lesser == class);
    let why = match lesser {
        Some((.., why)) => format!("this CPU has {class}: {why}"),
        None => "none was measured for this CPU".to_owned(),
    };
    Applied {
        bounds: lesser.map(|&(_, bounds, _)| bounds),
        published,
        note: Some(format!(
            "published floor {floor}, target {target} are for {needed}; {why}"
        )),
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Status {
    /// At the target or above.
    #[serde(rename = "target-met")]
    TargetMet,
    /// At the floor or above.
    #[serde(rename = "floor-met")]
    FloorMet,
    /// Too slow.
    #[serde(rename = "below-floor")]
    BelowFloor,
    /// Too noisy to say.
    #[serde(rename = "inconclusive (noise)")]
    Inconclusive,
    /// The row has no floor, or none for this CPU.
    #[serde(rename = "no-floor")]
    NoFloor,
    /// There is nothing to hold it against here.
    #[serde(rename = "no-rival")]
    NoRival,
    /// This machine cannot run it.
    #[serde(rename = "not-measured")]
    NotMeasured,
    /// What is to be measured is missing or failed.
    #[serde(rename = "ours-failed")]
    OursFailed,
}

impl Status {
    /// The verdict on one measurement.
    #[must_use]
    pub fn of(summary: &Summary, bounds: Option<Bounds>) -> Self {
        let figure = bounds.map_or(Figure::Ratio, |bounds| bounds.of);
        let reached = figure.of(summary);
        // Whatever disturbs us only makes us slower: a speed that was reached all the same is no luck.
        let is_proven = |bounds: Bounds| figure == Figure::Ours && reached >= bounds.floor;
        let noise = figure.noise_percent(summary);
        let is_noisy = noise > MAX_NOISE_PERCENT;
        // As near to the floor as the run is noisy, it may be either.
        let may_reach = |floor: f64| reached >= floor * (1.0 - noise / 100.0);
        match bounds {
            Some(bounds) if !may_reach(bounds.floor) => Self::BelowFloor,
            _ if is_noisy && !bounds.is_some_and(is_proven) => Self::Inconclusive,
            None => Self::NoFloor,
            Some(bounds) if reached >= bounds.target => Self::TargetMet,
            Some(bounds) if reached >= bounds.floor => Self::FloorMet,
            Some(_) => Self::Inconclusive,
        }
    }

    /// Whether it makes a check fail.
    #[must_use]
    pub fn fails(self) -> bool {
        matches!(self, Self::BelowFloor | Self::OursFailed)
    }

    /// Whether another attempt may say something else.
    #[must_use]
    pub fn worth_another_attempt(self) -> bool {
        matches!(self, Self::BelowFloor | Self::Inconclusive)
    }

    /// As it is printed and as JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TargetMet => "target-met",
            Self::FloorMet => "floor-met",
            Self::BelowFloor => "below-floor",
            Self::Inconclusive => "inconclusive (noise)",
            Self::NoFloor => "no-floor",
            Self::NoRival => "no-rival",
            Self::NotMeasured => "not-measured",
            Self::OursFailed => "ours-failed",
        }
    }
}

/// The attempt that speaks for a row: one that passes, else one that was quiet, else any.
///
/// A quiet attempt below the floor is not undone by a noisy one beside it.
#[must_use]
pub fn best_attempt(attempts: &[(Summary, Status)], figure: Figure) -> Option<&(Summary, Status)> {
    let rank = |status: Status| match status {
        Status::TargetMet => 4,
        Status::FloorMet => 3,
        Status::BelowFloor => 2,
        Status::Inconclusive => 1,
        _ => 0,
    };
    attempts
        .iter()
        .max_by(|(left, left_status), (right, right_status)| {
            rank(*left_status)
                .cmp(&rank(*right_status))
                .then(figure.of(left).total_cmp(&figure.of(right)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(ratio: f64, noise_percent: f64) -> Summary {
        Summary {
            ours: 1.0,
            rival: 1.0,
            ratio,
            noise_percent,
            ours_noise_percent: 0.0,
            core: 1.0,
            pairs_used: 9,
            pairs_taken: 9,
        }
    }

    const BOUNDS: Option<Bounds> = Some(bounds(1.9, 2.3));

    fn zen4(family: Family) -> Class {
        match family {
            Family::Sha256 => Class::ShaNiAvx512,
            Family::Sha512 => Class::Avx512,
            Family::Aes => Class::Vaes512,
            Family::Scalar => Class::Any,
        }
    }

    #[test]
    fn verdicts_follow_floor_and_target() {
        assert_eq!(Status::of(&summary(2.3, 1.0), BOUNDS), Status::TargetMet);
        assert_eq!(Status::of(&summary(1.9, 1.0), BOUNDS), Status::FloorMet);
        assert_eq!(Status::of(&summary(1.89, 0.1), BOUNDS), Status::BelowFloor);
        assert_eq!(
            Status::of(&summary(1.89, 1.0), BOUNDS),
            Status::Inconclusive
        );
        assert_eq!(Status::of(&summary(1.85, 1.0), BOUNDS), Status::BelowFloor);
        assert_eq!(Status::of(&summary(1.0, 1.0), None), Status::NoFloor);
    }

    #[test]
    fn a_floor_of_our_own_speed_is_held_against_our_speed_and_its_noise() {
        let bounds = Some(bounds_of_ours(2e6, 5e6));
        let judged = |ours, ours_noise_percent| {
            let summary = Summary {
                ours,
                ours_noise_percent,
                ..summary(0.001, 50.0)
            };
            (summary, Status::of(&summary, bounds))
        };
        let slower = judged(2e6, 1.0);
        let (below, best) = (judged(1.9e6, 1.0), judged(2.1e6, 1.0));
        assert_eq!(judged(5e6, 1.0).1, Status::TargetMet);
        assert_eq!((slower.1, below.1), (Status::FloorMet, Status::BelowFloor));
        assert_eq!(judged(1.9e6, 9.0).1, Status::Inconclusive);
        assert_eq!(judged(1e6, 9.0).1, Status::BelowFloor);
        assert_eq!(judged(2e6, 9.0).1, Status::FloorMet, "noise only slows");
        let attempts = [best, below, slower];
        assert_eq!(best_attempt(&attempts, Figure::Ours), Some(&best));
    }

    #[test]
    fn noise_above_the_limit_decides_nothing_but_what_no_noise_explains() {
        for reached in [1.8, 2.5] {
            let status = Status::of(&summary(reached, MAX_NOISE_PERCENT + 0.1), BOUNDS);
            assert_eq!(status, Status::Inconclusive);
            assert!(!status.fails() && status.worth_another_attempt());
        }
        assert_eq!(Status::of(&summary(1.1, 40.0), BOUNDS), Status::BelowFloor);
    }

    #[test]
    fn a_passing_attempt_wins_and_a_quiet_failure_outranks_noise() {
        let judged = |ratio, noise| {
            let summary = summary(ratio, noise);
            (summary, Status::of(&summary, BOUNDS))
        };
        let (below, noisy, good) = (judged(1.5, 1.0), judged(2.5, 20.0), judged(2.0, 1.0));
        assert_eq!(
            best_attempt(&[below, noisy, good], Figure::Ratio)
                .unwrap()
                .1,
            Status::FloorMet
        );
        assert_eq!(
            best_attempt(&[noisy, below, noisy], Figure::Ratio)
                .unwrap()
                .1,
            Status::BelowFloor
        );
        assert_eq!(
            best_attempt(&[judged(1.5, 1.0), judged(1.6, 1.0)], Figure::Ratio)
                .unwrap()
                .0
                .ratio,
            1.6
        );
        assert!(best_attempt(&[], Figure::Ratio).is_none());
    }

    #[test]
    fn the_published_bounds_apply_without_a_note_where_they_were_measured() {
        for gate in GATES {
            let applied = applied(gate.row, zen4);
            assert_eq!(applied.bounds, Some(gate.published), "{}", gate.row);
            assert_eq!(applied.note, None, "{}", gate.row);
        }
    }

    #[test]
    fn lesser_instruction_sets_have_their_own_bounds_and_name_the_published_ones() {
        let applied = applied("v2-sha512", |_| Class::Avx2);
        assert!(applied.bounds.unwrap().floor < 2.9);
        let note = applied.note.unwrap();
        assert!(note.contains("2.9") && note.contains("avx512"), "{note}");
    }

    #[test]
    fn an_unknown_cpu_has_no_floor_and_says_so() {
        let with_kernels = |gate: &&Gate| gate.family != Family::Scalar;
        for gate in GATES.iter().filter(with_kernels) {
            let applied = applied(gate.row, |_| Class::Other);
            assert_eq!(applied.bounds, None, "{}", gate.row);
            assert!(
                applied.note.unwrap().contains("none was measured"),
                "{}",
                gate.row
            );
        }
    }

    #[test]
    fn no_lesser_floor_is_above_the_published_one() {
        for gate in GATES {
            for (class, lesser, _) in gate.lesser {
                assert!(lesser.floor <= gate.published.floor, "{} {class}", gate.row);
                assert!(lesser.floor < lesser.target, "{} {class}", gate.row);
            }
        }
    }
}
