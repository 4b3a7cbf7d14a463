#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::prober`.

peerdist_fuzz::program!(prober);
