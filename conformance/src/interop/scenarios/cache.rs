//! Hosted caches with clients of others (MS-PCHC): one client offers, another is served.
//! Invariant: the second client runs when the cache has said that it has every block, with an origin that gives none.
//! Byte order: big-endian.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::super::Stopped;
use super::super::stage::{Serving, Stage};
use super::{came_whole, downloaded, had, no_listener, text, url_of};
use crate::clock;
use crate::evidence::record::Recorder;
use crate::judge::Role;
use crate::targets::client::world::origin::{self, OriginScript};
use crate::targets::connection::{Answer, Connection};
use crate::targets::peer::Holding;
use crate::wire::cipher::algorithm;
use crate::wire::content_info::{Segment, Version};
use crate::wire::http;
use crate::wire::retrieval::{self, Body, Range};

/// How often a cache is asked what it has.
const TICK: Duration = Duration::from_millis(50);
/// How long a cache may take to answer.
const ANSWERING: Duration = Duration::from_secs(5);

/// What one client offered to a cache, for another that has nobody else.
pub(super) fn alone(stage: &Stage<'_>) -> Result<String, Stopped> {
    let server = stage.cell.server;
    let role = had(server.description.hosted_cache.as_ref())?;
    let room = stage.room("cache")?;
    let tls = stage.free_address()?;
    let serving = match &role.command {
        Some(command) => {
            let command = (command.as_str(), role.ready_line.as_deref());
            let (port, tls) = (tls.port().to_string(), tls.to_string());
            let more = [("tls_port", &*port), ("tls_address", &*tls)];
            Some(stage.serve(server, Role::HostedCache, command, (&room, &more))?)
        }
        None => None,
    };
    let address = serving.as_ref().map(Serving::address).or(role.endpoint);
    let address = *had(address.as_ref())?;
    let certificate = role.certificate.as_deref().unwrap_or_default();
    let told = [
        ("hosted", address.to_string()),
        ("hosted_tls", role.endpoint_tls.unwrap_or(tls).to_string()),
        ("hosted_host", address.ip().to_string()),
        ("hosted_port", address.port().to_string()),
        ("certificate", stage.path_of(server, &room, certificate)),
    ];
    let told: Vec<(&'static str, &str)> = told.iter().map(|(n, of)| (*n, of.as_str())).collect();
    let holding = stage.holding();
    let client = had(stage.cell.client.description.client.as_ref())?;
    let hosted = had(match stage.version() {
        Version::V1 => client.hosted_v1.as_ref(),
        Version::V2 => client.hosted.as_ref(),
    })?;
    offered(stage, &holding, hosted, &told)?;
    holds_all(stage, &holding, address).map_err(|why| {
        let end = serving.as_ref().and_then(Serving::end);
        Stopped::Failed(end.map_or_else(|| why.clone(), |end| format!("{why}; {end}")))
    })?;
    let shared = stage.shared(&holding);
    let came = downloaded(stage, &shared, hosted, &told, serving.as_ref())?;
    Ok(format!("{came} from the cache"))
}

/// A client gets the content from an honest origin, and may offer it.
fn offered(
    stage: &Stage<'_>,
    holding: &Holding,
    command: &str,
    told: &[(&'static str, &str)],
) -> Result<(), Stopped> {
    let client = stage.cell.client;
    let shared = stage.shared(holding);
    let honest = origin::start(
        stage.interface(),
        Arc::clone(&shared),
        OriginScript::default(),
    )
    .map_err(no_listener)?;
    let room = stage.room("first")?;
    let out = room.join("out");
    let (url, file) = (url_of(honest.address), text(&out));
    let more = [&[("url", &*url), ("out", &*file)], told].concat();
    let ended = stage.run(client, "client, the first", command, (&room, &more))?;
    let name = &client.description.name;
    came_whole(stage, &ended, &out, shared.content())
        .map_err(|why| Stopped::Failed(format!("the first client of {name} {why}")))
}

/// Waits until a cache lists every block, by asking it.
fn holds_all(stage: &Stage<'_>, holding: &Holding, cache: SocketAddr) -> Result<(), String> {
    let wanted: u32 = holding.info.segments.iter().map(Segment::blocks).sum();
    let deadline = clock::now() + stage.settings.patience;
    loop {
        // What is asked again and again would fill the record.
        let listed = listed_blocks(&Recorder::new(), holding, cache);
        if listed == Ok(wanted) {
            stage
                .recorder
                .note(format!("the cache lists all {wanted} blocks"));
            return Ok(());
        }
        if clock::now() >= deadline || stage.settings.is_stopped() {
            let seconds = stage.settings.patience.as_secs_f64();
            let name = &stage.cell.server.description.name;
            let found = match listed {
                Ok(count) => format!("lists {count} of {wanted} blocks"),
                Err(why) => why,
            };
            return Err(format!(
                "{seconds} s after the first client was done, hosted-cache of {name} {found}: it was not offered them, or did not fetch them"
            ));
        }
        thread::sleep(TICK);
    }
}

fn listed_blocks(recorder: &Recorder, holding: &Holding, cache: SocketAddr) -> Result<u32, String> {
    let mut connection = Connection::open(recorder, cache)
        .map_err(|error| format!("takes no connection: {error}"))?;
    let mut listed = 0;
    for segment in &holding.info.segments {
        let id = segment.id();
        let all = [Range::new(0, segment.blocks())];
        let message = retrieval::get_block_list(&id, &all, algorithm::AES_128).to_bytes();
        let host = cache.to_string();
        let request = http::request("POST", retrieval::PATH, &host, &[], &message);
        let failed = |why: String| format!("does not say what it has: {why}");
        connection
            .send(&request)
            .map_err(|error| failed(error.to_string()))?;
        let body = match connection.response(ANSWERING) {
            Answer::Response(response) if response.status() == 200 => response.body,
            Answer::Response(response) => {
                return Err(failed(format!("status {}", response.status())));
            }
            other => return Err(failed(format!("{other:?}"))),
        };
        let message = retrieval::unframed(&body)
            .and_then(retrieval::read)
            .map_err(|error| failed(error.to_string()))?;
        let Body::BlockList { ranges, .. } = message.body else {
            return Err(failed(retrieval::name_of(message.kind)));
        };
        let blocks: BTreeSet<u32> = ranges
            .iter()
            .flat_map(|range| {
                // No more than there are, whatever the message says.
                range.indexes().take(segment.blocks() as usize)
            })
            .filter(|index| *index < segment.blocks())
            .collect();
        listed += u32::try_from(blocks.len()).unwrap_or(u32::MAX);
    }
    Ok(listed)
}
