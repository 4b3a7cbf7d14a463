//! A client that is judged: a command that downloads, or something in this process.
//! Invariant: all that it speaks to is the judge.
//! Byte order: none.

/// A client that is judged.
#[derive(Debug, Clone)]
pub struct Client {
    /// The command, with `{url}` and `{out}` in it.
    pub command: String,
}
