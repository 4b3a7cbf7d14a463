#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::downloader`.

peerdist_fuzz::program!(downloader);
