#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::responder`.

peerdist_fuzz::program!(responder);
