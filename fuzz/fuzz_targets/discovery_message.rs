#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::discovery_message`.

peerdist_fuzz::program!(discovery_message);
