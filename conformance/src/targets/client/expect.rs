//! What cases of clients assert again and again.
//! Invariant: a message counts as discarded only if the client asked for it and then got its blocks elsewhere.
//! Byte order: none.

use std::ops::Range as Bytes;
use std::time::Duration;

use super::Client;
use super::world::origin::Asked;
use super::world::peer::{PeerScript, Requested};
use super::world::{Outcome, World};
use crate::judge::session::Session;
use crate::judge::{Outcome as Found, Stop};
use crate::wire::retrieval::{Body, Message, Range, kind, name_of};

/// How long after a server failed requests to it may still be on their way.
pub const ON_THE_WAY: Duration = Duration::from_millis(400);

/// A request for blocks, or for a list of them.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The request.
    pub request: &'a Requested,
    /// Its message.
    pub message: &'a Message,
    /// The segment.
    pub segment_id: &'a [u8],
    /// The ranges.
    pub ranges: &'a [Range],
}

impl Wanted<'_> {
    /// The first block.
    #[must_use]
    pub fn index(&self) -> Option<u32> {
        self.ranges.first().map(|range| range.index)
    }
}

/// The segment and the ranges of a request.
type Asking<'a> = (&'a Vec<u8>, &'a Vec<Range>);

impl Outcome {
    /// The requests of retrieval that read well.
    pub fn messages(&self) -> impl Iterator<Item = (&Requested, &Message)> {
        let requests = self.seen.requests.iter();
        requests.filter_map(|request| Some((request, request.message.as_ref().ok()?)))
    }

    /// All MSG_GETBLKS.
    #[must_use]
    pub fn blocks(&self) -> Vec<Wanted<'_>> {
        self.wanted(|body| match body {
            Body::GetBlocks {
                segment_id, ranges, ..
            } => Some((segment_id, ranges)),
            _ => None,
        })
    }

    /// All MSG_GETBLKLIST.
    #[must_use]
    pub fn lists(&self) -> Vec<Wanted<'_>> {
        self.wanted(|body| match body {
            Body::GetBlockList { segment_id, ranges } => Some((segment_id, ranges)),
            _ => None,
        })
    }

    fn wanted<'a>(&'a self, of: fn(&'a Body) -> Option<Asking<'a>>) -> Vec<Wanted<'a>> {
        let wanted = self.messages().filter_map(|(request, message)| {
            let (segment_id, ranges) = of(&message.body)?;
            Some(Wanted {
                request,
                message,
                segment_id,
                ranges,
            })
        });
        wanted.collect()
    }

    /// How many requests came to a peer.
    #[must_use]
    pub fn count_at(&self, peer: usize) -> usize {
        let requests = self.seen.requests.iter();
        requests.filter(|request| request.peer == peer).count()
    }

    /// Requests for data that peers had not.
    pub fn missing(&self) -> impl Iterator<Item = &Asked> {
        self.seen
            .origin
            .iter()
            .filter(|asked| asked.given.is_some())
    }

    /// How many bytes of a range of the content came from the origin.
    #[must_use]
    pub fn given(&self, range: &Bytes<u64>) -> u64 {
        let mut parts: Vec<Bytes<u64>> = self.missing().filter_map(|a| a.given.clone()).collect();
        parts.sort_by_key(|part| part.start);
        let (mut at, mut count) = (range.start, 0);
        for part in parts {
            let start = part.start.max(at);
            let end = part.end.min(range.end);
            if start < end {
                count += end - start;
                at = end;
            }
        }
        count
    }
}

impl World<'_> {
    /// All bytes of the content.
    #[must_use]
    pub fn whole(&self) -> Bytes<u64> {
        0..self.shared.content().len() as u64
    }
}

impl<'a> Session<'a, Client> {
    /// Asserts that the file is the content.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_whole(
        &self,
        world: &World<'_>,
        outcome: &Outcome,
        requirement: &'static str,
    ) -> Found {
        let ended = &outcome.ended;
        let expected = world.shared.content();
        let said: String = ended.said.chars().take(300).collect();
        let found = match &outcome.file {
            _ if ended.is_late => format!("the client had not ended after {:?}", ended.took),
            None => format!(
                "there is no file; the client ended with status {:?} and said '{}'",
                ended.status,
                said.trim()
            ),
            Some(file) if file.len() != expected.len() => format!(
                "the file has {} bytes, the content {}",
                file.len(),
                expected.len()
            ),
            Some(file) => {
                let differs = file.iter().zip(expected).position(|(a, b)| a != b);
                let at = differs.unwrap_or_default();
                format!("the file differs from the content from byte {at} on")
            }
        };
        let is_so = !ended.is_late && outcome.file.as_deref() == Some(expected);
        self.holds(is_so, requirement, found)
    }

    /// Asserts that there is either the content or no file, and that the client came to an end.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_never_wrong(
        &self,
        world: &World<'_>,
        outcome: &Outcome,
        requirement: &'static str,
    ) -> Found {
        let took = outcome.ended.took;
        self.holds(
            !outcome.ended.is_late,
            requirement,
            format_args!("the client had not ended after {took:?}"),
        )?;
        match &outcome.file {
            None => self.holds(
                outcome.ended.status != Some(0),
                requirement,
                "there is no file, and the client says that all went well",
            ),
            Some(_) => self.is_whole(world, outcome, requirement),
        }
    }

    /// Asserts that the client served what it offered, at the port that its offers named.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn served_what_it_offered(&self, outcome: &Outcome) -> Found {
        let offers = outcome.seen.offers.iter();
        let mut count = 0;
        for (_, result) in offers.flat_map(|offered| &offered.fetched) {
            let found = result.clone().err().unwrap_or_default();
            for requirement in ["PCHC-2.2.1.2-01", "PCHC-1.5-01", "PCHC-3.2.1-02"] {
                self.holds(result.is_ok(), requirement, &found)?;
            }
            count += 1;
        }
        let found = "the client ended before anything could be fetched";
        self.holds(count > 0, "PCHC-3.2.1-02", found)
    }

    /// A peer that was asked for nothing shows nothing.
    ///
    /// # Errors
    /// [`Stop::Skip`].
    pub fn asked_peer(&self, outcome: &Outcome, peer: usize) -> Found {
        if outcome.count_at(peer) > 0 {
            return Ok(());
        }
        Err(Stop::Skip(
            "the client did not ask the peer that discovery gave".to_owned(),
        ))
    }

    /// Asserts that all of the content came from the origin, as nothing that the peer sent was good.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn came_from_origin(
        &self,
        world: &World<'_>,
        outcome: &Outcome,
        requirement: &'static str,
    ) -> Found {
        let whole = world.whole();
        let given = outcome.given(&whole);
        self.holds(
            given == whole.end,
            requirement,
            format_args!(
                "{} of {} bytes were taken from what has to be discarded",
                whole.end - given,
                whole.end
            ),
        )
    }

    /// Asserts that nothing came from the origin.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn came_from_peers(
        &self,
        world: &World<'_>,
        outcome: &Outcome,
        requirement: &'static str,
    ) -> Found {
        let given = outcome.given(&world.whole());
        self.holds(
            given == 0,
            requirement,
            format_args!("{given} bytes came from the origin that the peers had"),
        )
    }

    /// A world of two blocks and one peer: asserts that what this one sends for them is discarded, and the file right.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn discards(&'a self, requirement: &'static str, script: impl PeerScript) -> Found {
        self.discards_in(World::blocks(self, 2), requirement, script)
    }

    /// The same in a world of another kind.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn discards_in(
        &'a self,
        mut world: World<'a>,
        requirement: &'static str,
        script: impl PeerScript,
    ) -> Found {
        world.peer(script)?;
        let outcome = world.run()?;
        self.asked_peer(&outcome, 0)?;
        self.is_whole(&world, &outcome, requirement)?;
        self.came_from_origin(&world, &outcome, requirement)
    }

    /// Asserts that a peer was asked nothing more once a while had passed since its first request.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn left_alone(&self, outcome: &Outcome, peer: usize, requirement: &'static str) -> Found {
        let at_peer = |request: &&Requested| request.peer == peer;
        let mut requests = outcome.seen.requests.iter().filter(at_peer);
        let Some(first) = requests.next() else {
            return Err(Stop::Skip("the client did not ask the peer".to_owned()));
        };
        let late = requests
            .filter(|request| request.at > first.at + ON_THE_WAY)
            .count();
        self.holds(
            late == 0,
            requirement,
            format_args!("{late} more requests went to the server that had failed"),
        )
    }

    /// The requests of one type, of which there has to be one for the case to mean anything.
    ///
    /// # Errors
    /// [`Stop::Skip`].
    pub fn some<'w>(
        &self,
        wanted: Vec<Wanted<'w>>,
        message_type: u32,
    ) -> Result<Vec<Wanted<'w>>, Stop> {
        if wanted.is_empty() {
            let name = name_of(message_type);
            return Err(Stop::Skip(format!("the client sent no {name}")));
        }
        Ok(wanted)
    }

    /// All MSG_GETBLKS, of which there has to be one.
    ///
    /// # Errors
    /// [`Stop::Skip`].
    pub fn some_blocks<'w>(&self, outcome: &'w Outcome) -> Result<Vec<Wanted<'w>>, Stop> {
        self.some(outcome.blocks(), kind::GET_BLOCKS)
    }

    /// All MSG_GETBLKLIST, of which there has to be one.
    ///
    /// # Errors
    /// [`Stop::Skip`].
    pub fn some_lists<'w>(&self, outcome: &'w Outcome) -> Result<Vec<Wanted<'w>>, Stop> {
        self.some(outcome.lists(), kind::GET_BLOCK_LIST)
    }
}
