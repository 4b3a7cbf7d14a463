//! Damage to messages of MS-PCCRD: every truncation and every changed byte of each.
//! Invariant: nothing panics; what still decodes is written and read again as what it was.
//! Byte order: as in the messages.

use super::*;

fn assert_sound(datagram: &[u8]) {
    if let Ok(Decoded { message, .. }) = Message::decode(datagram) {
        let again = Message::decode(&message.encode()).map(|decoded| decoded.message);
        assert_eq!(again, Ok(message));
    }
}

#[test]
fn every_truncation_is_refused() {
    for message in messages() {
        let datagram = message.encode();
        for length in 0..datagram.len() {
            let error = Message::decode(&datagram[..length]).unwrap_err();
            assert!(error.at <= length, "{length}: {error}");
            assert!(
                ["truncated", "entity"].contains(&error.problem.name()),
                "{length}: {error}"
            );
        }
    }
}

#[test]
fn every_truncation_of_utf_16_is_refused() {
    for message in messages() {
        let text = text(&message).replace("utf-8", "utf-16");
        for to_bytes in [u16::to_be_bytes, u16::to_le_bytes] {
            let datagram = utf16(&text, to_bytes);
            assert!(Message::decode(&datagram).is_ok());
            for length in 0..datagram.len() {
                let error = Message::decode(&datagram[..length]).unwrap_err();
                assert!(error.at <= length, "{length}: {error}");
            }
        }
    }
}

#[test]
fn no_changed_byte_makes_a_decoder_panic() {
    for message in messages() {
        let mut datagram = message.encode();
        for at in 0..datagram.len() {
            let original = datagram[at];
            let changes = b"\0 <&/\":0\xC3";
            for to in changes
                .iter()
                .copied()
                .chain([original ^ 1, original ^ 0x20])
            {
                datagram[at] = to;
                assert_sound(&datagram);
            }
            datagram[at] = original;
        }
    }
}

#[test]
fn no_missing_or_doubled_byte_makes_a_decoder_panic() {
    for message in messages() {
        let datagram = message.encode();
        for at in 0..datagram.len() {
            assert_sound(&[&datagram[..at], &datagram[at + 1..]].concat());
            assert_sound(&[&datagram[..=at], &datagram[at..]].concat());
            for inserted in ["<!--", "<![CDATA[", "&#", "]]>", "<!-->", "<?xml?>"] {
                assert_sound(&[&datagram[..at], inserted.as_bytes(), &datagram[at..]].concat());
            }
        }
    }
}

#[test]
fn no_short_document_makes_a_decoder_panic() {
    let alphabet = b"<>!?-[/&;='\" ax:]";
    let mut document = Vec::new();
    for length in 1..=4 {
        for mut number in 0..alphabet.len().pow(length) {
            document.clear();
            for _ in 0..length {
                document.push(alphabet[number % alphabet.len()]);
                number /= alphabet.len();
            }
            assert!(Message::decode(&document).is_err());
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes: Vec<u8>, cut: u16) {
        assert_sound(&bytes);
        let datagram = messages()[usize::from(cut) % 4].encode();
        let at = usize::from(cut) % datagram.len();
        assert_sound(&[&datagram[..at], &bytes, &datagram[at..]].concat());
    }
}
