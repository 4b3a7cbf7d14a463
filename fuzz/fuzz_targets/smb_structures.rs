#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::smb_structures`.

peerdist_fuzz::program!(smb_structures);
