#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::hosted_cache_response`.

peerdist_fuzz::program!(hosted_cache_response);
