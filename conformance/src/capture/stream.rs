//! One direction of a connection, put together from segments that come twice, out of order, or not at all.
//! Invariant: bytes leave in order and once; what waits for a gap to close has a limit, and then the gap is counted.
//! Byte order: none.

use std::collections::BTreeMap;

use super::packet::Segment;

/// Bytes that wait for those before them.
const WAITING_MAX_BYTES: usize = 4 << 20;

/// One direction of a connection.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// The sequence number that comes next, once one is known.
    next: Option<u32>,
    /// Segments behind a gap, by how far they are from what comes next.
    waiting: BTreeMap<u32, Vec<u8>>,
    waiting_bytes: usize,
}

impl Stream {
    /// Takes a segment, and gives the bytes that are next now and how many were given up.
    pub fn take(&mut self, segment: &Segment<'_>) -> (Vec<u8>, u64) {
        let mut sequence = segment.sequence;
        if segment.begins {
            sequence = sequence.wrapping_add(1);
            self.next = Some(sequence);
            self.waiting.clear();
            self.waiting_bytes = 0;
        }
        // A capture may begin in the middle of a connection.
        let next = *self.next.get_or_insert(sequence);
        if !segment.payload.is_empty() {
            let ahead = sequence.wrapping_sub(next);
            if ahead < 1 << 31 {
                self.wait(sequence, segment.payload);
            } else {
                // Sent again: what of it is new starts behind what came before.
                let known = next.wrapping_sub(sequence) as usize;
                if let Some(rest) = segment.payload.get(known..).filter(|rest| !rest.is_empty()) {
                    self.wait(next, rest);
                }
            }
        }
        let mut arrived = self.in_order();
        let mut missing = 0;
        if self.waiting_bytes > WAITING_MAX_BYTES || (segment.ends && !self.waiting.is_empty()) {
            let next = self.next.unwrap_or_default();
            let nearest = self.waiting.keys().map(|at| at.wrapping_sub(next)).min();
            if let Some(gap) = nearest {
                missing = u64::from(gap);
                self.next = Some(next.wrapping_add(gap));
                arrived.extend(self.in_order());
            }
        }
        (arrived, missing)
    }

    fn wait(&mut self, sequence: u32, payload: &[u8]) {
        let known = self.waiting.get(&sequence).map_or(0, Vec::len);
        if payload.len() > known {
            self.waiting_bytes = self.waiting_bytes + payload.len() - known;
            self.waiting.insert(sequence, payload.to_vec());
        }
    }

    fn in_order(&mut self) -> Vec<u8> {
        let mut arrived = Vec::new();
        let Some(mut next) = self.next else {
            return arrived;
        };
        loop {
            // One that starts at what is next or before it, and is not all known.
            let found = self.waiting.iter().find_map(|(at, payload)| {
                let behind = next.wrapping_sub(*at) as usize;
                (behind <= payload.len()).then_some(*at)
            });
            let Some(at) = found else { break };
            let Some(payload) = self.waiting.remove(&at) else {
                break;
            };
            self.waiting_bytes -= payload.len();
            let new = payload
                .get(next.wrapping_sub(at) as usize..)
                .unwrap_or_default();
            arrived.extend_from_slice(new);
            next = next.wrapping_add(u32::try_from(new.len()).unwrap_or_default());
        }
        self.next = Some(next);
        arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
        Segment {
            sequence,
            begins: false,
            ends: false,
            payload,
        }
    }

    #[test]
    fn segments_in_any_order_and_twice_give_the_bytes_once() {
        let mut stream = Stream::default();
        let begin = Segment {
            begins: true,
            ..segment(u32::MAX - 2, b"")
        };
        assert_eq!(stream.take(&begin).0, b"");
        let first = u32::MAX - 1;
        assert_eq!(stream.take(&segment(first.wrapping_add(3), b"de")).0, b"");
        assert_eq!(stream.take(&segment(first, b"ab")).0, b"ab");
        assert_eq!(stream.take(&segment(first, b"abc")).0, b"cde");
        assert_eq!(
            stream.take(&segment(first.wrapping_add(4), b"efg")).0,
            b"fg"
        );
        assert_eq!(stream.take(&segment(first, b"abc")).0, b"");
    }

    #[test]
    fn a_gap_at_the_end_is_counted() {
        let mut stream = Stream::default();
        assert_eq!(stream.take(&segment(10, b"ab")).0, b"ab");
        let last = Segment {
            ends: true,
            ..segment(20, b"z")
        };
        assert_eq!(stream.take(&last), (b"z".to_vec(), 8));
    }
}
