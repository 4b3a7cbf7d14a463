//! The content server over real sockets: files, any service, and a fronted web server, with and without the coding.
//! Invariant: whoever asks, in whatever way, ends up with the bytes of the content, or with an honest refusal.
//! Layout: a file for each kind of content, one for what changes while it is served, one for the room of a test.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod changes;
mod files;
mod layer;
mod outside;
mod proxy;
mod room;
