//! What options name to be judged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use globset::Glob;
use peerdist_conformance::judge::{Case, Role};
use peerdist_conformance::targets::Targets;
use peerdist_conformance::targets::client::{Client, How};
use peerdist_conformance::targets::command;
use peerdist_conformance::targets::content_info::ContentInfoMaker;
use peerdist_conformance::targets::content_server::ContentServer;
use peerdist_conformance::targets::hosted_cache::HostedCache;
use peerdist_conformance::targets::life::Life;
use peerdist_conformance::targets::peer::{Holding, Peer};
use peerdist_conformance::targets::responder::Responder;
use peerdist_conformance::wire::content_info::ContentInfo;
use peerdist_conformance::wire::location;
use peerdist_node::http::tls;

use super::args::{Probe, SelectArgs, TargetArgs};
use super::file::read;
use crate::failure::Failure;
use crate::print::from_hex;

/// Longer than a connection takes to anywhere.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

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
        address_of_url(url, "--url")?;
        if let Some(url) = &args.long_url {
            address_of_url(url, "--long-url")?;
        }
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
        check_command(command, "--exec", &["{content}", "{out}"])?;
        named.targets.content_info = Some(ContentInfoMaker::command(command.as_str()));
        named.names.insert("content-info", command.clone());
    }
    if let Some(command) = &args.command {
        check_command(command, "--command", &["{url}", "{out}"])?;
        if let Some(command) = &args.hosted_command {
            check_command(command, "--hosted-command", &["{url}", "{out}", "{hosted}"])?;
        }
        let mut client = Client::commands(command, args.hosted_command.as_deref());
        if let Some(command) = &args.hosted_tls_command {
            let places = ["{url}", "{out}", "{hosted}"];
            check_command(command, "--hosted-tls-command", &places)?;
        }
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
        let mut responder = Responder::at(address, interface, holdings.clone());
        if let (Some(fetch), Some(serve)) = (&args.fetch_command, &args.serve_command) {
            if args.interface.is_none() {
                return Err(Failure::usage(
                    "--fetch-command needs --interface, over which it is answered and what it fetched is looked for",
                ));
            }
            check_command(fetch, "--fetch-command", &["{url}", "{out}", "{store}"])?;
            check_command(serve, "--serve-command", &["{store}", "{address}"])?;
            responder.life = Some(Life::commands(fetch, serve));
        }
        named.targets.responder = Some(responder);
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

/// The first address of a name and a port.
fn address(text: &str, option: &str) -> Result<SocketAddr, Failure> {
    let is_one = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse().is_ok_and(|port: u16| port > 0)
    });
    if !is_one {
        return Err(Failure::usage(format_args!(
            "{option} {text}: expected HOST:PORT, such as 10.0.0.5:80"
        )));
    }
    let unknown = |why: &dyn Display| Failure::unreachable(format_args!("{option} {text}: {why}"));
    let mut found = text.to_socket_addrs().map_err(|error| unknown(&error))?;
    found.next().ok_or_else(|| unknown(&"it has no address"))
}

/// The address of a URL that the judge can ask for.
fn address_of_url(url: &str, option: &str) -> Result<SocketAddr, Failure> {
    let rest = url.strip_prefix("http://");
    let host = rest
        .or_else(|| url.strip_prefix("https://"))
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .filter(|host| !host.is_empty());
    let port = host.and_then(|host| host.rsplit_once(':'));
    let port = port.filter(|(_, port)| !port.ends_with(']'));
    let is_good = port.is_none_or(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
    if host.is_none() || !is_good {
        return Err(Failure::usage(format_args!(
            "{option} {url}: expected http://HOST/PATH, http://HOST:PORT/PATH, or the same with https"
        )));
    }
    let located = location::locate(url);
    let place =
        located.map_err(|why| Failure::unreachable(format_args!("{option} {url} {why}")))?;
    Ok(place.address)
}

/// A command that has the places which the judge fills in, and a program that is there.
fn check_command(command: &str, option: &str, places: &[&str]) -> Result<(), Failure> {
    if let Some(missing) = places.iter().find(|place| !command.contains(**place)) {
        return Err(Failure::usage(format_args!(
            "{option} has no {missing} in it; expected {}",
            places.join(" and ")
        )));
    }
    let words = command.trim_start();
    let program = match words.chars().next() {
        Some(quote @ ('\'' | '"')) => words[1..].split(quote).next(),
        _ => words.split_whitespace().next(),
    };
    let program = program.unwrap_or_default();
    // What is for the shell, the shell may know.
    let is_for_shell = command.contains(command::OF_THE_SHELL);
    if is_for_shell || program.contains(['{', '\'', '"']) || is_there(program) {
        return Ok(());
    }
    Err(Failure::usage(format_args!(
        "{option}: there is no program '{program}'"
    )))
}

fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether somebody listens at each of the addresses: better one line now than every case inconclusive.
pub(super) fn reach(args: &TargetArgs) -> Result<(), Failure> {
    let urls = [("--url", &args.url), ("--long-url", &args.long_url)];
    let hosts = [
        ("--target", &args.target),
        ("--http", &args.http),
        ("--https", &args.https),
        ("--https-authenticated", &args.https_authenticated),
    ];
    let connect = |option: &str, text: &str, address: SocketAddr| {
        TcpStream::connect_timeout(&address, REACH_TIMEOUT)
            .map(drop)
            .map_err(|error| {
                Failure::unreachable(format_args!(
                    "{option} {text}: cannot connect to {address}: {error}; is it running, and is that its port?"
                ))
            })
    };
    for (option, url) in urls {
        if let Some(url) = url {
            connect(option, url, address_of_url(url, option)?)?;
        }
    }
    for (option, host) in hosts {
        if let Some(host) = host {
            connect(option, host, address(host, option)?)?;
        }
    }
    Ok(())
}

/// What names something of a role.
const fn option_of(role: Role) -> &'static str {
    match role {
        Role::ContentInfo => "--exec",
        Role::ContentServer => "--url",
        Role::Peer => "--target",
        Role::Responder => "--probe",
        Role::HostedCache => "--http",
        Role::Client => "--command",
    }
}

impl Named {
    /// Whether there is something to judge for whatever was asked for by name: nobody shall take what does not run for
    /// what passes.
    pub(super) fn judges(
        &self,
        cases: &[&'static Case],
        select: &SelectArgs,
    ) -> Result<(), Failure> {
        let missing = |what: &dyn Display, role: Role| {
            let option = option_of(role);
            Err(Failure::usage(format_args!(
                "{what}: nothing of the role {role} is named; name it with {option}"
            )))
        };
        let has = |role: Role| self.targets.has(role);
        if let Some(role) = select.role.iter().find(|role| !has(**role)) {
            return missing(&format_args!("--role {role}"), *role);
        }
        for pattern in &select.cases {
            let glob = Glob::new(pattern).map_err(|error| Failure::usage(error.to_string()))?;
            let glob = glob.compile_matcher();
            let fitting = cases.iter().filter(|case| glob.is_match(case.id));
            let roles: BTreeSet<Role> = fitting.map(|case| case.role()).collect();
            if let Some(first) = roles
                .first()
                .filter(|_| !roles.iter().any(|role| has(*role)))
            {
                return missing(&format_args!("'{pattern}'"), *first);
            }
        }
        Ok(())
    }
}
