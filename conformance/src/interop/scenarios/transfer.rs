//! Content servers with clients of others (MS-PCCRTP): the runner stands between the two, and sees what they say.
//! Invariant: the content server gives right content information before a client is held against it.
//! Byte order: none.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::super::Stopped;
use super::super::description;
use super::super::relay::{Passed, Relay};
use super::super::stage::{Serving, Stage};
use super::{came_whole, had, text, write};
use crate::clock;
use crate::evidence::record::Recorder;
use crate::judge::Role;
use crate::targets::client::world::cache::holds_nothing;
use crate::targets::client::world::listener::Listener;
use crate::targets::client::world::peer;
use crate::targets::command::Ended;
use crate::targets::connection::{Answer, Connection, Response};
use crate::targets::peer::Holding;
use crate::wire::content_info::ContentInfo;
use crate::wire::described::Described;
use crate::wire::digest::Algorithm;
use crate::wire::http;
use crate::wire::location;

/// How often a server is asked whether it has the hashes by now.
const TICK: Duration = Duration::from_millis(100);
/// How long it may take to answer.
const ANSWERING: Duration = Duration::from_secs(30);
/// Bytes of content behind which an answer is broken off.
const CUT_AFTER: usize = 300_000;

/// A content server that is ready, and what it serves.
struct Ready {
    content: Vec<u8>,
    address: SocketAddr,
    host: String,
    path: String,
    serving: Option<Serving>,
}

/// What the client of a cell is to do, once or again.
struct Download<'s, 'c> {
    stage: &'s Stage<'c>,
    command: &'s str,
    room: PathBuf,
    out: PathBuf,
    url: String,
    /// Whom it is told of, who has nothing.
    nobody: Listener,
}

impl<'s, 'c> Download<'s, 'c> {
    fn of(stage: &'s Stage<'c>, ready: &Ready, relay: &Relay) -> Result<Self, Stopped> {
        let room = stage.room("client")?;
        Ok(Self {
            stage,
            command: &had(stage.cell.client.description.client.as_ref())?.command,
            out: room.join("out"),
            room,
            url: format!("http://{}{}", relay.address(), ready.path),
            nobody: nobody(stage, ready)?,
        })
    }

    fn run(&self, what: &str) -> Result<Ended, Stopped> {
        let peer = self.nobody.address.to_string();
        let out = text(&self.out);
        let more = [("url", &*self.url), ("out", &*out), ("peer", &*peer)];
        let client = self.stage.cell.client;
        self.stage
            .run(client, what, self.command, (&self.room, &more))
    }
}

/// The whole content, by a client that asks for the coding.
pub(super) fn whole(stage: &Stage<'_>) -> Result<String, Stopped> {
    let ready = served(stage)?;
    let relay = relayed(stage, &ready, None)?;
    let download = Download::of(stage, &ready, &relay)?;
    let ended = download.run("client")?;
    let name = &stage.cell.client.description.name;
    came_whole(stage, &ended, &download.out, &ready.content)
        .map_err(|why| failed(stage, &ready, &relay, &why))?;
    let passed = relay.passed();
    if !passed.iter().any(Passed::takes_coding) {
        return Err(Stopped::Failed(format!(
            "client of {name} never asked for the PeerDist coding; it took the content plain"
        )));
    }
    let given = passed.iter().find_map(|one| one.info.as_ref());
    match given {
        Some(Ok(info)) if info.version == stage.version() => {}
        Some(Ok(info)) => {
            return Err(Stopped::Failed(format!(
                "client of {name} was given version {}.0, expected {}.0",
                description::number(info.version),
                description::number(stage.version())
            )));
        }
        Some(Err(error)) => {
            let server = &stage.cell.server.description.name;
            return Err(Stopped::Failed(format!(
                "content-server of {server} gave the client broken content information: {error}"
            )));
        }
        None => {
            let server = &stage.cell.server.description.name;
            return Err(Stopped::Failed(format!(
                "client of {name} asked for the PeerDist coding, and content-server of {server} gave it none, though it did when the runner asked"
            )));
        }
    }
    Ok(format!(
        "{} bytes with content information",
        ready.content.len()
    ))
}

/// The whole content, although an answer is broken off in the middle.
pub(super) fn resumed(stage: &Stage<'_>) -> Result<String, Stopped> {
    let ready = served(stage)?;
    let relay = relayed(stage, &ready, Some(CUT_AFTER))?;
    let download = Download::of(stage, &ready, &relay)?;
    let mut ended = download.run("client")?;
    let was_cut = relay.passed().iter().any(|one| one.is_cut);
    let is_again = was_cut && !ended.is_late && ended.status != Some(0);
    if is_again {
        ended = download.run("client, once more")?;
    }
    came_whole(stage, &ended, &download.out, &ready.content)
        .map_err(|why| failed(stage, &ready, &relay, &why))?;
    let total = ready.content.len();
    let passed = relay.passed();
    let Some(cut) = passed.iter().position(|one| one.is_cut) else {
        return Err(Stopped::Inconclusive(format!(
            "the client never asked for more than {CUT_AFTER} bytes at a time, so there was nothing to break off"
        )));
    };
    let behind: usize = passed.iter().skip(cut + 1).map(|one| one.content).sum();
    if behind >= total {
        let name = &stage.cell.client.description.name;
        return Err(Stopped::Failed(format!(
            "client of {name} had {CUT_AFTER} of {total} bytes when the answer was broken off, and took {behind} after that: it began anew"
        )));
    }
    let how = if is_again {
        "when it was run again"
    } else {
        "by itself"
    };
    Ok(format!(
        "went on {how}: {behind} of {total} bytes came after the cut"
    ))
}

/// A peer that has nothing, for clients that are told of one.
fn nobody(stage: &Stage<'_>, ready: &Ready) -> Result<Listener, Stopped> {
    let holding = Holding {
        info: ContentInfo::v1(&ready.content, stage.secret(), Algorithm::Sha256),
        content: None,
    };
    let shared = stage.shared(&holding);
    peer::start(stage.interface(), shared, 0, Arc::new(holds_nothing)).map_err(super::no_listener)
}

fn relayed(stage: &Stage<'_>, ready: &Ready, cut_after: Option<usize>) -> Result<Relay, Stopped> {
    let server = (ready.address, ready.host.clone());
    Relay::start(stage.interface(), &stage.recorder, server, cut_after).map_err(super::no_listener)
}

fn failed(stage: &Stage<'_>, ready: &Ready, relay: &Relay, why: &str) -> Stopped {
    let name = &stage.cell.client.description.name;
    let passed = relay.passed();
    let statuses: Vec<String> = passed
        .iter()
        .map(|one| {
            let coded = if one.info.is_some() {
                " with content information"
            } else {
                ""
            };
            match one.status {
                0 => "nothing".to_owned(),
                status => format!("{status}{coded}"),
            }
        })
        .collect();
    let mut whys = vec![format!("client of {name} {why}")];
    whys.push(match statuses.as_slice() {
        [] => "it asked the content server for nothing".to_owned(),
        all => format!("the content server answered it {}", all.join(", ")),
    });
    whys.extend(ready.serving.as_ref().and_then(Serving::end));
    Stopped::Failed(whys.join("; "))
}

/// Starts the content server, and waits until it gives content information, which has to be right.
fn served(stage: &Stage<'_>) -> Result<Ready, Stopped> {
    let server = stage.cell.server;
    let role = had(server.description.content_server.as_ref())?;
    let ready = match (&role.command, &role.endpoint) {
        (Some(command), _) => {
            let room = stage.room("server")?;
            let root = stage.room("server/root")?;
            let content = stage.content();
            let file = root.join("content.bin");
            write(&file, &content)?;
            let (root, file) = (text(&root), text(&file));
            let more = [("root", &*root), ("content", &*file)];
            let command = (command.as_str(), role.ready_line.as_deref());
            let serving = stage.serve(server, Role::ContentServer, command, (&room, &more))?;
            Ready {
                content,
                address: serving.address(),
                host: serving.address().to_string(),
                path: "/content.bin".to_owned(),
                serving: Some(serving),
            }
        }
        (None, Some(url)) => {
            let place = location::locate(url)
                .map_err(|why| Stopped::Inconclusive(format!("{url} {why}")))?;
            let copy = server.folder.join(had(role.content.as_ref())?);
            let content = fs::read(&copy).map_err(|error| {
                Stopped::Inconclusive(format!("cannot read {}: {error}", copy.display()))
            })?;
            Ready {
                content,
                address: place.address,
                host: place.host,
                path: place.path,
                serving: None,
            }
        }
        (None, None) => {
            return Err(Stopped::Inconclusive(
                "there is no content server".to_owned(),
            ));
        }
    };
    warm(stage, &ready)?;
    Ok(ready)
}

/// Asks until there is content information: servers make it when it is first asked for, or when a file rests.
fn warm(stage: &Stage<'_>, ready: &Ready) -> Result<(), Stopped> {
    let name = &stage.cell.server.description.name;
    let deadline = clock::now() + stage.settings.patience;
    let mut wants_request = false;
    loop {
        let answer = asked(stage, ready, wants_request);
        let why = match answer {
            Err(why) => why,
            Ok(response) if response.head.lists("Content-Encoding", "peerdist") => {
                return checked(stage, ready, &response.body);
            }
            Ok(response) => {
                let parameters: Vec<&str> = response.head.all("X-P2P-PeerDistEx").collect();
                let parameters = parameters.join(",").to_ascii_lowercase();
                wants_request = parameters.contains("makehashrequest=true");
                format!("it answers {} without the coding", response.status())
            }
        };
        let end = ready.serving.as_ref().and_then(Serving::end);
        if clock::now() >= deadline || stage.settings.is_stopped() || end.is_some() {
            let seconds = stage.settings.patience.as_secs_f64();
            let end = end.map(|end| format!("; {end}")).unwrap_or_default();
            return Err(Stopped::Failed(format!(
                "content-server of {name} gave the runner no content information within {seconds} s: {why}{end}"
            )));
        }
        thread::sleep(TICK);
    }
}

fn asked(stage: &Stage<'_>, ready: &Ready, wants_request: bool) -> Result<Response, String> {
    // What is asked again and again would fill the record.
    let mut connection = Connection::open(&Recorder::new(), ready.address)
        .map_err(|error| format!("it takes no connection: {error}"))?;
    let version = description::number(stage.version());
    let request = if wants_request {
        ", HashRequest=true"
    } else {
        ""
    };
    let versions = format!("MinContentInformation=1.0, MaxContentInformation={version}.0{request}");
    let fields = [
        ("Accept-Encoding", "peerdist"),
        ("X-P2P-PeerDist", "Version=1.1"),
        ("X-P2P-PeerDistEx", &*versions),
        ("Connection", "close"),
    ];
    let request = http::request("GET", &ready.path, &ready.host, &fields, &[]);
    connection
        .send(&request)
        .map_err(|error| format!("it cannot be asked: {error}"))?;
    match connection.response(ANSWERING) {
        Answer::Response(response) => Ok(response),
        other => Err(format!("it answers with {other:?}")),
    }
}

fn checked(stage: &Stage<'_>, ready: &Ready, body: &[u8]) -> Result<(), Stopped> {
    let name = &stage.cell.server.description.name;
    let wrong = |why: String| Stopped::Failed(format!("content-server of {name} {why}"));
    let info = ContentInfo::read(body).and_then(|info| {
        Described::whole(&ready.content, None).by(&info)?;
        Ok(info)
    });
    let info = info.map_err(|error| {
        wrong(format!(
            "gives content information that does not describe the content: {error}"
        ))
    })?;
    if info.version != stage.version() {
        let (given, asked) = (info.version, stage.version());
        let [given, asked] = [given, asked].map(description::number);
        return Err(wrong(format!(
            "gives version {given}.0 to who asks for up to {asked}.0"
        )));
    }
    Ok(())
}
