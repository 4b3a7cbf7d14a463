//! What is judged, and how the judge reaches it.
//! Invariant: the judge only ever speaks to what it was told to, over sockets of its own.
//! Byte order: none.

pub mod client;
pub mod command;
pub mod connection;
pub mod content_info;
pub mod content_server;
pub mod datagrams;
pub mod description;
pub mod exchange;
pub mod folder;
pub mod hosted_cache;
pub mod life;
pub mod offering_client;
pub mod peer;
pub mod responder;
pub mod service;

use crate::judge::Role;

/// What there is to judge, by role.
#[derive(Debug, Default)]
pub struct Targets {
    /// Makes content information.
    pub content_info: Option<content_info::ContentInfoMaker>,
    /// Serves content.
    pub content_server: Option<content_server::ContentServer>,
    /// Serves blocks.
    pub peer: Option<peer::Peer>,
    /// Answers probes.
    pub responder: Option<responder::Responder>,
    /// Takes offers.
    pub hosted_cache: Option<hosted_cache::HostedCache>,
    /// Downloads.
    pub client: Option<client::Client>,
}

impl Targets {
    /// Whether there is one of that role.
    #[must_use]
    pub const fn has(&self, role: Role) -> bool {
        match role {
            Role::ContentInfo => self.content_info.is_some(),
            Role::ContentServer => self.content_server.is_some(),
            Role::Peer => self.peer.is_some(),
            Role::Responder => self.responder.is_some(),
            Role::HostedCache => self.hosted_cache.is_some(),
            Role::Client => self.client.is_some(),
        }
    }
}
