#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::content_information`.

peerdist_fuzz::program!(content_information);
