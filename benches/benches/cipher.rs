//! AES-128-CBC of many padded blocks by every engine of this machine, beside OpenSSL.
//! Invariant: a group has the same bytes for all.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peerdist::cipher::{BlockCipher, CbcKey, DecryptJob, EncryptJob, Engine};
use peerdist_benches::rivals::libcrypto::{Direction, Libcrypto};
use peerdist_benches::workload::{BLOCK_LEN, noise};

const MESSAGE_LEN: usize = BLOCK_LEN + 16;
const LEN: usize = 64 * MESSAGE_LEN;
const KEY: [u8; 16] = [7; 16];
const IV: [u8; 16] = [9; 16];

fn ours(engine: &Engine, key: &CbcKey, direction: Direction, data: &mut [u8]) {
    let messages = data.chunks_mut(MESSAGE_LEN);
    match direction {
        Direction::Encrypt => {
            let jobs = messages.map(|message| EncryptJob::unpadded(key, IV, message));
            engine.encrypt_many(
                &mut jobs
                    .collect::<Result<Vec<_>, _>>()
                    .expect("whole AES blocks"),
            );
        }
        Direction::Decrypt => {
            let jobs = messages.map(|message| DecryptJob::new(key, IV, message));
            engine.decrypt_many(
                &mut jobs
                    .collect::<Result<Vec<_>, _>>()
                    .expect("whole AES blocks"),
            );
        }
    }
}

fn both_ways(criterion: &mut Criterion) {
    let key = CbcKey::new(BlockCipher::Aes128, &KEY).expect("16 bytes");
    let library = Libcrypto::open();
    let mut data = noise(LEN, 3);
    for direction in [Direction::Encrypt, Direction::Decrypt] {
        let mut group = criterion.benchmark_group(format!("AES-128-CBC, {direction:?}"));
        group.throughput(Throughput::Bytes(LEN as u64));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(800));
        for engine in Engine::available() {
            let name = format!("{} ({})", engine.name(), engine.kernel_name());
            group.bench_function(name, |bencher| {
                bencher.iter(|| ours(engine, &key, direction, black_box(&mut data)));
            });
        }
        let cipher = library.as_ref().map_err(Clone::clone);
        match cipher.and_then(|library| library.aes_128_cbc(&KEY, direction)) {
            Ok(mut cipher) => {
                group.bench_function("rival OpenSSL EVP", |bencher| {
                    bencher.iter(|| {
                        for message in black_box(&mut data).chunks_mut(MESSAGE_LEN) {
                            cipher.apply(&IV, message);
                        }
                    });
                });
            }
            Err(reason) => eprintln!("NOT RUN: OpenSSL EVP: {reason}"),
        }
        group.finish();
    }
}

criterion_group!(benches, both_ways);
criterion_main!(benches);
