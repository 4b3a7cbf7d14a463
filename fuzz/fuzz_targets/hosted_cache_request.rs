#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::hosted_cache_request`.

peerdist_fuzz::program!(hosted_cache_request);
