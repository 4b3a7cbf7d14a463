//! Cutting a content that comes in one stream: `docs/SEGMENTATION.md` section 4.
//! Invariant: the cuts depend on the bytes alone, never on how they were split into pushes.
//! Byte order: none.

use super::{Candidate, Engine, REACH, Selector, scan_with};

/// Bytes scanned before the selector is asked again: what is scanned past a cut is the price of a larger step.
const STEP: usize = 8192;

/// Cuts one content that is handed over in order.
///
/// Faster than [`scan`](super::scan) and [`Selector`] apart, since it does not look where no cut can be.
#[derive(Clone, Debug)]
pub struct Cutter {
    engine: &'static Engine,
    selector: Selector,
    /// The last bytes pushed, at most `REACH`.
    tail: Vec<u8>,
    found: Vec<Candidate>,
}

impl Default for Cutter {
    fn default() -> Self {
        Self::new()
    }
}

impl Cutter {
    /// A cutter at the start of a content, with the kernel of this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::with_engine(Engine::current())
    }

    /// The same with a kernel of the caller's choice.
    #[must_use]
    pub fn with_engine(engine: &'static Engine) -> Self {
        Self {
            engine,
            selector: Selector::new(),
            tail: Vec::with_capacity(REACH),
            found: Vec::new(),
        }
    }

    /// Takes the next bytes of the content. Calls `emit` with the length of each segment that is now certain.
    pub fn push(&mut self, data: &[u8], emit: &mut dyn FnMut(u32)) {
        let mut done = 0;
        while done < data.len() {
            let idle = self.selector.idle();
            if idle > 0 {
                let idle = idle.min(data.len() - done);
                self.selector.feed(idle, &[], emit);
                done += idle;
                continue;
            }
            self.found.clear();
            // Windows reach back: into what was pushed before only at the very start of `data`.
            let step = match data.get(done.saturating_sub(REACH)..) {
                Some(windows) if done >= REACH => {
                    let windows = windows.get(..REACH + STEP).unwrap_or(windows);
                    self.engine.scan(windows, 1, &mut self.found);
                    windows.len() - REACH
                }
                _ => {
                    let (before, piece) = data.split_at(done);
                    let piece = piece.get(..STEP).unwrap_or(piece);
                    let tail = before_of(&self.tail, before);
                    scan_with(self.engine, &tail, piece, &mut self.found);
                    piece.len()
                }
            };
            self.selector.feed(step, &self.found, emit);
            done += step;
        }
        self.tail = before_of(&self.tail, data);
    }

    /// Ends the content: what is left is the last segment. The cutter is then new again.
    pub fn finish(&mut self, emit: &mut dyn FnMut(u32)) {
        self.selector.finish(emit);
        self.tail.clear();
    }
}

/// The last `REACH` bytes of `older` followed by `newer`.
fn before_of(older: &[u8], newer: &[u8]) -> Vec<u8> {
    let wanted = REACH.saturating_sub(newer.len());
    let older = older
        .get(older.len().saturating_sub(wanted)..)
        .unwrap_or_default();
    let newer = newer
        .get(newer.len().saturating_sub(REACH)..)
        .unwrap_or_default();
    [older, newer].concat()
}
