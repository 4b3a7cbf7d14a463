//! Origins, a proxy with a store of its own, and a program that only knows sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use peerdist::content::SecretKey;
use peerdist::entropy::{Entropy, Purpose};
use peerdist_node::clock::Clock;
use peerdist_node::content_server::files::{FileService, FileSettings};
use peerdist_node::content_server::{ContentInfos, PeerDistLayer, Settings};
use peerdist_node::counters::{ContentCounters, ForwardCounters};
use peerdist_node::forward::{ForwardOptions, ForwardProxy};
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::net::{Listener, Network, TokioNetwork};
use peerdist_node::store::{Store, StoreSettings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower_layer::Layer;

const PATIENCE: Duration = Duration::from_secs(30);
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

pub(crate) fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Entropy::from_u64(seed, Purpose::Faults).fill(&mut bytes);
    bytes
}

/// A content server with one file, `/folder/content.txt`.
pub(crate) struct ContentServer {
    pub(crate) at: SocketAddr,
    pub(crate) counters: Arc<ContentCounters>,
    _directory: TempDir,
    _stop: DropGuard,
}

impl ContentServer {
    pub(crate) async fn start(bytes: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("content.txt"), bytes).unwrap();
        // Until then it could still be written to.
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        let files = FileService::open(directory.path(), FileSettings::default()).unwrap();
        let counters = Arc::new(ContentCounters::default());
        let secret = SecretKey::from_passphrase("the room").unwrap();
        let infos = ContentInfos::open(Settings::default(), secret, Arc::clone(&counters)).unwrap();
        let service = PeerDistLayer::new(infos).layer(files);
        let listener = TokioNetwork.listen(ANY.into()).await.unwrap();
        let at = Listener::local_addr(&listener).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(serve(
            listener,
            service,
            ServerOptions::default(),
            stop.clone(),
        ));
        Self {
            at,
            counters,
            _directory: directory,
            _stop: stop.drop_guard(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/folder/content.txt", self.at)
    }
}

/// An origin that gives each connection the next of its answers, and is gone when it has no more.
pub(crate) struct Script {
    pub(crate) at: SocketAddr,
    /// What came, a text a connection.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) async fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind(ANY).await.unwrap();
        let at = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = request(&mut stream).await;
                hears.lock().unwrap().push(request);
                // A proxy that has heard enough closes first.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { at, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.at)
    }
}

/// A head, and the body that it promises.
async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = field(head, "content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return text.into_owned();
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return String::from_utf8(bytes).unwrap();
        }
    }
}

fn field(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

/// What a program got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        field(&self.head, name)
    }

    /// Whether it has the bytes that it promised.
    pub(crate) fn is_whole(&self) -> bool {
        let length = self.field("content-length").unwrap();
        self.body.len() == length.parse::<usize>().unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends bytes, and reads until the other side closes.
pub(crate) async fn say(at: SocketAddr, bytes: &[u8]) -> Answer {
    let said = async {
        let mut stream = TcpStream::connect(at).await.unwrap();
        // A server may refuse before it has read all.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        while let Ok(1..) = stream.read_buf(&mut answer).await {}
        answer
    };
    let answer = tokio::time::timeout(PATIENCE, said).await.expect("it ends");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1);
    Answer {
        status: status.and_then(|status| status.parse().ok()).unwrap_or(0),
        body: answer.get(end + 4..).unwrap_or_default().to_vec(),
        head,
    }
}

/// A proxy, and its store.
pub(crate) struct Proxy {
    pub(crate) at: SocketAddr,
    pub(crate) counters: Arc<ForwardCounters>,
    pub(crate) store: Store,
    _directory: TempDir,
    _stop: DropGuard,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ForwardOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let store = Store::open(&path, &StoreSettings::default()).unwrap();
        let mut options = ForwardOptions::new(ANY.into(), [7; 32], Clock::of_the_machine());
        options.store = Some(store.clone());
        // Times of tests, not of networks.
        for of_version in [&mut options.settings.of_v1, &mut options.settings.of_v2] {
            of_version.origin_retry_ms = 50;
            of_version.retrieval.request_timer_ms = 5_000;
        }
        change(&mut options);
        let counters = Arc::clone(&options.counters);
        let stop = CancellationToken::new();
        let proxy = ForwardProxy::start(&TokioNetwork, options, stop.clone());
        let at = proxy.await.unwrap().local_addr();
        Self {
            at,
            counters,
            store,
            _directory: directory,
            _stop: stop.drop_guard(),
        }
    }

    /// As a program does with http_proxy set; `fields` are whole lines.
    pub(crate) async fn ask(&self, method: &str, url: &str, fields: &str) -> Answer {
        let host = url.split('/').nth(2).unwrap();
        let request = format!(
            "{method} {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nProxy-Connection: close\r\n{fields}\r\n"
        );
        say(self.at, request.as_bytes()).await
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.ask("GET", url, "").await
    }
}
