#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::hosted_cache_client`.

peerdist_fuzz::program!(hosted_cache_client);
