//! A content server that is judged: whoever serves a URL with MS-PCCRTP.
//! Invariant: what a server sends as content information is held against content that the judge has, or got plain.
//! Byte order: none.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::connection::{Answer, Connection, Response};
use super::exchange::connected;
use crate::clock;
use crate::judge::session::Session;
use crate::judge::{Outcome, Stop};
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::described::Described;
use crate::wire::http::{self, Head};
use crate::wire::location;

/// The name of the content coding.
pub const CODING: &str = "peerdist";
/// The header field that goes with it.
pub const PEERDIST: &str = "X-P2P-PeerDist";
/// The header field that says which content information is read and whether it is asked for.
pub const PEERDIST_EX: &str = "X-P2P-PeerDistEx";

/// Name and value of a header field.
pub type Field<'a> = (&'a str, &'a str);

/// A request for content information of version 1.0.
pub const ASKS_FOR_V1: &[Field<'static>] = &[
    ("Accept-Encoding", CODING),
    (PEERDIST, "Version=1.1"),
    (
        PEERDIST_EX,
        "MinContentInformation=1.0, MaxContentInformation=1.0",
    ),
];
/// A request for content information of version 1.0 or 2.0.
pub const ASKS_FOR_V2: &[Field<'static>] = &[
    ("Accept-Encoding", CODING),
    (PEERDIST, "Version=1.1"),
    (
        PEERDIST_EX,
        "MinContentInformation=1.0, MaxContentInformation=2.0",
    ),
];

/// Content that has to be longer than this has several segments of version 1.0.
const SEGMENT_BYTES: usize = 32 << 20;
/// Between two requests for what the server may be making.
const AGAIN: Duration = Duration::from_millis(250);
/// How long a server that says nothing of hashes to come is asked again.
const UNSAID: Duration = Duration::from_secs(2);

/// A content server that is judged.
#[derive(Debug, Clone)]
pub struct ContentServer {
    /// The content that is asked for.
    pub url: String,
    /// Its bytes, where the judge has them; else they are fetched plain, once.
    pub content: Option<Vec<u8>>,
    /// A content of more than 32 MiB, for what only several segments of version 1.0 show.
    pub long_url: Option<String>,
    /// The server's secret key, where the judge has it.
    pub secret_key: Option<Vec<u8>>,
    /// What is trusted where the URL is one of https.
    pub tls: Option<Arc<ClientConfig>>,
    found: Arc<Found>,
}

/// What is found out once for all cases.
#[derive(Debug, Default)]
struct Found {
    content: OnceLock<Vec<u8>>,
    long_content: OnceLock<Vec<u8>>,
    is_asked_for: OnceLock<()>,
}

/// A URL, taken apart, and what is there.
#[derive(Debug, Clone)]
pub struct Resource<'a> {
    /// Where the server is.
    pub address: SocketAddr,
    /// What requests call it.
    pub host: String,
    /// What is asked for.
    pub path: String,
    /// What a certificate calls it, where it is asked over TLS.
    pub tls_name: Option<String>,
    /// What is there.
    pub content: &'a [u8],
}

impl Resource<'_> {
    /// A request for it.
    #[must_use]
    pub fn request(&self, method: &str, fields: &[Field<'_>]) -> Vec<u8> {
        http::request(method, &self.path, &self.host, fields, &[])
    }

    /// Bytes of the content.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.content.len() as u64
    }
}

/// A response that is coded.
#[derive(Debug, Clone)]
pub struct Coded {
    /// Its head.
    pub head: Head,
    /// Its body.
    pub bytes: Vec<u8>,
    /// What its body says.
    pub info: ContentInfo,
    /// The bytes of the content that it is of, by its head.
    pub range: Range<u64>,
}

/// A response whose body is what its head says.
#[derive(Debug, Clone)]
pub enum Given {
    /// Content information.
    Coded(Coded),
    /// The content, a part of it, or neither.
    Plain(Response),
}

impl Given {
    /// Its head.
    #[must_use]
    pub const fn head(&self) -> &Head {
        match self {
            Self::Coded(coded) => &coded.head,
            Self::Plain(response) => &response.head,
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Coded(coded) => format!(
                "the answer is '{}' with {} bytes of content information",
                coded.head.start,
                coded.bytes.len()
            ),
            Self::Plain(response) => format!(
                "the answer is '{}' with {} bytes that are not coded",
                response.head.start,
                response.body.len()
            ),
        }
    }
}

impl ContentServer {
    /// One that serves a URL.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            content: None,
            long_url: None,
            secret_key: None,
            tls: None,
            found: Arc::default(),
        }
    }
}

/// Whether a response says that the connection ends behind it.
#[must_use]
pub fn says_close(head: &Head) -> bool {
    let is_old = head.start.starts_with("HTTP/1.0") && !head.lists("Connection", "keep-alive");
    is_old || head.lists("Connection", "close")
}

impl<'a> Session<'a, ContentServer> {
    /// Where the content is, and nothing of it.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is no such URL.
    pub fn place(&self) -> Result<Resource<'a>, Stop> {
        self.locate(&self.target.url)
    }

    /// What is judged, with its content.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is no such URL or its content cannot be had plain.
    pub fn resource(&self) -> Result<Resource<'a>, Stop> {
        let target = self.target;
        // Who has version 1.0 ready may send that to everybody and never make version 2.0: the first request asks for
        // both, and what comes of it is nobody's business yet.
        target.found.is_asked_for.get_or_init(|| {
            let asked = self.place().and_then(|place| {
                let mut connection = self.connect(&place)?;
                self.send(&mut connection, &place.request("GET", ASKS_FOR_V2))?;
                Ok(connection.response(self.settings.answer))
            });
            if asked.is_err() {
                self.recorder.note("the content cannot be asked for");
            }
        });
        match &target.content {
            Some(content) => self.at(&target.url, |_| Ok(content)),
            None => self.at(&target.url, |place| {
                self.fetched(place, &target.found.content)
            }),
        }
    }

    /// A content that has several segments of version 1.0.
    ///
    /// # Errors
    /// [`Stop::Skip`] where there is none.
    pub fn long_resource(&self) -> Result<Resource<'a>, Stop> {
        let target = self.target;
        let resource = match &target.long_url {
            Some(url) => self.at(url, |place| self.fetched(place, &target.found.long_content))?,
            None => self.resource()?,
        };
        if resource.content.len() > SEGMENT_BYTES {
            return Ok(resource);
        }
        let why = "needs a content of more than 32 MiB, which has several segments of version 1.0";
        Err(Stop::Skip(why.to_owned()))
    }

    fn locate(&self, url: &str) -> Result<Resource<'a>, Stop> {
        let found = location::locate(url)
            .map_err(|why| Stop::Inconclusive(format!("the URL '{url}' {why}")))?;
        Ok(Resource {
            address: found.address,
            host: found.host,
            path: found.path,
            tls_name: found.tls_name,
            content: &[],
        })
    }

    fn at(
        &self,
        url: &str,
        content: impl FnOnce(&Resource<'_>) -> Result<&'a Vec<u8>, Stop>,
    ) -> Result<Resource<'a>, Stop> {
        let mut resource = self.locate(url)?;
        resource.content = content(&resource)?;
        if resource.content.is_empty() {
            let why = format!("the content at {url} is empty, which shows nothing");
            return Err(Stop::Inconclusive(why));
        }
        Ok(resource)
    }

    fn fetched(
        &self,
        place: &Resource<'_>,
        slot: &'a OnceLock<Vec<u8>>,
    ) -> Result<&'a Vec<u8>, Stop> {
        if let Some(content) = slot.get() {
            return Ok(content);
        }
        let mut connection = self.connect(place)?;
        self.send(&mut connection, &place.request("GET", &[]))?;
        let content = match connection.response(self.settings.answer) {
            Answer::Response(response)
                if response.status() == 200 && response.head.get("Content-Encoding").is_none() =>
            {
                response.body
            }
            other => {
                let why = match other {
                    Answer::Response(response) => response.head.start,
                    other => format!("{other:?}"),
                };
                let path = &place.path;
                let why = format!("the content of {path} cannot be had plain: {why}");
                return Err(Stop::Inconclusive(why));
            }
        };
        Ok(slot.get_or_init(|| content))
    }

    /// A connection.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is none.
    pub fn connect(&self, resource: &Resource<'_>) -> Result<Connection, Stop> {
        let address = resource.address;
        match &resource.tls_name {
            None => self.connect_to(address),
            Some(name) => connected(address, self.open_tls(address, name)),
        }
    }

    fn open_tls(&self, address: SocketAddr, name: &str) -> io::Result<Connection> {
        let config = self.target.tls.as_ref();
        let config = config.ok_or_else(|| io::Error::other("no certificate is trusted"))?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        Connection::open_tls(&self.recorder, address, name, Arc::clone(config))
    }

    /// Sends bytes on a connection of their own and holds the answer against the content.
    ///
    /// # Errors
    /// [`Stop::Failed`] where its body is not what its head says.
    pub fn exchange(
        &self,
        resource: &Resource<'_>,
        request: &[u8],
        requirement: &'static str,
    ) -> Result<Given, Stop> {
        let mut connection = self.connect(resource)?;
        self.send(&mut connection, request)?;
        let answer = connection.response(self.settings.answer);
        let response = self.response_of(answer, requirement)?;
        self.judged(resource, response, requirement)
    }

    /// Asks for the content with header fields of the case.
    ///
    /// # Errors
    /// [`Stop::Failed`] where the answer's body is not what its head says.
    pub fn get(
        &self,
        resource: &Resource<'_>,
        fields: &[Field<'_>],
        requirement: &'static str,
    ) -> Result<Given, Stop> {
        self.exchange(resource, &resource.request("GET", fields), requirement)
    }

    /// Asserts that the body of a response is what its head says: content information in good form, or bytes of the
    /// content.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn judged(
        &self,
        resource: &Resource<'_>,
        response: Response,
        requirement: &'static str,
    ) -> Result<Given, Stop> {
        let Response { head, body } = response;
        let total = resource.total();
        let range = match (head.status(), head.get("Content-Range")) {
            (Some(200), _) => Some(0..total),
            (Some(206), Some(value)) => {
                let said = location::content_range(value).filter(|(range, said)| {
                    range.end <= total && said.is_none_or(|said| said == total)
                });
                let found = format!("Content-Range is '{value}', the content has {total} bytes");
                self.holds(said.is_some(), requirement, found)?;
                said.map(|(range, _)| range)
            }
            _ => None,
        };
        if head.lists("Content-Encoding", CODING) {
            let Some(range) = range else {
                let found = format!("the answer '{}' is coded", head.start);
                self.holds(false, requirement, found)?;
                return Err(Stop::Failed);
            };
            let info = self.reads(requirement, ContentInfo::read(&body))?;
            return Ok(Given::Coded(Coded {
                head,
                bytes: body,
                info,
                range,
            }));
        }
        if let Some(range) = range
            && head.get("Content-Encoding").is_none()
        {
            let place = |at| usize::try_from(at).unwrap_or(usize::MAX);
            let expected = resource.content.get(place(range.start)..place(range.end));
            self.holds(
                expected == Some(body.as_slice()),
                requirement,
                format_args!(
                    "the plain body of {} bytes is not bytes {range:?} of the content",
                    body.len()
                ),
            )?;
        }
        Ok(Given::Plain(Response { head, body }))
    }

    /// Content information of the whole content, asked for as every client does and again for as long as the server
    /// says that it is to come.
    ///
    /// # Errors
    /// [`Stop::Skip`] where the server has none of that version.
    pub fn standard(&self, resource: &Resource<'_>, version: Version) -> Result<Coded, Stop> {
        let begun = clock::now();
        let (fields, window) = match version {
            Version::V1 => (ASKS_FOR_V1, "1.0"),
            Version::V2 => (ASKS_FOR_V2, "2.0"),
        };
        let ex =
            format!("MinContentInformation=1.0, MaxContentInformation={window}, HashRequest=true");
        let again = [fields.first(), fields.get(1)];
        let mut again: Vec<Field<'_>> = again.into_iter().flatten().copied().collect();
        again.push((PEERDIST_EX, &ex));
        let mut given = self.get(resource, fields, self.about())?;
        loop {
            if let Given::Coded(coded) = &given
                && coded.info.version == version
            {
                return Ok(coded.clone());
            }
            let patience = if given.head().lists(PEERDIST_EX, "MakeHashRequest=true") {
                self.settings.answer
            } else {
                UNSAID
            };
            if clock::now().saturating_duration_since(begun) + AGAIN > patience {
                let why = format!(
                    "the server has no content information of version {window} of this content: "
                );
                return Err(Stop::Skip(why + &given.told()));
            }
            thread::sleep(AGAIN);
            given = self.get(resource, &again, self.about())?;
        }
    }

    /// Asserts that a request is answered coded, as the usual request is.
    ///
    /// # Errors
    /// [`Stop::Failed`]; [`Stop::Skip`] where the usual request is not answered so.
    pub fn coded(
        &self,
        resource: &Resource<'_>,
        fields: &[Field<'_>],
        requirement: &'static str,
    ) -> Result<Coded, Stop> {
        self.coded_by(resource, &resource.request("GET", fields), requirement)
    }

    /// Asserts that a request that the case wrote in full is answered coded.
    ///
    /// # Errors
    /// As those of [`coded`](Self::coded).
    pub fn coded_by(
        &self,
        resource: &Resource<'_>,
        request: &[u8],
        requirement: &'static str,
    ) -> Result<Coded, Stop> {
        self.standard(resource, Version::V1)?;
        let given = self.exchange(resource, request, requirement)?;
        self.is_coded(given, requirement)
    }

    /// Asserts that a response is coded.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_coded(&self, given: Given, requirement: &'static str) -> Result<Coded, Stop> {
        let is_so = matches!(given, Given::Coded(_));
        self.holds(is_so, requirement, given.told())?;
        match given {
            Given::Coded(coded) => Ok(coded),
            Given::Plain(_) => Err(Stop::Failed),
        }
    }

    /// Asserts that a request gets all of the content as it is, although the server has content information of it.
    ///
    /// # Errors
    /// [`Stop::Failed`]; [`Stop::Skip`] where the server has none.
    pub fn plain(
        &self,
        resource: &Resource<'_>,
        fields: &[Field<'_>],
        requirement: &'static str,
    ) -> Result<Response, Stop> {
        self.standard(resource, Version::V1)?;
        let given = self.get(resource, fields, requirement)?;
        let told = given.told();
        match given {
            Given::Plain(response) => {
                self.holds(response.status() == 200, requirement, told)?;
                Ok(response)
            }
            Given::Coded(_) => {
                let told = format!("{told}, expected the content as it is");
                self.holds(false, requirement, told)?;
                Err(Stop::Failed)
            }
        }
    }

    /// Asserts that coded content is that of the content, to the last hash.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn is_of_content(
        &self,
        coded: &Coded,
        resource: &Resource<'_>,
        requirement: &'static str,
    ) -> Outcome {
        let described = Described {
            content: resource.content,
            range: coded.range.clone(),
            secret_key: self.target.secret_key.as_deref(),
        };
        self.describes(&coded.info, &described, requirement)
    }
}

impl Coded {
    /// The value of a parameter of its X-P2P-PeerDist.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut elements = self.head.all(PEERDIST).flat_map(|value| value.split(','));
        elements.find_map(|element| {
            let (found, value) = element.split_once('=')?;
            found
                .trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim())
        })
    }

    /// Its Version as two numbers.
    #[must_use]
    pub fn version(&self) -> Option<(u32, u32)> {
        let (major, minor) = self.parameter("Version")?.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
}
