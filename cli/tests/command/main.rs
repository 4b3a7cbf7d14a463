//! The command as people and scripts meet it: arguments in; output, one line of complaint and an exit code out.
//! Invariant: whatever goes wrong, nothing half-written stands under a final name and no draft is left beside it.
//! Layout: a file for each command, one for mistakes of all kinds, one for ends that nobody planned.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod admin;
mod cache;
mod check_capture;
mod config;
mod conform;
mod doctor;
mod ends;
mod forward;
mod hosted_cache;
mod info_create;
mod info_show;
mod info_verify;
mod interop;
mod mistakes;
mod room;
mod secret;
mod serving;
mod sim;
mod sim_results;
mod surface;
mod terminal;
mod vectors;
mod vectors_exec;
mod vectors_json;
