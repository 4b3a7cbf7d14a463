//! MS-PCHC 3.1.5.3: BATCHED_OFFER_MESSAGE.
//! Invariant: what the cache cannot verify it hands on as it came, and never in the place of what it could.
//! Byte order: big-endian.

use std::net::IpAddr;

use super::SEGMENT_BYTES;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::connection::Connection;
use crate::targets::hosted_cache::HostedCache;
use crate::targets::offering_client::{Offered, OfferingClient, Serves};
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::hosted_cache::{DESCRIPTORS_MAX, Descriptor, batched_offer, code};

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-batch",
        "a segment of version 2.0 that is offered is fetched from the port of the offer and served",
        &[
            "PCHC-3.1.5.3-03",
            "PCHC-3.1.5.3-01",
            "PCHC-3.1.5.3-02",
            "PCHC-3.1.5.3-04",
            "PCHC-3.1.5.3-05",
        ],
        |session| {
            let offered = session.segment_v2(50_001);
            let client = session.client(Version::V2, &[&offered])?;
            let message = batched_offer(client.port(), &[Descriptor::of(&offered.segment)]);
            let found = session.offer(Version::V2, &message, "PCHC-3.1.5.3-01")?;
            session.is_code(found, code::OK, "PCHC-3.1.5.3-02")?;
            session.is_fetched(&client, &offered, &[0], "PCHC-3.1.5.3-04")?;
            session.is_fetched(&client, &offered, &[0], "PCHC-3.1.5.3-03")?;
            session.is_served(&offered, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-batch-of-several",
        "all segments of a batch are fetched and served",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.5.3-05"],
        |session| {
            let segments: Vec<_> = [40_000, 131_072, 1, 65_536, 99_999]
                .into_iter()
                .map(|length| session.segment_v2(length))
                .collect();
            let all: Vec<&Offered> = segments.iter().collect();
            let client = session.client(Version::V2, &all)?;
            session.offer_batch(&client, &all, "PCHC-3.1.5.3-03")?;
            for offered in all {
                session.is_served(offered, "PCHC-3.1.5.3-05")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-batch-of-128",
        "a batch of 128 segments is good, and its last one is fetched as its first",
        &["PCHC-3.1.5.3-02", "PCHC-3.1.5.3-03"],
        |session| {
            let segments: Vec<_> = (0..DESCRIPTORS_MAX)
                .map(|_| session.segment_v2(300))
                .collect();
            let all: Vec<&Offered> = segments.iter().collect();
            let client = session.client(Version::V2, &all)?;
            session.offer_batch(&client, &all, "PCHC-3.1.5.3-02")?;
            for offered in [all.first(), all.last()].into_iter().flatten() {
                session.is_fetched(&client, offered, &[0], "PCHC-3.1.5.3-03")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2, Tag::Load]),
    Case::hosted_cache(
        "pchc-cache-batch-sha-256",
        "a segment of version 1.0 in a version 2.0 offer is fetched with all of its blocks",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.5.3-05"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V2, &[&offered])?;
            session.offer_batch(&client, &[&offered], "PCHC-3.1.5.3-03")?;
            session.is_fetched(&client, &offered, &[0, 1, 2, 3], "PCHC-3.1.5.3-03")?;
            session.is_served(&offered, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-batch-partly-known",
        "an offer of what is there already and of something new is OK, and what is new is fetched",
        &["PCHC-3.1.5.3-02", "PCHC-3.1.5.3-03", "PCHC-3.1.5.3-05"],
        |session| {
            let (old, new) = (session.segment_v2(20_000), session.segment_v2(30_000));
            let client = session.client(Version::V2, &[&old, &new])?;
            session.offer_batch(&client, &[&old], "PCHC-3.1.5.3-02")?;
            session.is_served(&old, "PCHC-3.1.5.3-05")?;
            session.offer_batch(&client, &[&old, &new], "PCHC-3.1.5.3-02")?;
            session.is_fetched(&client, &new, &[0], "PCHC-3.1.5.3-03")?;
            session.is_served(&new, "PCHC-3.1.5.3-05")?;
            session.is_served(&old, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-batch-same-twice",
        "a segment that stands twice in a batch is fetched and served",
        &["PCHC-3.1.5.3-05"],
        |session| {
            let offered = session.segment_v2(20_000);
            let client = session.client(Version::V2, &[&offered])?;
            session.offer_batch(&client, &[&offered, &offered], "PCHC-3.1.5.3-05")?;
            session.is_served(&offered, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-batch-any-tag",
        "whatever its content tag, a segment is fetched",
        &["PCHC-3.1.5.3-03"],
        |session| {
            for filling in [0, 0xff] {
                let offered = session.segment_v2(20_000);
                let client = session.client(Version::V2, &[&offered])?;
                let mut descriptor = Descriptor::of(&offered.segment);
                descriptor.content_tag = vec![filling; 16];
                let message = batched_offer(client.port(), &[descriptor]);
                session.offer_brings(Version::V2, &message, code::OK, "PCHC-3.1.5.3-03")?;
                session.is_fetched(&client, &offered, &[0], "PCHC-3.1.5.3-03")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-address-of-the-offer",
        "the cache connects to the address that the offer came from",
        &["PCHC-3.1.5.3-04"],
        |session| {
            let offered = session.segment_v2(20_000);
            let at = other_address(session)?;
            let client = session.client_at(at, &[&offered])?;
            let message = batched_offer(client.port(), &[Descriptor::of(&offered.segment)]);
            let mut connection = from(session, at)?;
            let request = session.target.request(Version::V2, &message.to_bytes());
            session.send(&mut connection, &request)?;
            let answer = connection.response(session.settings.answer);
            session.code_of(answer, "PCHC-3.1.5.3-04")?;
            session.is_fetched(&client, &offered, &[0], "PCHC-3.1.5.3-04")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-two-clients-with-one-segment",
        "a segment that two clients offer at once is fetched, though one of them serves nothing",
        &["PCHC-3.1.5.3-03", "PCHC-3.1.5.3-05"],
        |session| {
            let offered = session.segment_v2(20_000);
            let useless = session.client(Version::V2, &[&offered])?;
            let useless = useless.that_serves(Serves::Closing);
            let good = session.client(Version::V2, &[&offered])?;
            session.offer_batch(&useless, &[&offered], "PCHC-3.1.5.3-03")?;
            session.offer_batch(&good, &[&offered], "PCHC-3.1.5.3-03")?;
            session.is_served(&offered, "PCHC-3.1.5.3-05")
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-verified-stays",
        "blocks that were verified stay, though others are offered under the same id in version 2.0",
        &["PCHC-3.1.5.3-05", "PCCRC-2.2-13"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let honest = session.client(Version::V1, &[&offered])?;
            session.inform(&honest, &offered, "PCHC-3.1.5.3-05")?;
            session.is_served(&offered, "PCHC-3.1.5.3-05")?;
            let liar = session.client(Version::V2, &[&offered])?;
            lies(session, &liar.that_serves(Serves::WrongBytes), &offered)?;
            session.is_served(&offered, "PCCRC-2.2-13")
        },
    )
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-verified-heals",
        "wrong blocks of a version 2.0 offer give way to those that the hashes of version 1.0 prove",
        &["PCCRC-2.2-13", "PCHC-3.1.5.2-04"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let liar = session.client(Version::V2, &[&offered])?;
            lies(session, &liar.that_serves(Serves::WrongBytes), &offered)?;
            let honest = session.client(Version::V1, &[&offered])?;
            session.inform(&honest, &offered, "PCHC-3.1.5.2-04")?;
            // Until the hashes have been held against what was there, the old blocks may go out.
            session.is_fetched(&honest, &offered, &[0, 1, 2, 3], "PCHC-3.1.5.2-04")?;
            honest.settles(session.settings.silence, session.settings.answer);
            session.is_served(&offered, "PCCRC-2.2-13")
        },
    )
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-held-stays",
        "a segment that is held stays as it was, though another client offers other bytes under its id",
        &["PCHC-3.1.5.3-03"],
        |session| {
            let offered = session.segment_v2(50_001);
            let honest = session.client(Version::V2, &[&offered])?;
            session.offer_batch(&honest, &[&offered], "PCHC-3.1.5.3-03")?;
            session.is_served(&offered, "PCHC-3.1.5.3-03")?;
            let liar = session.client(Version::V2, &[&offered])?;
            lies(session, &liar.that_serves(Serves::WrongBytes), &offered)?;
            session.is_served(&offered, "PCHC-3.1.5.3-03")
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
];

/// Offers in version 2.0 what is not true, and waits until the cache has had it.
fn lies(session: &Session<'_, HostedCache>, liar: &OfferingClient, offered: &Offered) -> Outcome {
    let requirement = session.about();
    session.offer_batch(liar, &[offered], requirement)?;
    liar.settles(session.settings.silence, session.settings.answer);
    Ok(())
}

/// An address of this machine that is not the one the cache sees otherwise, where it is on the same machine.
fn other_address(session: &Session<'_, HostedCache>) -> Result<IpAddr, Stop> {
    let usual = session.own_address(Version::V2)?;
    let other = IpAddr::from([127, 0, 0, 2]);
    let is_possible =
        usual == IpAddr::from([127, 0, 0, 1]) && std::net::TcpListener::bind((other, 0)).is_ok();
    Ok(if is_possible { other } else { usual })
}

/// A connection for offers from an address of this machine.
fn from(session: &Session<'_, HostedCache>, at: IpAddr) -> Result<Connection, Stop> {
    let to = session.address(Version::V2)?;
    let opened = || {
        let domain = socket2::Domain::for_address(to);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
        socket.bind(&std::net::SocketAddr::new(at, 0).into())?;
        socket.connect(&to.into())?;
        Connection::accepted(&session.recorder, socket.into())
    };
    opened().map_err(|error| Stop::Inconclusive(format!("cannot connect to {to}: {error}")))
}
