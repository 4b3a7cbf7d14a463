//! Captures in files: pcapng, and pcap as tcpdump writes it.
//! Invariant: lengths are those of the file and never trusted beyond it; a file that ends early is read to where it is whole.
//! Byte order: that which the magic of the file says.

use thiserror::Error;

/// Why a file is no capture.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// Its first bytes are of no form that is known.
    #[error("it starts with {0}, which is neither pcapng nor pcap")]
    Unknown(String),
    /// A block is not as the form has it.
    #[error("byte {at}: {why}")]
    Broken {
        /// Where.
        at: usize,
        /// What is wrong.
        why: String,
    },
    /// There is no packet in it.
    #[error("there is no packet in it")]
    Empty,
}

/// A packet of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// LINKTYPE of what it starts with.
    pub link: u16,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether all of its bytes were kept.
    pub is_whole: bool,
}

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const MAGIC: u32 = 0x1A2B_3C4D;

/// The packets of a capture.
///
/// # Errors
/// [`FileError`].
pub fn packets(bytes: &[u8]) -> Result<Vec<Recorded<'_>>, FileError> {
    let found = match bytes {
        [0x0A, 0x0D, 0x0D, 0x0A, ..] => pcapng(bytes)?,
        [0xD4, 0xC3, 0xB2, 0xA1, ..] | [0x4D, 0x3C, 0xB2, 0xA1, ..] => pcap(bytes, Order::Little)?,
        [0xA1, 0xB2, 0xC3, 0xD4, ..] | [0xA1, 0xB2, 0x3C, 0x4D, ..] => pcap(bytes, Order::Big)?,
        other => {
            let first = other.get(..4).unwrap_or(other);
            return Err(FileError::Unknown(format!("{first:02x?}")));
        }
    };
    if found.is_empty() {
        return Err(FileError::Empty);
    }
    Ok(found)
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(four),
            Self::Big => u32::from_be_bytes(four),
        })
    }

    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(two),
            Self::Big => u16::from_be_bytes(two),
        })
    }
}

fn pcap(bytes: &[u8], order: Order) -> Result<Vec<Recorded<'_>>, FileError> {
    let broken = |at, why: &str| FileError::Broken {
        at,
        why: why.to_owned(),
    };
    let link = order
        .u32(bytes, 20)
        .ok_or_else(|| broken(20, "the header is cut"))?;
    let link = u16::try_from(link & 0xffff).unwrap_or_default();
    let mut found = Vec::new();
    let mut at = 24;
    while let (Some(kept), Some(whole)) = (order.u32(bytes, at + 8), order.u32(bytes, at + 12)) {
        let start = at + 16;
        // The last packet of a capture that was killed may be cut.
        let Some(packet) = bytes.get(start..start.saturating_add(kept as usize)) else {
            break;
        };
        found.push(Recorded {
            link,
            bytes: packet,
            is_whole: kept >= whole,
        });
        at = start + packet.len();
    }
    Ok(found)
}

fn pcapng(bytes: &[u8]) -> Result<Vec<Recorded<'_>>, FileError> {
    let mut found = Vec::new();
    let mut links: Vec<u16> = Vec::new();
    let mut order = Order::Little;
    let mut at = 0;
    while at < bytes.len() {
        let broken = |why: &str| FileError::Broken {
            at,
            why: why.to_owned(),
        };
        let is_section = bytes.get(at..at + 4) == Some(&SECTION_HEADER.to_be_bytes());
        if is_section {
            order = match (
                Order::Little.u32(bytes, at + 8),
                Order::Big.u32(bytes, at + 8),
            ) {
                (Some(MAGIC), _) => Order::Little,
                (_, Some(MAGIC)) => Order::Big,
                _ => return Err(broken("a section without its byte order")),
            };
            links.clear();
        }
        let (Some(kind), Some(length)) = (order.u32(bytes, at), order.u32(bytes, at + 4)) else {
            break;
        };
        let length = length as usize;
        if length < 12 || !length.is_multiple_of(4) {
            return Err(broken(
                "a block whose length is no multiple of 4, or less than 12",
            ));
        }
        let Some(block) = bytes.get(at..at.saturating_add(length)) else {
            break;
        };
        let body = block.get(8..length - 4).unwrap_or_default();
        match kind {
            INTERFACE_DESCRIPTION => links.push(order.u16(body, 0).unwrap_or_default()),
            ENHANCED_PACKET => {
                let interface = order.u32(body, 0).unwrap_or_default() as usize;
                let kept = order.u32(body, 12).unwrap_or_default() as usize;
                let whole = order.u32(body, 16).unwrap_or_default() as usize;
                let packet = body.get(20..20_usize.saturating_add(kept));
                let packet = packet.ok_or_else(|| broken("a packet longer than its block"))?;
                let link = links.get(interface).copied();
                found.push(Recorded {
                    link: link
                        .ok_or_else(|| broken("a packet of an interface that is not described"))?,
                    bytes: packet,
                    is_whole: kept >= whole,
                });
            }
            SIMPLE_PACKET => {
                let whole = order.u32(body, 0).unwrap_or_default() as usize;
                let packet = body.get(4..).unwrap_or_default();
                let kept = packet.len().min(whole);
                found.push(Recorded {
                    link: links.first().copied().unwrap_or_default(),
                    bytes: packet.get(..kept).unwrap_or_default(),
                    is_whole: kept >= whole,
                });
            }
            _ => {}
        }
        at += length;
    }
    Ok(found)
}
