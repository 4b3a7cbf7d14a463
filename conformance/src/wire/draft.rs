//! A message as a row of named fields, of which any can be made wrong before it goes out.
//! Invariant: sizes that a message states of itself are counted when it is written, unless they were set by hand.
//! Byte order: whoever adds a field writes its bytes.

/// Messages state their own length in at most one field.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    name: &'static str,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Bytes(Vec<u8>),
    /// The length of the whole message less so many bytes, most significant byte first.
    Length {
        less: usize,
    },
}

impl Draft {
    /// No fields yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn bytes(mut self, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.fields.push(Field {
            name,
            content: Content::Bytes(bytes.into()),
        });
        self
    }

    /// Adds one byte.
    #[must_use]
    pub fn u8(self, name: &'static str, value: u8) -> Self {
        self.bytes(name, [value])
    }

    /// Adds two bytes, most significant first.
    #[must_use]
    pub fn u16_be(self, name: &'static str, value: u16) -> Self {
        self.bytes(name, value.to_be_bytes())
    }

    /// Adds four bytes, most significant first.
    #[must_use]
    pub fn u32_be(self, name: &'static str, value: u32) -> Self {
        self.bytes(name, value.to_be_bytes())
    }

    /// Adds eight bytes, most significant first.
    #[must_use]
    pub fn u64_be(self, name: &'static str, value: u64) -> Self {
        self.bytes(name, value.to_be_bytes())
    }

    /// Adds two bytes, least significant first.
    #[must_use]
    pub fn u16_le(self, name: &'static str, value: u16) -> Self {
        self.bytes(name, value.to_le_bytes())
    }

    /// Adds four bytes, least significant first.
    #[must_use]
    pub fn u32_le(self, name: &'static str, value: u32) -> Self {
        self.bytes(name, value.to_le_bytes())
    }

    /// Adds eight bytes, least significant first.
    #[must_use]
    pub fn u64_le(self, name: &'static str, value: u64) -> Self {
        self.bytes(name, value.to_le_bytes())
    }

    /// Adds the length of the whole message less `less`, in four bytes, most significant first.
    #[must_use]
    pub fn length(mut self, name: &'static str, less: usize) -> Self {
        self.fields.push(Field {
            name,
            content: Content::Length { less },
        });
        self
    }

    /// Adds zeros up to the next multiple of four from the start of the message.
    #[must_use]
    pub fn pad(self, name: &'static str) -> Self {
        self.pad_behind(name, 0)
    }

    /// Adds zeros up to the next multiple of four, counted from byte `start`.
    #[must_use]
    pub fn pad_behind(self, name: &'static str, start: usize) -> Self {
        let length = self.len().saturating_sub(start);
        let zeros = length.next_multiple_of(4) - length;
        self.bytes(name, vec![0; zeros])
    }

    /// Replaces the first field of that name.
    #[must_use]
    pub fn with(mut self, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        let found = self.fields.iter_mut().find(|field| field.name == name);
        debug_assert!(found.is_some(), "the draft has no field {name}");
        if let Some(field) = found {
            field.content = Content::Bytes(bytes.into());
        }
        self
    }

    /// The same with a number in four bytes, most significant first.
    #[must_use]
    pub fn with_u32_be(self, name: &'static str, value: u32) -> Self {
        self.with(name, value.to_be_bytes())
    }

    /// The same with a number in two bytes, most significant first.
    #[must_use]
    pub fn with_u16_be(self, name: &'static str, value: u16) -> Self {
        self.with(name, value.to_be_bytes())
    }

    /// The same with a number in four bytes, least significant first.
    #[must_use]
    pub fn with_u32_le(self, name: &'static str, value: u32) -> Self {
        self.with(name, value.to_le_bytes())
    }

    /// Leaves out the first field of that name.
    #[must_use]
    pub fn without(mut self, name: &'static str) -> Self {
        let place = self.fields.iter().position(|field| field.name == name);
        debug_assert!(place.is_some(), "the draft has no field {name}");
        if let Some(place) = place {
            self.fields.remove(place);
        }
        self
    }

    /// Where the first field of that name starts.
    #[must_use]
    pub fn offset_of(&self, name: &str) -> Option<usize> {
        let place = self.fields.iter().position(|field| field.name == name)?;
        Some(self.fields.iter().take(place).map(Field::len).sum())
    }

    /// Bytes of all fields so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.iter().map(Field::len).sum()
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = self.len();
        let mut bytes = Vec::with_capacity(length);
        for field in &self.fields {
            match &field.content {
                Content::Bytes(content) => bytes.extend_from_slice(content),
                Content::Length { less } => {
                    let stated = u32::try_from(length.saturating_sub(*less));
                    bytes.extend_from_slice(&stated.unwrap_or(u32::MAX).to_be_bytes());
                }
            }
        }
        bytes
    }

    /// The first `count` bytes of the message; what it states of its length stays that of the whole.
    #[must_use]
    pub fn cut_to(&self, count: usize) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        bytes.truncate(count);
        bytes
    }

    /// The message with bytes behind it of which it does not know.
    #[must_use]
    pub fn followed_by(&self, surplus: &[u8]) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        bytes.extend_from_slice(surplus);
        bytes
    }
}

impl Field {
    fn len(&self) -> usize {
        match &self.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Length { .. } => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft::new()
            .u32_be("Kind", 7)
            .length("Length", 4)
            .bytes("Id", [1, 2, 3])
            .pad("ZeroPad")
    }

    #[test]
    fn the_length_is_that_of_the_message_as_it_goes_out() {
        assert_eq!(
            draft().to_bytes(),
            [0, 0, 0, 7, 0, 0, 0, 8, 1, 2, 3, 0],
            "12 bytes, less 4"
        );
        let longer = draft().with("Id", [9; 5]);
        assert_eq!(longer.to_bytes()[4..8], [0, 0, 0, 10]);
        assert_eq!(longer.offset_of("ZeroPad"), Some(13));
    }

    #[test]
    fn a_field_set_by_hand_stays_wrong() {
        let wrong = draft().with_u32_be("Length", 99).without("ZeroPad");
        assert_eq!(wrong.to_bytes(), [0, 0, 0, 7, 0, 0, 0, 99, 1, 2, 3]);
        assert_eq!(wrong.cut_to(2), [0, 0]);
        assert_eq!(wrong.followed_by(&[5]).last(), Some(&5));
    }
}
