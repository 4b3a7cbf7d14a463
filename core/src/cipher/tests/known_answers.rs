//! Known answers of NIST SP 800-38A F.2.1 to F.2.6: CBC with each key length, both directions.
//! Invariant: the bytes below are the publication's, none of them computed here.
//! Byte order: strings of bytes, in hexadecimal as printed.

use super::*;

const IV: &str = "000102030405060708090a0b0c0d0e0f";
const PLAINTEXT: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

const ANSWERS: [(BlockCipher, &str, &str); 3] = [
    (
        BlockCipher::Aes128,
        "2b7e151628aed2a6abf7158809cf4f3c",
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
         73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    ),
    (
        BlockCipher::Aes192,
        "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
        "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a\
         571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
    ),
    (
        BlockCipher::Aes256,
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
         39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
    ),
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|c| c.to_digit(16).unwrap()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

#[test]
fn encryption_gives_the_answers_of_sp_800_38a() {
    for engine in engines() {
        for (algorithm, key, ciphertext) in ANSWERS {
            let key = CbcKey::new(algorithm, &hex(key)).unwrap();
            let iv = hex(IV).try_into().unwrap();
            for count in [1, 2, 3, 5, 9, 16, 33] {
                let mut buffers = vec![hex(PLAINTEXT); count];
                let mut jobs: Vec<_> = buffers
                    .iter_mut()
                    .map(|buffer| EncryptJob::unpadded(&key, iv, buffer).unwrap())
                    .collect();
                engine.encrypt_many(&mut jobs);
                for buffer in buffers {
                    assert_eq!(buffer, hex(ciphertext), "{engine}, {algorithm:?}, {count}");
                }
            }
        }
    }
}

#[test]
fn decryption_gives_the_answers_of_sp_800_38a() {
    for engine in engines() {
        for (algorithm, key, ciphertext) in ANSWERS {
            let key = CbcKey::new(algorithm, &hex(key)).unwrap();
            let mut buffer = hex(ciphertext);
            let job = DecryptJob::new(&key, hex(IV).try_into().unwrap(), &mut buffer).unwrap();
            engine.decrypt_many(&mut [job]);
            assert_eq!(buffer, hex(PLAINTEXT), "{engine}, {algorithm:?}");
        }
    }
}
