//! A content server that is judged: whoever serves a URL with MS-PCCRTP.
//! Invariant: what a server sends as content information is held against content that the judge has, or got plain.
//! Byte order: none.

/// A content server that is judged.
#[derive(Debug, Clone)]
pub struct ContentServer {
    /// The content that is asked for.
    pub url: String,
    /// Its bytes, where the judge has them.
    pub content: Option<Vec<u8>>,
    /// The server's secret key, where the judge has it.
    pub secret_key: Option<Vec<u8>>,
}
