//! The processor from 32-bit mode to 64-bit code with AVX-512, a serial port, and the power switch.
//! Invariant: everything is identity-mapped; there are no interrupts and one processor.
//! Byte order: none.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::arch::{asm, global_asm};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

global_asm!(
    r#"
    .section .boot, "awx"
    .code32
    .align 4
header:
    .long 0x1BADB002                    /* multiboot 1: the addresses are in this header */
    .long 0x00010000
    .long -(0x1BADB002 + 0x00010000)
    .long header
    .long image_start
    .long image_end
    .long bss_end
    .long entry32
    .global entry32
entry32:
    cli
    mov $stack_top, %esp
    /* Page tables: the first GiB in pages of 2 MiB. */
    mov $level3, %eax
    or $3, %eax
    mov %eax, level4
    mov $level2, %eax
    or $3, %eax
    mov %eax, level3
    mov $level2, %edi
    mov $0x83, %eax
    mov $512, %ecx
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b
    mov $level4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x40620, %eax                   /* PAE, OSFXSR, OSXMMEXCPT, OSXSAVE */
    mov %eax, %cr4
    mov $0xC0000080, %ecx
    rdmsr
    or $0x100, %eax                     /* long mode */
    wrmsr
    mov %cr0, %eax
    and $0xfffffffb, %eax               /* no x87 emulation */
    or $0x80000002, %eax                /* paging, monitor coprocessor */
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $entry64
    .align 8
gdt:
    .quad 0
    .quad 0x00209a0000000000            /* 64-bit code */
    .quad 0x0000920000000000            /* data */
gdt_pointer:
    .word 23
    .long gdt
    .code64
entry64:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %ecx, %ecx
    xor %edx, %edx
    mov $0xe7, %eax                     /* x87, SSE, AVX, all of AVX-512 */
    xsetbv
    call image_main
    hlt
    .section .bss
    .align 4096
level4: .skip 4096
level3: .skip 4096
level2: .skip 4096
    .skip 1048576
stack_top:
    .text
    .global memcpy, memmove, memset, memcmp, bcmp
memcpy:
    mov %rdi, %rax
    mov %rdx, %rcx
    rep movsb
    ret
memmove:
    mov %rdi, %rax
    mov %rdx, %rcx
    cmp %rsi, %rdi
    jbe 3f
    std
    lea -1(%rdi,%rdx), %rdi
    lea -1(%rsi,%rdx), %rsi
    rep movsb
    cld
    ret
3:  rep movsb
    ret
memset:
    mov %rdi, %r8
    mov %esi, %eax
    mov %rdx, %rcx
    rep stosb
    mov %r8, %rax
    ret
bcmp:
memcmp:
    xor %eax, %eax
    mov %rdx, %rcx
    test %rcx, %rcx
    jz 4f
    repe cmpsb
    je 4f
    movzbl -1(%rdi), %eax
    movzbl -1(%rsi), %ecx
    sub %ecx, %eax
4:  ret
"#,
    options(att_syntax)
);

fn out(port: u16, byte: u8) {
    // SAFETY: a byte to a port of the emulated machine touches no memory of ours.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte, options(nomem, nostack)) }
}

fn input(port: u16) -> u8 {
    let byte;
    // SAFETY: a byte from a port of the emulated machine touches no memory of ours.
    unsafe { asm!("in al, dx", in("dx") port, out("al") byte, options(nomem, nostack)) }
    byte
}

/// Writes to the first serial port, which the emulator keeps in a file.
pub(crate) fn say(parts: &[&str]) {
    out(0x3fb, 3); // eight bits a character
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        out(0x3f8, byte);
        while input(0x3fd) & 0x40 == 0 {} // until it has left
    }
}

/// Ends the emulator.
pub(crate) fn power_off() -> ! {
    for byte in *b"Shutdown" {
        out(0x8900, byte);
    }
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    say(&["VERDICT panic\n"]);
    power_off()
}

/// xorshift64.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize % limit
    }
}

/// The first feature that the emulated processor lacks of those that the kernels need.
pub(crate) fn missing_feature() -> Option<&'static str> {
    let (basic, extended) = (__cpuid(1), __cpuid_count(7, 0));
    [
        (basic.ecx >> 25, "aes"),
        (extended.ebx >> 3, "bmi1"),
        (extended.ebx >> 5, "avx2"),
        (extended.ebx >> 8, "bmi2"),
        (extended.ebx >> 16, "avx512f"),
        (extended.ebx >> 29, "sha"),
        (extended.ebx >> 30, "avx512bw"),
        (extended.ebx >> 31, "avx512vl"),
        (extended.ecx >> 9, "vaes"),
    ]
    .into_iter()
    .find_map(|(bit, name)| (bit & 1 == 0).then_some(name))
}

const HEAP_LEN: usize = 24 << 20;

/// Memory from one end to the other: all of it is free again once nothing is in use.
struct Heap {
    used: AtomicUsize,
    live: AtomicUsize,
}

static mut HEAP: [u64; HEAP_LEN / 8] = [0; HEAP_LEN / 8];

#[global_allocator]
static ALLOCATOR: Heap = Heap {
    used: AtomicUsize::new(0),
    live: AtomicUsize::new(0),
};

// SAFETY: what is in use is never given out again, as `used` falls only to the start of the last
// piece when that one is given back, and to zero when none is left. There is one processor.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = (&raw mut HEAP).cast::<u8>();
        let free = base.wrapping_add(self.used.load(Relaxed));
        let at = free.addr().next_multiple_of(layout.align()) - base.addr();
        let end = at + layout.size();
        if end > HEAP_LEN {
            return ptr::null_mut();
        }
        self.used.store(end, Relaxed);
        self.live.fetch_add(1, Relaxed);
        base.wrapping_add(at)
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let at = piece.addr() - (&raw mut HEAP).addr();
        if self.live.fetch_sub(1, Relaxed) == 1 {
            self.used.store(0, Relaxed);
        } else if at + layout.size() == self.used.load(Relaxed) {
            self.used.store(at, Relaxed);
        }
    }
}
