//! SMB2 exchanges as they go over a wire, each field of which can be made wrong.
//! Written from MS-SMB2 for these tests: nothing of it is shared with the reader that judges.

use std::net::SocketAddr;

use peerdist_conformance::evidence::pcapng;
use peerdist_conformance::evidence::record::{Flow, Recorder, Transport};
use peerdist_conformance::wire::draft::Draft;

pub(crate) const CLIENT: &str = "10.0.0.1:50000";
pub(crate) const SERVER: &str = "10.0.0.2:445";
pub(crate) const FILE: [u8; 16] = [1, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0];
pub(crate) const SUCCESS: u32 = 0;
pub(crate) const PENDING: u32 = 0x0000_0103;
pub(crate) const READ_HASH: u32 = 0x0014_41BB;
const SESSION: u64 = 0x0000_4000_0000_0011;
const TREE: u32 = 5;

/// One request for hashes, and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) ioctl: Draft,
    pub(crate) input: Draft,
    pub(crate) status: u32,
    pub(crate) response: Draft,
    /// Between the response and its output.
    pub(crate) gap: Vec<u8>,
    pub(crate) fixed: Draft,
    pub(crate) buffer: Vec<u8>,
    /// Whether the server says first that it will take a while.
    pub(crate) is_pending: bool,
    /// Whether CREATE, IOCTL and CLOSE are one compound.
    pub(crate) is_compound: bool,
}

/// A connection from its negotiation to its end.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) offered: Vec<u16>,
    pub(crate) dialect: u16,
    pub(crate) share_flags: u32,
    pub(crate) file_bytes: u64,
    pub(crate) asks: Vec<Ask>,
}

pub(crate) fn set(draft: &mut Draft, field: &'static str, bytes: impl Into<Vec<u8>>) {
    *draft = draft.clone().with(field, bytes);
}

pub(crate) fn set_u32(draft: &mut Draft, field: &'static str, value: u32) {
    set(draft, field, value.to_le_bytes());
}

pub(crate) fn set_u64(draft: &mut Draft, field: &'static str, value: u64) {
    set(draft, field, value.to_le_bytes());
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

impl Ask {
    pub(crate) fn new(version: u32, how: u32, offset: u64, max: u32) -> Self {
        let input = Draft::new()
            .u32_le("HashType", 1)
            .u32_le("HashVersion", version)
            .u32_le("HashRetrievalType", how)
            .u32_le("Length", 0x0010_0000)
            .u64_le("Offset", offset);
        let ioctl = Draft::new()
            .u16_le("StructureSize", 57)
            .u16_le("Reserved", 0)
            .u32_le("CtlCode", READ_HASH)
            .bytes("FileId", FILE)
            .u32_le("InputOffset", 120)
            .u32_le("InputCount", 24)
            .u32_le("MaxInputResponse", 0)
            .u32_le("OutputOffset", 0)
            .u32_le("OutputCount", 0)
            .u32_le("MaxOutputResponse", max)
            .u32_le("Flags", 1)
            .u32_le("Reserved2", 0);
        let response = Draft::new()
            .u16_le("StructureSize", 49)
            .u16_le("Reserved", 0)
            .u32_le("CtlCode", READ_HASH)
            .bytes("FileId", FILE)
            .u32_le("InputOffset", 112)
            .u32_le("InputCount", 0)
            .u32_le("OutputOffset", 112)
            .u32_le("OutputCount", 0)
            .u32_le("Flags", 0)
            .u32_le("Reserved2", 0);
        Self {
            ioctl,
            input,
            status: SUCCESS,
            response,
            gap: Vec::new(),
            fixed: Draft::new(),
            buffer: Vec::new(),
            is_pending: false,
            is_compound: false,
        }
    }

    pub(crate) fn refused(mut self, status: u32) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn hash_based(mut self, offset: u64, buffer: &[u8]) -> Self {
        self.fixed = Draft::new()
            .u64_le("Offset", offset)
            .u32_le("BufferLength", 0)
            .u32_le("Reserved", 0);
        self.answered(buffer.to_vec())
    }

    pub(crate) fn file_based(mut self, offset: u64, covered: u64, buffer: &[u8]) -> Self {
        self.fixed = Draft::new()
            .u64_le("FileDataOffset", offset)
            .u64_le("FileDataLength", covered)
            .u32_le("BufferLength", 0)
            .u32_le("Reserved", 0);
        self.answered(buffer.to_vec())
    }

    /// Another buffer, with all that counts it.
    pub(crate) fn answered(mut self, buffer: Vec<u8>) -> Self {
        set_u32(&mut self.fixed, "BufferLength", length(&buffer));
        let all = u32::try_from(self.fixed.len()).unwrap() + length(&buffer);
        set_u32(&mut self.response, "OutputCount", all);
        self.buffer = buffer;
        self
    }

    pub(crate) fn answer(&mut self, buffer: Vec<u8>) {
        *self = self.clone().answered(buffer);
    }

    fn request(&self) -> Vec<u8> {
        [self.ioctl.to_bytes(), self.input.to_bytes()].concat()
    }

    fn reply(&self) -> Vec<u8> {
        if self.status != SUCCESS {
            return error();
        }
        let output = [self.fixed.to_bytes(), self.buffer.clone()].concat();
        [self.response.to_bytes(), self.gap.clone(), output].concat()
    }
}

/// SMB2 ERROR.
fn error() -> Vec<u8> {
    vec![9, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// A message of a compound, before it is known how far the next one is.
struct Part {
    command: u16,
    status: u32,
    /// SERVER_TO_REDIR, ASYNC, RELATED.
    flags: u32,
    id: u64,
    body: Vec<u8>,
}

impl Part {
    fn bytes(&self, next: u32) -> Vec<u8> {
        let (tree, session) = match self.command {
            0 => (0, 0),
            3 if self.flags & 1 == 0 => (0, SESSION),
            _ if self.flags & 5 == 4 => (u32::MAX, u64::MAX),
            _ => (TREE, SESSION),
        };
        let header = Draft::new()
            .bytes("ProtocolId", *b"\xFESMB")
            .u16_le("StructureSize", 64)
            .u16_le("CreditCharge", 16)
            .u32_le("Status", self.status)
            .u16_le("Command", self.command)
            .u16_le("Credits", 16)
            .u32_le("Flags", self.flags)
            .u32_le("NextCommand", next)
            .u64_le("MessageId", self.id)
            .u32_le("Reserved", 0)
            .u32_le("TreeId", tree)
            .u64_le("SessionId", session)
            .bytes("Signature", [0; 16]);
        [header.to_bytes(), self.body.clone()].concat()
    }
}

/// Direct TCP around a compound.
fn framed(parts: &[Part]) -> Vec<u8> {
    let mut inside = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let mut bytes = part.bytes(0);
        if number + 1 < parts.len() {
            let next = bytes.len().next_multiple_of(8);
            bytes = part.bytes(u32::try_from(next).unwrap());
            bytes.resize(next, 0);
        }
        inside.extend_from_slice(&bytes);
    }
    [length(&inside).to_be_bytes().to_vec(), inside].concat()
}

fn negotiate(offered: &[u16]) -> Vec<u8> {
    let count = u16::try_from(offered.len()).unwrap();
    let mut draft = Draft::new()
        .u16_le("StructureSize", 36)
        .u16_le("DialectCount", count)
        .u16_le("SecurityMode", 1)
        .u16_le("Reserved", 0)
        .u32_le("Capabilities", 0x7f)
        .bytes("ClientGuid", [7; 16])
        .u64_le("ClientStartTime", 0);
    for dialect in offered {
        draft = draft.u16_le("Dialect", *dialect);
    }
    draft.to_bytes()
}

fn negotiated(dialect: u16) -> Vec<u8> {
    Draft::new()
        .u16_le("StructureSize", 65)
        .u16_le("SecurityMode", 1)
        .u16_le("DialectRevision", dialect)
        .u16_le("NegotiateContextCount", 0)
        .bytes("ServerGuid", [8; 16])
        .u32_le("Capabilities", 7)
        .u32_le("MaxTransactSize", 0x0010_0000)
        .u32_le("MaxReadSize", 0x0010_0000)
        .u32_le("MaxWriteSize", 0x0010_0000)
        .u64_le("SystemTime", 0x01DC_0000_0000_0000)
        .u64_le("ServerStartTime", 0)
        .u16_le("SecurityBufferOffset", 128)
        .u16_le("SecurityBufferLength", 0)
        .u32_le("NegotiateContextOffset", 0)
        .to_bytes()
}

fn tree_connect() -> Vec<u8> {
    let path: Vec<u8> = r"\\server\share"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    Draft::new()
        .u16_le("StructureSize", 9)
        .u16_le("Flags", 0)
        .u16_le("PathOffset", 72)
        .u16_le("PathLength", u16::try_from(path.len()).unwrap())
        .bytes("Path", path)
        .to_bytes()
}

fn tree_connected(flags: u32) -> Vec<u8> {
    Draft::new()
        .u16_le("StructureSize", 16)
        .u8("ShareType", 1)
        .u8("Reserved", 0)
        .u32_le("ShareFlags", flags)
        .u32_le("Capabilities", 0)
        .u32_le("MaximalAccess", 0x001F_01FF)
        .to_bytes()
}

fn create() -> Vec<u8> {
    let name: Vec<u8> = "file.bin"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    Draft::new()
        .u16_le("StructureSize", 57)
        .bytes("SecurityFlags, OplockLevel", [0, 0])
        .u32_le("ImpersonationLevel", 2)
        .bytes("SmbCreateFlags, Reserved", [0; 16])
        .u32_le("DesiredAccess", 0x0012_0089)
        .u32_le("FileAttributes", 0)
        .u32_le("ShareAccess", 7)
        .u32_le("CreateDisposition", 1)
        .u32_le("CreateOptions", 0)
        .u16_le("NameOffset", 120)
        .u16_le("NameLength", u16::try_from(name.len()).unwrap())
        .u32_le("CreateContextsOffset", 0)
        .u32_le("CreateContextsLength", 0)
        .bytes("Name", name)
        .to_bytes()
}

fn created(bytes: u64) -> Vec<u8> {
    Draft::new()
        .u16_le("StructureSize", 89)
        .bytes("OplockLevel, Flags", [0, 0])
        .u32_le("CreateAction", 1)
        .bytes("times", [0; 32])
        .u64_le("AllocationSize", bytes.next_multiple_of(4096))
        .u64_le("EndofFile", bytes)
        .u32_le("FileAttributes", 0x80)
        .u32_le("Reserved2", 0)
        .bytes("FileId", FILE)
        .u32_le("CreateContextsOffset", 0)
        .u32_le("CreateContextsLength", 0)
        .to_bytes()
}

fn close(file: [u8; 16]) -> Vec<u8> {
    let head = Draft::new().u16_le("StructureSize", 24).u16_le("Flags", 0);
    head.u32_le("Reserved", 0).bytes("FileId", file).to_bytes()
}

fn closed() -> Vec<u8> {
    let mut body = vec![60, 0];
    body.resize(60, 0);
    body
}

impl Exchange {
    /// What goes over the wire: whether the client sends it, and a frame.
    pub(crate) fn frames(&self) -> Vec<(bool, Vec<u8>)> {
        let mut talk = Talk::default();
        talk.pair(
            0,
            negotiate(&self.offered),
            SUCCESS,
            negotiated(self.dialect),
        );
        talk.pair(3, tree_connect(), SUCCESS, tree_connected(self.share_flags));
        let is_single = |ask: &&Ask| !ask.is_compound;
        if self.asks.iter().any(|ask| is_single(&ask)) {
            talk.pair(5, create(), SUCCESS, created(self.file_bytes));
            for ask in self.asks.iter().filter(is_single) {
                if ask.is_pending {
                    talk.part(true, 11, SUCCESS, 0, ask.request());
                    talk.flush();
                    talk.part(false, 11, PENDING, 2, error());
                    talk.flush();
                    talk.part(false, 11, ask.status, 2, ask.reply());
                    talk.flush();
                    talk.next += 1;
                } else {
                    talk.pair(11, ask.request(), ask.status, ask.reply());
                }
            }
            talk.pair(6, close(FILE), SUCCESS, closed());
        }
        for ask in self.asks.iter().filter(|ask| ask.is_compound) {
            let first = talk.next;
            for (number, body) in [create(), ask.request(), close([0xff; 16])]
                .into_iter()
                .enumerate()
            {
                let flags = if number == 0 { 0 } else { 4 };
                talk.part(true, [5, 11, 6][number], SUCCESS, flags, body);
                talk.next += 1;
            }
            talk.flush();
            talk.next = first;
            for (number, body) in [created(self.file_bytes), ask.reply(), closed()]
                .into_iter()
                .enumerate()
            {
                let status = if number == 1 { ask.status } else { SUCCESS };
                let flags = if number == 0 { 0 } else { 4 };
                talk.part(false, [5, 11, 6][number], status, flags, body);
                talk.next += 1;
            }
            talk.flush();
        }
        talk.frames
    }

    pub(crate) fn capture(&self) -> Vec<u8> {
        capture(&self.frames())
    }
}

#[derive(Default)]
struct Talk {
    frames: Vec<(bool, Vec<u8>)>,
    parts: Vec<Part>,
    is_client: bool,
    next: u64,
}

impl Talk {
    fn part(&mut self, is_client: bool, command: u16, status: u32, flags: u32, body: Vec<u8>) {
        self.is_client = is_client;
        self.parts.push(Part {
            command,
            status,
            flags: flags | u32::from(!is_client),
            id: self.next,
            body,
        });
    }

    fn flush(&mut self) {
        let frame = framed(&self.parts);
        self.frames.push((self.is_client, frame));
        self.parts.clear();
    }

    fn pair(&mut self, command: u16, request: Vec<u8>, status: u32, response: Vec<u8>) {
        self.part(true, command, SUCCESS, 0, request);
        self.flush();
        self.part(false, command, status, 0, response);
        self.flush();
        self.next += 1;
    }
}

/// Frames as a capture of the connection.
pub(crate) fn capture(frames: &[(bool, Vec<u8>)]) -> Vec<u8> {
    between(CLIENT.parse().unwrap(), SERVER.parse().unwrap(), frames)
}

/// What two say to each other, as a capture.
pub(crate) fn between(
    client: SocketAddr,
    server: SocketAddr,
    messages: &[(bool, Vec<u8>)],
) -> Vec<u8> {
    let recorder = Recorder::new();
    let flow = recorder.flow(Flow {
        transport: Transport::Tcp,
        local: client,
        remote: server,
    });
    for (is_client, bytes) in messages {
        if *is_client {
            flow.sent(bytes);
        } else {
            flow.received(bytes);
        }
    }
    pcapng::capture(&recorder.record())
}

/// Frames as connections of so many each, for a record keeps only so much.
pub(crate) fn parts(frames: &[(bool, Vec<u8>)], count: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for (number, part) in frames.chunks(count).enumerate() {
        let client: SocketAddr = CLIENT.parse().unwrap();
        let port = client.port() + u16::try_from(number).unwrap();
        let client = SocketAddr::new(client.ip(), port);
        file.extend(between(client, SERVER.parse().unwrap(), part));
    }
    file
}
