//! Cutting by content with every engine of this machine, beside FastCDC, on noise and on text.
//! Invariant: a group has the same bytes for all.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peerdist::content::cut::{Cutter, Engine};
use peerdist_benches::rivals::cut;
use peerdist_benches::workload::noise;

const LEN: usize = 4 << 20;

/// Lines of digits: few different bytes, which a weak window hash suffers from.
fn text() -> Vec<u8> {
    let numbers = noise(LEN, 5);
    let lines = numbers
        .chunks_exact(8)
        .flat_map(|word| format!("{:?},\n", word).into_bytes());
    lines.take(LEN).collect()
}

fn cutters(criterion: &mut Criterion) {
    for (name, data) in [("noise", noise(LEN, 4)), ("text", text())] {
        let mut group = criterion.benchmark_group(format!("cut by content, {name}"));
        group.throughput(Throughput::Bytes(data.len() as u64));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(800));
        for engine in Engine::available() {
            group.bench_function(engine.name(), |bencher| {
                bencher.iter(|| {
                    let mut segments = 0_u32;
                    let mut cutter = Cutter::with_engine(engine);
                    cutter.push(black_box(&data), &mut |_| segments += 1);
                    cutter.finish(&mut |_| segments += 1);
                    segments
                });
            });
        }
        group.bench_function(format!("rival {}", cut::NAME), |bencher| {
            bencher.iter(|| cut::segments(black_box(&data)).count());
        });
        group.finish();
    }
}

criterion_group!(benches, cutters);
criterion_main!(benches);
