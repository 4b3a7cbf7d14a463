#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::retrieval_server`.

peerdist_fuzz::program!(retrieval_server);
