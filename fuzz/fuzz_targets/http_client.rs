#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::http_client`.

peerdist_fuzz::program!(http_client);
