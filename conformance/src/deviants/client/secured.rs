//! Offers of version 1.0 over TLS: a segment at a time, and its hashes where they are wanted.
//! Invariant: without a mistake the hashes of a segment go where it was offered, once, and only if they are asked for.
//! Byte order: that of MS-PCHC and, for the hashes, of MS-PCCRC.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::{Mistake, Running, http};
use crate::evidence::record::Recorder;
use crate::targets::client::TlsCache;
use crate::targets::connection::{Answer, Connection};
use crate::targets::hosted_cache;
use crate::wire::content_info::{Segment, Version};
use crate::wire::draft::Draft;
use crate::wire::hosted_cache::{self as wire, Descriptor, code};
use crate::wire::http as heads;

/// How long an answer is waited for.
const REQUEST_TIMER: Duration = Duration::from_secs(10);
/// How often who does not know when to stop sends the same.
const AGAIN: usize = 3;
const TAG: [u8; 16] = *b"judged content\0\0";

impl Running<'_> {
    /// Offers segments, one after the other.
    pub(super) fn offer_secured(
        &self,
        segments: &BTreeSet<usize>,
        port: u16,
        cache: &TlsCache,
    ) -> io::Result<()> {
        let port = if self.is(Mistake::SecuredPort) {
            port ^ 1
        } else {
            port
        };
        for number in segments {
            let segment = self.segment(*number)?;
            let offer = self.initial(segment, port);
            let mut answer = self.post(cache, &offer);
            if self.is(Mistake::OffersAgain) {
                answer = self.post(cache, &offer);
            }
            if answer.is_none() && self.is(Mistake::SecuredChokes) {
                return Err(io::Error::other("the offer was not answered"));
            }
            let is_wanted = match self.mistake {
                Some(Mistake::IgnoresInterested) => false,
                Some(Mistake::InfoUnasked) => answer.is_some(),
                Some(Mistake::AnyCode) => answer.is_some_and(|found| found != code::OK),
                _ => answer == Some(code::INTERESTED),
            };
            if !is_wanted {
                continue;
            }
            let info = self.information(segment, port);
            let mut answer = self.post_information(cache, &info);
            let most = if self.is(Mistake::InfoAgain) {
                AGAIN
            } else {
                1
            };
            for _ in 1..most {
                answer = self.post_information(cache, &info);
            }
            for _ in 0..AGAIN {
                if answer != Some(code::INTERESTED) || !self.is(Mistake::InterestedForEver) {
                    break;
                }
                answer = self.post_information(cache, &info);
            }
        }
        Ok(())
    }

    fn initial(&self, segment: &Segment, port: u16) -> Draft {
        let id = match self.mistake {
            Some(Mistake::InitialHashOfData) => segment.hash_of_data.clone(),
            _ => segment.id(),
        };
        match self.mistake {
            Some(Mistake::SecuredBatch) => wire::batched_offer(port, &[Descriptor::of(segment)]),
            Some(Mistake::InitialVersion) => {
                wire::initial_offer(port, &id).with("MajorVersion", [2])
            }
            Some(Mistake::InitialType) => wire::initial_offer(port, &id).with_u16_be("Type", 2),
            _ => wire::initial_offer(port, &id),
        }
    }

    fn information(&self, segment: &Segment, port: u16) -> Draft {
        let mut copied = segment.clone();
        match self.mistake {
            Some(Mistake::InfoOffsetInContent) => copied.offset = 0,
            Some(Mistake::InfoSecret) => copied.secret.fill(0),
            Some(Mistake::InfoFewerBlocks) => {
                copied.block_hashes.pop();
            }
            Some(Mistake::InfoBlocksReversed) => copied.block_hashes.reverse(),
            _ => {}
        }
        let info = wire::segment_information(&copied);
        let info = match self.mistake {
            Some(Mistake::InfoOffset) => info.with_u32_le("dwOffsetInFirstSegment", 65_536),
            Some(Mistake::InfoReadBytes) => {
                info.with_u32_le("dwReadBytesInLastSegment", segment.length - 1)
            }
            Some(Mistake::InfoAlgorithm) => info.with_u32_le("dwHashAlgo", 0x800C),
            Some(Mistake::InfoWhole) => self.info.draft(),
            _ => info,
        };
        let message = wire::segment_info(port, TAG, &info.to_bytes());
        match self.mistake {
            Some(Mistake::InfoType) => message.with_u16_be("Type", 1),
            Some(Mistake::InfoNoTag) => message.with("ContentTag", []),
            _ => message,
        }
    }

    fn post_information(&self, cache: &TlsCache, info: &Draft) -> Option<u8> {
        let clear = self.job.hosted.as_ref().map(|hosted| hosted.clear);
        match (self.mistake, clear) {
            (Some(Mistake::InfoInClear), Some(clear)) => {
                let (host, path) = (clear.to_string(), hosted_cache::path(Version::V1));
                let request = heads::request("POST", path, &host, &[], &info.to_bytes());
                let got = http::exchange(clear, &request, REQUEST_TIMER, None).ok()?;
                wire::read_response(&got.body).ok()
            }
            _ => self.post(cache, info),
        }
    }

    /// Posts a message: the code that answers it.
    fn post(&self, cache: &TlsCache, message: &Draft) -> Option<u8> {
        let path = match self.mistake {
            Some(Mistake::SecuredPath) => hosted_cache::path(Version::V2),
            _ => hosted_cache::path(Version::V1),
        };
        let host = cache.address.to_string();
        let request = heads::request("POST", path, &host, &[], &message.to_bytes());
        let mut connection = self.connected(cache).ok()?;
        connection.send(&request).ok()?;
        let Answer::Response(response) = connection.response(REQUEST_TIMER) else {
            return None;
        };
        if response.status() != 200 {
            let is_taken = self.is(Mistake::TakesRefusals);
            return is_taken.then_some(code::INTERESTED);
        }
        match self.mistake {
            Some(Mistake::AnyCode) => response.body.get(4).copied(),
            _ => wire::read_response(&response.body).ok(),
        }
    }

    fn connected(&self, cache: &TlsCache) -> io::Result<Connection> {
        // Nobody reads what is recorded here: the judge has a record of its own.
        let recorder = Recorder::new();
        if self.is(Mistake::AnyCertificate) {
            return hosted_cache::open_tls(&recorder, cache.address);
        }
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(&cache.roots).map_err(io::Error::other)? {
            let root = root.map_err(io::Error::other)?;
            roots.add(root).map_err(io::Error::other)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = match self.mistake {
            // No name has them.
            Some(Mistake::NameWithBrackets) if cache.address.is_ipv6() => {
                ServerName::try_from(format!("[{}]", cache.address.ip()))
                    .map_err(io::Error::other)?
            }
            _ => ServerName::from(cache.address.ip()),
        };
        Connection::open_tls(&recorder, cache.address, name, Arc::new(config))
    }
}
