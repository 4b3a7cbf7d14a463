//! What can be said to `serve` and `proxy`. The doc comments here are their help and their man pages.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::ValueHint;
use peerdist_node::content_server::proxy::Upstream;

use crate::operations::args::OperationArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The directory; nothing outside of it is served, whatever symbolic links say
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) root: PathBuf,
    /// Show directories without an index.html as lists of their names
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProxyArgs {
    /// The web server: http://HOST:PORT/PATH or https://…
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) upstream: Upstream,
    /// Certificates that the web server's may be signed by, in PEM, beside the system's
    #[arg(long, value_name = "F", value_hint = ValueHint::FilePath)]
    pub(crate) upstream_ca: Option<PathBuf>,
    /// Pass the Host of requests on, instead of the web server's own
    #[arg(long)]
    pub(crate) keep_host: bool,
    /// Add Via to requests and answers; some web servers compress nothing for a request that has it
    #[arg(long)]
    pub(crate) via: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// Where to listen: IP:PORT, or PORT of this machine alone [default: 8080, unless --listen-tls]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Where to listen for TLS
    #[arg(long, value_name = "ADDR", value_parser = address, requires = "cert", requires = "key")]
    pub(crate) listen_tls: Option<SocketAddr>,
    /// The certificate and those that it is signed by, in PEM
    #[arg(long, value_name = "F", requires = "listen_tls", value_hint = ValueHint::FilePath)]
    pub(crate) cert: Option<PathBuf>,
    /// The key of the certificate, in PEM
    #[arg(long, value_name = "F", requires = "listen_tls", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// A file that holds the raw bytes of the secret key [default: one that is kept in the cache directory]
    #[arg(long, value_name = "F", value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: Option<PathBuf>,
    /// Where content information is kept [default: peerdist in the user's cache directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Bytes of content information that are kept
    #[arg(long, value_name = "N", default_value_t = 1 << 30)]
    pub(crate) cache_bytes: u64,
    /// Shorter content is sent as it is
    #[arg(long, value_name = "N", default_value_t = 64 << 10)]
    pub(crate) min_bytes: u64,
    /// Send content information under the content's own ETag, as Windows does
    #[arg(long)]
    pub(crate) same_etag: bool,
    #[command(flatten)]
    pub(crate) operations: OperationArgs,
}

pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let alone = || {
        let port: u16 = text.parse().ok()?;
        Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    };
    text.parse().ok().or_else(alone).ok_or_else(|| {
        "expected IP:PORT, such as 0.0.0.0:80 or [::]:80, or a port from 0 to 65535".to_owned()
    })
}
