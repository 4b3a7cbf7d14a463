//! A peer that is judged: whoever answers MS-PCCRR requests, and what it is said to hold.
//! Invariant: every answer goes through the judge's own reader; a stimulus that could not be sent is inconclusive.
//! Byte order: that of MS-PCCRR.

use std::net::SocketAddr;

use super::connection::{Answer, Connection};
use crate::judge::session::Session;
use crate::judge::{Outcome, Stop};
use crate::wire::cipher::{self, Padding};
use crate::wire::content_info::{ContentInfo, Segment, Version};
use crate::wire::draft::Draft;
use crate::wire::http;
use crate::wire::retrieval::{self, Body, Message, Range, kind};

/// What HTTP makes of a discarded message.
pub const DISCARDED: &[&str; 2] = &["rr-discard-closes", "rr-discard-http-error"];

/// A content that a peer is said to hold in full.
#[derive(Debug, Clone)]
pub struct Holding {
    /// What describes it.
    pub info: ContentInfo,
    /// Its bytes, where the judge has them; else blocks are held against their hashes.
    pub content: Option<Vec<u8>>,
}

/// A peer that is judged.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where it is.
    pub address: SocketAddr,
    /// What requests call it.
    pub host: String,
    /// What it holds.
    pub holdings: Vec<Holding>,
    /// How many clients it serves at a time, where that is known and few enough to be tried.
    pub client_limit: Option<usize>,
}

/// An answer that is a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The message.
    pub message: Message,
    /// Its bytes, without the size in front.
    pub bytes: Vec<u8>,
}

impl Peer {
    /// One at an address.
    #[must_use]
    pub fn at(address: SocketAddr, holdings: Vec<Holding>) -> Self {
        Self {
            address,
            host: address.to_string(),
            holdings,
            client_limit: None,
        }
    }

    /// The first segment of that version that has at least so many blocks, and its content.
    #[must_use]
    pub fn segment(&self, version: Version, blocks: u32) -> Option<(&Segment, &Holding)> {
        let of_version = |holding: &&Holding| holding.info.version == version;
        self.holdings.iter().filter(of_version).find_map(|holding| {
            let mut segments = holding.info.segments.iter();
            let found = segments.find(|segment| segment.blocks() >= blocks)?;
            Some((found, holding))
        })
    }

    /// A request that carries a message, as it goes over a socket.
    #[must_use]
    pub fn request(&self, message: &[u8]) -> Vec<u8> {
        http::request("POST", retrieval::PATH, &self.host, &[], message)
    }
}

impl Session<'_, Peer> {
    /// A segment that the peer holds, of that version and with so many blocks.
    ///
    /// # Errors
    /// [`Stop::Skip`] where it is not said to hold such a one.
    pub fn segment(&self, version: Version, blocks: u32) -> Result<(&Segment, &Holding), Stop> {
        self.target.segment(version, blocks).ok_or_else(|| {
            let name = version.name();
            let blocks = match blocks {
                0 | 1 => String::new(),
                more => format!(" with at least {more} blocks"),
            };
            Stop::Skip(format!(
                "needs content information {name} of a held segment{blocks}"
            ))
        })
    }

    /// A segment that the peer holds, of that version or else of the other.
    ///
    /// # Errors
    /// [`Stop::Skip`] where it is not said to hold any.
    pub fn segment_preferring(&self, version: Version) -> Result<&Segment, Stop> {
        let other = match version {
            Version::V1 => Version::V2,
            Version::V2 => Version::V1,
        };
        let held = self.segment(version, 1).or_else(|_| self.segment(other, 1));
        held.map(|(segment, _)| segment)
    }

    /// A connection.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is none.
    pub fn connect(&self) -> Result<Connection, Stop> {
        self.connect_to(self.target.address)
    }

    /// Posts a message on a connection of its own.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where it could not be sent.
    pub fn post(&self, message: &[u8]) -> Result<Answer, Stop> {
        let mut connection = self.connect()?;
        self.send(&mut connection, &self.target.request(message))?;
        Ok(connection.response(self.settings.answer))
    }

    /// Posts a message that is not expected to be answered, and waits for as long as silence takes.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where it could not be sent.
    pub fn post_for_nothing(&self, message: &[u8]) -> Result<Answer, Stop> {
        let mut connection = self.connect()?;
        self.send(&mut connection, &self.target.request(message))?;
        Ok(connection.response(self.settings.silence))
    }

    /// Posts a message that has to be answered with one; `requirement` is the one that says so.
    ///
    /// # Errors
    /// [`Stop::Failed`] where it was not, or not by a message in good form.
    pub fn ask(&self, message: &Draft, requirement: &'static str) -> Result<Answered, Stop> {
        let answer = self.post(&message.to_bytes())?;
        self.message_of(answer, requirement)
    }

    /// The message in an answer that has to have one.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn message_of(&self, answer: Answer, requirement: &'static str) -> Result<Answered, Stop> {
        let response = self.good_response_of(answer, requirement)?;
        let bytes = self.reads(requirement, retrieval::unframed(&response.body))?;
        let message = self.reads(requirement, retrieval::read(bytes))?;
        Ok(Answered {
            message,
            bytes: bytes.to_vec(),
        })
    }

    /// Asks for a block and gives what the fields of MSG_BLK say.
    ///
    /// # Errors
    /// [`Stop::Failed`] where the answer is none.
    pub fn ask_for_block(
        &self,
        segment: &Segment,
        index: u32,
        algorithm: u32,
        requirement: &'static str,
    ) -> Result<Block, Stop> {
        let request = retrieval::get_blocks(&segment.id(), &[Range::new(index, 1)], algorithm);
        self.block_for(&request, requirement)
    }

    /// The same by a request that the case wrote.
    ///
    /// # Errors
    /// [`Stop::Failed`] where the answer is none.
    pub fn block_for(&self, request: &Draft, requirement: &'static str) -> Result<Block, Stop> {
        let answered = self.ask(request, requirement)?;
        self.block_of(answered, requirement)
    }

    /// The fields of an answer that has to be MSG_BLK.
    ///
    /// # Errors
    /// [`Stop::Failed`] where it is another.
    pub fn block_of(&self, answered: Answered, requirement: &'static str) -> Result<Block, Stop> {
        let Message {
            kind: found,
            algorithm,
            body,
            ..
        } = answered.message;
        if let Body::Block {
            segment_id,
            block_index,
            next_block_index,
            block,
            vrf_block,
            iv_block,
        } = body
        {
            return Ok(Block {
                algorithm,
                segment_id,
                block_index,
                next_block_index,
                block,
                vrf_block,
                iv_block,
            });
        }
        self.is_kind(found, kind::BLOCK, requirement)?;
        Err(Stop::Failed)
    }

    /// The ranges of the list of blocks that answers a request.
    ///
    /// # Errors
    /// [`Stop::Failed`] where the answer is no MSG_BLKLIST.
    pub fn ask_for_list(
        &self,
        segment_id: &[u8],
        ranges: &[Range],
        requirement: &'static str,
    ) -> Result<BlockList, Stop> {
        let request = retrieval::get_block_list(segment_id, ranges, cipher::algorithm::AES_128);
        let answered = self.ask(&request, requirement)?;
        self.list_of(answered, requirement)
    }

    /// The fields of an answer that has to be MSG_BLKLIST.
    ///
    /// # Errors
    /// [`Stop::Failed`] where it is another.
    pub fn list_of(
        &self,
        answered: Answered,
        requirement: &'static str,
    ) -> Result<BlockList, Stop> {
        if let Body::BlockList {
            segment_id,
            ranges,
            next_block_index,
        } = answered.message.body
        {
            return Ok(BlockList {
                segment_id,
                ranges,
                next_block_index,
            });
        }
        self.is_kind(answered.message.kind, kind::BLOCK_LIST, requirement)?;
        Err(Stop::Failed)
    }

    /// Asserts the type of a message.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_kind(&self, found: u32, expected: u32, requirement: &'static str) -> Outcome {
        let (found_name, expected_name) = (retrieval::name_of(found), retrieval::name_of(expected));
        self.holds(
            found == expected,
            requirement,
            format_args!("the answer is {found_name}, expected {expected_name}"),
        )
    }

    /// Asserts that a request is discarded: no message comes back, and a good request is served afterwards.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_discarded(&self, message: &[u8], requirement: &'static str) -> Outcome {
        let answer = self.post_for_nothing(message)?;
        self.is_no_message(&answer, requirement)?;
        self.still_serves(requirement)
    }

    /// Asserts that a request is discarded whatever of these numbers a field of it states.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_discarded_stating(
        &self,
        request: &Draft,
        field: &'static str,
        numbers: &[u32],
        requirement: &'static str,
    ) -> Outcome {
        for number in numbers {
            let wrong = request.clone().with_u32_be(field, *number);
            self.is_discarded(&wrong.to_bytes(), requirement)?;
        }
        Ok(())
    }

    /// Asserts that a request that ends at one of these places, and says so, is discarded.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_discarded_cut(
        &self,
        request: &Draft,
        places: impl Iterator<Item = usize>,
        requirement: &'static str,
    ) -> Outcome {
        for kept in places {
            let stated = u32::try_from(kept).unwrap_or_default();
            let cut = request.clone().with_u32_be("MsgSize", stated).cut_to(kept);
            let answer = self.post_for_nothing(&cut)?;
            self.is_no_message(&answer, requirement)?;
        }
        self.still_serves(requirement)
    }

    /// Asserts that an answer holds no message: silence, a closed connection, or an error of HTTP.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_no_message(&self, answer: &Answer, requirement: &'static str) -> Outcome {
        self.holds_nothing(answer, requirement, *DISCARDED, |body| {
            retrieval::unframed(body).is_ok()
        })
    }

    /// Asserts that a good request is answered.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn still_serves(&self, requirement: &'static str) -> Outcome {
        let request = retrieval::negotiation_request(retrieval::VERSION_1, retrieval::VERSION_2);
        let answered = self.ask(&request, requirement)?;
        self.is_kind(
            answered.message.kind,
            kind::NEGOTIATION_RESPONSE,
            requirement,
        )
    }

    /// Asserts that a block is what its segment has there, whatever it is encrypted with.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_the_block(
        &self,
        block: &Block,
        segment: &Segment,
        holding: &Holding,
        index: u32,
        requirement: &'static str,
    ) -> Result<Padding, Stop> {
        let length = segment.block(index).len();
        let plain = cipher::decrypt(
            block.algorithm,
            &segment.secret,
            &block.iv_block,
            &block.block,
            length,
        );
        let Some((plain, padding)) = plain else {
            self.holds(
                false,
                requirement,
                format_args!(
                    "block {index} does not decrypt to {length} bytes: {} bytes, CryptoAlgoId {}, {} bytes of IVBlock",
                    block.block.len(),
                    block.algorithm,
                    block.iv_block.len()
                ),
            )?;
            return Err(Stop::Failed);
        };
        let content = holding.content.as_ref();
        let expected = content.and_then(|content| content.get(segment.block_in_content(index)));
        let is_it = match expected {
            Some(expected) => Some(expected == plain),
            None => segment.verifies(index, &plain),
        };
        let Some(is_it) = is_it else {
            return Err(Stop::Skip(format!(
                "needs the content, or the hash of block {index}"
            )));
        };
        self.holds(
            is_it,
            requirement,
            format_args!(
                "block {index} decrypts to {length} bytes that are not those of the content"
            ),
        )?;
        Ok(padding)
    }
}

/// The fields of MSG_BLKLIST.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the document")]
pub struct BlockList {
    pub segment_id: Vec<u8>,
    pub ranges: Vec<Range>,
    pub next_block_index: u32,
}

impl BlockList {
    /// The blocks listed, in their order.
    #[must_use]
    pub fn indexes(&self) -> Vec<u32> {
        // A list from the network may say four thousand million; no segment has more than 512.
        let ranges = self
            .ranges
            .iter()
            .flat_map(|range| range.indexes().take(513));
        ranges.take(4_096).collect()
    }
}

/// The fields of MSG_BLK.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the document")]
pub struct Block {
    pub algorithm: u32,
    pub segment_id: Vec<u8>,
    pub block_index: u32,
    pub next_block_index: u32,
    pub block: Vec<u8>,
    pub vrf_block: Vec<u8>,
    pub iv_block: Vec<u8>,
}
