#![cfg_attr(fuzzing, no_main)]
//! libFuzzer drives `peerdist_fuzz::annotated_tree`.

peerdist_fuzz::program!(annotated_tree);
