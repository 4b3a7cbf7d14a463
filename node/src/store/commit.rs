//! The thread that brings changes to the disk together.
//! Invariant: a change is on the disk one interval and one commit after it was made, whether or not another follows.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::StoreError;
use super::open::Shared;
use super::packs::locked;

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
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        let bell = Arc::new(Bell::default());
        if !shared.is_writable() {
            return Ok(Self { bell, thread: None });
        }
        let (listening, on) = (Arc::clone(&bell), Arc::clone(shared));
        let thread = std::thread::Builder::new()
            .name("store commits".to_owned())
            .spawn(move || listen(&listening, &on))
            .map_err(StoreError::io(shared.path(), "start its thread"))?;
        Ok(Self {
            bell,
            thread: Some(thread),
        })
    }

    pub(super) fn note_change(&self) {
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
        if let Some(thread) = self.thread.take() {
            // It did not panic; and if it did, the store is closed all the same.
            let _ = thread.join();
        }
    }
}
