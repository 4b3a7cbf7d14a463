//! What is to happen, in the order of time; what was planned first comes first where times are equal.
//! Invariant: the order follows from what was planned and when alone.
//! Byte order: none.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use peerdist::time::Instant;

#[derive(Debug)]
struct Planned<E> {
    at: Instant,
    number: u64,
    event: E,
}

/// Events to come.
#[derive(Debug)]
pub(super) struct Queue<E> {
    heap: BinaryHeap<Planned<E>>,
    planned: u64,
}

impl<E> Queue<E> {
    pub(super) const fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            planned: 0,
        }
    }

    /// Plans an event.
    pub(super) fn push(&mut self, at: Instant, event: E) {
        self.planned += 1;
        self.heap.push(Planned {
            at,
            number: self.planned,
            event,
        });
    }

    /// Plans an event that was taken out, or one of those that came of it.
    pub(super) fn push_again(&mut self, at: Instant, number: Option<u64>, event: E) {
        match number {
            Some(number) => self.heap.push(Planned { at, number, event }),
            None => self.push(at, event),
        }
    }

    /// How many events are such.
    pub(super) fn count(&self, is_such: impl Fn(&E) -> bool) -> usize {
        self.heap
            .iter()
            .filter(|planned| is_such(&planned.event))
            .count()
    }

    /// Takes events out, each with its moment and its number, in no order.
    pub(super) fn take(&mut self, is_such: impl Fn(&E) -> bool) -> Vec<(Instant, u64, E)> {
        let all = std::mem::take(&mut self.heap).into_vec();
        let (taken, left): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|planned| is_such(&planned.event));
        self.heap = left.into();
        let parts = |planned: Planned<E>| (planned.at, planned.number, planned.event);
        taken.into_iter().map(parts).collect()
    }

    /// Drops events that are not to happen any more.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&E) -> bool) {
        self.heap.retain(|planned| is_kept(&planned.event));
    }

    /// When the next event is.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|planned| planned.at)
    }

    /// The next event, and its moment.
    pub(super) fn pop(&mut self) -> Option<(Instant, E)> {
        self.heap.pop().map(|planned| (planned.at, planned.event))
    }
}

impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Planned<E> {}
