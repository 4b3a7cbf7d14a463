//! Digests of many inputs by every engine of this machine, beside the rivals.
//! Invariant: a group has the same bytes for all.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use peerdist::hash::{Engine, HashAlgorithm};
use peerdist_benches::rivals::libcrypto::Libcrypto;
use peerdist_benches::rivals::{cut, tape};
use peerdist_benches::workload::{BLOCK_LEN, noise};

const LEN: usize = 4 << 20;

fn every_engine(
    group: &mut BenchmarkGroup<'_, WallTime>,
    algorithm: HashAlgorithm,
    inputs: &[&[u8]],
) {
    let mut out = vec![0; inputs.len() * algorithm.digest_len()];
    for engine in Engine::available() {
        let name = format!("{} ({})", engine.name(), engine.kernel_name(algorithm));
        group.bench_function(name, |bencher| {
            bencher.iter(|| engine.digest_many(algorithm, black_box(inputs), black_box(&mut out)));
        });
    }
}

fn evp(group: &mut BenchmarkGroup<'_, WallTime>, name: &std::ffi::CStr, inputs: &[&[u8]]) {
    let library = match Libcrypto::open() {
        Ok(library) => library,
        Err(reason) => return eprintln!("NOT RUN: OpenSSL EVP: {reason}"),
    };
    let mut hasher = match library.hasher(name) {
        Ok(hasher) => hasher,
        Err(reason) => return eprintln!("NOT RUN: OpenSSL EVP: {reason}"),
    };
    let mut out = [0; 64];
    group.bench_function("rival OpenSSL EVP", |bencher| {
        bencher.iter(|| {
            for input in black_box(inputs) {
                hasher.digest_into(input, black_box(&mut out));
            }
        });
    });
}

fn short(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.throughput(Throughput::Bytes(LEN as u64));
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(800));
}

fn blocks(criterion: &mut Criterion) {
    let data = noise(LEN, 1);
    let inputs: Vec<&[u8]> = data.chunks(BLOCK_LEN).collect();
    let mut group = criterion.benchmark_group("SHA-256, blocks of 64 KiB");
    short(&mut group);
    every_engine(&mut group, HashAlgorithm::Sha256, &inputs);
    evp(&mut group, c"SHA256", &inputs);
    let mut out = vec![[0; 32]; inputs.len()];
    group.bench_function(format!("rival {}", tape::name()), |bencher| {
        bencher.iter(|| tape::digest_many(black_box(&inputs), black_box(&mut out)));
    });
    group.finish();
}

fn segments(criterion: &mut Criterion) {
    let data = noise(LEN, 1);
    let inputs: Vec<&[u8]> = cut::segments(&data).collect();
    let mut group = criterion.benchmark_group("SHA-512, segments of 16 to 128 KiB");
    short(&mut group);
    every_engine(&mut group, HashAlgorithm::Sha512Truncated, &inputs);
    evp(&mut group, c"SHA512", &inputs);
    group.finish();
}

criterion_group!(benches, blocks, segments);
criterion_main!(benches);
