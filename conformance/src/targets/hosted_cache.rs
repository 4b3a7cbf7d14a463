//! A hosted cache that is judged: whoever takes MS-PCHC offers and fetches what was offered.
//! Invariant: the judge offers only what it serves itself, under segment ids that nobody had before.
//! Byte order: that of MS-PCHC.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::connection::{Answer, Connection};
use super::exchange::connected;
use super::offering_client::{Offered, OfferingClient};
use super::peer::{Holding, Peer};
use crate::clock;
use crate::judge::session::Session;
use crate::judge::{Outcome, Stop};
use crate::wire::cipher::algorithm;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;
use crate::wire::hosted_cache::{self as wire, Descriptor, code};
use crate::wire::http;
use crate::wire::retrieval::Range;

/// Between questions whether a block has come.
const POLL: Duration = Duration::from_millis(30);
/// What HTTP makes of a dropped message.
pub const DROPPED: &[&str; 2] = &["hc-drop-closes", "hc-drop-http-error"];
/// A port at which nobody listens: what is offered from there cannot be fetched.
pub const PORT_OF_NOBODY: u16 = 1;

/// A hosted cache that is judged.
#[derive(Debug, Clone)]
pub struct HostedCache {
    /// Where it takes offers of version 2.0 and serves blocks.
    pub http: SocketAddr,
    /// Where it takes offers of version 1.0.
    pub https: Option<SocketAddr>,
    /// Where it takes offers of version 1.0 only of clients that authenticate themselves.
    pub https_authenticated: Option<SocketAddr>,
}

impl HostedCache {
    /// One at these addresses.
    #[must_use]
    pub const fn at(http: SocketAddr, https: Option<SocketAddr>) -> Self {
        Self {
            http,
            https,
            https_authenticated: None,
        }
    }

    /// It, as somebody who serves blocks.
    #[must_use]
    pub fn peer(&self) -> Peer {
        Peer::at(self.http, Vec::new())
    }

    /// A request that carries an offer of that version, as it goes over a socket.
    #[must_use]
    pub fn request(&self, version: Version, message: &[u8]) -> Vec<u8> {
        http::request("POST", path(version), &self.host(version), &[], message)
    }

    /// What requests call it.
    #[must_use]
    pub fn host(&self, version: Version) -> String {
        match (version, self.https) {
            (Version::V1, Some(https)) => https.to_string(),
            _ => self.http.to_string(),
        }
    }
}

/// Where offers of that version are posted to.
#[must_use]
pub const fn path(version: Version) -> &'static str {
    match version {
        Version::V1 => wire::PATH_V1,
        Version::V2 => wire::PATH_V2,
    }
}

/// Takes any certificate: who the cache is, is not what is judged.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Connects over TLS to whoever answers.
///
/// # Errors
/// That of the system, or of TLS.
pub fn open_tls(
    recorder: &crate::evidence::record::Recorder,
    address: SocketAddr,
) -> io::Result<Connection> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    Connection::open_tls(recorder, address, name, Arc::new(config))
}

impl Session<'_, HostedCache> {
    /// Where offers of that version go.
    ///
    /// # Errors
    /// [`Stop::Skip`] where the cache is not said to take any.
    pub fn address(&self, version: Version) -> Result<SocketAddr, Stop> {
        match version {
            Version::V2 => Ok(self.target.http),
            Version::V1 => self.target.https.ok_or_else(|| {
                Stop::Skip("needs the address of the cache for offers over HTTPS".to_owned())
            }),
        }
    }

    /// A connection for offers of that version: TLS for 1.0, in clear for 2.0.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is none.
    pub fn open(&self, version: Version) -> Result<Connection, Stop> {
        let address = self.address(version)?;
        match version {
            Version::V1 => connected(address, open_tls(&self.recorder, address)),
            Version::V2 => self.connect_to(address),
        }
    }

    /// Posts an offer on a connection of its own.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where it could not be sent.
    pub fn post_offer(
        &self,
        version: Version,
        message: &[u8],
        patience: Duration,
    ) -> Result<Answer, Stop> {
        let mut connection = self.open(version)?;
        self.send(&mut connection, &self.target.request(version, message))?;
        Ok(connection.response(patience))
    }

    /// Posts an offer that has to be answered: the code.
    ///
    /// # Errors
    /// [`Stop::Failed`] where no response in good form comes.
    pub fn offer(
        &self,
        version: Version,
        message: &Draft,
        requirement: &'static str,
    ) -> Result<u8, Stop> {
        let answer = self.post_offer(version, &message.to_bytes(), self.settings.answer)?;
        self.code_of(answer, requirement)
    }

    /// Posts an offer that has to be answered by that code.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn offer_brings(
        &self,
        version: Version,
        message: &Draft,
        expected: u8,
        requirement: &'static str,
    ) -> Outcome {
        let found = self.offer(version, message, requirement)?;
        self.is_code(found, expected, requirement)
    }

    /// Asserts a response code.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_code(&self, found: u8, expected: u8, requirement: &'static str) -> Outcome {
        let name = |found| match found {
            code::OK => "0 (OK)",
            _ => "1 (INTERESTED)",
        };
        self.holds(
            found == expected,
            requirement,
            format_args!(
                "the response code is {}, expected {}",
                name(found),
                name(expected)
            ),
        )
    }

    /// The code in an answer that has to have one.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn code_of(&self, answer: Answer, requirement: &'static str) -> Result<u8, Stop> {
        let response = self.good_response_of(answer, requirement)?;
        self.reads(requirement, wire::read_response(&response.body))
    }

    /// Asserts that an answer holds no response message: silence, a closed connection, or an error of HTTP.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn brings_nothing(&self, answer: &Answer, requirement: &'static str) -> Outcome {
        self.holds_nothing(answer, requirement, *DROPPED, |body| {
            wire::read_response(body).is_ok()
        })
    }

    /// Asserts that a message is dropped: no response comes, and a good offer is answered afterwards.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_dropped(
        &self,
        version: Version,
        message: &[u8],
        requirement: &'static str,
    ) -> Outcome {
        let answer = self.post_offer(version, message, self.settings.silence)?;
        self.brings_nothing(&answer, requirement)?;
        self.still_takes_offers(version, requirement)
    }

    /// Asserts that a good offer is answered.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn still_takes_offers(&self, version: Version, requirement: &'static str) -> Outcome {
        match version {
            Version::V1 => {
                let offer = wire::initial_offer(PORT_OF_NOBODY, &self.random(32));
                self.offer_brings(version, &offer, code::INTERESTED, requirement)
            }
            Version::V2 => {
                let offer = wire::batched_offer(PORT_OF_NOBODY, &[self.unknown_descriptor()]);
                self.offer_brings(version, &offer, code::OK, requirement)
            }
        }
    }

    /// The descriptor of a segment that nobody has.
    #[must_use]
    pub fn unknown_descriptor(&self) -> Descriptor {
        Descriptor {
            block_size: 40_000,
            segment_size: 40_000,
            content_tag: vec![b't'; 16],
            hash_algorithm: 4,
            segment_id: self.random(32),
        }
    }

    /// A segment of version 1.0 that nobody had before.
    #[must_use]
    pub fn segment_v1(&self, length: usize, algorithm: Algorithm) -> Offered {
        let bytes = self.random(length);
        let info = ContentInfo::v1(&bytes, &self.random(32), algorithm);
        first_of(info, bytes)
    }

    /// A segment of version 2.0 that nobody had before.
    #[must_use]
    pub fn segment_v2(&self, length: usize) -> Offered {
        let bytes = self.random(length);
        let info = ContentInfo::v2(&bytes, &self.random(32), length);
        first_of(info, bytes)
    }

    /// The judge's address as the cache sees it.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is no way to the cache.
    pub fn own_address(&self, version: Version) -> Result<IpAddr, Stop> {
        let to = self.address(version)?;
        let any: SocketAddr = match to {
            SocketAddr::V4(_) => ([0; 4], 0).into(),
            SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        // Connecting such a socket sends nothing; it only asks which way there is.
        let way = UdpSocket::bind(any).and_then(|socket| {
            socket.connect(to)?;
            socket.local_addr()
        });
        way.map(|local| local.ip())
            .map_err(|error| Stop::Inconclusive(format!("there is no way to {to}: {error}")))
    }

    /// A client that listens and serves these segments.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where it cannot listen.
    pub fn client(&self, version: Version, offered: &[&Offered]) -> Result<OfferingClient, Stop> {
        let at = self.own_address(version)?;
        self.client_at(at, offered)
    }

    /// The same at an address of choice.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where it cannot listen.
    pub fn client_at(&self, at: IpAddr, offered: &[&Offered]) -> Result<OfferingClient, Stop> {
        let offered = offered.iter().copied().cloned().collect();
        OfferingClient::start(&self.recorder, at, offered)
            .map_err(|error| Stop::Inconclusive(format!("cannot listen at {at}: {error}")))
    }

    /// SEGMENT_INFO_MESSAGE of a segment that a client has.
    #[must_use]
    pub fn info_of(&self, client: &OfferingClient, offered: &Offered) -> Draft {
        let information = wire::segment_information(&offered.segment).to_bytes();
        wire::segment_info(client.port(), self.random_array(), &information)
    }

    /// Offers by SEGMENT_INFO_MESSAGE, which has to be answered OK.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn inform(
        &self,
        client: &OfferingClient,
        offered: &Offered,
        requirement: &'static str,
    ) -> Outcome {
        let message = self.info_of(client, offered);
        self.offer_brings(Version::V1, &message, code::OK, requirement)
    }

    /// Offers by BATCHED_OFFER_MESSAGE, which has to be answered OK.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn offer_batch(
        &self,
        client: &OfferingClient,
        offered: &[&Offered],
        requirement: &'static str,
    ) -> Outcome {
        let describe = |offered: &&Offered| Descriptor::of(&offered.segment);
        let descriptors: Vec<_> = offered.iter().map(describe).collect();
        let message = wire::batched_offer(client.port(), &descriptors);
        self.offer_brings(Version::V2, &message, code::OK, requirement)
    }

    /// Asserts that the cache asks a client for blocks of a segment.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_fetched(
        &self,
        client: &OfferingClient,
        offered: &Offered,
        blocks: &[u32],
        requirement: &'static str,
    ) -> Outcome {
        let id = offered.segment.id();
        let has_come = client.is_asked_within(self.settings.answer, |asked| {
            let asks = |index: &u32| {
                asked
                    .iter()
                    .any(|asked| asked.blocks_of(&id).contains(index))
            };
            blocks.iter().all(asks)
        });
        let asked = client.blocks_asked(&id);
        self.holds(
            has_come,
            requirement,
            format_args!(
                "the cache asked the client at {} for the blocks {asked:?} of the segment, expected {blocks:?}",
                client.address
            ),
        )
    }

    /// Asserts that nobody asked a client for anything.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_not_asked(&self, client: &OfferingClient, requirement: &'static str) -> Outcome {
        client.settles(self.settings.silence, self.settings.answer);
        let count = client.asked().len();
        self.holds(
            count == 0,
            requirement,
            format_args!("the client was asked {count} times, expected never"),
        )
    }

    /// Asserts that the cache comes to serve all blocks of a segment that the client has, as they are.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_served(&self, offered: &Offered, requirement: &'static str) -> Outcome {
        let cache = self.target.peer();
        let peer = self.beside(&cache);
        let id = offered.segment.id();
        let deadline = clock::now() + self.settings.answer;
        loop {
            let all = [Range::new(0, offered.segment.blocks())];
            let listed = peer.ask_for_list(&id, &all, requirement)?.indexes();
            if offered.blocks.iter().all(|index| listed.contains(index)) {
                break;
            }
            if clock::now() >= deadline {
                return self.holds(
                    false,
                    requirement,
                    format_args!(
                        "the cache has the blocks {listed:?} of the segment, expected {:?}",
                        offered.blocks
                    ),
                );
            }
            thread::sleep(POLL);
        }
        let holding = described(offered);
        for index in &offered.blocks {
            let block =
                peer.ask_for_block(&offered.segment, *index, algorithm::AES_128, requirement)?;
            peer.is_the_block(&block, &offered.segment, &holding, *index, requirement)?;
        }
        Ok(())
    }

    /// The blocks of a segment that the cache serves now, each of which has to be what it should be.
    ///
    /// # Errors
    /// [`Stop::Failed`] for a block that is another.
    pub fn serves_nothing_wrong(
        &self,
        offered: &Offered,
        requirement: &'static str,
    ) -> Result<Vec<u32>, Stop> {
        let cache = self.target.peer();
        let peer = self.beside(&cache);
        let holding = described(offered);
        let mut served = Vec::new();
        for index in 0..offered.segment.blocks() {
            let block =
                peer.ask_for_block(&offered.segment, index, algorithm::AES_128, requirement)?;
            if block.block.is_empty() {
                self.holds(true, requirement, "")?;
                continue;
            }
            peer.is_the_block(&block, &offered.segment, &holding, index, requirement)?;
            served.push(index);
        }
        Ok(served)
    }
}

/// The first segment of a content.
fn first_of(info: ContentInfo, bytes: Vec<u8>) -> Offered {
    let segment = info.segments.into_iter().next();
    let segment = segment.unwrap_or_else(|| unreachable!("content has a segment"));
    Offered::whole(segment, bytes)
}

/// What blocks are held against: their hashes.
fn described(offered: &Offered) -> Holding {
    let segment = &offered.segment;
    Holding {
        info: ContentInfo {
            version: segment.version(),
            algorithm: segment.algorithm,
            offset_in_first_segment: 0,
            read_bytes_in_last_segment: 0,
            index_of_first_segment: 0,
            length_of_range: u64::from(segment.length),
            segments: vec![segment.clone()],
        },
        content: None,
    }
}
