#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::smb_server`.

peerdist_fuzz::program!(smb_server);
