//! Which CPUs the two sides run on: one for work of one thread, one core each for the workers of two.
//! Invariant: only CPUs this process was given are used, and two of them are never siblings of one core.
//! A child inherits the pinning of the thread that starts it. Linux only; elsewhere nothing is pinned.

use std::sync::Barrier;
use std::time::Duration;

use peerdist::hash::{Engine, HashAlgorithm};

use crate::core_share::share_of_core;
use crate::pairs::timed;
use crate::stats::median;

/// What is hashed to see how many cores there are just now: some 20 ms a turn.
const CONTROL_LEN: usize = 1 << 20;
const CONTROL_RUNS: u32 = 24;
const CONTROL_TURNS: u32 = 9;

/// The CPUs that runs are pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpus {
    distinct_cores: Vec<usize>,
}

impl Cpus {
    /// Finds CPUs on distinct cores among those this process may use, the last first:
    /// CPU 0 serves most interrupts.
    #[must_use]
    pub fn detect() -> Self {
        Self {
            distinct_cores: distinct_cores(&platform::allowed(), platform::siblings),
        }
    }

    /// Cores that this process may use.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.distinct_cores.len()
    }

    /// The CPUs for so many threads; `None` when there are fewer cores.
    #[must_use]
    pub fn take(&self, threads: usize) -> Option<&[usize]> {
        self.distinct_cores.get(..threads)
    }

    /// Pins this thread, and what it starts from now on, to the CPUs of so many threads.
    ///
    /// Without enough cores, or where pinning is unknown, nothing changes.
    pub fn pin(&self, threads: usize) {
        if let Some(cpus) = self.take(threads) {
            platform::pin_this_thread(cpus);
        }
    }

    /// How many cores' worth of work the machine gives to so many threads just now: on a shared one, others may have
    /// the rest. `None` when there are fewer cores.
    #[must_use]
    pub fn granted(&self, threads: usize) -> Option<f64> {
        let cpus = self.take(threads)?;
        let data = vec![0x5a_u8; CONTROL_LEN];
        let shares: Vec<f64> = (0..CONTROL_TURNS)
            .map(|_| {
                let alone = run_on(cpus.get(..1).unwrap_or_default(), &data);
                let together = run_on(cpus, &data);
                threads as f64 * alone.as_secs_f64() / together.as_secs_f64()
            })
            .collect();
        median(&shares)
    }

    /// The least share of its core that any of so many threads is given while all of them work; `None` when there are
    /// fewer cores, or no control for them.
    #[must_use]
    pub fn least_share(&self, threads: usize) -> Option<f64> {
        least_share_of(self.take(threads)?)
    }

    /// Pins the worker threads of a running child, each to its own core.
    ///
    /// Returns whether as many threads as `threads` were found to pin.
    #[must_use]
    pub fn pin_workers_of(&self, child: u32, threads: usize) -> bool {
        self.take(threads)
            .is_some_and(|cpus| platform::pin_workers_of(child, cpus))
    }
}

/// How long the same work takes on each of these at the same time.
fn run_on(cpus: &[usize], data: &[u8]) -> Duration {
    let start = Barrier::new(cpus.len());
    let work = |cpu: usize| {
        platform::pin_this_thread(&[cpu]);
        start.wait();
        let runs = || {
            for _ in 0..CONTROL_RUNS {
                std::hint::black_box(Engine::current().digest(HashAlgorithm::Sha256, data));
            }
        };
        timed(runs).1
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = cpus
            .iter()
            .map(|&cpu| scope.spawn(move || work(cpu)))
            .collect();
        let took = workers.into_iter().filter_map(|worker| worker.join().ok());
        took.max().unwrap_or_default()
    })
}

fn least_share_of(cpus: &[usize]) -> Option<f64> {
    let share = |cpu: usize| {
        platform::pin_this_thread(&[cpu]);
        share_of_core()
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = cpus
            .iter()
            .map(|&cpu| scope.spawn(move || share(cpu)))
            .collect();
        let shares = workers.into_iter().filter_map(|worker| worker.join().ok()?);
        shares.reduce(f64::min)
    })
}

/// CPUs from the last to the first, none of which is a sibling of one before it.
fn distinct_cores(allowed: &[usize], siblings: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    for &cpu in allowed.iter().rev() {
        let of_this_core = siblings(cpu);
        if !chosen.iter().any(|other| of_this_core.contains(other)) {
            chosen.push(cpu);
        }
    }
    chosen
}

/// Reads a kernel list of CPUs such as `0-2,8`.
fn parse_cpu_list(list: &str) -> Vec<usize> {
    list.trim()
        .split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs;

    use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

    pub(super) fn allowed() -> Vec<usize> {
        sched_getaffinity(None).map_or_else(
            |_| Vec::new(),
            |set| {
                (0..CpuSet::MAX_CPU)
                    .filter(|&cpu| set.is_set(cpu))
                    .collect()
            },
        )
    }

    pub(super) fn siblings(cpu: usize) -> Vec<usize> {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        fs::read_to_string(path).map_or_else(|_| vec![cpu], |list| super::parse_cpu_list(&list))
    }

    fn pin(thread: Option<Pid>, cpus: &[usize]) -> bool {
        let mut set = CpuSet::new();
        cpus.iter().for_each(|&cpu| set.set(cpu));
        sched_setaffinity(thread, &set).is_ok()
    }

    pub(super) fn pin_this_thread(cpus: &[usize]) {
        if !pin(None, cpus) {
            eprintln!("NOT PINNED: the kernel refused CPUs {cpus:?}");
        }
    }

    pub(super) fn pin_workers_of(child: u32, cpus: &[usize]) -> bool {
        let Ok(tasks) = fs::read_dir(format!("/proc/{child}/task")) else {
            return false;
        };
        let mut threads: Vec<i32> = tasks
            .filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        if threads.len() < cpus.len() {
            return false;
        }
        // The last ones started are the workers; a first thread beyond them only waits.
        threads.sort_unstable();
        let workers = threads.iter().rev().take(cpus.len());
        workers
            .zip(cpus)
            .all(|(&thread, &cpu)| pin(Pid::from_raw(thread), &[cpu]))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    pub(super) fn allowed() -> Vec<usize> {
        (0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).collect()
    }

    pub(super) fn siblings(cpu: usize) -> Vec<usize> {
        vec![cpu]
    }

    pub(super) fn pin_this_thread(_: &[usize]) {}

    pub(super) fn pin_workers_of(_: u32, _: &[usize]) -> bool {
        // Nothing to wait for.
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_of_one_core_are_never_chosen_together() {
        let pairs_of_four = |cpu: usize| vec![cpu % 4, cpu % 4 + 4];
        assert_eq!(
            distinct_cores(&[0, 1, 2, 3, 4, 5, 6, 7], pairs_of_four),
            [7, 6, 5, 4]
        );
        assert_eq!(distinct_cores(&[1, 5], pairs_of_four), [5]);
    }

    #[test]
    fn kernel_lists_hold_single_cpus_and_ranges() {
        assert_eq!(parse_cpu_list("0-2,8\n"), [0, 1, 2, 8]);
        assert_eq!(parse_cpu_list(""), [0; 0]);
    }

    #[test]
    fn what_a_machine_grants_is_about_what_it_has() {
        let cpus = Cpus::detect();
        let one = cpus.granted(1).unwrap();
        assert!((0.5..2.0).contains(&one), "{one}");
        assert_eq!(cpus.granted(cpus.cores() + 1), None);
    }

    #[test]
    fn more_threads_than_cores_have_no_cpus() {
        let cpus = Cpus {
            distinct_cores: vec![1, 0],
        };
        assert_eq!(cpus.take(1), Some(&[1][..]));
        assert_eq!(cpus.take(2), Some(&[1, 0][..]));
        assert_eq!(cpus.take(3), None);
    }
}
