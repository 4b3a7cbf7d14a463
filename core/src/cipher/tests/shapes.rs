//! What the cipher refuses, how paddings are told apart, and what is never shown.
//! Invariant: no length of anything panics.
//! Byte order: none.

use super::*;

fn key() -> CbcKey {
    CbcKey::new(BlockCipher::Aes128, &[0x5c; 16]).unwrap()
}

#[test]
fn keys_of_every_wrong_length_are_refused() {
    for algorithm in BlockCipher::ALL {
        let expected = algorithm.key_len();
        for found in 0..=80 {
            let refused = CipherError::KeyLength { expected, found };
            let exact = CbcKey::new(algorithm, &vec![1; found]);
            let leading = CbcKey::from_leading(algorithm, &vec![1; found]);
            assert_eq!(
                exact.map(|_| ()),
                if found == expected {
                    Ok(())
                } else {
                    Err(refused)
                }
            );
            assert_eq!(
                leading.map(|_| ()),
                if found >= expected {
                    Ok(())
                } else {
                    Err(refused)
                }
            );
        }
    }
}

#[test]
fn a_secret_serves_every_algorithm_with_its_first_bytes() {
    let secret: Vec<u8> = (0..64).collect();
    for algorithm in BlockCipher::ALL {
        let mut buffers = [[0; 16]; 2];
        let keys = [
            CbcKey::new(algorithm, &secret[..algorithm.key_len()]).unwrap(),
            CbcKey::from_leading(algorithm, &secret).unwrap(),
        ];
        for (key, buffer) in keys.iter().zip(&mut buffers) {
            encrypt(key, [0; 16], buffer, 5).unwrap();
        }
        assert_eq!(buffers[0], buffers[1]);
    }
}

#[test]
fn the_padded_length_is_the_next_greater_multiple_of_16() {
    for len in 0..1_000 {
        assert_eq!(padded_len(len), (len / 16 + 1) * 16);
    }
    for len in usize::MAX - 40..=usize::MAX {
        assert!(padded_len(len) >= len);
    }
}

#[test]
fn buffers_of_every_wrong_length_are_refused_and_left_alone() {
    let key = key();
    for plaintext_len in (0..=66).chain([usize::MAX - 17, usize::MAX - 1, usize::MAX]) {
        let expected = padded_len(plaintext_len);
        for found in 0..=100 {
            let mut buffer = vec![0xee; found];
            let answer = encrypt(&key, [0; 16], &mut buffer, plaintext_len);
            if found == expected {
                assert_eq!(answer, Ok(()));
            } else {
                assert_eq!(answer, Err(CipherError::BufferLength { expected, found }));
                assert_eq!(buffer, vec![0xee; found]);
            }
        }
    }
}

#[test]
fn ciphertexts_of_partial_blocks_are_refused_and_left_alone() {
    let key = key();
    for found in 0..=100 {
        let mut buffer = vec![0xee; found];
        let answer = decrypt(&key, [0; 16], &mut buffer);
        if found % 16 == 0 {
            assert_eq!(answer, Ok(()));
            continue;
        }
        assert_eq!(answer, Err(CipherError::PartialBlock { found }));
        let unpadded = EncryptJob::unpadded(&key, [0; 16], &mut buffer).map(|_| ());
        assert_eq!(unpadded, Err(CipherError::PartialBlock { found }));
        assert_eq!(buffer, vec![0xee; found]);
    }
}

#[test]
fn jobs_without_blocks_do_nothing() {
    let key = key();
    for engine in engines() {
        let mut jobs: Vec<_> = (0..20)
            .map(|_| EncryptJob::unpadded(&key, [0; 16], &mut []).unwrap())
            .collect();
        engine.encrypt_many(&mut jobs);
        let mut jobs: Vec<_> = (0..20)
            .map(|_| DecryptJob::new(&key, [0; 16], &mut []).unwrap())
            .collect();
        engine.decrypt_many(&mut jobs);
        engine.encrypt_many(&mut []);
        engine.decrypt_many(&mut []);
    }
}

#[test]
fn paddings_are_told_apart_by_what_follows_the_known_length() {
    let block: Vec<u8> = (100..200).collect();
    for len in 0..=block.len() {
        for count in 1..=16_u8 {
            let with = |fill: u8, count: u8| {
                let mut bytes = block[..len].to_vec();
                bytes.extend(vec![fill; count.into()]);
                bytes
            };
            let (pkcs7, zero, other) = (with(count, count), with(0, count), with(count + 1, count));
            assert_eq!(unpad_to(&pkcs7, len), Ok((&block[..len], Padding::Pkcs7)));
            assert_eq!(unpad_to(&zero, len), Ok((&block[..len], Padding::Zero)));
            assert_eq!(unpad_to(&other, len), Ok((&block[..len], Padding::Other)));
            let mut spoilt = pkcs7.clone();
            *spoilt.last_mut().unwrap() ^= 0x80;
            assert_eq!(unpad_to(&spoilt, len), Ok((&block[..len], Padding::Other)));
        }
        assert_eq!(
            unpad_to(&block[..len], len),
            Ok((&block[..len], Padding::None))
        );
        for surplus in [17, 32, 255] {
            for fill in [0, 17, 255] {
                let mut bytes = block[..len].to_vec();
                bytes.extend(vec![fill; surplus]);
                assert_eq!(unpad_to(&bytes, len), Ok((&block[..len], Padding::Other)));
            }
        }
    }
}

#[test]
fn a_plaintext_longer_than_what_was_decrypted_is_refused() {
    let bytes = [0; 64];
    for found in 0..=64 {
        for expected in (found + 1..70).chain([usize::MAX]) {
            let answer = unpad_to(&bytes[..found], expected);
            assert_eq!(answer, Err(CipherError::TooShort { expected, found }));
        }
    }
}

#[test]
fn what_a_sender_padded_in_another_way_decrypts_to_the_known_length() {
    let key = key();
    let plaintext: Vec<u8> = (0..=255).collect();
    for len in 0..=256 {
        for (fill, padding) in [(0, Padding::Zero), (0xcc, Padding::Other)] {
            let mut buffer = plaintext[..len].to_vec();
            buffer.resize(len.next_multiple_of(16), fill);
            let job = EncryptJob::unpadded(&key, [9; 16], &mut buffer).unwrap();
            encrypt_many(&mut [job]);
            decrypt(&key, [9; 16], &mut buffer).unwrap();
            let padding = if len % 16 == 0 {
                Padding::None
            } else {
                padding
            };
            assert_eq!(unpad_to(&buffer, len), Ok((&plaintext[..len], padding)));
        }
    }
}

#[test]
fn nothing_that_is_printed_shows_a_key_or_a_plaintext() {
    let key = CbcKey::new(BlockCipher::Aes256, &[0xab; 32]).unwrap();
    assert_eq!(format!("{key:?}"), "CbcKey(Aes256, ..)");
    let mut buffer = [0xcd; 32];
    let job = EncryptJob::new(&key, [0xef; 16], &mut buffer, 20).unwrap();
    assert_eq!(
        format!("{job:?}"),
        "EncryptJob { algorithm: Aes256, len: 32, .. }"
    );
    let job = DecryptJob::new(&key, [0xef; 16], &mut buffer).unwrap();
    assert_eq!(
        format!("{job:?}"),
        "DecryptJob { algorithm: Aes256, len: 32, .. }"
    );
}

#[test]
fn an_engine_that_cannot_run_is_refused_by_name() {
    let unknown = Engine::find("rot13").unwrap_err().to_string();
    assert!(
        unknown.starts_with("there is no cipher engine `rot13`; this processor can run `auto`")
    );
    for name in Engine::unavailable() {
        let known = Engine::find(name).unwrap_err().to_string();
        assert!(known.starts_with(&format!(
            "this processor cannot run the cipher engine `{name}`"
        )));
    }
    assert_eq!(Engine::named("portable").unwrap().name(), "portable");
    assert!(Engine::available().any(|engine| engine.name() == "auto"));
}

#[test]
fn the_engine_in_use_stays() {
    let current = Engine::current();
    assert_eq!(current.install(), Err(EngineAlreadyChosen));
    assert!(core::ptr::eq(current, Engine::current()));
    if let Ok(Some(wanted)) = Engine::from_env() {
        assert_eq!(current.name(), wanted.name());
    } else {
        assert_eq!(current.name(), "auto");
    }
}
