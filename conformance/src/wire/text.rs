//! Bytes as text: hexBinary and base64Binary of XML Schema, and UUIDs as URIs.
//! Invariant: what is read has no character too many; what is written is canonical.
//! Byte order: none.

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Hex in upper case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The bytes of hex of either case. `None`: it is none.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let digits: Option<Vec<u32>> = text.as_bytes().iter().map(digit).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    let joined = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    joined.collect()
}

/// Base64 with padding.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let symbol = bits >> (18 - 6 * place) & 63;
            let symbol = BASE64.get(symbol as usize).copied().unwrap_or_default();
            let is_padding = place > chunk.len();
            text.push(if is_padding { '=' } else { char::from(symbol) });
        }
    }
    text
}

/// The bytes of base64 with padding, in which white space may stand anywhere. `None`: it is none.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let padding = symbols.iter().rev().take_while(|symbol| **symbol == b'=');
    let padding = padding.count();
    let symbols = symbols.get(..symbols.len() - padding)?;
    let mut bytes = Vec::with_capacity(symbols.len());
    let (mut bits, mut count) = (0_u32, 0);
    for symbol in symbols {
        let value = BASE64.iter().position(|other| other == symbol)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    // What is over has to be what padding says, and zeros.
    let is_whole = padding <= 2 && count == 2 * padding && bits & ((1 << count) - 1) == 0;
    is_whole.then_some(bytes)
}

/// A random UUID (version 4) as a URI.
#[must_use]
pub fn uuid(mut random: [u8; 16]) -> String {
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut random;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let digits = hex(&random).to_lowercase();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let parts = [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ];
    format!("urn:uuid:{}", parts.join("-"))
}

/// Whether a text is a UUID as a URI, of any version and either case.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    let scheme = "urn:uuid:";
    let Some(start) = text.get(..scheme.len()) else {
        return false;
    };
    let parts: Vec<&str> = text
        .get(scheme.len()..)
        .unwrap_or_default()
        .split('-')
        .collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    start.eq_ignore_ascii_case(scheme)
        && parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
            assert_eq!(from_base64(text).unwrap(), plain.as_bytes());
        }
        assert_eq!(from_base64(" Zm 9v\n").unwrap(), b"foo");
        for wrong in [
            "Zg", "Zg=", "Zg=a", "Zh==", "Z===", "Z-==", "====", "Zm9v!AAA", "Zg==Zg==",
        ] {
            assert_eq!(from_base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hex_has_an_even_number_of_digits() {
        assert_eq!(from_hex("0aFf").unwrap(), [10, 255]);
        assert_eq!(hex(&[10, 255]), "0AFF");
        for wrong in ["0", "0g", "+1", "é"] {
            assert_eq!(from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn uuids_have_five_parts() {
        assert_eq!(
            uuid([0xff; 16]),
            "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert!(is_uuid("urn:uuid:87A89944-0230-43a5-AC4E-FAB1386C8E2C"));
        for wrong in [
            "87A89944-0230-43a5-AC4E-FAB1386C8E2C",
            "urn:uuid:87A89944023043a5AC4EFAB1386C8E2C",
            "urn:uuid:87A89944-0230-43a5-AC4E-FAB1386C8E2G",
            "uuid",
        ] {
            assert!(!is_uuid(wrong), "{wrong}");
        }
    }
}
