//! What servers and clients are put to, and when that succeeded.
//! Invariant: where peers or a cache are to serve, the origin gives content information and nothing else.
//! Byte order: that of each document.

mod cache;
mod peer;
mod transfer;

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::description::{Description, names_it};
use super::stage::{Serving, Stage, not_done};
use super::{Scenario, Stopped};
use crate::judge::Role;
use crate::targets::client::world::Shared;
use crate::targets::client::world::origin::{self, Asked, OriginScript};
use crate::targets::command::Ended;
use crate::wire::content_info::Version;

/// Three blocks of version 1.0 and a short one of odd length; five segments of version 2.0.
const FEW_BLOCKS: usize = 3 * 65_536 + 10_001;
/// More than a segment of version 1.0.
const TWO_SEGMENTS: usize = (32 << 20) + 65_536 + 777;
/// More than sixty segments of version 2.0.
const MANY_SEGMENTS: usize = 3_000_001;
/// Long enough to be broken off in the middle.
const LONG: usize = 1_000_001;

const fn scenario(
    (id, title): (&'static str, &'static str),
    (server, version): (Role, Version),
    bytes: usize,
    run: fn(&Stage<'_>) -> Result<String, Stopped>,
    takes: fn(&Description, &Description) -> bool,
) -> Scenario {
    Scenario {
        id,
        title,
        server,
        version,
        bytes,
        run,
        takes,
    }
}

const INFO: &str = "the client reads content information that the maker made, and gets the content by it from a peer";
const TRANSFER: &str =
    "the client asks for the PeerDist coding, is given it, and comes by the content";
const RESUME: &str = "an answer is broken off, and the client goes on where it was";
const PEER: &str = "the client gets the content from the peer alone";
const SEGMENTS: &str = "the client gets content of several segments from the peer alone";
const HOSTED: &str =
    "a client offers the content to the cache, and another gets it from there alone";

pub(super) static ALL: &[Scenario] = {
    use Role::{ContentInfo, ContentServer, HostedCache, Peer};
    use Version::{V1, V2};
    &[
        scenario(
            ("info-v1", INFO),
            (ContentInfo, V1),
            FEW_BLOCKS,
            peer::by_maker,
            has_maker,
        ),
        scenario(
            ("info-v2", INFO),
            (ContentInfo, V2),
            FEW_BLOCKS,
            peer::by_maker,
            has_maker,
        ),
        scenario(
            ("transfer-v1", TRANSFER),
            (ContentServer, V1),
            FEW_BLOCKS,
            transfer::whole,
            has_server,
        ),
        scenario(
            ("transfer-v2", TRANSFER),
            (ContentServer, V2),
            FEW_BLOCKS,
            transfer::whole,
            has_server,
        ),
        scenario(
            ("resume-v1", RESUME),
            (ContentServer, V1),
            LONG,
            transfer::resumed,
            can_resume,
        ),
        scenario(
            ("resume-v2", RESUME),
            (ContentServer, V2),
            LONG,
            transfer::resumed,
            can_resume,
        ),
        scenario(
            ("peer-v1", PEER),
            (Peer, V1),
            FEW_BLOCKS,
            peer::alone,
            has_peer,
        ),
        scenario(
            ("peer-v2", PEER),
            (Peer, V2),
            FEW_BLOCKS,
            peer::alone,
            has_peer,
        ),
        scenario(
            ("segments-v1", SEGMENTS),
            (Peer, V1),
            TWO_SEGMENTS,
            peer::alone,
            can_be_filled,
        ),
        scenario(
            ("segments-v2", SEGMENTS),
            (Peer, V2),
            MANY_SEGMENTS,
            peer::alone,
            can_be_filled,
        ),
        scenario(
            ("hosted-v1", HOSTED),
            (HostedCache, V1),
            FEW_BLOCKS,
            cache::alone,
            has_cache_v1,
        ),
        scenario(
            ("hosted-v2", HOSTED),
            (HostedCache, V2),
            FEW_BLOCKS,
            cache::alone,
            has_cache_v2,
        ),
    ]
};

fn has_maker(server: &Description, client: &Description) -> bool {
    server.content_info.is_some() && client.client.is_some()
}

fn has_server(server: &Description, client: &Description) -> bool {
    server.content_server.is_some() && client.client.is_some()
}

fn can_resume(server: &Description, client: &Description) -> bool {
    has_server(server, client) && client.client.as_ref().is_some_and(|client| client.resumes)
}

fn has_peer(server: &Description, client: &Description) -> bool {
    server.peer.is_some() && client.client.is_some()
}

/// What runs elsewhere and is not filled holds what it holds.
fn can_be_filled(server: &Description, client: &Description) -> bool {
    has_peer(server, client) && server.peer.as_ref().is_some_and(|peer| peer.info.is_none())
}

fn has_cache_v1(server: &Description, client: &Description) -> bool {
    server.offers(Version::V1).0 && client.offers(Version::V1).1
}

fn has_cache_v2(server: &Description, client: &Description) -> bool {
    server.offers(Version::V2).0 && client.offers(Version::V2).1
}

/// A part of a description that the scenario asked for.
fn had<T>(part: Option<&T>) -> Result<&T, Stopped> {
    part.ok_or_else(|| Stopped::Inconclusive("the description has no such role".to_owned()))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Stopped> {
    fs::write(path, bytes).map_err(|error| not_done(path, &error))
}

fn no_listener(error: std::io::Error) -> Stopped {
    Stopped::Inconclusive(format!("the runner cannot listen: {error}"))
}

fn url_of(address: SocketAddr) -> String {
    format!("http://{address}/content.bin")
}

/// Has the client download where the origin gives content information and nothing else: what came, in words.
fn downloaded(
    stage: &Stage<'_>,
    shared: &Arc<Shared>,
    command: &str,
    told: &[(&'static str, &str)],
    serving: Option<&Serving>,
) -> Result<String, Stopped> {
    let client = stage.cell.client;
    let script = OriginScript {
        refuses: true,
        ..OriginScript::default()
    };
    let origin =
        origin::start(stage.interface(), Arc::clone(shared), script).map_err(no_listener)?;
    let url = url_of(origin.address);
    // One that was told where to ask has nothing to look for.
    let tries = if told.iter().any(|(name, _)| names_it(command, name)) {
        1
    } else {
        stage.settings.tries.max(1)
    };
    let mut number = 1;
    loop {
        shared.seen().origin.clear();
        let room = stage.room(&format!("client-{number}"))?;
        let out = room.join("out");
        let out_text = text(&out);
        let more = [&[("url", &*url), ("out", &*out_text)], told].concat();
        let ended = stage.run(client, "client", command, (&room, &more))?;
        let came = came_whole(stage, &ended, &out, shared.content());
        let seen = std::mem::take(&mut shared.seen().origin);
        let Err(why) = came else {
            if seen.iter().any(Asked::takes_coding) {
                let bytes = shared.content().len();
                // What was needed to come by it is not passed over.
                return Ok(match number {
                    1 => format!("{bytes} bytes"),
                    number => format!("at try {number}, {bytes} bytes"),
                });
            }
            let name = &client.description.name;
            return Err(Stopped::Failed(format!(
                "client of {name} never asked the origin for the PeerDist coding, and has the content all the same"
            )));
        };
        let may_not_have_found = !ended.is_late && ended.status != Some(0) && !out.exists();
        if may_not_have_found && number < tries && !stage.settings.is_stopped() {
            stage
                .recorder
                .note(format!("try {number} of {tries} came to nothing"));
            number += 1;
            continue;
        }
        let name = &client.description.name;
        let mut whys = vec![format!("client of {name} {why}"), at_the_origin(&seen)];
        whys.extend(serving.and_then(Serving::end));
        return Err(Stopped::Failed(whys.join("; ")));
    }
}

/// What a client did at an origin that gives no content.
fn at_the_origin(seen: &[Asked]) -> String {
    if seen.is_empty() {
        return "it asked the origin for nothing".to_owned();
    }
    let refused: Vec<&Asked> = seen.iter().filter(|asked| !asked.was_coded).collect();
    let mut said = Vec::new();
    if !seen.iter().any(Asked::takes_coding) {
        said.push("it never asked the origin for the PeerDist coding".to_owned());
    }
    if let Some(first) = refused.first() {
        let range = first.head.get("Range").map(|range| format!(", {range}"));
        let range = range.unwrap_or_default();
        let (count, method) = (refused.len(), first.method());
        said.push(format!(
            "it asked the origin for the content itself, which was to come from elsewhere ({count} times; the first: {method}{range})"
        ));
    }
    if said.is_empty() {
        said.push(
            "it was given content information by the origin and asked for nothing else there"
                .to_owned(),
        );
    }
    said.join("; ")
}

/// Whether a client ended well and left the content; otherwise what it did instead.
fn came_whole(stage: &Stage<'_>, ended: &Ended, out: &Path, content: &[u8]) -> Result<(), String> {
    if ended.is_late {
        return Err(stage.how(ended));
    }
    let file = left(out, content.len());
    let wrong = match &file {
        None if ended.status == Some(0) => Some("ended well and left no file".to_owned()),
        None => None,
        Some(file) => differs(file, content),
    };
    match wrong {
        Some(wrong) => Err(wrong),
        None if ended.status != Some(0) => Err(stage.how(ended)),
        None => Ok(()),
    }
}

/// The file that a command left, and of one that is too long a byte more than it may have.
fn left(out: &Path, most: usize) -> Option<Vec<u8>> {
    // What is no file, such as a pipe, has no end.
    if !fs::metadata(out).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    let mut file = fs::File::open(out).ok()?.take(most as u64 + 1);
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Where a file is not the content.
fn differs(file: &[u8], content: &[u8]) -> Option<String> {
    let (length, expected) = (file.len(), content.len());
    let place = file
        .iter()
        .zip(content)
        .position(|(one, other)| one != other);
    match place {
        Some(place) => Some(format!(
            "wrote {length} bytes that are not the content: byte {place} differs"
        )),
        None if length > expected => Some(format!(
            "wrote more than the {expected} bytes that the content has"
        )),
        None if length < expected => {
            Some(format!("wrote {length} bytes; the content has {expected}"))
        }
        None => None,
    }
}
