//! What options name to be judged.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use peerdist_conformance::targets::Targets;
use peerdist_conformance::targets::peer::{Holding, Peer};
use peerdist_conformance::wire::content_info::ContentInfo;

use super::args::TargetArgs;
use crate::failure::Failure;

/// What is judged, and what to call it in reports.
pub(super) struct Named {
    pub(super) targets: Targets,
    pub(super) names: BTreeMap<&'static str, String>,
}

/// What was asked for.
pub(super) fn of(args: &TargetArgs) -> Result<Named, Failure> {
    let mut named = Named {
        targets: Targets::default(),
        names: BTreeMap::new(),
    };
    let holdings = holdings(args)?;
    if let Some(target) = &args.target {
        let mut peer = Peer::at(address(target, "--target")?, holdings);
        peer.host.clone_from(target);
        peer.client_limit = args.client_limit.map(std::num::NonZeroUsize::get);
        named.targets.peer = Some(peer);
        named.names.insert("peer", target.clone());
    }
    if named.names.is_empty() {
        return Err(Failure::usage(
            "nothing to judge: name a content server (--url), a peer (--target), a responder (--probe), a hosted cache \
             (--http), a client (--command) or a maker of content information (--exec)",
        ));
    }
    Ok(named)
}

/// The content information of --info, each with its content where that was given.
fn holdings(args: &TargetArgs) -> Result<Vec<Holding>, Failure> {
    let mut holdings = Vec::new();
    for (place, path) in args.info.iter().enumerate() {
        let bytes = read(path, "--info")?;
        let info = ContentInfo::read(&bytes).map_err(|error| {
            let path = path.display();
            Failure::usage(format_args!(
                "--info {path} is no content information: {error}"
            ))
        })?;
        let content = args.content.get(place).filter(|_| args.url.is_none());
        let content = content.map(|path| read(path, "--content")).transpose()?;
        if let Some(content) = &content {
            let described: u64 = info
                .segments
                .iter()
                .map(|segment| u64::from(segment.length))
                .sum();
            if described != content.len() as u64 {
                return Err(Failure::usage(format_args!(
                    "--content has {} bytes, but --info {} describes {described}; expected the whole content",
                    content.len(),
                    path.display()
                )));
            }
        }
        holdings.push(Holding { info, content });
    }
    Ok(holdings)
}

pub(super) fn read(path: &Path, option: &str) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        Failure::usage(format_args!(
            "cannot read {option} {}: {error}",
            path.display()
        ))
    })
}

/// The first address of a name and a port.
pub(super) fn address(text: &str, option: &str) -> Result<SocketAddr, Failure> {
    if !text.contains(':') {
        return Err(Failure::usage(format_args!(
            "{option} {text}: expected HOST:PORT"
        )));
    }
    let mut found = text
        .to_socket_addrs()
        .map_err(|error| Failure::unreachable(format_args!("{option} {text}: {error}")))?;
    found
        .next()
        .ok_or_else(|| Failure::unreachable(format_args!("{option} {text}: no address")))
}
