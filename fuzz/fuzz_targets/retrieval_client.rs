#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::retrieval_client`.

peerdist_fuzz::program!(retrieval_client);
