//! A listener of the judge: a thread a connection, each of them recorded.
//! Invariant: when it is dropped nothing listens any more, and connections that are open end soon after.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::clock;
use crate::evidence::record::Recorder;
use crate::targets::connection::{Answer, Connection};
use crate::wire::http::{BodyEnd, Head};

/// How long a connection without a request is kept.
const IDLE: Duration = Duration::from_secs(60);
/// How long connections are given to end when the listener goes.
const END: Duration = Duration::from_millis(300);
/// How long a handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A listener, until it is dropped.
#[derive(Debug)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    ends: Arc<AtomicBool>,
    active: Arc<AtomicUsize>,
    accepting: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves each connection in a thread of its own.
    ///
    /// # Errors
    /// That of the system.
    pub fn start(
        address: IpAddr,
        recorder: Recorder,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::opening(address, recorder, Connection::accepted, serve)
    }

    /// The same over TLS. A handshake that fails is noted, and nothing is served.
    ///
    /// # Errors
    /// That of the system.
    pub fn start_tls(
        address: IpAddr,
        recorder: Recorder,
        config: Arc<ServerConfig>,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let open = move |recorder: &Recorder, tcp: TcpStream| {
            let opened = over_tls(recorder, tcp, Arc::clone(&config));
            if let Err(error) = &opened {
                recorder.note(format!("a handshake of TLS came to nothing: {error}"));
            }
            opened
        };
        Self::opening(address, recorder, open, serve)
    }

    fn opening(
        address: IpAddr,
        recorder: Recorder,
        open: impl Fn(&Recorder, TcpStream) -> io::Result<Connection> + Send + Sync + 'static,
        serve: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let open = Arc::new(open);
        let listener = TcpListener::bind((address, 0))?;
        let address = listener.local_addr()?;
        let ends = Arc::new(AtomicBool::new(false));
        let active = Arc::new(AtomicUsize::new(0));
        let (serve, ended, counted) = (Arc::new(serve), Arc::clone(&ends), Arc::clone(&active));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Acquire) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (serve, recorder) = (Arc::clone(&serve), recorder.clone());
                let open = Arc::clone(&open);
                let counted = Arc::clone(&counted);
                counted.fetch_add(1, Ordering::AcqRel);
                thread::spawn(move || {
                    if let Ok(mut connection) = open(&recorder, stream) {
                        serve(&mut connection);
                    }
                    counted.fetch_sub(1, Ordering::AcqRel);
                });
            }
        });
        Ok(Self {
            address,
            ends,
            active,
            accepting: Some(accepting),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        // Wakes the listener up, which may be gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        let deadline = clock::now() + END;
        while self.active.load(Ordering::Acquire) > 0 && clock::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn over_tls(
    recorder: &Recorder,
    tcp: TcpStream,
    config: Arc<ServerConfig>,
) -> io::Result<Connection> {
    tcp.set_read_timeout(Some(HANDSHAKE))?;
    tcp.set_write_timeout(Some(HANDSHAKE))?;
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, tcp.try_clone()?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Connection::accepted_tls(recorder, tcp, stream)
}

/// The next request. `None`: there is none, or what came is no HTTP.
pub fn request(connection: &mut Connection) -> Option<(Head, Vec<u8>)> {
    let deadline = clock::now() + IDLE;
    let read = |connection: &mut Connection| -> Result<_, Answer> {
        let head = connection.head(deadline)?;
        let body = match head.body().map_err(Answer::Broken)? {
            BodyEnd::Unsaid => Vec::new(),
            end => connection.body(end, deadline)?,
        };
        Ok((head, body))
    };
    read(connection).ok()
}
