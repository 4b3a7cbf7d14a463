//! What options name to be judged.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;

use peerdist_conformance::targets::Targets;
use peerdist_conformance::targets::client::{Client, How};
use peerdist_conformance::targets::content_info::ContentInfoMaker;
use peerdist_conformance::targets::content_server::ContentServer;
use peerdist_conformance::targets::hosted_cache::HostedCache;
use peerdist_conformance::targets::peer::{Holding, Peer};
use peerdist_conformance::targets::responder::Responder;
use peerdist_conformance::wire::content_info::ContentInfo;
use peerdist_node::http::tls;

use super::args::{Probe, TargetArgs};
use crate::failure::Failure;
use crate::print::from_hex;

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
    if let Some(url) = &args.url {
        let mut server = ContentServer::at(url.as_str());
        server.content = args
            .content
            .as_deref()
            .map(|path| read(path, "--content"))
            .transpose()?;
        server.long_url.clone_from(&args.long_url);
        let tls = tls::client(args.cacert.as_deref());
        server.tls = Some(tls.map_err(|why| Failure::usage(format_args!("--cacert: {why}")))?);
        let secret = args.secret_hex.as_deref().map(from_hex).transpose();
        server.secret_key =
            secret.map_err(|why| Failure::usage(format_args!("--secret-hex: {why}")))?;
        named.targets.content_server = Some(server);
        named.names.insert("content-server", url.clone());
    }
    if let Some(command) = &args.exec {
        named.targets.content_info = Some(ContentInfoMaker::command(command.as_str()));
        named.names.insert("content-info", command.clone());
    }
    if let Some(command) = &args.command {
        let mut client = Client::commands(command, args.hosted_command.as_deref());
        let secured = args.hosted_tls_command.as_ref();
        client.secured = secured.map(|command| How::Command(command.clone()));
        match args.interface {
            Some(IpAddr::V4(interface)) => client.interface = interface,
            Some(IpAddr::V6(_)) => {
                return Err(Failure::usage(
                    "--interface: probes of clients are heard over IPv4; expected an IPv4 address",
                ));
            }
            None => {}
        }
        named.targets.client = Some(client);
        named.names.insert("client", command.clone());
    }
    if let Some(http) = &args.http {
        let https = args.https.as_deref();
        let https_address = https.map(|it| address(it, "--https")).transpose()?;
        let mut cache = HostedCache::at(address(http, "--http")?, https_address);
        let authenticated = args.https_authenticated.as_deref();
        cache.https_authenticated = authenticated
            .map(|it| address(it, "--https-authenticated"))
            .transpose()?;
        named.targets.hosted_cache = Some(cache);
        let name = https.map_or_else(|| http.clone(), |https| format!("{http}, TLS {https}"));
        named.names.insert("hosted-cache", name);
    }
    if let Some(target) = &args.target {
        let mut peer = Peer::at(address(target, "--target")?, holdings.clone());
        peer.host.clone_from(target);
        peer.client_limit = args.client_limit.map(std::num::NonZeroUsize::get);
        named.targets.peer = Some(peer);
        named.names.insert("peer", target.clone());
    }
    if let Some(probe) = args.probe {
        let interface = args.interface.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let address = match probe {
            Probe::Unicast(address) => Some(address),
            Probe::Multicast if args.interface.is_none() => {
                return Err(Failure::usage(
                    "--probe multicast needs --interface, the address of this machine at the interface to be used",
                ));
            }
            Probe::Multicast => None,
        };
        let name = address.map_or_else(
            || format!("multicast over {interface}"),
            |it| it.to_string(),
        );
        named.targets.responder = Some(Responder::at(address, interface, holdings.clone()));
        named.names.insert("responder", name);
    }
    if named.names.is_empty() {
        return Err(Failure::usage(
            "nothing to judge: name a content server (--url), a peer (--target), a responder (--probe), a hosted cache \
             (--http), a client (--command) or a maker of content information (--exec)",
        ));
    }
    Ok(named)
}

/// The content information of --info.
fn holdings(args: &TargetArgs) -> Result<Vec<Holding>, Failure> {
    let mut holdings = Vec::new();
    for path in &args.info {
        let bytes = read(path, "--info")?;
        let info = ContentInfo::read(&bytes).map_err(|error| {
            let path = path.display();
            Failure::usage(format_args!(
                "--info {path} is no content information: {error}"
            ))
        })?;
        holdings.push(Holding {
            info,
            content: None,
        });
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
