//! Measuring two sides in turn: A B A B and so on, so that both meet the same weather.
//! Invariant: both sides do the same work on the same bytes, and a sample is long beside the clock's grain.
//! This is the one place that reads clocks.

use std::time::{Duration, Instant};

use crate::stats::Pair;

/// A sample of work in memory repeats the work until it takes at least so long.
pub const MIN_SAMPLE: Duration = Duration::from_millis(12);

/// Why a side could not be measured.
pub type Failure = String;

/// How long the work takes.
#[expect(
    clippy::disallowed_methods,
    reason = "reading the clock is what a benchmark is for; nothing else here does"
)]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// How much time of the CPU this thread needs for the work: time that the scheduler gave to others does
/// not count, so that a busy machine disturbs less. Elsewhere than on Linux it is as [`timed`].
pub fn timed_on_cpu<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    #[cfg(target_os = "linux")]
    {
        let start = thread_cpu_time();
        let result = work();
        (result, thread_cpu_time().saturating_sub(start))
    }
    #[cfg(not(target_os = "linux"))]
    timed(work)
}

#[cfg(target_os = "linux")]
fn thread_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// One side of a pair: does its work once and says how long it took.
pub struct Side<'a> {
    /// Bytes, or messages, that one run works through.
    pub work: u64,
    run: Box<dyn FnMut() -> Result<Duration, Failure> + 'a>,
    /// Runs are short: repeat them for one sample.
    repeat: bool,
}

impl std::fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side")
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}

impl<'a> Side<'a> {
    /// Work of this thread in memory: its CPU time counts, and it is repeated until a sample is long enough.
    pub fn in_memory(amount: u64, mut work: impl FnMut() + 'a) -> Self {
        Self {
            work: amount,
            run: Box::new(move || Ok(timed_on_cpu(&mut work).1)),
            repeat: true,
        }
    }

    /// Work that times itself, such as a command; one run is one sample.
    pub fn self_timed(amount: u64, run: impl FnMut() -> Result<Duration, Failure> + 'a) -> Self {
        Self {
            work: amount,
            run: Box::new(run),
            repeat: false,
        }
    }

    /// Warms up, and finds the runs that make a sample.
    fn calibrate(&mut self) -> Result<u32, Failure> {
        (self.run)()?;
        if !self.repeat {
            return Ok(1);
        }
        let once = (self.run)()?.max(Duration::from_nanos(1));
        let runs = MIN_SAMPLE.as_nanos().div_ceil(once.as_nanos());
        Ok(u32::try_from(runs).unwrap_or(u32::MAX))
    }

    /// Seconds per byte or message of one sample.
    fn sample(&mut self, runs: u32) -> Result<f64, Failure> {
        let mut total = Duration::ZERO;
        for _ in 0..runs {
            total += (self.run)()?;
        }
        Ok(total.as_secs_f64() / (self.work as f64 * f64::from(runs)))
    }
}

/// Measures both sides in turn after a warm-up of each, and asks around each sample for the share of the core.
///
/// # Errors
/// What the side said that failed.
pub fn measure(
    ours: &mut Side<'_>,
    rival: &mut Side<'_>,
    pairs: u32,
    share_of_core: impl Fn() -> Option<f64>,
) -> Result<Vec<Pair>, Failure> {
    let (our_runs, rival_runs) = (ours.calibrate()?, rival.calibrate()?);
    let whole = || share_of_core().unwrap_or(1.0);
    let mut before = whole();
    (0..pairs)
        .map(|_| {
            let ours = ours.sample(our_runs)?;
            let between = whole();
            let rival = rival.sample(rival_runs)?;
            let after = whole();
            let core = before.min(between).min(after);
            before = after;
            Ok(Pair { ours, rival, core })
        })
        .collect()
}

/// Measures a side that has no rival: seconds per byte or message of each sample.
///
/// # Errors
/// What the side said when it failed.
pub fn measure_alone(ours: &mut Side<'_>, samples: u32) -> Result<Vec<f64>, Failure> {
    let runs = ours.calibrate()?;
    (0..samples).map(|_| ours.sample(runs)).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn sides_take_turns_after_a_warm_up_of_each() {
        let order = RefCell::new(String::new());
        let side = |name: char, millis: u64| {
            let order = &order;
            Side::self_timed(1000, move || {
                order.borrow_mut().push(name);
                Ok(Duration::from_millis(millis))
            })
        };
        let pairs = measure(&mut side('a', 1), &mut side('b', 2), 3, || None).unwrap();
        assert_eq!(*order.borrow(), "abababab");
        assert_eq!(pairs.len(), 3);
        assert!(
            pairs
                .iter()
                .all(|pair| (pair.rival / pair.ours - 2.0).abs() < 1e-9)
        );
    }

    #[test]
    fn short_work_is_repeated_until_a_sample_is_long_enough() {
        let mut runs = 0_u32;
        let mut side = Side {
            work: 10,
            run: Box::new(|| {
                runs += 1;
                Ok(MIN_SAMPLE / 4)
            }),
            repeat: true,
        };
        let alone = measure_alone(&mut side, 2).unwrap();
        assert_eq!(alone.len(), 2);
        drop(side);
        assert_eq!(runs, 2 + 2 * 4);
    }

    #[test]
    fn a_side_that_fails_is_reported_in_its_own_words() {
        let mut good = Side::self_timed(1, || Ok(Duration::from_millis(1)));
        let mut bad = Side::self_timed(1, || Err("exit status 7".to_owned()));
        assert_eq!(
            measure(&mut good, &mut bad, 1, || None),
            Err("exit status 7".to_owned())
        );
    }
}
