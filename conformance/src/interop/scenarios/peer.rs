//! Content information of one maker, and blocks of a peer, for clients of others (MS-PCCRC, MS-PCCRR, MS-PCCRD).
//! Invariant: when the client runs, the origin gives no content: whoever has it has it from the peer.
//! Byte order: that of each document.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::super::description::{AnnouncedBy, number};
use super::super::stage::{Serving, Stage};
use super::super::{Implementation, Stopped};
use super::{downloaded, had, left, no_listener, text, url_of, write};
use crate::judge::Role;
use crate::targets::client::world::origin::{self, OriginScript};
use crate::targets::client::world::responder::{self, Responder};
use crate::targets::client::world::{Shared, peer};
use crate::targets::peer::Holding;
use crate::wire::content_info::ContentInfo;
use crate::wire::described::Described;

/// Content information longer than this is not that of a few blocks.
const INFO_MAX_BYTES: usize = 1 << 20;

/// Content information that one makes, and the other downloads by.
pub(super) fn by_maker(stage: &Stage<'_>) -> Result<String, Stopped> {
    let maker = stage.cell.server;
    let command = &had(maker.description.content_info.as_ref())?.command;
    let room = stage.room("maker")?;
    let content = stage.content();
    let (file, out) = (room.join("content"), room.join("info"));
    write(&file, &content)?;
    let more = [("content", &*text(&file)), ("out", &*text(&out))];
    stage.call(maker, "content-info", command, (&room, &more))?;
    let name = &maker.description.name;
    let failed = |why: String| Stopped::Failed(format!("content-info of {name} {why}"));
    let bytes = left(&out, INFO_MAX_BYTES).ok_or_else(|| failed("left no file".to_owned()))?;
    let info = ContentInfo::read(&bytes)
        .and_then(|info| {
            Described::whole(&content, Some(stage.secret())).by(&info)?;
            Ok(info)
        })
        .map_err(|error| failed(format!("made what does not describe the content: {error}")))?;
    if info.version != stage.version() {
        return Err(failed(format!(
            "made version {}.0, expected {}.0",
            number(info.version),
            number(stage.version())
        )));
    }
    let holding = Holding {
        info,
        content: Some(content),
    };
    let shared = stage.shared(&holding);
    let serving = Arc::clone(&shared);
    let peer =
        peer::start(stage.interface(), serving, 0, Arc::new(peer::honest)).map_err(no_listener)?;
    let _responder = announced(stage, &shared, peer.address)?;
    let client = had(stage.cell.client.description.client.as_ref())?;
    let came = downloaded(
        stage,
        &shared,
        &client.command,
        &[("peer", &*peer.address.to_string())],
        None,
    )?;
    Ok(format!("{came} by its content information"))
}

/// Tells neighbours of a peer.
fn announced(
    stage: &Stage<'_>,
    shared: &Arc<Shared>,
    peer: SocketAddr,
) -> Result<Responder, Stopped> {
    let script = responder::honest(vec![peer]);
    Responder::register(stage.settings.interface, Arc::clone(shared), script)
        .map_err(Stopped::Inconclusive)
}

/// Blocks of a peer of the one, for the client of the other.
pub(super) fn alone(stage: &Stage<'_>) -> Result<String, Stopped> {
    let server = stage.cell.server;
    let role = had(server.description.peer.as_ref())?;
    let room = stage.room("peer")?;
    let holding = match (&role.content, &role.info) {
        (Some(content), Some(info)) => held_elsewhere(server, content, info)?,
        _ => stage.holding(),
    };
    let content = holding.content.as_deref().unwrap_or_default();
    let (file, info) = (room.join("content"), room.join("info"));
    write(&file, content)?;
    write(&info, &holding.info.draft().to_bytes())?;
    let (file, info) = (text(&file), text(&info));
    let held = [("content", &*file), ("info", &*info)];
    if let Some(fill) = &role.fill {
        let honest = origin::start(
            stage.interface(),
            stage.shared(&holding),
            OriginScript::default(),
        )
        .map_err(no_listener)?;
        let url = url_of(honest.address);
        let out = room.join("filled");
        let filled = text(&out);
        let more = [&held[..], &[("url", &*url), ("out", &*filled)]].concat();
        stage.call(server, "fill", fill, (&room, &more))?;
        if left(&out, content.len()).is_some_and(|came| came != content) {
            let name = &server.description.name;
            return Err(Stopped::Failed(format!(
                "fill of {name} wrote other bytes than its origin gave"
            )));
        }
    }
    let serving = match &role.command {
        Some(command) => {
            let command = (command.as_str(), role.ready_line.as_deref());
            Some(stage.serve(server, Role::Peer, command, (&room, &held))?)
        }
        None => None,
    };
    let address = serving.as_ref().map(Serving::address).or(role.endpoint);
    let address = *had(address.as_ref())?;
    let shared = stage.shared(&holding);
    let peer = address.to_string();
    let _responder = match &server.description.responder {
        Some(responder) => {
            let command = (responder.command.as_str(), responder.ready_line.as_str());
            let more = [&held[..], &[("peer", &*peer)]].concat();
            let room = stage.room("responder")?;
            Some(stage.serve_unplaced(server, Role::Responder, command, (&room, &more))?)
        }
        None => None,
    };
    let _announced = match role.announced_by {
        AnnouncedBy::Runner => Some(announced(stage, &shared, address)?),
        AnnouncedBy::Itself => None,
    };
    let client = had(stage.cell.client.description.client.as_ref())?;
    let came = downloaded(
        stage,
        &shared,
        &client.command,
        &[("peer", &*peer)],
        serving.as_ref(),
    )?;
    Ok(format!("{came} from the peer"))
}

/// What a peer elsewhere is said to hold.
fn held_elsewhere(of: &Implementation, content: &Path, info: &Path) -> Result<Holding, Stopped> {
    let read = |path: &Path| {
        let path = of.folder.join(path);
        fs::read(&path).map_err(|error| {
            Stopped::Inconclusive(format!("cannot read {}: {error}", path.display()))
        })
    };
    let (content, bytes) = (read(content)?, read(info)?);
    let info = ContentInfo::read(&bytes).and_then(|info| {
        Described::whole(&content, None).by(&info)?;
        Ok(info)
    });
    let info = info.map_err(|error| {
        Stopped::Inconclusive(format!(
            "'info' of the peer does not describe its 'content': {error}"
        ))
    })?;
    Ok(Holding {
        info,
        content: Some(content),
    })
}
