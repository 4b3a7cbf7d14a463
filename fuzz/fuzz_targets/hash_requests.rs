#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::hash_requests`.

peerdist_fuzz::program!(hash_requests);
