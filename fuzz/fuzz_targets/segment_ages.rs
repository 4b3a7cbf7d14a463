#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::segment_ages`.

peerdist_fuzz::program!(segment_ages);
