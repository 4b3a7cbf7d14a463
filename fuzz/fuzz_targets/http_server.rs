#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::http_server`.

peerdist_fuzz::program!(http_server);
