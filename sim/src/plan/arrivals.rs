//! When each host begins.
//! Invariant: as many moments as hosts; those of one branch say nothing about those of another.
//! Byte order: none.

use crate::chance::Chance;
use crate::scenario::units::Span;
use crate::scenario::{Arrive, Pattern};

const DAY: Span = Span::seconds(86_400);
const WORK_BEGINS: Span = Span::seconds(8 * 3_600);
const WORK_LASTS: Span = Span::seconds(9 * 3_600);
const WORKING_DAYS: u64 = 5;

/// The moments of so many hosts.
pub(super) fn moments(arrive: &Arrive, hosts: usize, seed: u64, of: &[u64]) -> Vec<Span> {
    let mut chance = Chance::new(seed, "arrivals", of);
    let mut last = Span(0);
    (0..hosts as u64)
        .map(|number| {
            let after = match arrive.pattern {
                Pattern::AtOnce => Span(0),
                Pattern::OneByOne => Span(number * arrive.every.unwrap_or_default().0),
                Pattern::Uniform => chance.within(arrive.over.unwrap_or_default()),
                Pattern::Poisson => {
                    last.0 += chance.exponential(arrive.every.unwrap_or_default()).0;
                    last
                }
                Pattern::PatchDay => chance.exponential(arrive.decay.unwrap_or_default()),
                Pattern::WorkingHours => {
                    let days = arrive.over.unwrap_or_default().0.div_ceil(DAY.0);
                    let day = chance.below(days);
                    let weekends = 2 * (day / WORKING_DAYS);
                    let within = chance.within(WORK_LASTS);
                    Span((day + weekends) * DAY.0 + WORK_BEGINS.0 + within.0)
                }
            };
            Span(arrive.from.0.saturating_add(after.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(pattern: Pattern) -> Arrive {
        Arrive {
            pattern,
            from: Span::seconds(5),
            over: Some(Span::seconds(600)),
            every: Some(Span::seconds(10)),
            decay: Some(Span::seconds(60)),
        }
    }

    fn of(pattern: Pattern, hosts: usize) -> Vec<Span> {
        moments(&arrive(pattern), hosts, 1, &[0, 0])
    }

    #[test]
    fn nobody_begins_before_the_first_may() {
        for pattern in [
            Pattern::AtOnce,
            Pattern::OneByOne,
            Pattern::Uniform,
            Pattern::Poisson,
            Pattern::PatchDay,
            Pattern::WorkingHours,
        ] {
            let moments = of(pattern, 50);
            assert_eq!(moments.len(), 50);
            assert!(
                moments.iter().all(|at| *at >= Span::seconds(5)),
                "{pattern:?}"
            );
        }
    }

    #[test]
    fn patterns_are_spread_as_they_say() {
        assert!(
            of(Pattern::AtOnce, 9)
                .iter()
                .all(|at| *at == Span::seconds(5))
        );
        assert_eq!(of(Pattern::OneByOne, 3)[2], Span::seconds(25));
        let uniform = of(Pattern::Uniform, 1000);
        let late = uniform
            .iter()
            .filter(|at| at.0 > Span::seconds(305).0)
            .count();
        assert!((430..570).contains(&late), "{late}");
        let poisson = of(Pattern::Poisson, 1000);
        assert!(poisson.is_sorted());
        assert!((8_500..11_500).contains(&(poisson[999].0 / 1_000_000_000)));
        let pulse = of(Pattern::PatchDay, 1000);
        let early = pulse
            .iter()
            .filter(|at| at.0 <= Span::seconds(65).0)
            .count();
        assert!((580..680).contains(&early), "{early}: expected 63 %");
    }

    #[test]
    fn working_hours_spare_nights_and_weekends() {
        let days = Arrive {
            over: Some(Span(DAY.0 * 10)),
            from: Span(0),
            ..arrive(Pattern::WorkingHours)
        };
        let moments = moments(&days, 2000, 3, &[]);
        let mut seen = [0; 14];
        for at in moments {
            let hour = at.0 % DAY.0 / 3_600_000_000_000;
            assert!((8..17).contains(&hour), "{hour}");
            seen[usize::try_from(at.0 / DAY.0).unwrap()] += 1;
        }
        let idle: Vec<usize> = (0..14).filter(|&day| seen[day] == 0).collect();
        assert_eq!(idle, [5, 6, 12, 13]);
    }
}
