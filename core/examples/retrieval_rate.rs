//! Messages a second that the answering side of retrieval handles on one core, beside a loop that does nothing.
//! A message counts once it is answered: decoded, handled, its answer written into a buffer, and `Sent` handed in.
//! Run with `cargo run --release -p peerdist --example retrieval_rate`.

use std::hint::black_box;
use std::time::Instant as Clock;

use peerdist::content::SegmentId;
use peerdist::hash::Digest;
use peerdist::retrieval::server::{
    BlockForm, Connection, HeldBlock, HeldSegment, Holdings, Input, Output, SegmentHandle, Server,
    ServerSettings,
};
use peerdist::retrieval::{
    BlockIndex, BlockRange, BlockSet, GetBlockList, GetBlocks, Request, RequestBody, VersionRange,
};
use peerdist::time::Instant;

/// So few that a round often passes without another process in between, on a machine that has others.
const MESSAGES: u32 = 20_000;
const ROUNDS: usize = 101;

/// One segment, found by comparing its id: the price of a real store is not what is measured.
struct OneSegment(SegmentId);

impl Holdings for OneSegment {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        (*id == self.0).then(|| HeldSegment {
            handle: SegmentHandle(0),
            blocks: BlockSet::first_blocks(512),
            since: Instant::ZERO,
        })
    }

    fn block(&self, _: SegmentHandle, _: BlockIndex) -> Option<HeldBlock> {
        Some(HeldBlock {
            length: 65_536,
            form: BlockForm::Plain,
        })
    }
}

fn main() {
    let Ok(held) = Digest::try_from(&[1; 32][..]).map(SegmentId) else {
        return;
    };
    let Ok(missing) = Digest::try_from(&[2; 32][..]).map(SegmentId) else {
        return;
    };
    let holdings = OneSegment(held);
    let one = BlockSet::from_iter([BlockIndex::FIRST]);
    let several: BlockSet = [(0, 5), (100, 50), (400, 1)]
        .into_iter()
        .filter_map(|(index, count)| BlockRange::new(index, count))
        .collect();
    let block = |segment| {
        RequestBody::Blocks(GetBlocks {
            segment,
            requested: one.into(),
            verification: &[],
        })
    };
    let list = RequestBody::BlockList(GetBlockList {
        segment: held,
        needed: several.into(),
    });
    let kinds = [
        ("MSG_NEGO_REQ", RequestBody::Negotiation(VersionRange::ALL)),
        ("MSG_GETBLKLIST, 3 ranges", list),
        ("MSG_GETBLKS, not there", block(missing)),
        ("MSG_GETBLKS, there, encrypted", block(held)),
    ];
    for (name, body) in kinds {
        let message = Request::new(body).encode();
        let mut rates = [(0.0, 0.0); ROUNDS];
        for rate in &mut rates {
            *rate = (
                per_second(|_| nothing(&message)),
                served(&message, &holdings),
            );
        }
        rates.sort_by(|a, b| a.1.total_cmp(&b.1));
        let [.., (idle, best)] = rates;
        let (_, median) = rates.get(ROUNDS / 2).copied().unwrap_or_default();
        println!(
            "{name:32} best {:5.2}, median {:5.2} million a second ({:5.1} ns; the empty loop {:.1} ns)",
            best / 1e6,
            median / 1e6,
            1e9 / best,
            1e9 / idle
        );
    }
}

/// What the loop itself costs.
fn nothing(message: &[u8]) {
    black_box(message);
}

fn served(message: &[u8], holdings: &OneSegment) -> f64 {
    let Ok(mut server) = Server::new(ServerSettings::peer(), &[1; 32]) else {
        return 0.0;
    };
    let mut out = Vec::new();
    per_second(|number| {
        let connection = Connection(number);
        let now = Instant::from_nanos(number);
        let input = Input::Message {
            connection,
            bytes: black_box(message),
            holdings,
        };
        let mut handled = server.handle(now, input);
        while let Some(output) = server.poll_output() {
            let done = match output {
                Output::Encrypt(op) => Input::Ready {
                    exchange: op.exchange,
                },
                Output::Respond {
                    exchange: Some(exchange),
                    answer,
                    ..
                } => {
                    out.clear();
                    answer.encode_head_into(&mut out);
                    answer.encode_tail_into(&mut out);
                    black_box(&out);
                    Input::Sent { exchange }
                }
                _ => continue,
            };
            handled = handled.and(server.handle(now, done));
        }
        assert_eq!(handled, Ok(()), "the loop misuses the machine");
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement is the one thing here that needs a clock"
)]
fn per_second(mut work: impl FnMut(u64)) -> f64 {
    let start = Clock::now();
    (0..u64::from(MESSAGES)).for_each(&mut work);
    f64::from(MESSAGES) / start.elapsed().as_secs_f64()
}
