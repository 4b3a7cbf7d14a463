//! The thread that brings changes to the disk together.
//! Invariant: a change is on the disk one interval and one commit after it was made, whether or not another follows.
//! In a simulated world there is no thread: the first change after an interval brings all to the disk, at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::StoreError;
use super::open::Shared;
use super::packs::locked;
use crate::world;

#[derive(Debug, Default)]
struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    has_changes: bool,
    is_over: bool,
}

/// Ends the thread when it goes.
#[derive(Debug)]
pub(super) struct Committer {
    bell: Arc<Bell>,
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    /// Nothing is ever changed.
    Never,
    Thread(Option<JoinHandle<()>>),
    /// When the last commit was, in wall time.
    Here(Mutex<Duration>),
}

impl Committer {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        let bell = Arc::new(Bell::default());
        if !shared.is_writable() {
            let runs = Runs::Never;
            return Ok(Self { bell, runs });
        }
        if world::is_simulated() {
            let runs = Runs::Here(Mutex::new(world::unix_time()));
            return Ok(Self { bell, runs });
        }
        let (listening, on) = (Arc::clone(&bell), Arc::clone(shared));
        let thread = std::thread::Builder::new()
            .name("store commits".to_owned())
            .spawn(move || listen(&listening, &on))
            .map_err(StoreError::io(shared.path(), "start its thread"))?;
        let runs = Runs::Thread(Some(thread));
        Ok(Self { bell, runs })
    }

    pub(super) fn note_change(&self, shared: &Shared) {
        if let Runs::Here(last) = &self.runs {
            let mut last = locked(last);
            let now = world::unix_time();
            let interval = Duration::from_millis(shared.settings.commit_interval_ms);
            if now.saturating_sub(*last) >= interval {
                *last = now;
                // Told to whoever writes next.
                let _ = shared.flush();
            }
            return;
        }
        let mut state = locked(&self.bell.state);
        if !state.has_changes {
            state.has_changes = true;
            self.bell.rung.notify_one();
        }
    }
}

fn listen(bell: &Bell, shared: &Shared) {
    let interval = Duration::from_millis(shared.settings.commit_interval_ms);
    loop {
        let state = locked(&bell.state);
        let state = bell
            .rung
            .wait_while(state, |state| !state.has_changes && !state.is_over);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let waited = bell
            .rung
            .wait_timeout_while(state, interval, |state| !state.is_over);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return;
        }
        state.has_changes = false;
        drop(state);
        if shared.flush().is_err() {
            // Told to whoever writes next; here it is only tried again, while there is something to bring.
            locked(&bell.state).has_changes = true;
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        locked(&self.bell.state).is_over = true;
        self.bell.rung.notify_one();
        if let Runs::Thread(thread) = &mut self.runs
            && let Some(thread) = thread.take()
        {
            // It did not panic; and if it did, the store is closed all the same.
            let _ = thread.join();
        }
    }
}
