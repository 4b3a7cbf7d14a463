//! Bytes as a script: what a fuzzer found, read as choices and numbers.
//! Invariant: every script ends, for each step takes at least a byte; what is missing at its end reads as 0.
//! Byte order: big-endian.

use peerdist::content::SegmentId;
use peerdist::hash::Digest;

/// What is left of a script.
#[derive(Debug)]
pub(crate) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What to do next, until there is nothing left.
    pub(crate) fn step(&mut self) -> Option<u8> {
        let (step, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*step)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.step().unwrap_or_default()
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn number(&mut self, bytes: usize) -> u64 {
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from(self.byte()) << 8 | u16::from(self.byte())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// A number of as many bytes as the first one says, so that small numbers are short and large ones possible.
    pub(crate) fn length(&mut self) -> u64 {
        let bytes = self.byte() % 9;
        self.number(bytes.into())
    }

    /// One of several; `None` where there are none.
    pub(crate) fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        let choice = usize::from(self.byte());
        of.get(choice % of.len().max(1))
    }

    /// Takes one of several out.
    pub(crate) fn pick_out<T>(&mut self, of: &mut Vec<T>) -> Option<T> {
        let choice = usize::from(self.byte());
        (!of.is_empty()).then(|| of.swap_remove(choice % of.len()))
    }

    /// As many bytes as the next two say, or as there are.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let count = usize::from(self.u16()).min(self.0.len());
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    /// All that is left.
    pub(crate) const fn rest(&mut self) -> &'a [u8] {
        let rest = self.0;
        self.0 = &[];
        rest
    }

    /// A duration: mostly milliseconds, at times hours.
    pub(crate) fn milliseconds(&mut self) -> u64 {
        match self.byte() {
            short @ 0..128 => u64::from(short),
            long => u64::from(long - 127) * u64::from(self.byte()) * 100,
        }
    }
}

/// The id of a segment of the small worlds here: 32, 48 or 64 bytes of that number.
pub(crate) fn segment_id(number: u8) -> SegmentId {
    let bytes = [number; 64];
    let length = match number % 8 {
        6 => 48,
        7 => 64,
        _ => 32,
    };
    let digest = bytes.get(..length).map(Digest::try_from);
    SegmentId(digest.expect("64 bytes").expect("a length of a digest"))
}
