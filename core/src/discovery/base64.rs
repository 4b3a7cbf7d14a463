//! MS-PCCRD 2.2.3.3, 2.2.3.9: XML Schema base64Binary and hexBinary.
//! Invariant: only canonical base64 is read (padded, unused bits 0); white space between symbols is allowed, as there.
//! Byte order: most significant bits first.
//!
//! Own code and no crate: it needs the place of the symbol at fault in the text and white space between symbols,
//! which the crates do not give, and is less than the glue around one.

use super::error::Problem;
use super::xml::is_space;

const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

pub(super) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let symbol = SYMBOLS.get((bits >> (18 - 6 * place) & 63) as usize);
            let is_data = place <= group.len();
            out.push(symbol.copied().filter(|_| is_data).unwrap_or(b'='));
        }
    }
}

const fn symbol_value(symbol: u8) -> Option<u32> {
    Some(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    } as u32)
}

/// Reads base64; a fault comes with its place in `text`.
pub(super) fn read_base64(text: &str) -> Result<Vec<u8>, (usize, Problem)> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut symbols, mut padding) = (0u32, 0, 0);
    for (at, symbol) in text.bytes().enumerate().filter(|(_, b)| !is_space(*b)) {
        match (symbol_value(symbol), symbol) {
            (Some(value), _) if padding == 0 => bits = bits << 6 | value,
            (None, b'=') if symbols >= 2 && padding < 2 => {
                padding += 1;
                bits <<= 6;
            }
            _ => return Err((at, Problem::Base64)),
        }
        symbols += 1;
        if symbols == 4 {
            let kept = 3 - padding;
            let [_, group @ ..] = bits.to_be_bytes();
            let (data, unused) = group.split_at(kept);
            if unused.iter().any(|byte| *byte != 0) {
                return Err((at, Problem::Base64));
            }
            bytes.extend_from_slice(data);
            // The padding stays counted: whatever follows it is surplus and refused.
            (bits, symbols) = (0, 0);
        }
    }
    if symbols == 0 {
        Ok(bytes)
    } else {
        Err((text.len(), Problem::Base64))
    }
}

/// The place in `text` of the symbol in which byte `index` begins, or of the first after byte `index - 1` ends.
pub(super) fn base64_place(text: &str, index: usize) -> usize {
    text.bytes()
        .enumerate()
        .filter(|(_, byte)| !is_space(*byte))
        .nth(index * 4 / 3)
        .map_or(text.len(), |(at, _)| at)
}

pub(super) fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.extend(HEX_UPPER.get(usize::from(digit)));
        }
    }
}

const fn digit_value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'0'..=b'9' => digit - b'0',
        b'A'..=b'F' => digit - b'A' + 10,
        b'a'..=b'f' => digit - b'a' + 10,
        _ => return None,
    })
}

/// Reads hex digits of either case; a fault comes with its place in `text`.
pub(super) fn read_hex(text: &str, bytes: &mut Vec<u8>) -> Result<(), (usize, Problem)> {
    let mut high = None;
    for (at, digit) in text.bytes().enumerate() {
        let value = digit_value(digit).ok_or((at, Problem::Hex))?;
        match high.take() {
            None => high = Some(value),
            Some(high) => bytes.push(high << 4 | value),
        }
    }
    match high {
        None => Ok(()),
        Some(_) => Err((text.len(), Problem::Hex)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_base64(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(written(plain.as_bytes()), coded);
            assert_eq!(read_base64(coded), Ok(plain.as_bytes().to_vec()));
        }
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(read_base64(&written(&every)), Ok(every));
    }

    #[test]
    fn base64_may_have_white_space_anywhere() {
        assert_eq!(read_base64(" Z g\r\n=\t= "), Ok(b"f".to_vec()));
        assert_eq!(base64_place(" Z m9v", 0), 1);
        assert_eq!(base64_place(" Z m9v", 1), 3);
        assert_eq!(base64_place(" Z m9v", 3), 6);
    }

    #[test]
    fn base64_that_is_not_canonical_is_refused_at_its_symbol() {
        for (coded, at) in [
            ("Z", 1),
            ("Zg", 2),
            ("Zg=", 3),
            ("Zh==", 3),
            ("Zm9=", 3),
            ("=", 0),
            ("Z===", 1),
            ("Zg==Zg==", 4),
            ("Zg===", 4),
            ("Zm-_", 2),
            ("Zm9v\u{a0}", 4),
            ("Zg=v", 3),
        ] {
            assert_eq!(read_base64(coded), Err((at, Problem::Base64)), "{coded}");
        }
    }

    #[test]
    fn hex_is_written_in_upper_case_and_read_in_both() {
        let mut out = Vec::new();
        write_hex(&mut out, &[0x0A, 0xBC, 0xDE, 0xF9]);
        assert_eq!(out, b"0ABCDEF9");
        let mut bytes = Vec::new();
        assert_eq!(read_hex("0aBcDeF9", &mut bytes), Ok(()));
        assert_eq!(bytes, [0x0A, 0xBC, 0xDE, 0xF9]);
        assert_eq!(read_hex("0G", &mut bytes), Err((1, Problem::Hex)));
        assert_eq!(read_hex("012", &mut bytes), Err((3, Problem::Hex)));
    }
}
