//! AES-CBC by the crates `aes` and `cbc`, one message after another: the reference.
//! Invariant: every other kernel gives the bytes that this one gives.
//! Byte order: a message is a string of bytes.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::array::Array;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit,
    KeyInit, consts::U16,
};
use cbc::{Decryptor, Encryptor};

use super::job::Job;
use super::key::Material;

pub(super) fn encrypt(job: &mut Job<'_>) {
    match job.key().material() {
        Material::Aes128(key) => encrypt_with(&Aes128::new(key.into()), job),
        Material::Aes192(key) => encrypt_with(&Aes192::new(key.into()), job),
        Material::Aes256(key) => encrypt_with(&Aes256::new(key.into()), job),
    }
}

pub(super) fn decrypt(job: &mut Job<'_>) {
    match job.key().material() {
        Material::Aes128(key) => decrypt_with(&Aes128::new(key.into()), job),
        Material::Aes192(key) => decrypt_with(&Aes192::new(key.into()), job),
        Material::Aes256(key) => decrypt_with(&Aes256::new(key.into()), job),
    }
}

fn encrypt_with<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, job: &mut Job<'_>) {
    let mut mode = Encryptor::inner_iv_init(cipher, job.iv().into());
    mode.encrypt_blocks(Array::cast_slice_from_core_mut(job.take_blocks()));
}

fn decrypt_with<C: BlockCipherDecrypt<BlockSize = U16>>(cipher: &C, job: &mut Job<'_>) {
    let mut mode = Decryptor::inner_iv_init(cipher, job.iv().into());
    mode.decrypt_blocks(Array::cast_slice_from_core_mut(job.take_blocks()));
}
