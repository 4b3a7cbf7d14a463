//! MS-PCCRD 2.2.3.6, 2.2.3.7: InstanceId and MessageNumber, the place of a message among all of its sender.
//! Invariant: no pair is used twice, whatever happens between two writes to disk: numbers are reserved ahead of use.
//! Byte order: none, it is text on the wire.

use super::envelope::AppSequence;

/// What must outlive the process, so that no number is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persisted {
    /// The instance of the service.
    pub instance_id: u32,
    /// The last message number that the instance may have used.
    pub message_number: u32,
}

/// How a service begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Anew, which is the usual way: a new instance, whose first message has number 1.
    Restarted {
        /// What was persisted last, if anything was.
        previous: Option<Persisted>,
        /// Seconds since 1970: what the instance is called, if that is greater than the previous one.
        unix_seconds: u32,
    },
    /// Where the same service left off, as when a running one is handed over: numbers go on.
    Continued(Persisted),
}

#[derive(Debug)]
pub(super) struct Sequence {
    instance_id: u32,
    /// The number used last.
    used: u32,
    /// The last number that was told to be persisted.
    reserved: u32,
    batch: u32,
}

impl Sequence {
    pub(super) fn new(start: Start, batch: u32) -> Self {
        let (instance_id, used) = match start {
            //= PCCRD-2.2.3.6-01
            //= PCCRD-2.2.3.6-02
            //= PCCRD-2.2.3.7-02
            Start::Restarted {
                previous,
                unix_seconds,
            } => {
                let next = previous.map_or(0, |before| before.instance_id.saturating_add(1));
                (next.max(unix_seconds), 0)
            }
            Start::Continued(persisted) => (persisted.instance_id, persisted.message_number),
        };
        Self {
            instance_id,
            used,
            reserved: used,
            batch: batch.max(1),
        }
    }

    /// The next place, and what to persist before it is used.
    pub(super) fn next(&mut self) -> (AppSequence, Option<Persisted>) {
        let mut to_persist = None;
        if self.used == u32::MAX {
            self.instance_id = self.instance_id.wrapping_add(1);
            (self.used, self.reserved) = (0, 0);
        }
        //= PCCRD-2.2.3.7-01
        self.used += 1;
        if self.used > self.reserved {
            self.reserved = self.reserved.saturating_add(self.batch);
            to_persist = Some(Persisted {
                instance_id: self.instance_id,
                message_number: self.reserved,
            });
        }
        let place = AppSequence {
            instance_id: self.instance_id,
            message_number: self.used,
        };
        (place, to_persist)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restarted(previous: Option<Persisted>, unix_seconds: u32) -> Sequence {
        Sequence::new(
            Start::Restarted {
                previous,
                unix_seconds,
            },
            10,
        )
    }

    #[test]
    fn the_instance_is_greater_after_each_restart_whatever_the_clock_says() {
        let (first, persisted) = restarted(None, 1000).next();
        assert_eq!((first.instance_id, first.message_number), (1000, 1));
        let (second, persisted) = restarted(persisted, 900).next();
        assert_eq!((second.instance_id, second.message_number), (1001, 1));
        let (third, _) = restarted(persisted, 2000).next();
        assert_eq!((third.instance_id, third.message_number), (2000, 1));
    }

    #[test]
    fn numbers_are_persisted_in_batches_before_they_are_used() {
        let mut sequence = restarted(None, 5);
        let mut persisted = 0;
        let mut writes = 0;
        for number in 1..=35 {
            let (place, to_persist) = sequence.next();
            if let Some(write) = to_persist {
                persisted = write.message_number;
                writes += 1;
            }
            assert_eq!(place.message_number, number);
            assert!(number <= persisted);
        }
        assert_eq!((writes, persisted), (4, 40));
    }

    #[test]
    fn a_service_that_goes_on_skips_what_may_have_been_used() {
        let before = Persisted {
            instance_id: 5,
            message_number: 40,
        };
        let (place, to_persist) = Sequence::new(Start::Continued(before), 10).next();
        assert_eq!((place.instance_id, place.message_number), (5, 41));
        assert_eq!(to_persist.unwrap().message_number, 50);
    }

    #[test]
    fn an_instance_that_has_used_every_number_is_followed_by_the_next() {
        let before = Persisted {
            instance_id: 5,
            message_number: u32::MAX - 1,
        };
        let mut sequence = Sequence::new(Start::Continued(before), 10);
        assert_eq!(sequence.next().0.message_number, u32::MAX);
        let (place, to_persist) = sequence.next();
        assert_eq!((place.instance_id, place.message_number), (6, 1));
        assert_eq!(to_persist.unwrap().instance_id, 6);
    }
}
