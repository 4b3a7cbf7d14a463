//! Implementations of every role, each of which can be wrong in one way: what the cases are proven against.
//! Invariant: without a mistake each passes all cases; with one, the case meant for it finds it.
//! Byte order: that of each document.
//!
//! They are as small as they can be, speak only on the loopback interface, and share the judge's writers: what both
//! would have wrong, the implementations that are not ours show.

/// What implementations of a role can have wrong, a line each: its variant, the name of the deviant, what that does, and
/// the case that is meant for it.
macro_rules! mistakes {
    ($role:ident; $($variant:ident $id:literal $what:literal $caught_by:literal;)*) => {
        /// What it has wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Mistake {
            $(#[doc = $what] $variant,)*
        }

        /// Implementations that are wrong in one way each.
        pub const DEVIANTS: &[$crate::deviants::Deviant] = &[
            $($crate::deviants::Deviant {
                id: $id,
                what: $what,
                caught_by: $caught_by,
                mistake: $crate::deviants::Mistake::$role(Mistake::$variant),
            },)*
        ];
    };
}

pub mod client;
pub mod content_info;
pub mod content_server;
pub mod hosted_cache;
pub mod matrix;
pub mod peer;
pub mod responder;
mod server;

use std::any::Any;
use std::io;

use crate::judge::Role;
use crate::targets::Targets;

/// What an implementation has wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the roles")]
pub enum Mistake {
    ContentInfo(content_info::Mistake),
    ContentServer(content_server::Mistake),
    Peer(peer::Mistake),
    Responder(responder::Mistake),
    HostedCache(hosted_cache::Mistake),
    Client(client::Mistake),
}

impl Mistake {
    /// The role that has it wrong.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::ContentInfo(_) => Role::ContentInfo,
            Self::ContentServer(_) => Role::ContentServer,
            Self::Peer(_) => Role::Peer,
            Self::Responder(_) => Role::Responder,
            Self::HostedCache(_) => Role::HostedCache,
            Self::Client(_) => Role::Client,
        }
    }
}

/// An implementation that is wrong in one way.
#[derive(Debug)]
pub struct Deviant {
    /// Its name, which never changes.
    pub id: &'static str,
    /// What it does that it must not.
    pub what: &'static str,
    /// The case that is meant for it.
    pub caught_by: &'static str,
    /// What it has wrong.
    pub mistake: Mistake,
}

/// All of them, in the order of the roles.
#[must_use]
pub fn all() -> Vec<&'static Deviant> {
    let roles = [
        content_info::DEVIANTS,
        content_server::DEVIANTS,
        peer::DEVIANTS,
        responder::DEVIANTS,
        hosted_cache::DEVIANTS,
        client::DEVIANTS,
    ];
    roles.into_iter().flatten().collect()
}

/// An implementation that runs, until it is dropped.
#[derive(Debug)]
pub struct Stage {
    /// It, as something to judge.
    pub targets: Targets,
    _keep: Box<dyn Any + Send + Sync>,
}

/// Starts an implementation of a role, right or wrong.
///
/// # Errors
/// That of the system, as where no port is free.
pub fn stage(role: Role, mistake: Option<Mistake>) -> io::Result<Stage> {
    match (role, mistake) {
        (Role::ContentInfo, Some(Mistake::ContentInfo(mistake))) => {
            Ok(content_info::stage(Some(mistake)))
        }
        (Role::ContentInfo, _) => Ok(content_info::stage(None)),
        (Role::ContentServer, Some(Mistake::ContentServer(mistake))) => {
            content_server::stage(Some(mistake))
        }
        (Role::ContentServer, _) => content_server::stage(None),
        (Role::Peer, Some(Mistake::Peer(mistake))) => peer::stage(Some(mistake)),
        (Role::Peer, _) => peer::stage(None),
        (Role::Responder, Some(Mistake::Responder(mistake))) => responder::stage(Some(mistake)),
        (Role::Responder, _) => responder::stage(None),
        (Role::HostedCache, Some(Mistake::HostedCache(mistake))) => {
            hosted_cache::stage(Some(mistake))
        }
        (Role::HostedCache, _) => hosted_cache::stage(None),
        (Role::Client, Some(Mistake::Client(mistake))) => client::stage(Some(mistake)),
        (Role::Client, _) => client::stage(None),
    }
}
