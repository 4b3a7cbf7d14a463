//! A server of each kind for a test, and two clients: one that knows the coding, one that only knows sockets.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use peerdist::content::{ContentInfo, ContentRange, SecretKey};
use peerdist::hash::digest;
use peerdist::http_encoding::{Ask, Asked, ClientSettings, Meaning, ResponseFields};
use peerdist_node::content_server::files::{FileService, FileSettings};
use peerdist_node::content_server::{ContentInfos, PeerDistLayer, Settings};
use peerdist_node::counters::ContentCounters;
use peerdist_node::http::BoxError;
use peerdist_node::http::RequestBody;
use peerdist_node::http::client::{Client, no_body};
use peerdist_node::http::limits::{ClientLimits, ServerLimits};
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::net::{Listener, Network, TokioNetwork};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower_layer::Layer;
use tower_service::Service;

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that ends with its test.
pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    pub(crate) counters: Arc<ContentCounters>,
    _stop: DropGuard,
}

/// What a client got.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn field(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) struct Room {
    pub(crate) directory: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("served")).unwrap();
        Self { directory }
    }

    pub(crate) fn served(&self, name: &str) -> PathBuf {
        self.directory.path().join("served").join(name)
    }

    /// Writes a file as if it had been left alone for long. Its time of change cannot be set, so it is waited for.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.served(name), bytes).unwrap();
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            cache_directory: Some(self.directory.path().join("cache")),
            ..Settings::default()
        }
    }

    pub(crate) async fn files(&self, settings: Settings) -> Server {
        let files = FileService::open(&self.served(""), FileSettings { list: true }).unwrap();
        Server::of(files, settings).await
    }
}

/// Long enough after a write for its file to rest.
pub(crate) async fn let_rest() {
    tokio::time::sleep(Duration::from_millis(2_200)).await;
}

impl Server {
    pub(crate) async fn of<S, B>(service: S, settings: Settings) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError> + Send,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let counters = Arc::new(ContentCounters::default());
        let infos = ContentInfos::open(settings, secret(), Arc::clone(&counters)).unwrap();
        Self::run(PeerDistLayer::new(infos).layer(service), counters).await
    }

    /// Without the layer.
    pub(crate) async fn plain<S, B>(service: S) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::run(service, Arc::default()).await
    }

    async fn run<S, B>(service: S, counters: Arc<ContentCounters>) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        let listener = TokioNetwork.listen(any).await.unwrap();
        let at = Listener::local_addr(&listener).unwrap();
        let stop = CancellationToken::new();
        let options = ServerOptions {
            limits: ServerLimits::default(),
            ..ServerOptions::default()
        };
        tokio::spawn(serve(listener, service, options, stop.clone()));
        Self {
            at,
            counters,
            _stop: stop.drop_guard(),
        }
    }

    /// Asks with header fields.
    pub(crate) async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        self.send("GET", path, fields).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Got {
        let client = Client::new(TokioNetwork, None, ClientLimits::default());
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.at));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = client
            .request(request.body(no_body()).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        Got {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Asks as a client of the coding does, and understands the answer as one.
    pub(crate) async fn ask(&self, path: &str, asked: Asked) -> (Got, Meaning) {
        self.ask_with(path, asked, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        path: &str,
        asked: Asked,
        more: &[(&str, &str)],
    ) -> (Got, Meaning) {
        let ask = Ask {
            asked,
            settings: ClientSettings::default(),
        };
        let fields: Vec<(&str, String)> = ask
            .fields("gzip")
            .map(|field| (field.name, field.value.to_string()))
            .collect();
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .chain(more.iter().copied())
            .collect();
        let got = self.get(path, &fields).await;
        let mut of_response = ResponseFields::new();
        for (name, value) in &got.headers {
            of_response.add(name.as_str().as_bytes(), value.as_bytes());
        }
        let meaning = ask.understand(got.status.as_u16(), &of_response);
        if let Meaning::ContentInformation {
            content_length,
            range,
            ..
        } = &meaning
        {
            let info = ContentInfo::decode(&got.body).unwrap();
            ask.check(*content_length, *range, &info).unwrap();
        }
        (got, meaning)
    }

    /// Asks until there is content information, as a client does that was told to come back.
    pub(crate) async fn ask_until_encoded(&self, path: &str, asked: Asked) -> Got {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let (got, meaning) = self.ask(path, asked).await;
            match meaning {
                Meaning::ContentInformation { .. } => return got,
                Meaning::Plain {
                    make_hash_request: true,
                    ..
                } => {}
                other => panic!("{other:?} {got:?}"),
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the hashes never come"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Says bytes and hears what comes until the server closes.
    pub(crate) async fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut said = Vec::new();
        let reading = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said));
        reading.await.expect("the server never closes").unwrap();
        said
    }
}

pub(crate) fn secret() -> SecretKey {
    SecretKey::from_passphrase("a secret of tests").unwrap()
}

/// Puts content together as a client does whose peers have everything: each block checked against its hash.
pub(crate) fn assert_describes(info: &[u8], content: &[u8], range: Option<ContentRange>) {
    let info = ContentInfo::decode(info).unwrap();
    let range = range.unwrap_or(ContentRange {
        start: 0,
        length: content.len() as u64,
    });
    assert_eq!(info.range(), range);
    let mut covered = info.segments_start();
    for block in info.blocks() {
        let start = usize::try_from(block.offset).unwrap();
        let end = start + block.length as usize;
        assert_eq!(block.offset, covered);
        let hash = digest(info.hash(), &content[start..end]);
        assert_eq!(block.hash, hash.as_ref(), "block at {start}");
        covered = end as u64;
    }
    assert!(covered >= range.end());
}

/// Bytes that look random and are always the same for a seed.
pub(crate) fn content(length: usize, seed: u64) -> Vec<u8> {
    let words = (1..=length.div_ceil(8) as u64).map(|at| {
        let at = (at ^ seed << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (at ^ at >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    });
    let mut bytes: Vec<u8> = words.flat_map(u64::to_be_bytes).collect();
    bytes.truncate(length);
    bytes
}

pub(crate) fn set_modified(path: &Path, at: SystemTime) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(at).unwrap();
}
