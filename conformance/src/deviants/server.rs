//! What deviants that serve share: a listener, a thread a connection, and an end.
//! Invariant: when it is dropped nothing listens any more; connections are few, for only the judge makes any.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A listener on the loopback interface.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    ends: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves each connection in a thread of its own, or all in one.
    pub(super) fn start(
        one_at_a_time: bool,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), one_at_a_time, serve)
    }

    /// The same at another loopback address.
    pub(super) fn start_at(
        address: IpAddr,
        one_at_a_time: bool,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((address, 0))?;
        let address = listener.local_addr()?;
        let ends = Arc::new(AtomicBool::new(false));
        let (serve, ended) = (Arc::new(serve), Arc::clone(&ends));
        let accepting = thread::spawn(move || {
            for connection in listener.incoming() {
                if ended.load(Ordering::Acquire) {
                    break;
                }
                let Ok(connection) = connection else { continue };
                if one_at_a_time {
                    serve(connection);
                    continue;
                }
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(connection));
            }
        });
        Ok(Self {
            address,
            ends,
            accepting: Some(accepting),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        // Wakes the listener up, which may be gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}
