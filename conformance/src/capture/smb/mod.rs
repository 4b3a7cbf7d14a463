//! SMB2 connections of a capture, as far as content information goes through them (MS-SMB2 3.2.4.20.7, 3.3.5.7, 3.3.5.15.7).
//! Invariant: a rule is asserted only where what it depends on was seen; what is encrypted or unknown is counted as not judged.
//! Byte order: little-endian.
//!
//! - here: frames, compounds, dialects, shares, opens, and which response answers which request;
//! - `request`: rules of clients, and what is wrong with a request;
//! - `response`: rules of servers;
//! - `hash_file`: content information files put together from hash based answers;
//! - `covered`: content information in file based answers.

mod covered;
mod hash_file;
mod request;
mod response;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use self::covered::Covered;
use self::hash_file::HashFile;
use self::request::ReadHash;
use super::found::{Found, Place};
use crate::wire::smb::{self, Carried, FILE_OF_BEFORE, FileId, Framed, Message, command, dialect};

/// Requests of a connection that wait for their answers, and files of its CREATE responses that are kept.
const KEPT_MAX: usize = 1_024;
/// Shares and opens that are kept.
const TABLE_MAX: usize = 100_000;

/// Sender and receiver, or client and server.
type Key = (SocketAddr, SocketAddr);
/// An open, by server and session: a session may have several connections.
type OpenKey = (IpAddr, u64, FileId);

#[derive(Debug, Default)]
struct Direction {
    pending: Vec<u8>,
    /// After a gap there is no telling where a frame begins, unless a packet begins with one.
    is_lost: bool,
}

/// What is known of a connection.
#[derive(Debug, Default)]
struct Connection {
    /// Whether the client offered a dialect of the 3.x family.
    offers_3: bool,
    dialect: Option<u16>,
    max_transact: Option<u32>,
    is_told_unknown: bool,
    asked: BTreeMap<u64, Asked>,
    /// Files by the CREATE that opened them, for compounds that do not name them.
    created: BTreeMap<u64, FileId>,
}

#[derive(Debug)]
enum Asked {
    ReadHash(ReadHash),
    /// Session, file, and the CREATE before it in its compound.
    Close(u64, FileId, Option<u64>),
}

/// A share, as its `TREE_CONNECT` response showed it.
#[derive(Debug, Clone, Copy)]
struct Share {
    flags: u32,
    packet: usize,
    is_told: bool,
}

/// An open file.
#[derive(Debug, Default)]
struct Open {
    /// Its length when it was opened, and how much had been written to its server by then.
    size: Option<(u64, u64)>,
    file: HashFile,
    covered: Covered,
}

/// All SMB2 of a capture.
#[derive(Debug, Default)]
pub struct Smb {
    directions: BTreeMap<Key, Direction>,
    connections: BTreeMap<Key, Connection>,
    shares: BTreeMap<(IpAddr, u64, u32), Share>,
    opens: BTreeMap<OpenKey, Open>,
    /// Requests that may change the length of a file, by server. What was known of lengths is old then.
    changes: BTreeMap<IpAddr, u64>,
}

/// What messages of a compound have from those before them.
#[derive(Debug, Default)]
struct Chain {
    session: u64,
    tree: Option<u32>,
    create: Option<u64>,
}

impl Smb {
    /// Whether a direction is known to be SMB.
    #[must_use]
    pub fn has(&self, from: SocketAddr, to: SocketAddr) -> bool {
        self.directions.contains_key(&(from, to))
    }

    /// Whether the first bytes of a direction are SMB.
    #[must_use]
    pub fn begins(from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> bool {
        from.port() == smb::PORT || to.port() == smb::PORT || smb::begins_a_frame(bytes)
    }

    /// Bytes are missing from a direction.
    pub fn gap(&mut self, from: SocketAddr, to: SocketAddr) {
        self.may_change(from, to);
        let direction = self.directions.entry((from, to)).or_default();
        direction.pending = Vec::new();
        direction.is_lost = true;
    }

    /// Bytes of a direction, in order.
    pub fn bytes(&mut self, found: &mut Found, place: Place, bytes: &[u8], ends: bool) {
        let key = (place.from, place.to);
        let mut direction = self.directions.remove(&key).unwrap_or_default();
        direction.is_lost = direction.is_lost && !smb::begins_a_frame(bytes);
        if !direction.is_lost {
            direction.pending.extend_from_slice(bytes);
        }
        let mut taken = 0;
        loop {
            match smb::frame(direction.pending.get(taken..).unwrap_or_default()) {
                Framed::Incomplete => break,
                Framed::Frame(carried, length) => {
                    taken += length;
                    self.carried(found, place, carried);
                }
                Framed::Foreign => {
                    found.leave("non-SMB2 piece");
                    taken = direction.pending.len();
                    direction.is_lost = true;
                    break;
                }
            }
        }
        direction.pending.drain(..taken);
        if ends {
            leave_cut(found, &direction);
        } else {
            self.directions.insert(key, direction);
        }
    }

    /// The capture ends.
    pub fn end(&mut self, found: &mut Found) {
        for direction in self.directions.values() {
            leave_cut(found, direction);
        }
        for open in self.opens.values_mut() {
            open.file.end(found);
        }
    }

    fn carried(&mut self, found: &mut Found, place: Place, carried: Carried<'_>) {
        let compound = match carried {
            Carried::Messages(compound) => compound,
            Carried::Encrypted => {
                self.may_change(place.from, place.to);
                return found.leave("encrypted SMB2 message");
            }
            Carried::Compressed => {
                self.may_change(place.from, place.to);
                return found.leave("compressed SMB2 message");
            }
            Carried::Other => return,
        };
        let mut chain = Chain::default();
        for message in smb::messages(compound) {
            match message {
                Ok(message) if message.is_response => self.response(found, place, &message),
                Ok(message) => self.request(found, place, &message, &mut chain),
                Err(_) => found.leave("malformed SMB2 message"),
            }
        }
    }

    /// What is not seen may change files of either.
    fn may_change(&mut self, from: SocketAddr, to: SocketAddr) {
        for end in [from, to] {
            *self.changes.entry(end.ip()).or_default() += 1;
        }
    }

    fn request(
        &mut self,
        found: &mut Found,
        place: Place,
        message: &Message<'_>,
        chain: &mut Chain,
    ) {
        if !message.is_related {
            *chain = Chain {
                session: message.session_id,
                tree: message.tree_id,
                create: None,
            };
        }
        let connection = self.connections.entry((place.from, place.to)).or_default();
        match message.command {
            command::NEGOTIATE => {
                let offered = message.dialects_offered();
                *connection = Connection {
                    offers_3: offered.iter().any(|offered| is_3(*offered)),
                    ..Connection::default()
                };
            }
            command::CREATE => {
                chain.create = Some(message.message_id);
                if !message.only_opens() {
                    *self.changes.entry(place.to.ip()).or_default() += 1;
                }
            }
            command::CLOSE => {
                if let Some(file) = message.closed() {
                    let asked = Asked::Close(chain.session, file, chain.create);
                    connection.wait(message.message_id, asked);
                }
            }
            command::WRITE | command::SET_INFO => {
                *self.changes.entry(place.to.ip()).or_default() += 1;
            }
            command::IOCTL => {
                let Some(ioctl) = message.ioctl_request() else {
                    return;
                };
                if smb::may_write(ioctl.ctl_code) {
                    *self.changes.entry(place.to.ip()).or_default() += 1;
                }
                if ioctl.ctl_code == smb::FSCTL_SRV_READ_HASH {
                    let asked = connection.read_hash(found, place, message, &ioctl, chain);
                    connection.wait(message.message_id, Asked::ReadHash(asked));
                }
            }
            _ => {}
        }
    }

    fn response(&mut self, found: &mut Found, place: Place, message: &Message<'_>) {
        if message.status == smb::status::PENDING {
            return;
        }
        let server = place.from.ip();
        let connection = self.connections.entry((place.to, place.from)).or_default();
        let asked = connection.asked.remove(&message.message_id);
        let is_success = message.status == smb::status::SUCCESS;
        match (message.command, asked) {
            (command::NEGOTIATE, _) if is_success => {
                let (dialect, max_transact) = message.negotiated().unzip();
                connection.dialect = dialect.filter(|found| *found != dialect::WILDCARD);
                connection.max_transact = max_transact;
            }
            (command::TREE_CONNECT, _) if is_success => {
                let (Some(flags), Some(tree)) = (message.share_flags(), message.tree_id) else {
                    return;
                };
                connection.share(found, place, flags);
                let key = (server, message.session_id, tree);
                if self.shares.len() < TABLE_MAX || self.shares.contains_key(&key) {
                    let packet = place.packet;
                    let is_told = false;
                    let share = Share {
                        flags,
                        packet,
                        is_told,
                    };
                    self.shares.insert(key, share);
                }
            }
            (command::CREATE, _) if is_success => {
                let Some((file, size)) = message.created() else {
                    return;
                };
                connection.created.insert(message.message_id, file);
                if connection.created.len() > KEPT_MAX {
                    connection.created.pop_first();
                }
                let changes = self.changes.get(&server).copied().unwrap_or_default();
                let key = (server, message.session_id, file);
                if let Some(open) = open_of(&mut self.opens, found, key) {
                    open.file.end(found);
                    *open = Open {
                        size: Some((size, changes)),
                        ..Open::default()
                    };
                }
            }
            (command::CLOSE, Some(Asked::Close(session, file, create))) if is_success => {
                let file = connection.file_of(file, create).unwrap_or(file);
                if let Some(mut open) = self.opens.remove(&(server, session, file)) {
                    open.file.end(found);
                }
            }
            (command::IOCTL, Some(Asked::ReadHash(asked))) => {
                self.hashes(found, place, message, &asked);
            }
            (command::IOCTL, None) => {
                let code = message.ioctl_response().map(|ioctl| ioctl.ctl_code);
                if is_success && code == Some(smb::FSCTL_SRV_READ_HASH) {
                    found.leave("unasked hash response");
                }
            }
            _ => {}
        }
    }
}

fn open_of<'a>(
    opens: &'a mut BTreeMap<OpenKey, Open>,
    found: &mut Found,
    key: OpenKey,
) -> Option<&'a mut Open> {
    if opens.len() >= TABLE_MAX && !opens.contains_key(&key) {
        found.leave("untracked open file");
        return None;
    }
    Some(opens.entry(key).or_default())
}

fn leave_cut(found: &mut Found, direction: &Direction) {
    if !direction.pending.is_empty() {
        found.leave("cut-off SMB2 message");
    }
}

const fn is_3(number: u16) -> bool {
    number >= dialect::SMB_3_0
}

/// A dialect as people know it.
fn name_of(number: u16) -> &'static str {
    match number {
        dialect::SMB_2_0_2 => "2.0.2",
        dialect::SMB_2_1 => "2.1",
        0x0300 => "3.0",
        0x0302 => "3.0.2",
        0x0311 => "3.1.1",
        _ => "of another number",
    }
}

impl Connection {
    fn wait(&mut self, message_id: u64, asked: Asked) {
        self.asked.insert(message_id, asked);
        if self.asked.len() > KEPT_MAX {
            self.asked.pop_first();
        }
    }

    /// Whose negotiation is not in the capture cannot be held against rules of dialects.
    fn tell_unknown(&mut self, found: &mut Found) {
        if !self.is_told_unknown {
            self.is_told_unknown = true;
            found.leave("connection in an unknown SMB2 dialect");
        }
    }

    /// Flags of a share, by the dialect.
    fn share(&mut self, found: &mut Found, place: Place, flags: u32) {
        let Some(dialect) = self.dialect else {
            return self.tell_unknown(found);
        };
        found.count("tree connect response");
        let told = |flag: &str| {
            let name = name_of(dialect);
            format!("ShareFlags is {flags:#010x}, with {flag} in dialect {name}")
        };
        let is_valid = dialect != dialect::SMB_2_0_2 || flags & smb::ENABLE_HASH_V1 == 0;
        found.holds(place, is_valid, "SMB2-2.2.10-01", || told("ENABLE_HASH_V1"));
        let is_valid = is_3(dialect) || flags & smb::ENABLE_HASH_V2 == 0;
        found.holds(place, is_valid, "SMB2-2.2.10-02", || told("ENABLE_HASH_V2"));
    }

    /// Which file a request is about, once it is known.
    fn file_of(&self, file: FileId, create: Option<u64>) -> Option<FileId> {
        if file != FILE_OF_BEFORE {
            return Some(file);
        }
        self.created.get(&create?).copied()
    }
}
