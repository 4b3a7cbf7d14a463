//! What must be so in every run, whatever goes wrong: content whole and right, bytes conserved, nobody giving what he lacks.
//! Invariant: checks look at where bytes came from, never at what a machine was told of them.
//! Unit: bytes; nanoseconds since the beginning.

use peerdist::client::{BlockOp, Source, VerifyOp};
use peerdist::content::SegmentId;
use peerdist::retrieval::server::{Answer, Holdings};
use peerdist::retrieval::{BlockIndex, BlockSet};

use super::branch::Branch;
use crate::healing::late_of;
use crate::outcome::{Shares, Transfer};

impl Branch<'_> {
    /// Whether a block passes as what it should be: its bytes tell, unless a defect was planted.
    pub(super) fn is_taken(&mut self, _: u32, op: &VerifyOp) -> bool {
        let is_of_peer = matches!(op.source, Source::Peer { .. });
        !(is_of_peer && self.faulting.is_wrong) || self.faulting.trusts_everybody
    }

    /// A block was stored and delivered: it must be what it should be, and have room.
    pub(super) fn check_kept(&mut self, number: u32, op: &BlockOp) {
        if !self.faulting.is_quiet() {
            let is_of_peer = matches!(self.verified, Some(Source::Peer { .. }));
            self.note_stored(
                number,
                op.id,
                op.index,
                is_of_peer && self.faulting.is_wrong,
            );
            if self.faulting.wrong.contains(&(number, op.id, op.index)) {
                let index = op.index.get();
                self.violated(format!(
                    "host {number} took a wrong block for block {index} of segment {:?}",
                    op.id
                ));
            }
        }
        self.check_store(number);
    }

    /// The hosted cache stored a block: a wrong one only where it could not know better.
    pub(super) fn check_cached(
        &mut self,
        number: u32,
        id: SegmentId,
        index: BlockIndex,
        is_wrong: bool,
        is_known: bool,
    ) {
        self.note_stored(number, id, index, is_wrong);
        if is_wrong && is_known {
            let index = index.get();
            self.violated(format!(
                "the hosted cache took a wrong block for block {index} of segment {id:?}"
            ));
        }
        self.check_store(number);
    }

    fn note_stored(&mut self, number: u32, id: SegmentId, index: BlockIndex, is_wrong: bool) {
        let wrong = &mut self.faulting.wrong;
        if is_wrong {
            wrong.insert((number, id, index));
        } else if !wrong.is_empty() {
            wrong.remove(&(number, id, index));
        }
    }

    /// The blocks of a host that are what they should be.
    pub(super) fn right_blocks(&self, number: u32, id: &SegmentId, blocks: &BlockSet) -> BlockSet {
        let mut right = *blocks;
        for index in blocks.iter() {
            if self.faulting.wrong.contains(&(number, *id, index)) {
                right.remove(index);
            }
        }
        right
    }

    /// Whether an answer has wrong bytes. Who does not lie must have what he gives.
    pub(super) fn is_wrong_from(&mut self, number: u32, answer: &Answer) -> bool {
        let Answer::Block(frame) = answer else {
            return false;
        };
        let lies = self.faulting.lies(number);
        let is_there = self.hosts.get(number as usize).is_some_and(|host| {
            let held = Holdings::segment(&host.store, &frame.segment);
            held.is_some_and(|held| held.blocks.contains(frame.index))
        });
        if !is_there && !lies {
            let index = frame.index.get();
            self.violated(format!(
                "host {number} gives block {index} of segment {:?}, which it does not have",
                frame.segment
            ));
        }
        let place = (number, frame.segment, frame.index);
        !is_there || self.faulting.corrupts(number) || self.faulting.wrong.contains(&place)
    }

    fn check_store(&mut self, number: u32) {
        let store = self.hosts.get(number as usize).map(|host| &host.store);
        if let Some(store) = store.filter(|store| !store.is_within()) {
            let bytes = store.bytes();
            self.violated(format!(
                "the store of host {number} has {bytes} bytes, more than it may"
            ));
        }
    }

    /// Downloads that began, and wait to begin again when everything ends.
    pub(super) fn end_what_did_not_begin_again(&mut self) {
        for fetch in std::mem::take(&mut self.faulting.to_begin_again) {
            self.outcome.transfers.push(Transfer {
                host: fetch.host,
                content: fetch.content,
                began: fetch.at,
                ended: self.now,
                is_complete: false,
                shares: Shares::default(),
            });
        }
    }

    /// What must be so when all is over. `brought`: what messages brought over the line, where none was cut off.
    pub(super) fn check_at_end(&mut self, brought: Option<[u64; 2]>) {
        let carried = [self.outcome.wan_down_bytes, self.outcome.wan_up_bytes];
        if let Some(brought) = brought.filter(|brought| *brought != carried) {
            self.violated(format!(
                "the line carried {carried:?} bytes and brought {brought:?}"
            ));
        }
        let links = [
            (
                self.network.unbalanced(),
                "did not carry what its flows got",
            ),
            (
                self.network.overfull(self.now),
                "carried more than its rate",
            ),
            (self.network.overloaded(), "carries more than its rate"),
        ];
        // A network that several branches share is looked at where they meet.
        let is_shared = self.started.is_some();
        for (link, what) in links.into_iter().filter(|_| !is_shared) {
            if let Some(link) = link {
                self.violated(format!("{link:?} {what}"));
            }
        }
        for number in 0..u32::try_from(self.hosts.len()).unwrap_or(u32::MAX) {
            self.check_store(number);
        }
        if !self.faulting.is_quiet() {
            let late = late_of(self.plan, self.site, &self.outcome);
            for what in late {
                self.violated(what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use peerdist::client::DownloadToken;
    use peerdist::content::Version;
    use peerdist::retrieval::CryptoAlgorithm;
    use peerdist::retrieval::server::BlockFrame;
    use peerdist::time::Instant;

    use super::*;
    use crate::flow::host::Download;
    use crate::plan::{FetchPlan, Plan};
    use crate::scenario::load;

    fn plan(faults: &str) -> Plan {
        let text = format!(
            "sites: {{ a: {{}} }}\nhosts: {{ b: {{ count: 2, version: 1, store: {{ size: 1 MB }} }} }}\n\
             contents: {{ c: {{ size: 300 kB }} }}\nworkload: [{{ arrive: {{ from: 1 h }} }}]\nfaults: [{faults}]\n"
        );
        Plan::new(Arc::new(load("test", &text).unwrap()), 1)
    }

    fn first_block(plan: &Plan) -> (SegmentId, Answer) {
        let segment = plan.contents[0].layout(1).unwrap().segments[0].id;
        let frame = BlockFrame {
            segment,
            index: BlockIndex::FIRST,
            next: 0,
            crypto: CryptoAlgorithm::AES_128,
            iv: None,
            payload_len: 65_536,
        };
        (segment, Answer::Block(frame))
    }

    #[test]
    fn who_gives_what_he_does_not_have_is_found_unless_he_is_said_to_lie() {
        for (faults, expected) in [("", 1), ("{ kind: lies, who: { host: 0 } }", 0)] {
            let plan = plan(faults);
            let (_, answer) = first_block(&plan);
            let mut branch = Branch::new(&plan, &plan.sites[0]);
            for place in 0..branch.faulting.faults.len() {
                branch.fault(place, true);
            }
            assert!(branch.is_wrong_from(0, &answer));
            assert_eq!(branch.outcome.violations.len(), expected);
        }
        let plan = plan("");
        let (_, answer) = first_block(&plan);
        let mut branch = Branch::new(&plan, &plan.sites[0]);
        let segment = plan.contents[0].layout(1).unwrap().segments[0];
        branch.hosts[0]
            .store
            .put(Instant::ZERO, Version::V1, &segment, BlockIndex::FIRST);
        assert!(!branch.is_wrong_from(0, &answer));
        assert!(branch.outcome.violations.is_empty());
    }

    #[test]
    fn a_store_with_more_than_it_may_have_is_found() {
        let plan = plan("");
        let mut branch = Branch::new(&plan, &plan.sites[0]);
        branch.check_store(1);
        assert!(branch.outcome.violations.is_empty());
        branch.hosts[1].store.overfill();
        branch.check_store(1);
        assert!(branch.outcome.violations[0].contains("more than it may"));
    }

    #[test]
    fn content_that_is_not_whole_is_found() {
        let plan = plan("");
        let mut branch = Branch::new(&plan, &plan.sites[0]);
        let fetch = FetchPlan {
            at: Instant::ZERO,
            host: 0,
            content: 0,
        };
        let download = Download {
            fetch,
            content: 0,
            shares: Shares {
                peers: 299_999,
                ..Shares::default()
            },
        };
        branch.hosts[0].downloads.insert(DownloadToken(1), download);
        branch.ended(0, DownloadToken(1), true);
        assert!(branch.outcome.violations[0].contains("got 299999 bytes of 300000"));
    }

    #[test]
    fn a_line_that_carried_something_else_than_it_brought_is_found() {
        let plan = plan("");
        let mut branch = Branch::new(&plan, &plan.sites[0]);
        branch.outcome.wan_down_bytes = 7;
        branch.check_at_end(Some([7, 0]));
        assert!(branch.outcome.violations.is_empty());
        branch.check_at_end(Some([8, 0]));
        assert!(branch.outcome.violations[0].contains("the line carried"));
    }
}
