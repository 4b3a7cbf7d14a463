//! base64Binary of XML Schema (RFC 4648, section 4).
//! Invariant: white space is passed over; what is not in full groups of four is refused.
//! Byte order: none.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as base64.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |number, place| {
            number << 8 | u32::from(three.get(place).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let digit = usize::try_from(number >> (18 - 6 * place) & 63).unwrap_or(0);
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'=');
            text.push(if place <= three.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

/// Bytes from base64. `None`: it is none.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let letters: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if !letters.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(letters.len() / 4 * 3);
    let last = (letters.len() / 4).checked_sub(1);
    for (place, four) in letters.chunks(4).enumerate() {
        let padding = four.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && Some(place) != last) {
            return None;
        }
        let mut number = 0_u32;
        for letter in four.iter().take(4 - padding) {
            let digit = ALPHABET.iter().position(|known| known == letter)?;
            number = number << 6 | u32::try_from(digit).ok()?;
        }
        number <<= 6 * u32::try_from(padding).ok()?;
        bytes.extend(number.to_be_bytes().get(1..4 - padding)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_come_out_in_either_direction() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(decode(" Zm\n9v "), Some(b"foo".to_vec()));
        for wrong in ["Zg", "Zg=a", "Z===", "Zg==Zg==", "Z-=="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
