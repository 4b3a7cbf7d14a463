#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::retrieval_request`.

peerdist_fuzz::program!(retrieval_request);
