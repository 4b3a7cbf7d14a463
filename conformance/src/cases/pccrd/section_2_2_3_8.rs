//! MS-PCCRD 2.2.3.8 and 2.2.3.9: where segments can be fetched, how many blocks there are, and how old they are.
//! Invariant: addresses are tried; a count is that of the content information.
//! Byte order: counts big-endian, ages as MS-PCCRR 2.2.1.5 has them.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::connection::Connection;
use crate::targets::responder::Responder;
use crate::wire::content_info::Version;
use crate::wire::text::{from_base64, from_hex};

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-xaddrs",
        "XAddrs lists addresses with ports, IPv6 in brackets, without a scheme",
        &["PCCRD-2.2.3.8-02"],
        |session| {
            for entry in addresses(session, "PCCRD-2.2.3.8-02")? {
                session.holds(
                    !entry.contains("://"),
                    "PCCRD-2.2.3.8-02",
                    format_args!("'{entry}' has a scheme"),
                )?;
                let split = entry.rsplit_once(':');
                let port = split.and_then(|(_, port)| port.parse::<u16>().ok());
                let is_good = split.is_some_and(|(host, _)| {
                    let is_bare_v6 = host.contains(':') && !host.starts_with('[');
                    !host.is_empty() && !is_bare_v6 && !host.contains('/')
                });
                session.holds(
                    is_good && port.is_some_and(|port| port > 0),
                    "PCCRD-2.2.3.8-02",
                    format_args!("'{entry}' is no host and port"),
                )?;
            }
            Ok(())
        },
    ),
    Case::responder(
        "pccrd-responder-xaddrs-connect",
        "each entry of XAddrs can be connected to",
        &["PCCRD-2.2.3.8-01"],
        |session| {
            for entry in addresses(session, "PCCRD-2.2.3.8-01")? {
                let found: Vec<SocketAddr> =
                    entry.to_socket_addrs().into_iter().flatten().collect();
                session.holds(
                    !found.is_empty(),
                    "PCCRD-2.2.3.8-01",
                    format_args!("'{entry}' names no address"),
                )?;
                let failed = found.iter().find_map(|address| {
                    let ip = address.ip();
                    let is_far = ip.is_unspecified() || ip.is_multicast();
                    if matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()) {
                        // Which interface such a one belongs to is not said, and cannot be guessed.
                        return None;
                    }
                    match Connection::open(&session.recorder, *address) {
                        Ok(_) if !is_far => None,
                        Ok(_) => Some(format!("{address} is no address of a host")),
                        Err(error) => Some(format!("cannot connect to {address}: {error}")),
                    }
                });
                session.holds(
                    failed.is_none(),
                    "PCCRD-2.2.3.8-01",
                    failed.unwrap_or_default(),
                )?;
            }
            Ok(())
        },
    ),
    Case::responder(
        "pccrd-responder-block-count",
        "BlockCount is eight hex digits with the number of blocks of the held segment",
        &["PCCRD-2.2.3.9-02", "PCCRD-3.2.4.1-04", "PCCRD-2.2-01"],
        |session| {
            for segment in session.held(Version::V1)?.into_iter().take(3) {
                let counts = counts(session, &[segment.id()])?;
                session.equal(
                    "PCCRD-2.2.3.9-02",
                    "the number of counts",
                    &counts.len(),
                    &1,
                )?;
                let count = counts.first().map_or(0, |(_, count)| *count);
                let expected = segment.blocks();
                session.holds(
                    count.swap_bytes() != expected || count == expected,
                    "PCCRD-2.2-01",
                    format_args!("the count is {count:#010x}, least significant byte first"),
                )?;
                session.equal("PCCRD-3.2.4.1-04", "BlockCount", &count, &expected)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-block-counts",
        "of several segments each has its count, in the order of Scopes",
        &["PCCRD-2.2.3.9-02", "PCCRD-3.2.4.1-04"],
        |session| {
            let held = session.held(Version::V1)?;
            let mut ids: Vec<Vec<u8>> = held.iter().take(8).map(|segment| segment.id()).collect();
            let length = ids.first().map_or(32, Vec::len);
            ids.insert(0, session.random(length));
            ids.push(session.random(length));
            for _ in 0..2 {
                for (id, count) in counts(session, &ids)? {
                    let segment = held.iter().find(|segment| segment.id() == id);
                    let blocks = segment.map_or(0, |segment| segment.blocks());
                    session.equal("PCCRD-3.2.4.1-04", "BlockCount", &count, &blocks)?;
                }
                ids.reverse();
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-segment-ages",
        "SegmentAges is base64 of a blob of version 1 with ages of segments that are held",
        &["PCCRD-2.2.3.9-04"],
        |session| {
            let id = session.held_id(Version::V2)?;
            let ids = [session.random(32), id, session.random(32)];
            let answered = session.ask_for(Version::V2, &ids, "PCCRD-2.2.3.9-04")?;
            let text = answered.found.segment_ages.first();
            let blob = text.and_then(|text| from_base64(text));
            let holds = |is_so, found: String| session.holds(is_so, "PCCRD-2.2.3.9-04", found);
            holds(
                blob.is_some(),
                format!("SegmentAges is {text:?}, expected base64"),
            )?;
            let blob = blob.unwrap_or_default();
            let (Some([high, low, unit, count]), ages) =
                (blob.first_chunk::<4>(), blob.get(4..).unwrap_or_default())
            else {
                return holds(
                    false,
                    format!("a blob of {} bytes, expected at least 4", blob.len()),
                );
            };
            let version = u16::from_be_bytes([*high, *low]);
            holds(
                version == 1,
                format!("the version of the blob is {version}, expected 1"),
            )?;
            holds(
                (1..=4).contains(unit),
                format!("the unit of ages is {unit}, expected 1 to 4"),
            )?;
            holds(
                ages.len() == 4 * usize::from(*count),
                format!("{} bytes of ages, expected {count} of 4 bytes", ages.len()),
            )?;
            for age in ages.chunks(4) {
                let index = age.first().copied().unwrap_or_default();
                holds(
                    index == 1,
                    format!("an age of segment {index}, and 1 is held"),
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
];

fn addresses(
    session: &Session<'_, Responder>,
    requirement: &'static str,
) -> Result<Vec<String>, Stop> {
    let (version, id) = session.held_of_any()?;
    let answered = session.ask_for(version, &[id], requirement)?;
    let entries: Vec<String> = answered.found.addresses().map(str::to_owned).collect();
    session.holds(!entries.is_empty(), requirement, "XAddrs is empty")?;
    Ok(entries)
}

/// The ids of a match and their counts.
fn counts(session: &Session<'_, Responder>, ids: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, u32)>, Stop> {
    let requirement = "PCCRD-2.2.3.9-02";
    let answered = session.ask_for(Version::V1, ids, requirement)?;
    let text = answered.found.block_counts.concat();
    let bytes = from_hex(&text);
    let scopes: Vec<&str> = answered.found.scopes().collect();
    is_long(session, bytes.as_deref(), &text, scopes.len())?;
    let bytes = bytes.unwrap_or_default();
    let counts = bytes.chunks_exact(4).map(|count| match count {
        [a, b, c, d] => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => 0,
    });
    let ids = scopes
        .into_iter()
        .map(|scope| from_hex(scope).unwrap_or_default());
    Ok(ids.zip(counts).collect())
}

fn is_long(
    session: &Session<'_, Responder>,
    bytes: Option<&[u8]>,
    text: &str,
    scopes: usize,
) -> Outcome {
    session.holds(
        bytes.is_some_and(|bytes| bytes.len() == 4 * scopes),
        "PCCRD-2.2.3.9-02",
        format_args!("BlockCount is '{text}', expected 8 hex digits for each of {scopes} scopes"),
    )
}
