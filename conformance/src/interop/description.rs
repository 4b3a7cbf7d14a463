//! An implementation as a file describes it: the commands of its roles, or where they run.
//! Invariant: what has no mistake can be started; every name in braces stands for something.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::judge::Role;
use crate::wire::content_info::Version;
use crate::wire::location;

/// The longest name.
const NAME_MAX_LETTERS: usize = 40;
/// What every command may name.
const ALWAYS: &[&str] = &[
    "peerdist",
    "here",
    "folder",
    "store",
    "version",
    "interface",
    "secret_hex",
    "secret_file",
];

/// An implementation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Description {
    /// What it is called.
    pub name: String,
    /// What it is, in a line.
    #[serde(default)]
    pub about: String,
    /// The versions of content information that it knows.
    #[serde(default = "both")]
    pub versions: Vec<u8>,
    /// What is set in the environment of its commands.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Makes content information.
    pub content_info: Option<Maker>,
    /// Serves content with content information.
    pub content_server: Option<ContentServer>,
    /// Serves blocks.
    pub peer: Option<Peer>,
    /// Answers probes, where that is not the peer itself.
    pub responder: Option<Responder>,
    /// Takes offers and serves blocks.
    pub hosted_cache: Option<HostedCache>,
    /// Downloads.
    pub client: Option<Client>,
}

fn both() -> Vec<u8> {
    vec![1, 2]
}

/// What makes content information.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Maker {
    /// A command that writes that of `{content}` to `{out}`.
    pub command: String,
}

/// A content server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ContentServer {
    /// A command that serves the files below `{root}`.
    pub command: Option<String>,
    /// What a line says when it is ready; without it, its port takes connections then.
    pub ready_line: Option<String>,
    /// One that runs elsewhere: a URL.
    pub endpoint: Option<String>,
    /// A copy of what is at that URL, beside the description.
    pub content: Option<PathBuf>,
}

/// Who tells neighbours of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnnouncedBy {
    /// The peer itself, or the responder that is described beside it.
    #[default]
    Itself,
    /// The runner answers probes for it.
    Runner,
}

/// A peer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peer {
    /// A command that fetches `{url}` first, for the peer to have.
    pub fill: Option<String>,
    /// A command that serves what was fetched, or `{content}` by `{info}`.
    pub command: Option<String>,
    /// As for a content server.
    pub ready_line: Option<String>,
    /// One that runs elsewhere.
    pub endpoint: Option<SocketAddr>,
    /// What one that runs elsewhere and is not filled holds, beside the description.
    pub content: Option<PathBuf>,
    /// The content information of that, beside the description.
    pub info: Option<PathBuf>,
    /// Who tells neighbours of it.
    #[serde(default)]
    pub announced_by: AnnouncedBy,
}

/// A responder of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Responder {
    /// A command that answers probes for the peer at `{peer}`.
    pub command: String,
    /// What a line says when it is ready.
    pub ready_line: String,
}

/// A hosted cache.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HostedCache {
    /// A command that takes offers of version 2.0 and serves blocks; over TLS it takes those of version 1.0.
    pub command: Option<String>,
    /// As for a content server.
    pub ready_line: Option<String>,
    /// One that runs elsewhere.
    pub endpoint: Option<SocketAddr>,
    /// Where that takes offers of version 1.0.
    pub endpoint_tls: Option<SocketAddr>,
    /// The certificate that clients are to trust, in PEM: a path with names in braces.
    pub certificate: Option<String>,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Client {
    /// A command that downloads `{url}` to `{out}`; it finds peers itself, or is told of one by `{peer}`.
    pub command: String,
    /// The same with the hosted cache at `{hosted}`.
    pub hosted: Option<String>,
    /// The same with one that takes offers of version 1.0 at `{hosted_tls}`.
    pub hosted_v1: Option<String>,
    /// Whether it goes on where it was broken off, by itself or when it is run again.
    #[serde(default)]
    pub resumes: bool,
}

/// What is wrong with a description: its key, and why.
pub type Mistake = (String, String);

/// The known name nearest to one that is not known.
pub type Nearest<'a> = &'a dyn Fn(&str, &[&str]) -> String;

impl Description {
    /// The roles it has.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        let roles = [
            (Role::ContentInfo, self.content_info.is_some()),
            (Role::ContentServer, self.content_server.is_some()),
            (Role::Peer, self.peer.is_some()),
            (Role::Responder, self.responder.is_some()),
            (Role::HostedCache, self.hosted_cache.is_some()),
            (Role::Client, self.client.is_some()),
        ];
        let had = roles.into_iter().filter(|(_, has)| *has);
        had.map(|(role, _)| role).collect()
    }

    /// Whether it knows a version of content information.
    #[must_use]
    pub fn knows(&self, version: Version) -> bool {
        self.versions.contains(&number(version))
    }

    /// Whether its hosted cache takes offers of that version, and its client makes them.
    #[must_use]
    pub fn offers(&self, version: Version) -> (bool, bool) {
        let cache = self.hosted_cache.as_ref();
        let client = self.client.as_ref();
        match version {
            Version::V1 => (
                cache.is_some_and(|cache| {
                    let command = cache.command.as_deref().unwrap_or_default();
                    cache.endpoint_tls.is_some()
                        || names_it(command, "tls_port")
                        || names_it(command, "tls_address")
                }),
                client.is_some_and(|client| client.hosted_v1.is_some()),
            ),
            Version::V2 => (
                cache.is_some(),
                client.is_some_and(|client| client.hosted.is_some()),
            ),
        }
    }

    /// The first mistake that no type can say.
    #[must_use]
    pub fn first_mistake(&self, nearest: Nearest<'_>) -> Option<Mistake> {
        self.check(nearest).err()
    }

    fn check(&self, nearest: Nearest<'_>) -> Result<(), Mistake> {
        let is_of_a_name = |sign: char| sign.is_ascii_alphanumeric() || "-._".contains(sign);
        if !(1..=NAME_MAX_LETTERS).contains(&self.name.len())
            || !self.name.chars().all(is_of_a_name)
        {
            return wrong(
                "name",
                format!("expected 1 to {NAME_MAX_LETTERS} letters, digits, '-', '.' and '_'"),
            );
        }
        if self.versions.is_empty() || self.versions.iter().any(|it| !matches!(it, 1 | 2)) {
            return wrong("versions", "expected a list of 1, 2 or both");
        }
        if self.roles().iter().all(|role| *role == Role::Responder) {
            return wrong(
                "name",
                "there is no role: at least one of content-info, content-server, peer, hosted-cache, client is needed",
            );
        }
        let check = |key: &str, command: &str, names: &[&str], needed: &[&str]| {
            check_command(key, command, (names, needed), nearest)
        };
        if let Some(maker) = &self.content_info {
            let names = ["content", "out"];
            check("content-info.command", &maker.command, &names, &names)?;
        }
        if let Some(server) = &self.content_server {
            either("content-server", &server.command, server.endpoint.is_some())?;
            if let Some(command) = &server.command {
                let names = ["root", "content", "port", "address"];
                check("content-server.command", command, &names, &[])?;
                has_place("content-server", command, server.ready_line.as_deref())?;
            }
            match (&server.endpoint, &server.content) {
                (Some(url), Some(_)) => {
                    let found = location::locate(url)
                        .map_err(|why| ("content-server.endpoint".to_owned(), why))?;
                    if found.tls_name.is_some() {
                        return wrong(
                            "content-server.endpoint",
                            "is one of https, which hides from the runner what clients ask for; name an http:// URL",
                        );
                    }
                }
                (Some(_), None) => {
                    return wrong(
                        "content-server.endpoint",
                        "needs 'content', a copy of what is there",
                    );
                }
                (None, Some(_)) => {
                    return wrong("content-server.content", "goes with 'endpoint' alone");
                }
                (None, None) => {}
            }
        }
        self.check_peer(nearest)?;
        if let Some(cache) = &self.hosted_cache {
            either("hosted-cache", &cache.command, cache.endpoint.is_some())?;
            if let Some(command) = &cache.command {
                let names = ["port", "address", "tls_port", "tls_address"];
                check("hosted-cache.command", command, &names, &[])?;
                has_place("hosted-cache", command, cache.ready_line.as_deref())?;
            }
            if let Some(path) = &cache.certificate {
                check("hosted-cache.certificate", path, &[], &[])?;
            }
            if cache.endpoint_tls.is_some() && cache.endpoint.is_none() {
                return wrong("hosted-cache.endpoint-tls", "goes with 'endpoint' alone");
            }
        }
        if let Some(client) = &self.client {
            let needed = ["url", "out"];
            let names = ["url", "out", "peer"];
            check("client.command", &client.command, &names, &needed)?;
            if let Some(hosted) = &client.hosted {
                let names = ["url", "out", "hosted"];
                check("client.hosted", hosted, &names, &names)?;
            }
            if let Some(hosted) = &client.hosted_v1 {
                let names = [
                    "url",
                    "out",
                    "hosted_tls",
                    "hosted_host",
                    "hosted_port",
                    "certificate",
                ];
                check("client.hosted-v1", hosted, &names, &needed)?;
            }
        }
        Ok(())
    }

    fn check_peer(&self, nearest: Nearest<'_>) -> Result<(), Mistake> {
        let Some(peer) = &self.peer else {
            if self.responder.is_some() {
                return wrong("responder", "there is no 'peer' that it could answer for");
            }
            return Ok(());
        };
        either("peer", &peer.command, peer.endpoint.is_some())?;
        let held = ["content", "info"];
        if let Some(fill) = &peer.fill {
            let names = ["url", "out", "content", "info"];
            check_command("peer.fill", fill, (&names, &["url"]), nearest)?;
        }
        if let Some(command) = &peer.command {
            let names = ["port", "address", "content", "info"];
            check_command("peer.command", command, (&names, &[]), nearest)?;
            has_place("peer", command, peer.ready_line.as_deref())?;
            if peer.fill.is_none() && !held.iter().any(|name| names_it(command, name)) {
                return wrong(
                    "peer.command",
                    "it would have nothing to serve: name {content} or {info}, or add 'fill', a command that fetches {url}",
                );
            }
        }
        let has_both = peer.content.is_some() && peer.info.is_some();
        if peer.content.is_some() != peer.info.is_some() {
            return wrong("peer", "'content' and 'info' go together");
        }
        if has_both && peer.fill.is_some() {
            return wrong(
                "peer.fill",
                "goes without 'content' and 'info': what it holds is one of them",
            );
        }
        if peer.endpoint.is_some() && peer.fill.is_none() && !has_both {
            return wrong(
                "peer.endpoint",
                "needs 'fill', a command that makes it fetch {url}, or 'content' and 'info', what it holds",
            );
        }
        if has_both && peer.endpoint.is_none() {
            return wrong(
                "peer.content",
                "goes with 'endpoint' alone; a command has {content}",
            );
        }
        if let Some(responder) = &self.responder {
            let names = ["peer", "content", "info"];
            check_command(
                "responder.command",
                &responder.command,
                (&names, &["peer"]),
                nearest,
            )?;
            if peer.announced_by == AnnouncedBy::Runner {
                return wrong(
                    "peer.announced-by",
                    "there is a responder; expected 'itself', or none",
                );
            }
        }
        Ok(())
    }
}

/// The number of a version.
pub(super) const fn number(version: Version) -> u8 {
    match version {
        Version::V1 => 1,
        Version::V2 => 2,
    }
}

fn wrong<T>(key: &str, why: impl Into<String>) -> Result<T, Mistake> {
    Err((key.to_owned(), why.into()))
}

fn either(key: &str, command: &Option<String>, has_endpoint: bool) -> Result<(), Mistake> {
    if command.is_some() == has_endpoint {
        return wrong(
            key,
            "expected 'command', which the runner starts, or 'endpoint', where it runs already",
        );
    }
    Ok(())
}

/// Where a server serves has to be known: by the port that it was given, or by what it says.
fn has_place(role: &str, command: &str, line: Option<&str>) -> Result<(), Mistake> {
    if line.is_none() && !listens_where_told(command) {
        return wrong(
            &format!("{role}.command"),
            "where it serves would not be known: name {port} or {address}, or add 'ready-line', what it says in front of its address",
        );
    }
    Ok(())
}

/// Whether a command is told where to listen.
pub(super) fn listens_where_told(command: &str) -> bool {
    names_it(command, "port") || names_it(command, "address")
}

/// Whether a command has a name in braces.
pub(super) fn names_it(command: &str, name: &str) -> bool {
    command.contains(&format!("{{{name}}}"))
}

fn check_command(
    key: &str,
    command: &str,
    (names, needed): (&[&str], &[&str]),
    nearest: Nearest<'_>,
) -> Result<(), Mistake> {
    if command.trim().is_empty() {
        return wrong(key, "the command is empty");
    }
    let all: Vec<&str> = names.iter().chain(ALWAYS).copied().collect();
    for name in braced(command) {
        if !all.contains(&name) {
            let near = nearest(name, &all);
            let listed = all.join("}, {");
            return wrong(
                key,
                format!(
                    "there is no {{{name}}} here; the nearest is {{{near}}}; there are {{{listed}}}"
                ),
            );
        }
    }
    let missing = needed.iter().find(|name| !names_it(command, name));
    missing.map_or(Ok(()), |name| {
        wrong(key, format!("it does not name {{{name}}}"))
    })
}

/// What stands in braces as names do; `${…}` is the shell's.
fn braced(command: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = command;
    while let Some((before, behind)) = rest.split_once('{') {
        let is_of_the_shell = before.ends_with('$');
        let name = behind.split_once('}').map(|(name, _)| name);
        let is_name = |name: &&str| {
            let is_letter = |sign: char| sign.is_ascii_lowercase() || sign == '_';
            !name.is_empty() && name.chars().all(is_letter)
        };
        if !is_of_the_shell {
            found.extend(name.filter(is_name));
        }
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_told_from_what_is_the_shells() {
        assert_eq!(
            braced("get {url} -o '{out}' ${HOME} ${url} {A} { x } {} {info_x}{port}"),
            ["url", "out", "info_x", "port"]
        );
        assert_eq!(braced("{url"), [""; 0]);
    }

    fn of(text: &str) -> Option<Mistake> {
        let description: Description = serde_yaml::from_str(text).unwrap();
        let first = |_: &str, known: &[&str]| known.first().copied().unwrap_or_default().to_owned();
        description.first_mistake(&first)
    }

    #[test]
    fn parts_that_do_not_go_together_are_mistakes() {
        let key = |text: &str| of(text).map(|(key, _)| key);
        let good = "name: it\npeer: { endpoint: '10.0.0.1:80', fill: 'ssh it {url}' }";
        assert_eq!(of(good), None);
        for (text, expected) in [
            (
                "content-server: { endpoint: 'http://127.0.0.1/a' }",
                "content-server.endpoint",
            ),
            (
                "content-server: { endpoint: '127.0.0.1', content: a }",
                "content-server.endpoint",
            ),
            (
                "content-server: { command: '{root} {port}', content: a }",
                "content-server.content",
            ),
            (
                "content-server: { command: '{root}' }",
                "content-server.command",
            ),
            ("peer: { endpoint: '10.0.0.1:80', content: a }", "peer"),
            (
                "peer: { endpoint: '10.0.0.1:80', content: a, info: b, fill: '{url}' }",
                "peer.fill",
            ),
            (
                "peer: { command: '{port} {content}', content: a, info: b }",
                "peer.content",
            ),
            (
                "peer: { command: '{port} {content}', endpoint: '10.0.0.1:80' }",
                "peer",
            ),
            (
                "peer: { command: '{port} {info}', announced-by: runner }\nresponder: { command: '{peer}', ready-line: a }",
                "peer.announced-by",
            ),
            (
                "client: { command: '{url} {out}' }\nresponder: { command: '{peer}', ready-line: a }",
                "responder",
            ),
            (
                "client: { command: '{url} {out}', hosted: '{url} {out}' }",
                "client.hosted",
            ),
            (
                "hosted-cache: { command: '{port}', endpoint-tls: '10.0.0.1:443' }",
                "hosted-cache.endpoint-tls",
            ),
            (
                "hosted-cache: { command: '{port}', certificate: '{stor}' }",
                "hosted-cache.certificate",
            ),
            ("content-info: { command: ' ' }", "content-info.command"),
        ] {
            assert_eq!(
                key(&format!("name: it\n{text}")).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }
}
