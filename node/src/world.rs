//! What node takes of the machine besides files and sockets: threads for work that waits, wall time, random numbers.
//! Invariant: nothing else in node asks the machine for them, so whatever stands in for it decides all of it.
//! Byte order: none.
//!
//! A simulation stands in for the machine on its own thread, from [`simulate`] until what that gives is dropped. There
//! work is done at once and where it is asked for, and stores and pipelines begin no threads.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use tokio::task::{JoinError, JoinHandle};

/// What stands in for the machine.
pub trait Machine {
    /// Wall time, since 1970.
    fn unix_time(&self) -> Duration;

    /// Fills `bytes` with random numbers.
    fn fill(&self, bytes: &mut [u8]);
}

thread_local! {
    static SIMULATED: RefCell<Option<Rc<dyn Machine>>> = const { RefCell::new(None) };
}

/// As long as it is there, the thread that made it is a simulated world.
#[must_use = "the simulated world ends when it is dropped"]
pub struct Simulation {
    before: Option<Rc<dyn Machine>>,
    // It has to be dropped on the thread that made it.
    _here: PhantomData<*const ()>,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulation")
    }
}

/// Has `machine` stand in for the real one on this thread.
pub fn simulate(machine: Rc<dyn Machine>) -> Simulation {
    Simulation {
        before: SIMULATED.replace(Some(machine)),
        _here: PhantomData,
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        SIMULATED.set(self.before.take());
    }
}

fn simulated() -> Option<Rc<dyn Machine>> {
    // What runs while its thread ends is of no simulation any more.
    SIMULATED
        .try_with(|machine| machine.borrow().clone())
        .ok()
        .flatten()
}

/// Whether this thread is a simulated world.
#[must_use]
pub fn is_simulated() -> bool {
    simulated().is_some()
}

/// Wall time, since 1970; 1970 where the clock of the machine is set before it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a clock is what this is about")]
pub fn unix_time() -> Duration {
    match simulated() {
        Some(machine) => machine.unix_time(),
        None => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    }
}

/// Wall time, as times of files and dates in header fields are told.
#[must_use]
pub fn system_time() -> SystemTime {
    UNIX_EPOCH.checked_add(unix_time()).unwrap_or(UNIX_EPOCH)
}

/// Fills `bytes` with random numbers that nobody can guess, unless the world is simulated.
///
/// # Errors
/// Where the system has none.
pub fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    match simulated() {
        Some(machine) => machine.fill(bytes),
        None => rand::rngs::SysRng.try_fill_bytes(bytes).map_err(|error| {
            io::Error::other(format!("the system has no random numbers: {error}"))
        })?,
    }
    Ok(())
}

/// Begins work that may wait for a disk or take long, away from the tasks that must not.
///
/// It runs whether or not its end is waited for. In a simulated world it is over when this returns.
pub fn offload<T, F>(work: F) -> Offloaded<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    if is_simulated() {
        return Offloaded(State::Done(Some(Box::new(work()))));
    }
    Offloaded(State::Elsewhere(tokio::task::spawn_blocking(work)))
}

/// Work that was begun elsewhere; as a future, its end.
#[derive(Debug)]
pub struct Offloaded<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    // Boxed, so that it can be moved out of a pinned future.
    Done(Option<Box<T>>),
    Elsewhere(JoinHandle<T>),
}

impl<T> Future for Offloaded<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Done(done) => match done.take() {
                Some(done) => Poll::Ready(Ok(*done)),
                // Asked for a second time, which futures may answer as they like.
                None => Poll::Pending,
            },
            State::Elsewhere(handle) => Pin::new(handle).poll(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{ThreadId, current};

    use super::*;

    struct Still;

    impl Machine for Still {
        fn unix_time(&self) -> Duration {
            Duration::from_secs(7)
        }

        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(9);
        }
    }

    async fn thread_of_work() -> ThreadId {
        offload(|| current().id()).await.unwrap()
    }

    #[tokio::test]
    async fn a_simulated_world_has_its_own_time_numbers_and_no_threads_until_it_ends() {
        let numbers = || {
            let mut bytes = [0; 16];
            fill_random(&mut bytes).unwrap();
            bytes
        };
        assert!(!is_simulated());
        assert_ne!(thread_of_work().await, current().id());
        {
            let _world = simulate(Rc::new(Still));
            assert!(is_simulated());
            assert_eq!(thread_of_work().await, current().id());
            assert_eq!(unix_time(), Duration::from_secs(7));
            assert_eq!(system_time(), UNIX_EPOCH + Duration::from_secs(7));
            assert_eq!(numbers(), [9; 16]);
            let elsewhere = std::thread::spawn(is_simulated).join();
            assert!(!elsewhere.unwrap());
        }
        assert!(!is_simulated());
        assert_ne!(thread_of_work().await, current().id());
        // The first line of this was written in 2026.
        assert!(unix_time() > Duration::from_secs(1_700_000_000));
        assert_ne!(numbers(), numbers());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_done_all_the_same() {
        let _world = simulate(Rc::new(Still));
        let (done, when) = std::sync::mpsc::channel();
        drop(offload(move || done.send(()).unwrap()));
        assert_eq!(when.try_recv(), Ok(()));
    }
}
