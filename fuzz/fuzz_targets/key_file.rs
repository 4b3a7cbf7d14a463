#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::key_file`.

peerdist_fuzz::program!(key_file);
