//! Content through four steps on many threads: read, scan, take parts in order, hash them, collect in order.
//! Invariant: what is taken and what is collected come in the content's order, whichever thread is faster.
//! Memory: one piece and its parts a thread; results that overtake a slower thread wait, and are small.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::source::{Piece, Source, SourceError, Span};

/// The most threads that are started, whatever was asked for.
pub const THREADS_MAX: usize = 512;

/// What each step does. `Scan` is made of a piece by any thread, `Parts` in order, `Hashed` by any thread.
pub(crate) trait Steps: Sync {
    type Scan;
    type Parts;
    type Hashed: Send;

    /// Looks at a piece on its own.
    fn scan(&self, piece: &Piece) -> Self::Scan;
    /// Hashes the parts that end in a piece.
    fn hash(&self, piece: &Piece, parts: Self::Parts) -> Self::Hashed;
}

/// The steps that keep the content's order.
pub(crate) trait Ordered<S: Steps>: Send {
    type Error: From<SourceError> + Send;

    /// Takes the parts that end in a piece.
    fn take(&mut self, piece: &Piece, scan: S::Scan) -> S::Parts;
    /// Receives their hashes.
    fn collect(&mut self, hashed: S::Hashed) -> Result<(), Self::Error>;
}

/// How the work is done.
pub(crate) struct Pace<'a> {
    /// `None`: as many threads as there are cores.
    pub(crate) threads: Option<NonZeroUsize>,
    /// Told the bytes of each piece that is done.
    pub(crate) progress: &'a (dyn Fn(u64) + Sync),
}

/// Runs a span of the source through the steps.
pub(crate) fn run<S: Steps, O: Ordered<S>>(
    source: &Source,
    span: Span,
    pace: &Pace<'_>,
    steps: &S,
    ordered: O,
) -> Result<O, O::Error> {
    let threads = threads_for(source, span, pace.threads);
    let line = Line {
        source,
        span,
        pace,
        steps,
        next_piece: AtomicU64::new(0),
        has_failed: AtomicBool::new(false),
        state: Mutex::new(State {
            ordered,
            taken: 0,
            collected: 0,
            waiting: BTreeMap::new(),
            failure: None,
        }),
        turned: Condvar::new(),
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system allows no more threads, the work is done by those that there are.
            let started = std::thread::Builder::new().spawn_scoped(scope, || line.work());
            if started.is_err() {
                break;
            }
        }
        line.work();
    });
    let state = line
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.failure {
        Some(error) => Err(error),
        None => {
            source.check_unchanged()?;
            Ok(state.ordered)
        }
    }
}

fn threads_for(source: &Source, span: Span, wanted: Option<NonZeroUsize>) -> u64 {
    if crate::world::is_simulated() {
        return 1;
    }
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = wanted.unwrap_or_else(cores).get().min(THREADS_MAX) as u64;
    source
        .piece_count(span)
        .map_or(threads, |pieces| threads.min(pieces))
}

struct Line<'a, S: Steps, O: Ordered<S>> {
    source: &'a Source,
    span: Span,
    pace: &'a Pace<'a>,
    steps: &'a S,
    next_piece: AtomicU64,
    has_failed: AtomicBool,
    state: Mutex<State<S, O>>,
    /// Notified when the piece whose turn it is to be taken changes.
    turned: Condvar,
}

struct State<S: Steps, O: Ordered<S>> {
    ordered: O,
    taken: u64,
    collected: u64,
    /// Results that came before their turn.
    waiting: BTreeMap<u64, S::Hashed>,
    failure: Option<O::Error>,
}

impl<S: Steps, O: Ordered<S>> Line<'_, S, O> {
    fn work(&self) {
        let _guard = StopOthersOnPanic(self);
        let mut piece = Piece::default();
        while !self.has_failed.load(Ordering::Relaxed) {
            match self.one_piece(&mut piece) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.lock().failure.get_or_insert(error);
                    self.stop();
                }
            }
        }
    }

    fn one_piece(&self, piece: &mut Piece) -> Result<bool, O::Error> {
        let index = self.next_piece.fetch_add(1, Ordering::Relaxed);
        if !self.source.read(self.span, index, piece)? {
            return Ok(false);
        }
        let scan = self.steps.scan(piece);
        let Some(mut state) = self.wait_for_turn(piece.index) else {
            return Ok(false);
        };
        let parts = state.ordered.take(piece, scan);
        state.taken += 1;
        drop(state);
        self.turned.notify_all();

        let hashed = self.steps.hash(piece, parts);
        let mut state = self.lock();
        let state = &mut *state;
        state.waiting.insert(piece.index, hashed);
        while let Some(hashed) = state.waiting.remove(&state.collected) {
            state.ordered.collect(hashed)?;
            state.collected += 1;
        }
        (self.pace.progress)(piece.bytes().len() as u64);
        Ok(true)
    }

    /// The state, once all pieces before this one were taken; `None` when another thread failed.
    fn wait_for_turn(&self, index: u64) -> Option<MutexGuard<'_, State<S, O>>> {
        let mut state = self.lock();
        while state.taken != index {
            if self.has_failed.load(Ordering::Relaxed) {
                return None;
            }
            state = self
                .turned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Some(state)
    }

    fn lock(&self) -> MutexGuard<'_, State<S, O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        // Under the lock, or a thread between its check and its wait would sleep through it.
        let state = self.lock();
        self.has_failed.store(true, Ordering::Relaxed);
        drop(state);
        self.turned.notify_all();
    }
}

/// A thread that panics must not leave the others waiting for its turn.
struct StopOthersOnPanic<'a, 'b, S: Steps, O: Ordered<S>>(&'a Line<'b, S, O>);

impl<S: Steps, O: Ordered<S>> Drop for StopOthersOnPanic<'_, '_, S, O> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests;
