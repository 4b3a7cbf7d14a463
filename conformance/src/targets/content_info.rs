//! A maker of content information that is judged: a command, or something in this process.
//! Invariant: what it writes is read by the judge's own reader.
//! Byte order: that of MS-PCCRC.

/// A maker of content information that is judged.
#[derive(Debug, Clone)]
pub struct ContentInfoMaker {
    /// The command, with `{content}`, `{secret_hex}`, `{version}` and `{out}` in it.
    pub command: String,
}
