//! A router of axum whose answers get content information where a client asks for it.
//!
//! `cargo run -p peerdist-node --example axum`, then ask with curl as a client of the coding would:
//!
//! ```sh
//! curl -i -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' http://127.0.0.1:3000/report
//! ```
//!
//! The first answer is plain and says MakeHashRequest=true, the second is content information.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use peerdist_node::content_server::{ContentInfos, PeerDistLayer, Settings, server_secret};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Settings with a cache directory, and a secret that is kept, make content information survive a restart.
    let secret = server_secret::random()?;
    let infos = ContentInfos::open(Settings::default(), secret, std::sync::Arc::default())?;
    let app = Router::new()
        .route("/report", get(report))
        .layer(PeerDistLayer::new(infos));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/report", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// Content has an ETag: without one nobody could say of which state its hashes are.
async fn report() -> ([(header::HeaderName, &'static str); 2], String) {
    let fields = [
        (header::ETAG, "\"2026-1\""),
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
    ];
    (fields, "All is well.\n".repeat(100_000))
}
