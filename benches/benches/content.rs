//! Content information made of content in memory, beside the digests alone by OpenSSL; and read again.
//! Invariant: rates of making are those of the content, rates of reading those of the content information.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use peerdist::content::create::{CreateError, Creator};
use peerdist::content::{ContentInfo, SecretKey};
use peerdist::hash::HashAlgorithm;
use peerdist_benches::rivals::cut;
use peerdist_benches::rivals::libcrypto::Libcrypto;
use peerdist_benches::workload::{BLOCK_LEN, noise};

const LEN: usize = 16 << 20;

fn short(group: &mut BenchmarkGroup<'_, WallTime>, bytes: usize) {
    group.throughput(Throughput::Bytes(bytes as u64));
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(800));
}

fn create(version: u8, secret_key: &SecretKey, data: &[u8]) -> Result<Vec<u8>, CreateError> {
    let mut creator = match version {
        1 => Creator::v1(HashAlgorithm::Sha256, secret_key)?,
        _ => Creator::v2(secret_key),
    };
    creator.update(data)?;
    Ok(creator.finish()?.to_vec())
}

fn both_versions(criterion: &mut Criterion) {
    let secret_key = SecretKey::new([7; 32]).expect("a key of 32 bytes");
    let data = noise(LEN, 6);
    let library = Libcrypto::open();
    for (version, algorithm) in [(1, c"SHA256"), (2, c"SHA512")] {
        let mut group = criterion.benchmark_group(format!("content information {version}, create"));
        short(&mut group, LEN);
        group.bench_function("peerdist", |bencher| {
            bencher.iter(|| create(version, &secret_key, black_box(&data)).expect("content"));
        });
        match library
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|library| library.hasher(algorithm))
        {
            Ok(mut hasher) => {
                let mut out = [0; 64];
                group.bench_function("rival cut and OpenSSL EVP", |bencher| {
                    bencher.iter(|| match version {
                        1 => black_box(&data)
                            .chunks(BLOCK_LEN)
                            .for_each(|block| hasher.digest_into(block, black_box(&mut out))),
                        _ => cut::segments(black_box(&data))
                            .for_each(|segment| hasher.digest_into(segment, black_box(&mut out))),
                    });
                });
            }
            Err(reason) => eprintln!("NOT RUN: OpenSSL EVP: {reason}"),
        }
        group.finish();

        let info = create(version, &secret_key, &data).expect("content");
        let mut group = criterion.benchmark_group(format!("content information {version}, decode"));
        short(&mut group, info.len());
        group.bench_function("peerdist, whole and every block", |bencher| {
            bencher.iter(|| {
                let info = ContentInfo::decode(black_box(&info)).expect("what was just made");
                info.blocks().count()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, both_versions);
criterion_main!(benches);
