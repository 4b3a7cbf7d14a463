#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::http_fields`.

peerdist_fuzz::program!(http_fields);
