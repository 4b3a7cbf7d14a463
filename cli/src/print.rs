//! Small pieces of what people read.

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A count with its noun: `1 block`, `2 blocks`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Bytes from hexadecimal, with spaces and colons as people paste them.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits = text
        .char_indices()
        .filter(|(_, char)| !char.is_whitespace() && *char != ':')
        .map(
            |(at, char)| match char.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
                Some(digit) => Ok(digit),
                None => Err(format!(
                    "{char:?} at position {at} is not a hexadecimal digit"
                )),
            },
        )
        .collect::<Result<Vec<u8>, String>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!(
            "{} hexadecimal digits; expected an even number",
            digits.len()
        ));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_survives_a_round_trip_and_names_what_is_wrong() {
        assert_eq!(from_hex("00 ff:A1\n"), Ok(vec![0, 0xff, 0xa1]));
        assert_eq!(hex(&[0, 0xff, 0xa1]), "00ffa1");
        assert_eq!(
            from_hex("abc"),
            Err("3 hexadecimal digits; expected an even number".into())
        );
        assert_eq!(
            from_hex("0g"),
            Err("'g' at position 1 is not a hexadecimal digit".into())
        );
    }
}
