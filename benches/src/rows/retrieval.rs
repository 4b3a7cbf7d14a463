//! Rows of the answering side of retrieval (MS-PCCRR 3.2): messages a second on one core.
//! Invariant: a message counts once it is decoded, handled, its answer written but for the block, and `Sent` handed in;
//! whether each is answered as its kind should be is looked at before anything is timed.

use std::hint::black_box;

use peerdist::content::SegmentId;
use peerdist::error::ApiMisuse;
use peerdist::hash::Digest;
use peerdist::retrieval::server::{
    BlockForm, Connection, HeldBlock, HeldSegment, Holdings, Input, Output, SegmentHandle, Server,
    ServerSettings,
};
use peerdist::retrieval::{
    BlockIndex, BlockRange, BlockSet, GetBlockList, GetBlocks, MessageType, Request, RequestBody,
    VersionRange,
};
use peerdist::time::Instant;

use super::Context;
use super::judge::{Round, Subject, Unit};
use crate::core_share::share_of_core;
use crate::pairs::Side;

/// Messages of one run: few, so that a run often passes without another process in between.
const MESSAGES: u64 = 4_000;

const RIVAL: &str = "the same loop around nothing";

/// A kind of request, and the answer that it should get.
struct Kind {
    bytes: Vec<u8>,
    answer: MessageType,
    is_encrypted: bool,
}

/// All kinds in turn, in equal shares.
pub fn machine(context: &Context) -> Round {
    row(context, "retrieval-machine", &Kind::all())
}

/// `MSG_NEGO_REQ` alone; informs only.
pub fn negotiation(context: &Context) -> Round {
    let kind = Kind::all().map(|[negotiation, ..]| [negotiation]);
    row(context, "retrieval-negotiation", &kind)
}

/// `MSG_GETBLKLIST` of three ranges alone; informs only.
pub fn block_list(context: &Context) -> Round {
    let kind = Kind::all().map(|[_, list, ..]| [list]);
    row(context, "retrieval-block-list", &kind)
}

/// `MSG_GETBLKS` for a segment that is not there alone; informs only.
pub fn block_missing(context: &Context) -> Round {
    let kind = Kind::all().map(|[_, _, missing, _]| [missing]);
    row(context, "retrieval-block-missing", &kind)
}

/// `MSG_GETBLKS` for a block that is there and goes out encrypted alone; informs only.
pub fn block_held(context: &Context) -> Round {
    let kind = Kind::all().map(|[.., held]| [held]);
    row(context, "retrieval-block-held", &kind)
}

fn row<const KINDS: usize>(
    context: &Context,
    name: &'static str,
    kinds: &Result<[Kind; KINDS], String>,
) -> Round {
    let kernel = "state machine".to_owned();
    let ours = kinds.as_ref().map_err(Clone::clone).and_then(|kinds| {
        let mut driver = Driver::of(new_server()?)?;
        kinds.iter().try_for_each(|kind| driver.check(kind))?;
        Ok(side(driver, kinds))
    });
    // Without kinds there is no side of ours either, and the row says why.
    let rival = kinds.as_ref().map_err(Clone::clone);
    let rival = rival.and_then(|kinds| Ok(side(Driver::of(Nothing)?, kinds)));
    Round::measure(Subject {
        name,
        kernel,
        unit: Unit::MessagesASecond,
        ours,
        rival_name: RIVAL.to_owned(),
        rival: rival.map_err(crate::rivals::NotInstalled),
        pairs: context.settings.memory_pairs,
        share_of_core: &share_of_core,
    })
}

fn side<'a, M: Answering + 'a>(mut driver: Driver<M>, kinds: &'a [Kind]) -> Side<'a> {
    let shares = MESSAGES / kinds.len() as u64;
    Side::in_memory(shares * kinds.len() as u64, move || {
        for _ in 0..shares {
            for kind in kinds {
                black_box(driver.answer(&kind.bytes));
            }
        }
    })
}

impl Kind {
    fn all() -> Result<[Self; 4], String> {
        let held = segment(1)?;
        let missing = segment(2)?;
        let one: BlockSet = [BlockIndex::FIRST].into_iter().collect();
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
        let kind = |body, answer, is_encrypted| Self {
            bytes: Request::new(body).encode(),
            answer,
            is_encrypted,
        };
        Ok([
            kind(
                RequestBody::Negotiation(VersionRange::ALL),
                MessageType::NEGO_RESP,
                false,
            ),
            kind(list, MessageType::BLKLIST, false),
            kind(block(missing), MessageType::BLK, false),
            kind(block(held), MessageType::BLK, true),
        ])
    }
}

fn segment(byte: u8) -> Result<SegmentId, String> {
    let digest = Digest::try_from(&[byte; 32][..]).map_err(|error| error.to_string())?;
    Ok(SegmentId(digest))
}

fn new_server() -> Result<Server, String> {
    Server::new(ServerSettings::peer(), &[1; 32]).map_err(|error| error.to_string())
}

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

/// What the loop drives.
trait Answering {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse>;
    fn poll_output(&mut self) -> Option<Output>;
}

impl Answering for Server {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse> {
        Self::handle(self, now, input)
    }

    fn poll_output(&mut self) -> Option<Output> {
        Self::poll_output(self)
    }
}

/// The rival: takes whatever comes and puts nothing out, so that what remains is the loop.
struct Nothing;

impl Answering for Nothing {
    fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse> {
        black_box((now, &input));
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output> {
        black_box(None)
    }
}

/// The loop: what a network server does around the machine, without the network and the blocks.
struct Driver<M> {
    machine: M,
    holdings: OneSegment,
    messages: u64,
    /// The answer last written, head and tail.
    out: Vec<u8>,
}

/// What became of one message.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Answered {
    message_type: Option<MessageType>,
    is_encrypted: bool,
    is_misuse: bool,
}

impl<M: Answering> Driver<M> {
    fn of(machine: M) -> Result<Self, String> {
        Ok(Self {
            machine,
            holdings: OneSegment(segment(1)?),
            messages: 0,
            out: Vec::new(),
        })
    }

    fn answer(&mut self, message: &[u8]) -> Answered {
        self.messages += 1;
        let now = Instant::from_nanos(self.messages);
        let mut answered = Answered::default();
        let input = Input::Message {
            connection: Connection(self.messages),
            bytes: black_box(message),
            holdings: &self.holdings,
        };
        let mut handled = self.machine.handle(now, input);
        while let Some(output) = self.machine.poll_output() {
            let done = match output {
                Output::Encrypt(op) => {
                    answered.is_encrypted = true;
                    Input::Ready {
                        exchange: op.exchange,
                    }
                }
                Output::Respond {
                    exchange: Some(exchange),
                    answer,
                    ..
                } => {
                    self.out.clear();
                    answer.encode_head_into(&mut self.out);
                    answer.encode_tail_into(&mut self.out);
                    black_box(&self.out);
                    answered.message_type = Some(answer.message_type());
                    Input::Sent { exchange }
                }
                _ => continue,
            };
            handled = handled.and(self.machine.handle(now, done));
        }
        answered.is_misuse = handled.is_err();
        answered
    }

    /// Whether the message gets the answer that its kind should get.
    fn check(&mut self, kind: &Kind) -> Result<(), String> {
        let answered = self.answer(&kind.bytes);
        let expected = Answered {
            message_type: Some(kind.answer),
            is_encrypted: kind.is_encrypted,
            is_misuse: false,
        };
        if answered == expected {
            Ok(())
        } else {
            Err(format!("answered {answered:?} instead of {expected:?}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_message_gets_its_answer() {
        let mut driver = Driver::of(new_server().unwrap()).unwrap();
        for kind in Kind::all().unwrap() {
            assert_eq!(driver.check(&kind), Ok(()));
            assert!(!driver.out.is_empty());
        }
    }

    #[test]
    fn a_machine_that_does_not_answer_is_no_measurement() {
        let mut driver = Driver::of(Nothing).unwrap();
        let [kind, ..] = Kind::all().unwrap();
        assert!(driver.check(&kind).is_err());
    }

    #[test]
    fn a_loop_of_many_messages_leaves_nothing_behind() {
        let mut driver = Driver::of(new_server().unwrap()).unwrap();
        let kinds = Kind::all().unwrap();
        for _ in 0..1_000 {
            kinds.iter().for_each(|kind| {
                driver.answer(&kind.bytes);
            });
        }
        assert!(kinds.iter().all(|kind| driver.check(kind).is_ok()));
    }
}
