//! MS-PCCRR 3.1.1, 3.1.2, 3.2.2: exchanges under way, each with a timer of the same length as all others.
//! Invariant: timers stand in the order in which they end, so the next to end is the first; keys are never used twice.
//! Byte order: none.

use crate::time::Instant;

/// No slot.
const NONE: u32 = u32::MAX;

/// Names an exchange: stale once the exchange is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    slot: u32,
    generation: u32,
}

/// A table of exchanges. It keeps its memory, so a steady load allocates nothing.
#[derive(Debug)]
pub(super) struct Exchanges<T> {
    slots: Vec<Slot<T>>,
    /// Slots free for use, chained by `next`.
    free: u32,
    /// The timer that ends first, and the last.
    first: u32,
    last: u32,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
    deadline: Option<Instant>,
    previous: u32,
    next: u32,
}

impl<T> Exchanges<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            first: NONE,
            last: NONE,
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    fn slot(&mut self, index: u32) -> Option<&mut Slot<T>> {
        self.slots.get_mut(usize::try_from(index).ok()?)
    }

    fn live(&mut self, key: Key) -> Option<&mut Slot<T>> {
        self.slot(key.slot)
            .filter(|slot| slot.generation == key.generation && slot.value.is_some())
    }

    /// Adds an exchange whose timer ends at `deadline`, which is no earlier than that of any other.
    pub(super) fn insert(&mut self, value: T, deadline: Instant) -> Option<Key> {
        let free = self.free;
        let key = match self.slot(free) {
            Some(slot) => {
                slot.value = Some(value);
                let key = (free, slot.generation);
                self.free = slot.next;
                key
            }
            None => {
                let index = u32::try_from(self.slots.len()).ok();
                let index = index.filter(|index| *index != NONE)?;
                self.slots.push(Slot {
                    generation: 0,
                    value: Some(value),
                    deadline: None,
                    previous: NONE,
                    next: NONE,
                });
                (index, 0)
            }
        };
        let key = Key {
            slot: key.0,
            generation: key.1,
        };
        self.len += 1;
        self.start_timer(key, deadline);
        Some(key)
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(usize::try_from(key.slot).ok()?)?;
        slot.value
            .as_ref()
            .filter(|_| slot.generation == key.generation)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.live(key)?.value.as_mut()
    }

    /// Starts the timer of an exchange anew.
    pub(super) fn start_timer(&mut self, key: Key, deadline: Instant) {
        self.stop_timer(key);
        let last = self.last;
        let Some(slot) = self.live(key) else { return };
        slot.deadline = Some(deadline);
        slot.previous = last;
        slot.next = NONE;
        match self.slot(last) {
            Some(before) => before.next = key.slot,
            None => self.first = key.slot,
        }
        self.last = key.slot;
    }

    /// Stops the timer of an exchange, which itself goes on.
    pub(super) fn stop_timer(&mut self, key: Key) {
        let Some(slot) = self.live(key) else { return };
        if slot.deadline.take().is_none() {
            return;
        }
        let (previous, next) = (slot.previous, slot.next);
        match self.slot(previous) {
            Some(before) => before.next = next,
            None => self.first = next,
        }
        match self.slot(next) {
            Some(after) => after.previous = previous,
            None => self.last = previous,
        }
    }

    /// Ends an exchange.
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        self.stop_timer(key);
        let free = self.free;
        let slot = self.live(key)?;
        let value = slot.value.take();
        slot.generation = slot.generation.wrapping_add(1);
        slot.next = free;
        self.free = key.slot;
        self.len -= 1;
        value
    }

    /// When the next timer ends.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let first = usize::try_from(self.first).ok()?;
        self.slots.get(first)?.deadline
    }

    /// Ends the exchange whose timer ended first, if that is over by `now`.
    pub(super) fn remove_due(&mut self, now: Instant) -> Option<(Key, T)> {
        self.next_deadline().filter(|deadline| *deadline <= now)?;
        let slot = self.first;
        let generation = self.slot(slot)?.generation;
        let key = Key { slot, generation };
        self.remove(key).map(|value| (key, value))
    }

    /// The exchanges that are under way, for the rare case that all must be looked at.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| {
            let key = Key {
                slot: index,
                generation: slot.generation,
            };
            slot.value.as_ref().map(|value| (key, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain list of what should be there.
        #[test]
        fn the_table_agrees_with_a_list(steps in prop::collection::vec((0u8..5, 0usize..20), 0..200)) {
            let mut table = Exchanges::new();
            let mut model: Vec<(Key, usize, Option<Instant>)> = Vec::new();
            let mut gone: Vec<Key> = Vec::new();
            for (now, (step, pick)) in (0u64..).zip(steps) {
                let now = Instant::from_nanos(now);
                let picked = if model.is_empty() { None } else { Some(pick % model.len()) };
                match (step, picked) {
                    (0 | 1, _) => {
                        let key = table.insert(pick, now).unwrap();
                        prop_assert!(!gone.contains(&key));
                        model.push((key, pick, Some(now)));
                    }
                    (2, Some(at)) => {
                        let (key, value, _) = model.remove(at);
                        prop_assert_eq!(table.remove(key), Some(value));
                        prop_assert_eq!(table.remove(key), None);
                        gone.push(key);
                    }
                    (3, Some(at)) => {
                        table.stop_timer(model[at].0);
                        model[at].2 = None;
                    }
                    (4, Some(at)) => {
                        table.start_timer(model[at].0, now);
                        let (key, value, _) = model.remove(at);
                        model.push((key, value, Some(now)));
                    }
                    _ => {}
                }
                prop_assert_eq!(table.len(), model.len());
                prop_assert_eq!(table.next_deadline(), model.iter().filter_map(|entry| entry.2).min());
                prop_assert_eq!(table.iter().count(), model.len());
                for (key, value, _) in &model {
                    prop_assert_eq!(table.get_mut(*key), Some(&mut value.clone()));
                }
                for key in &gone {
                    prop_assert_eq!(table.get_mut(*key), None);
                }
            }
            let mut due: Vec<_> = model.iter().filter(|entry| entry.2.is_some()).collect();
            due.sort_by_key(|entry| entry.2);
            for (key, value, _) in due {
                let late = Instant::from_nanos(u64::MAX);
                prop_assert_eq!(table.remove_due(late), Some((*key, *value)));
            }
            prop_assert_eq!(table.next_deadline(), None);
        }
    }
}
