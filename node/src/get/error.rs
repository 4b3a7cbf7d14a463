//! Why content was not got, for people, and what kind of end it is for scripts.
//! Invariant: one line each: what was wrong, where, and what was expected.
//! Byte order: none.

use std::io;

use thiserror::Error;

use crate::http::client::ClientError;
use crate::output::OutputError;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for makes no sense, or cannot be written here.
    Usage,
    /// The content server was not reached, or did not give the content.
    NotReached,
    /// What came is not the content.
    Wrong,
}

/// Why there is no content.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum GetError {
    /// Not an address.
    #[error("{url} is no address of a web server; expected http://HOST/… or https://HOST/…")]
    Url { url: String },
    /// Settings that core does not take.
    #[error("these settings make no sense: {0}")]
    Settings(&'static str),
    /// No response.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A response that is none to use.
    #[error("{url} answered {status}; expected 200 OK")]
    Status {
        url: String,
        status: http::StatusCode,
    },
    /// From one address to the next without end.
    #[error("{url} redirects more than {most} times")]
    Redirects { url: String, most: u32 },
    /// To somewhere that is not gone to.
    #[error("{url} redirects to {to:?}; expected http or https, and https to stay https")]
    Redirect { url: String, to: String },
    /// The body broke off.
    #[error("the content of {url} broke off after {received} bytes{}: {why}", of_length(*length))]
    BrokeOff {
        url: String,
        received: u64,
        length: Option<u64>,
        why: String,
    },
    /// The content is another than it was.
    #[error("{url} changed while it was fetched; try again")]
    Changed { url: String },
    /// The content information lies.
    #[error(
        "what {url} sends is not what its content information describes; --mode off fetches it plainly"
    )]
    Differs { url: String },
    /// There is no content information, and nothing else was wanted.
    #[error(
        "{url} gives no content information, so its server has no PeerDist, or not for this content; expected a server \
         such as 'peerdist serve', 'peerdist proxy' or Windows with BranchCache"
    )]
    NotDescribed { url: String },
    /// Content information without content.
    #[error("{url} gave content information, but not the content: {why}")]
    Origin { url: String, why: String },
    /// The output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The output again.
    #[error("cannot write {what}: {source}")]
    Write { what: String, source: io::Error },
    /// Nobody can be served.
    #[error("cannot serve what is fetched to others: {source}")]
    Serve { source: io::Error },
    /// Somebody ended it.
    #[error("stopped before it was done")]
    Stopped,
    /// Whoever reads the stream left.
    #[error("the reader of the content went away")]
    ReaderWentAway,
}

fn of_length(length: Option<u64>) -> String {
    length.map_or_else(String::new, |length| format!(" of {length}"))
}

impl GetError {
    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Url { .. }
            | Self::Settings(_)
            | Self::Client(ClientError::Uri { .. } | ClientError::NoTls { .. })
            | Self::Output(_)
            | Self::Write { .. }
            | Self::Serve { .. }
            | Self::Stopped
            | Self::ReaderWentAway => Kind::Usage,
            Self::Client(_)
            | Self::Status { .. }
            | Self::Redirects { .. }
            | Self::Redirect { .. }
            | Self::BrokeOff { .. }
            | Self::NotDescribed { .. }
            | Self::Origin { .. } => Kind::NotReached,
            Self::Changed { .. } | Self::Differs { .. } => Kind::Wrong,
        }
    }
}
