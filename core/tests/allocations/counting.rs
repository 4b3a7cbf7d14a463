//! An allocator that counts what a thread asks of it.
//! Invariant: every allocation of the thread is seen, growth of a buffer included.
//! Byte order: none.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    ALLOCATIONS.with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes on to the system's allocator unchanged; counting touches only a thread's own cell.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often memory was asked for by an action. The counter does count, which is tried each time.
pub(crate) fn allocations_of(action: impl FnOnce()) -> usize {
    let number = || ALLOCATIONS.with(Cell::get);
    let before = number();
    drop(std::hint::black_box(vec![0u8; 100]));
    let begin = number();
    assert!(begin > before, "the counter stands still");
    action();
    number() - begin
}
