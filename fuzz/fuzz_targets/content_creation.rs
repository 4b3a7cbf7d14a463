#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::content_creation`.

peerdist_fuzz::program!(content_creation);
