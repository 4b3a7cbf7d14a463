//! Reading and writing bytes at named offsets: the one place where lengths meet memory.
//! Invariant: a [`Reader`] never passes its end and never allocates; what it refuses, it refuses with offset and need.
//! Byte order: in each method's name, for the documents differ even inside one message.

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

/// A cursor over bytes that somebody else sent.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

macro_rules! integers {
    ($($(#[$doc:meta])* $name:ident -> $type:ty, $from:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`Truncated`] where the bytes end first.
        pub fn $name(&mut self, field: &'static str) -> Result<$type, Truncated> {
            self.array(field).map(<$type>::$from)
        }
    )*};
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Starts at an offset that an earlier pass over the same bytes reached.
    pub(crate) const fn starting_at(bytes: &'a [u8], at: usize) -> Self {
        let at = if at < bytes.len() { at } else { bytes.len() };
        Self { bytes, at }
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
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.split_at_checked(count) {
            Some((taken, _)) => {
                self.at += count;
                Ok(taken)
            }
            None => {
                Err(Truncated { at: self.at, field, needed: count, remaining: self.remaining() })
            }
        }
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
    fn names_the_field_and_the_need_when_bytes_run_out() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u8("first"), Ok(1));
        let error = reader.u32_be("second").unwrap_err();
        assert_eq!(error, Truncated { at: 1, field: "second", needed: 4, remaining: 2 });
        assert_eq!(error.to_string(), "byte 1, second: needs 4 bytes, but only 2 remain");
        assert_eq!(reader.take(2, "what is left"), Ok(&[2, 3][..]));
        assert_eq!(reader.take(usize::MAX, "too much").unwrap_err().remaining, 0);
    }
}
