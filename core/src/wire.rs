//! Reading and writing bytes at named offsets: the one place where lengths meet memory.
//! Invariant: a [`Reader`] never passes its end and never allocates; what it refuses, it refuses with offset and need.
//! Byte order: in each method's name, for the documents differ even inside one message.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The bytes ended before a field did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncated {
    /// Offset at which the missing field starts.
    pub at: usize,
    /// The field's name in its document.
    pub field: &'static str,
    /// Bytes that the field needs from there.
    pub needed: usize,
    /// Bytes that are there.
    pub remaining: usize,
}

impl core::fmt::Display for Truncated {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "byte {}, {}: needs {} bytes, but only {} remain",
            self.at, self.field, self.needed, self.remaining
        )
    }
}

impl core::error::Error for Truncated {}

/// What a decoder read, field by field: the annotated tree of a message, up to the error if there is one.
///
/// The same decoder that serves the machines fills it, so the tree cannot tell another story than they act on.
#[derive(Debug, Default)]
pub struct Trace {
    // A lock only so that readers can move between threads: nobody contends for it.
    state: Mutex<TraceState>,
}

#[derive(Debug, Default)]
struct TraceState {
    depth: usize,
    entries: Vec<TraceEntry>,
}

/// One field, or the head of a group of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceEntry {
    /// How deep in the tree it stands.
    pub depth: usize,
    /// Offset of its first byte.
    pub at: usize,
    /// Its bytes; 0 for the head of a group.
    pub length: usize,
    /// Its name in the document.
    pub field: &'static str,
    /// Which of several of that name it is.
    pub index: Option<u64>,
    /// Its value, where it is a number.
    pub number: Option<u64>,
    /// What the value means, where a decoder knows.
    pub meaning: String,
}

impl Trace {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All that was read.
    #[must_use]
    pub fn into_entries(self) -> Vec<TraceEntry> {
        self.state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .entries
    }

    fn lock(&self) -> MutexGuard<'_, TraceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a field at the present depth.
    pub fn add(&self, field: &'static str, at: usize, length: usize, number: Option<u64>) {
        let mut state = self.lock();
        let depth = state.depth;
        let meaning = String::new();
        state.entries.push(TraceEntry {
            depth,
            at,
            length,
            field,
            index: None,
            number,
            meaning,
        });
    }

    /// Begins a group of fields.
    pub fn open(&self, field: &'static str, index: Option<u64>, at: usize) {
        self.add(field, at, 0, None);
        let mut state = self.lock();
        state.depth += 1;
        if let Some(entry) = state.entries.last_mut() {
            entry.index = index;
        }
    }

    /// Ends the group begun last.
    pub fn close(&self) {
        let mut state = self.lock();
        state.depth = state.depth.saturating_sub(1);
    }

    /// Says what the field added last means.
    pub fn means(&self, meaning: String) {
        if let Some(entry) = self.lock().entries.last_mut() {
            entry.meaning = meaning;
        }
    }
}

/// A cursor over bytes that somebody else sent.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    trace: Option<&'a Trace>,
}

macro_rules! integers {
    ($($(#[$doc:meta])* $name:ident -> $type:ty, $from:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`Truncated`] where the bytes end first.
        pub fn $name(&mut self, field: &'static str) -> Result<$type, Truncated> {
            let at = self.at;
            let value = self.take_array().ok_or_else(|| self.lacks(size_of::<$type>(), field))?;
            let value = <$type>::$from(value);
            if let Some(trace) = self.trace {
                trace.add(field, at, size_of::<$type>(), Some(u64::from(value)));
            }
            Ok(value)
        }
    )*};
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            trace: None,
        }
    }

    /// Starts at the first byte and tells `trace` of every field.
    #[must_use]
    pub const fn traced(bytes: &'a [u8], trace: &'a Trace) -> Self {
        Self {
            bytes,
            at: 0,
            trace: Some(trace),
        }
    }

    /// Starts at an offset that an earlier pass over the same bytes reached.
    pub(crate) const fn starting_at(bytes: &'a [u8], at: usize) -> Self {
        let at = if at < bytes.len() { at } else { bytes.len() };
        Self {
            bytes,
            at,
            trace: None,
        }
    }

    /// The same place, without a trace: for looking ahead.
    #[must_use]
    pub const fn untraced(&self) -> Self {
        Self {
            trace: None,
            ..*self
        }
    }

    /// Begins a group of fields in the trace, if there is one.
    pub fn open(&self, field: &'static str, index: Option<u64>) {
        if let Some(trace) = self.trace {
            trace.open(field, index, self.at);
        }
    }

    /// Ends the group begun last.
    pub fn close(&self) {
        if let Some(trace) = self.trace {
            trace.close();
        }
    }

    /// Says in the trace, if there is one, what the field read last means.
    pub fn means<M: core::fmt::Display>(&self, meaning: impl FnOnce() -> M) {
        if let Some(trace) = self.trace {
            trace.means(meaning().to_string());
        }
    }

    /// All bytes, from the first on.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Offset of the next byte.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Bytes that are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Truncated`] where fewer remain.
    pub fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], Truncated> {
        let at = self.at;
        let taken = self
            .advance(count)
            .ok_or_else(|| self.lacks(count, field))?;
        if let Some(trace) = self.trace {
            trace.add(field, at, count, None);
        }
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`Truncated`] where fewer remain.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Truncated> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, field)?);
        Ok(array)
    }

    fn take_array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.advance(N)?.try_into().ok()
    }

    fn advance(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, _) = self.bytes.get(self.at..)?.split_at_checked(count)?;
        self.at += count;
        Some(taken)
    }

    const fn lacks(&self, needed: usize, field: &'static str) -> Truncated {
        Truncated {
            at: self.at,
            field,
            needed,
            remaining: self.remaining(),
        }
    }

    integers! {
        /// One byte.
        u8 -> u8, from_be_bytes;
        /// Two bytes, least significant first.
        u16_le -> u16, from_le_bytes;
        /// Two bytes, most significant first.
        u16_be -> u16, from_be_bytes;
        /// Four bytes, least significant first.
        u32_le -> u32, from_le_bytes;
        /// Four bytes, most significant first.
        u32_be -> u32, from_be_bytes;
        /// Eight bytes, least significant first.
        u64_le -> u64, from_le_bytes;
        /// Eight bytes, most significant first.
        u64_be -> u64, from_be_bytes;
    }
}

/// Appends fields to a growing message.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty message.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    /// Appends two bytes, least significant first.
    pub fn u16_le(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Appends four bytes, least significant first.
    pub fn u32_le(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Appends four bytes, most significant first.
    pub fn u32_be(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends eight bytes, least significant first.
    pub fn u64_le(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Appends eight bytes, most significant first.
    pub fn u64_be(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_width_in_the_order_its_name_says() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(Reader::new(&bytes).u8("a"), Ok(1));
        assert_eq!(Reader::new(&bytes).u16_le("a"), Ok(0x0201));
        assert_eq!(Reader::new(&bytes).u16_be("a"), Ok(0x0102));
        assert_eq!(Reader::new(&bytes).u32_le("a"), Ok(0x0403_0201));
        assert_eq!(Reader::new(&bytes).u32_be("a"), Ok(0x0102_0304));
        assert_eq!(Reader::new(&bytes).u64_le("a"), Ok(0x0807_0605_0403_0201));
        assert_eq!(Reader::new(&bytes).u64_be("a"), Ok(0x0102_0304_0506_0708));
    }

    #[test]
    fn a_trace_tells_of_every_field_and_group_up_to_the_error() {
        let trace = Trace::new();
        let mut reader = Reader::traced(&[0, 7, 1, 2, 3], &trace);
        reader.u16_be("count").unwrap();
        reader.means(|| "seven");
        reader.open("item", Some(0));
        reader.take(2, "data").unwrap();
        reader.untraced().u8("unseen").unwrap();
        assert!(reader.u32_be("beyond").is_err());
        reader.close();
        let entries = trace.into_entries();
        let told: Vec<_> = entries
            .iter()
            .map(|e| (e.depth, e.at, e.length, e.field, e.number))
            .collect();
        assert_eq!(
            told,
            [
                (0, 0, 2, "count", Some(7)),
                (0, 2, 0, "item", None),
                (1, 2, 2, "data", None)
            ]
        );
        assert_eq!(entries[0].meaning, "seven");
        assert_eq!(entries[1].index, Some(0));
    }

    #[test]
    fn names_the_field_and_the_need_when_bytes_run_out() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u8("first"), Ok(1));
        let error = reader.u32_be("second").unwrap_err();
        assert_eq!(
            error,
            Truncated {
                at: 1,
                field: "second",
                needed: 4,
                remaining: 2
            }
        );
        assert_eq!(
            error.to_string(),
            "byte 1, second: needs 4 bytes, but only 2 remain"
        );
        assert_eq!(reader.take(2, "what is left"), Ok(&[2, 3][..]));
        assert_eq!(
            reader.take(usize::MAX, "too much").unwrap_err().remaining,
            0
        );
    }
}
