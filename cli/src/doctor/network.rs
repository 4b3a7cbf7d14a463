//! Ports that are free, multicast that comes back, others that can be reached.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use peerdist::discovery::{MULTICAST_V4, MULTICAST_V6, PORT};
use peerdist::hosted_cache::HTTP_PATH;
use peerdist_node::http::client::{Client, no_body};
use peerdist_node::http::limits::ClientLimits;
use peerdist_node::http::tls;
use peerdist_node::net::interfaces::{LocalInterface, interfaces};
use peerdist_node::net::{Datagrams, Network, TokioNetwork, UdpOptions};

use super::Findings;
use crate::operations::config::Setting;
use crate::serving::args::address;

/// A datagram to this machine itself takes microseconds.
const ECHO_PATIENCE: Duration = Duration::from_secs(1);
const REACH_PATIENCE: Duration = Duration::from_secs(5);
const WORD: &[u8] = b"peerdist doctor";

pub(super) async fn check(findings: &mut Findings, settings: &[Setting], hosted: &[String]) {
    let admins: Vec<SocketAddr> = addresses(settings, &["admin"]);
    let runs = is_one_of_ours(&admins).await;
    for (key, at) in keyed(
        settings,
        &["listen", "listen-tls", "http", "https", "proxy", "admin"],
    ) {
        port(findings, &key, at, runs).await;
    }
    probes_port(findings).await;
    multicast(findings, settings).await;
    for setting in settings.iter().filter(|setting| setting.key == "upstream") {
        for url in &setting.values {
            reach(findings, &format!("upstream {url}"), url, None).await;
        }
    }
    for name in hosted {
        let base = match name.contains("://") {
            true => name.trim_end_matches('/').to_owned(),
            false => format!("http://{name}"),
        };
        let url = format!("{base}{HTTP_PATH}");
        reach(findings, &format!("hosted cache {name}"), &url, Some(404)).await;
    }
}

fn keyed(settings: &[Setting], keys: &[&str]) -> Vec<(String, SocketAddr)> {
    let chosen = settings.iter().filter(|s| keys.contains(&s.key.as_str()));
    chosen
        .flat_map(|setting| setting.values.iter().map(move |value| (setting, value)))
        .filter_map(|(setting, value)| {
            // `admin = true` stands for the usual place.
            let text = if value.is_empty() {
                crate::operations::args::ADMIN
            } else {
                value
            };
            Some((setting.key.clone(), address(text).ok()?))
        })
        .collect()
}

fn addresses(settings: &[Setting], keys: &[&str]) -> Vec<SocketAddr> {
    keyed(settings, keys)
        .into_iter()
        .map(|(_, at)| at)
        .collect()
}

async fn is_one_of_ours(admins: &[SocketAddr]) -> bool {
    for at in admins {
        let url = format!("http://{at}/api/status");
        if let Ok(status) = status_of(&url).await
            && status == 200
        {
            return true;
        }
    }
    false
}

async fn port(findings: &mut Findings, key: &str, at: SocketAddr, runs: bool) {
    let check = format!("{key} {at}");
    match TokioNetwork.listen(at).await {
        Ok(_) => findings.good(&check, "it is free"),
        Err(error) if error.kind() == ErrorKind::AddrInUse && runs => {
            findings.good(&check, "in use, and a peerdist with these settings runs");
        }
        Err(error) => {
            let advice = match error.kind() {
                ErrorKind::AddrInUse => {
                    "find who has it with 'ss -ltnp', end that or take another port"
                }
                ErrorKind::AddrNotAvailable => {
                    "name an address that this machine has: 'ip addr' lists them"
                }
                ErrorKind::PermissionDenied => {
                    "ports below 1024 need CAP_NET_BIND_SERVICE, which the units in dist/systemd give"
                }
                _ => "",
            };
            findings.bad(&check, error, advice);
        }
    }
}

async fn probes_port(findings: &mut Findings) {
    let options = UdpOptions {
        shared: true,
        ..UdpOptions::default()
    };
    let at = SocketAddr::from(([0, 0, 0, 0], PORT));
    let check = format!("discovery UDP {PORT}");
    match TokioNetwork.bind_udp(at, options).await {
        Ok(_) => findings.good(&check, "it can be listened on"),
        Err(error) => {
            let advice =
                "another program has it for itself, such as wsdd: end that; others can share it";
            findings.bad(&check, error, advice);
        }
    }
}

async fn multicast(findings: &mut Findings, settings: &[Setting]) {
    let chosen = settings.iter().filter(|setting| setting.key == "interface");
    let chosen: Vec<IpAddr> = chosen
        .flat_map(|setting| &setting.values)
        .filter_map(|value| value.parse().ok())
        .collect();
    let found = match interfaces(&chosen) {
        Ok(found) => found,
        Err(error) => {
            let advice = "name addresses that this machine has: 'ip addr' lists them";
            return findings.bad("multicast", error, advice);
        }
    };
    if found.is_empty() {
        let advice =
            "peers can be neither found nor searched; connect a network, or go without peers";
        return findings.warn("multicast", "no interface is up but the loopback", advice);
    }
    for local in &found {
        for is_ipv4 in [true, false] {
            let own = local
                .addresses
                .iter()
                .find(|(address, _)| address.is_ipv4() == is_ipv4);
            let Some((own, _)) = own else { continue };
            let check = format!("multicast on {own}");
            match echo(local, is_ipv4).await {
                Ok(()) => findings.good(&check, "a datagram to the group came back"),
                Err(why) => {
                    let advice = "allow UDP 3702 to and from 239.255.255.250 and ff02::c in the firewall, and multicast on \
                                  the interface ('ip link set dev NAME multicast on')";
                    findings.warn(&check, why, advice);
                }
            }
        }
    }
}

/// Sends to the group on an interface, and waits for it as a member of the group.
async fn echo(local: &LocalInterface, is_ipv4: bool) -> Result<(), String> {
    let group = if is_ipv4 { MULTICAST_V4 } else { MULTICAST_V6 };
    let words = |error: std::io::Error| error.to_string();
    let options = UdpOptions {
        shared: true,
        interface: local.interface,
        ..UdpOptions::default()
    };
    let unspecified = if is_ipv4 { "0.0.0.0:0" } else { "[::]:0" };
    let at: SocketAddr = unspecified.parse().map_err(|_| "no address".to_owned())?;
    let socket = TokioNetwork.bind_udp(at, options).await.map_err(words)?;
    socket.join(group.ip(), local.interface).map_err(words)?;
    // To a port of its own: what answers at 3702 is not to be disturbed.
    let port = Datagrams::local_addr(&socket).map_err(words)?.port();
    let mut to = SocketAddr::new(group.ip(), port);
    if let SocketAddr::V6(v6) = &mut to {
        v6.set_scope_id(local.interface.index);
    }
    Datagrams::send_to(&socket, WORD, to).await.map_err(words)?;
    let heard = async {
        let mut buffer = [0; 64];
        loop {
            let (length, _) = Datagrams::recv_from(&socket, &mut buffer).await?;
            if buffer.get(..length) == Some(WORD) {
                return Ok(());
            }
        }
    };
    match tokio::time::timeout(ECHO_PATIENCE, heard).await {
        Ok(heard) => heard.map_err(words),
        Err(_) => Err("a datagram to the group did not come back within a second".to_owned()),
    }
}

async fn reach(findings: &mut Findings, check: &str, url: &str, is_none_by: Option<u16>) {
    match status_of(url).await {
        Ok(status) if Some(status) == is_none_by => {
            let advice = "start one there with 'peerdist hosted-cache', or correct the name";
            findings.bad(
                check,
                format_args!("a web server answers, but it is no hosted cache ({status})"),
                advice,
            );
        }
        Ok(status) if status >= 500 => {
            findings.warn(
                check,
                format_args!("it answers with an error ({status})"),
                "look at its log",
            );
        }
        Ok(status) => findings.good(check, format_args!("it answers ({status})")),
        Err(why) => {
            let advice = "check the name, the port, and the firewalls on the way";
            findings.bad(check, why, advice);
        }
    }
}

async fn status_of(url: &str) -> Result<u16, String> {
    let asked = async {
        let request = ::http::Request::get(url).body(no_body());
        let request = request.map_err(|error| error.to_string())?;
        let tls = match url.starts_with("https://") {
            true => Some(tls::client(None).map_err(|error| error.to_string())?),
            false => None,
        };
        let client = Client::new(TokioNetwork, tls, ClientLimits::default());
        let response = client.request(request).await;
        let response = response.map_err(|error| error.to_string())?;
        Ok(response.status().as_u16())
    };
    let answered = tokio::time::timeout(REACH_PATIENCE, asked).await;
    answered.unwrap_or_else(|_| Err("no answer within 5 seconds".to_owned()))
}
