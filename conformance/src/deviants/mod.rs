//! Implementations of every role, each of which can be wrong in one way: what the cases are proven against.
//! Invariant: without a mistake each passes all cases; with one, the case meant for it finds it.
//! Byte order: that of each document.
//!
//! They are as small as they can be, speak only on the loopback interface, and share the judge's writers: what both
//! would have wrong, the implementations that are not ours show.

pub mod client;
pub mod matrix;
pub mod peer;
mod server;

use std::any::Any;
use std::io;

use crate::judge::Role;
use crate::targets::Targets;

/// What an implementation has wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the roles")]
pub enum Mistake {
    Peer(peer::Mistake),
    Client(client::Mistake),
}

impl Mistake {
    /// The role that has it wrong.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Peer(_) => Role::Peer,
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
    [peer::DEVIANTS, client::DEVIANTS]
        .into_iter()
        .flatten()
        .collect()
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
        (Role::Peer, Some(Mistake::Peer(mistake))) => peer::stage(Some(mistake)),
        (Role::Peer, _) => peer::stage(None),
        (Role::Client, Some(Mistake::Client(mistake))) => client::stage(Some(mistake)),
        (Role::Client, _) => client::stage(None),
        (other, _) => Err(io::Error::other(format!("there is no deviant {other}"))),
    }
}
