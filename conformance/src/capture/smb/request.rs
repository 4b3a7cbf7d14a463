//! Requests for hashes: what clients have to do (MS-SMB2 2.2.31.2, 3.2.4.20.7), and what a server has to refuse (3.3.5.15.7).
//! Invariant: a fault is that of the request alone, or of what was seen before it; each has the status that answers it.
//! Byte order: little-endian.

use super::{Chain, Connection, is_3, name_of};
use crate::capture::found::{Found, Place};
use crate::wire::smb::hashes::{self, FILE_BASED, HASH_BASED, Request, VERSION_1, VERSION_2};
use crate::wire::smb::{self, FileId, IoctlRequest, Message, dialect, status};

/// A request that waits for its answer.
#[derive(Debug, Clone)]
pub(super) struct ReadHash {
    /// `None`: there are fewer than 24 bytes of it.
    pub(super) request: Option<Request>,
    pub(super) input_count: u32,
    pub(super) max_output: u32,
    pub(super) file: FileId,
    /// The CREATE before it in its compound.
    pub(super) create: Option<u64>,
    pub(super) session: u64,
    pub(super) tree: Option<u32>,
    /// Statuses by which IOCTL itself, whatever its code, may refuse it.
    pub(super) refused_by_ioctl: Vec<u32>,
}

/// A rule by which a server has to fail a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) requirement: &'static str,
    pub(super) status: u32,
    pub(super) what: String,
}

impl Connection {
    /// Judges a request, and keeps what its answer is judged by.
    pub(super) fn read_hash(
        &mut self,
        found: &mut Found,
        place: Place,
        message: &Message<'_>,
        ioctl: &IoctlRequest<'_>,
        chain: &Chain,
    ) -> ReadHash {
        found.count("hash request");
        if self.dialect.is_none() {
            self.tell_unknown(found);
        }
        fields(found, place, ioctl);
        let request = ioctl.input.and_then(Request::read);
        let is_2_0_2 = self.dialect == Some(dialect::SMB_2_0_2);
        if self.dialect.is_some() {
            found.holds(place, !is_2_0_2, "SMB2-3.2.4.20.7-01", || {
                "FSCTL_SRV_READ_HASH in dialect 2.0.2, where a client sends none".to_owned()
            });
        }
        if let Some(request) = request.filter(|_| !is_2_0_2) {
            numbers(found, place, &request, self.dialect);
        }
        ReadHash {
            request,
            input_count: ioctl.input_count,
            max_output: ioctl.max_output_response,
            file: ioctl.file_id,
            create: chain.create,
            session: chain.session,
            tree: chain.tree,
            refused_by_ioctl: self.refused_by_ioctl(message, ioctl),
        }
    }

    /// What 3.3.5.15 and 3.3.5.2.5 refuse, before anybody looks at hashes.
    fn refused_by_ioctl(&self, message: &Message<'_>, ioctl: &IoctlRequest<'_>) -> Vec<u32> {
        let mut refused = Vec::new();
        if ioctl.flags != smb::IS_FSCTL {
            refused.push(status::NOT_SUPPORTED);
        }
        let lengths = [
            ioctl.input_count,
            ioctl.max_input_response,
            ioctl.max_output_response,
        ];
        let most = self.max_transact.unwrap_or(u32::MAX);
        let is_aligned = ioctl.input_offset.is_multiple_of(8);
        let is_there = ioctl.input.is_some() && is_aligned;
        let moved = u64::from(ioctl.input_count) + u64::from(ioctl.output_count);
        let room = u64::from(ioctl.max_input_response) + u64::from(ioctl.max_output_response);
        let credits = moved.max(room).div_ceil(65_536).max(1);
        if lengths.iter().any(|length| *length > most)
            || (ioctl.input_count > 0 && !is_there)
            || credits > u64::from(message.credit_charge.max(1))
        {
            refused.push(status::INVALID_PARAMETER);
        }
        refused
    }
}

/// The IOCTL around the request.
fn fields(found: &mut Found, place: Place, ioctl: &IoctlRequest<'_>) {
    let requirement = "SMB2-3.2.4.20.7-02";
    let number = |name: &str, is: u32, expected: u32| {
        (is != expected).then(|| format!("{name} is {is}, expected {expected}"))
    };
    let outside = || {
        let (offset, count) = (ioctl.input_offset, ioctl.input_count);
        let why = "which is not inside of the message behind the fixed fields";
        format!("InputOffset is {offset} and InputCount {count}, {why}")
    };
    let wrong: Vec<String> = [
        number("Flags", ioctl.flags, smb::IS_FSCTL),
        number("InputCount", ioctl.input_count, 24),
        number("OutputCount", ioctl.output_count, 0),
        number("MaxInputResponse", ioctl.max_input_response, 0),
        ioctl.input.is_none().then(outside),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.holds(place, wrong.is_empty(), requirement, || wrong.join("; "));
    let behind = ioctl
        .input_offset
        .saturating_add(ioctl.input_count)
        .checked_next_multiple_of(8);
    let told = || format!("OutputOffset of the request is {}", ioctl.output_offset);
    if ioctl.output_offset != 0 && Some(ioctl.output_offset) == behind {
        let text = told() + ", where the input ends, rounded up to 8; 0 is usual";
        let quirk = "smb-output-offset-behind-input";
        found.deviates(place, "SMB2-3.2.4.20.7-03", quirk, text);
    } else {
        let is_0 = ioctl.output_offset == 0;
        found.holds(place, is_0, "SMB2-3.2.4.20.7-03", || {
            told() + ", expected 0"
        });
    }
}

/// The numbers of the request, by the dialect.
fn numbers(found: &mut Found, place: Place, request: &Request, dialect: Option<u16>) {
    let is_before_3 = dialect.is_some_and(|dialect| !is_3(dialect));
    let only = |number: u32| {
        let name = name_of(dialect.unwrap_or_default());
        format!("is {number} in dialect {name}, where it is not valid")
    };
    let kind = request.hash_type;
    found.holds(place, kind == hashes::PEER_DIST, "SMB2-2.2.31.2-03", || {
        format!("HashType is {kind}, expected 1")
    });
    for (name, number, requirement) in [
        ("HashVersion", request.hash_version, "SMB2-2.2.31.2-04"),
        (
            "HashRetrievalType",
            request.retrieval_type,
            "SMB2-2.2.31.2-05",
        ),
    ] {
        let is_valid = number == 1 || (number == 2 && !is_before_3);
        found.holds(place, is_valid, requirement, || match number {
            2 => format!("{name} {}", only(number)),
            _ => format!("{name} is {number}, expected 1 or 2"),
        });
    }
}

impl ReadHash {
    /// What a server has to refuse. `only_2_1`: it was offered 3.x and took 2.1.
    pub(super) fn faults(&self, dialect: Option<u16>, only_2_1: bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |is_fault: bool, requirement, status, what: String| {
            if is_fault {
                faults.push(Fault {
                    requirement,
                    status,
                    what,
                });
            }
        };
        let too_small = status::BUFFER_TOO_SMALL;
        add(
            self.input_count < 24,
            "SMB2-3.3.5.15.7-03",
            too_small,
            format!("InputCount {}", self.input_count),
        );
        let Some(request) = self.request else {
            return faults;
        };
        let invalid = status::INVALID_PARAMETER;
        let (version, how) = (request.hash_version, request.retrieval_type);
        let least = match how {
            HASH_BASED => hashes::HASH_BASED_BYTES,
            FILE_BASED => hashes::FILE_BASED_BYTES,
            _ => 0,
        };
        add(
            (self.max_output as usize) < least,
            "SMB2-3.3.5.15.7-04",
            too_small,
            format!("MaxOutputResponse {}", self.max_output),
        );
        add(
            request.hash_type != hashes::PEER_DIST,
            "SMB2-3.3.5.15.7-05",
            invalid,
            format!("HashType {}", request.hash_type),
        );
        add(
            only_2_1 && version != VERSION_1,
            "SMB2-3.3.5.15.7-06",
            invalid,
            format!("HashVersion {version}, to a server of SMB 2.1 only"),
        );
        add(
            dialect.is_some_and(is_3) && !matches!(version, VERSION_1 | VERSION_2),
            "SMB2-3.3.5.15.7-07",
            invalid,
            format!("HashVersion {version}"),
        );
        let is_known = matches!(how, HASH_BASED | FILE_BASED);
        add(
            !is_known,
            "SMB2-3.3.5.15.7-08",
            invalid,
            format!("HashRetrievalType {how}"),
        );
        let is_pair = match version {
            VERSION_1 => how == HASH_BASED,
            VERSION_2 => how == FILE_BASED,
            _ => true,
        };
        add(
            is_known && !is_pair,
            "SMB2-3.3.5.15.7-09",
            invalid,
            format!("HashVersion {version} with HashRetrievalType {how}"),
        );
        faults
    }

    /// Whether it asks for a part of the content information file.
    pub(super) fn is_hash_based(&self) -> bool {
        self.request
            .is_some_and(|request| request.retrieval_type == HASH_BASED)
    }
}
