//! The x86 kernels of hashing, cutting and ciphering on the bare processor, held against references.
//! Invariant: the last line on the serial port is `VERDICT pass` only if every comparison held.
//! Byte order: none.
#![no_std]
#![no_main]

// The kernels that collect anything name its type by `std`.
extern crate alloc as std;

/// The features are those of the emulated processor, which the start-up code has enabled and
/// `machine::missing_feature` has looked for; what a kernel needs beyond them raises an exception,
/// which resets the processor without a verdict.
macro_rules! is_x86_feature_detected {
    ($feature:tt) => {
        true
    };
}

mod cipher;
mod cut;
mod hash;
mod machine;

#[unsafe(no_mangle)]
extern "C" fn image_main() -> ! {
    machine::say(&["START\n"]);
    if let Some(feature) = machine::missing_feature() {
        machine::say(&["MISSING ", feature, "\nVERDICT missing\n"]);
        machine::power_off();
    }
    // All of them run, whatever one finds.
    let good = [hash::run(), cut::run(), cipher::run()];
    let verdict = if good == [true; 3] { "pass" } else { "fail" };
    machine::say(&["VERDICT ", verdict, "\n"]);
    machine::power_off()
}
