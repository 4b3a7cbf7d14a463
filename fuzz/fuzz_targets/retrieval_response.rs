#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::retrieval_response`.

peerdist_fuzz::program!(retrieval_response);
