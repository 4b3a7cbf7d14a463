//! A connection of the judge: bytes as the case says them, every one recorded, every wait with an end.
//! Invariant: no call waits longer than it was told to, and none keeps more bytes than its limit.
//! Byte order: none.

use core::fmt::Debug;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::clock;
use crate::evidence::record::{Flow, FlowRecorder, Recorder, Transport, What};
use crate::wire::http::{self, BodyEnd, Head};

/// The most bytes of a body that are read.
pub const BODY_MAX_BYTES: usize = 1 << 30;
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the other side may take no bytes.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What carries the bytes.
trait Stream: Read + Write + Debug + Send {}

impl<S: Read + Write + Debug + Send> Stream for S {}

/// A connection to what is judged, or from it.
#[derive(Debug)]
pub struct Connection {
    stream: Box<dyn Stream>,
    tcp: TcpStream,
    flow: FlowRecorder,
    /// What came and was not taken yet.
    pending: Vec<u8>,
    is_closed_by_other: bool,
    is_reset: bool,
}

/// What came of waiting for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// So many bytes.
    Bytes(usize),
    /// Nothing, in all that time.
    Nothing,
    /// The end of the connection.
    Closed,
}

/// A response of HTTP in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its head.
    pub head: Head,
    /// Its body, chunks taken apart.
    pub body: Vec<u8>,
}

impl Response {
    /// Its status, 0 where it has none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status().unwrap_or(0)
    }
}

/// What came of waiting for a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// One in full.
    Response(Response),
    /// The end of the connection, and so many bytes before it that are no response.
    Closed(usize),
    /// Nothing more, in all that time, and so many bytes that are no whole response.
    Silence(usize),
    /// Bytes that are no HTTP: why not.
    Broken(String),
}

impl Connection {
    /// Connects in clear.
    ///
    /// # Errors
    /// That of the system.
    pub fn open(recorder: &Recorder, address: SocketAddr) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
        Self::over(recorder, tcp, Transport::Tcp, What::Opened)
    }

    /// Connects over TLS.
    ///
    /// # Errors
    /// That of the system, or of TLS.
    pub fn open_tls(
        recorder: &Recorder,
        address: SocketAddr,
        name: ServerName<'static>,
        config: Arc<ClientConfig>,
    ) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
        tcp.set_read_timeout(Some(CONNECT_TIMEOUT))?;
        let tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(tls, tcp.try_clone()?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        let mut connection = Self::over(recorder, tcp, Transport::Tls, What::Opened)?;
        connection.stream = Box::new(stream);
        Ok(connection)
    }

    /// Takes a connection that somebody made to the judge.
    ///
    /// # Errors
    /// That of the system.
    pub fn accepted(recorder: &Recorder, tcp: TcpStream) -> io::Result<Self> {
        Self::over(recorder, tcp, Transport::Tcp, What::Accepted)
    }

    /// Takes a connection whose bytes travel in something else.
    ///
    /// # Errors
    /// That of the system.
    pub fn accepted_tls(
        recorder: &Recorder,
        tcp: TcpStream,
        stream: impl Read + Write + Debug + Send + 'static,
    ) -> io::Result<Self> {
        let mut connection = Self::over(recorder, tcp, Transport::Tls, What::Accepted)?;
        connection.stream = Box::new(stream);
        Ok(connection)
    }

    fn over(
        recorder: &Recorder,
        tcp: TcpStream,
        transport: Transport,
        begun: What,
    ) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        tcp.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let flow = recorder.flow(Flow {
            transport,
            local: tcp.local_addr()?,
            remote: tcp.peer_addr()?,
        });
        flow.add(begun);
        Ok(Self {
            stream: Box::new(tcp.try_clone()?),
            tcp,
            flow,
            pending: Vec::new(),
            is_closed_by_other: false,
            is_reset: false,
        })
    }

    /// The address at the other end.
    ///
    /// # Errors
    /// That of the system.
    pub fn remote(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// That of the system, as where the other side has closed or takes nothing any more.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.flow.sent(bytes);
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Says that nothing more will be sent, and goes on listening.
    pub fn finish_sending(&mut self) {
        // One that is gone has nothing to be told.
        let _ = self.tcp.shutdown(Shutdown::Write);
        self.flow.add(What::Finished);
    }

    /// What came and was not taken yet.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Whether the other side ended the connection by a reset.
    #[must_use]
    pub const fn is_reset(&self) -> bool {
        self.is_reset
    }

    /// Takes the first bytes of what came.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.pending.split_off(count.min(self.pending.len()));
        std::mem::replace(&mut self.pending, rest)
    }

    /// Waits for more bytes until `deadline`.
    pub fn wait(&mut self, deadline: Instant) -> Came {
        if self.is_closed_by_other {
            return Came::Closed;
        }
        let left = deadline.saturating_duration_since(clock::now());
        if left.is_zero() || self.tcp.set_read_timeout(Some(left)).is_err() {
            return Came::Nothing;
        }
        let mut buffer = [0; 64 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.flow.received(bytes);
                    self.pending.extend_from_slice(bytes);
                    return Came::Bytes(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Came::Nothing;
                }
                // Reset, or no TLS any more: nothing will come.
                Err(error) => {
                    self.is_reset = error.kind() == ErrorKind::ConnectionReset;
                    break;
                }
            }
        }
        self.is_closed_by_other = true;
        self.flow.add(What::ClosedByOther);
        Came::Closed
    }

    /// Waits for a head of HTTP.
    ///
    /// # Errors
    /// The answer that it is instead.
    pub fn head(&mut self, deadline: Instant) -> Result<Head, Answer> {
        loop {
            match Head::read(&self.pending) {
                Ok(Some(head)) => {
                    self.take(head.bytes);
                    return Ok(head);
                }
                Ok(None) => {}
                Err(why) => return Err(Answer::Broken(why)),
            }
            self.more(deadline)?;
        }
    }

    /// Waits for the body behind a head.
    ///
    /// # Errors
    /// The answer that it is instead.
    pub fn body(&mut self, end: BodyEnd, deadline: Instant) -> Result<Vec<u8>, Answer> {
        loop {
            match end {
                BodyEnd::Length(length) => {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    if length > BODY_MAX_BYTES {
                        let why = format!("a body of {length} bytes, more than the judge reads");
                        return Err(Answer::Broken(why));
                    }
                    if self.pending.len() >= length {
                        return Ok(self.take(length));
                    }
                }
                BodyEnd::Chunked => match http::unchunked(&self.pending) {
                    Ok(Some((body, length))) => {
                        self.take(length);
                        return Ok(body);
                    }
                    Ok(None) => {}
                    Err(why) => return Err(Answer::Broken(why)),
                },
                BodyEnd::Unsaid if self.is_closed_by_other => {
                    return Ok(std::mem::take(&mut self.pending));
                }
                BodyEnd::Unsaid => {}
            }
            if self.pending.len() > BODY_MAX_BYTES {
                return Err(Answer::Broken("a body without an end".to_owned()));
            }
            match self.more(deadline) {
                // What says nothing of its end ends with the connection.
                Err(Answer::Closed(_)) if end == BodyEnd::Unsaid => {}
                more => more?,
            }
        }
    }

    fn more(&mut self, deadline: Instant) -> Result<(), Answer> {
        match self.wait(deadline) {
            Came::Bytes(_) => Ok(()),
            Came::Closed => Err(Answer::Closed(self.pending.len())),
            Came::Nothing => Err(Answer::Silence(self.pending.len())),
        }
    }

    /// Waits for a response, at most so long.
    pub fn response(&mut self, patience: Duration) -> Answer {
        self.response_to("", patience)
    }

    /// Waits for the response to a request of that method; that to HEAD has no body.
    pub fn response_to(&mut self, method: &str, patience: Duration) -> Answer {
        let deadline = clock::now() + patience;
        let whole = |connection: &mut Self| {
            let head = loop {
                let head = connection.head(deadline)?;
                // What is only on the way to the answer is passed over.
                if head
                    .status()
                    .is_none_or(|status| !(100..200).contains(&status))
                {
                    break head;
                }
            };
            let has_body = method != "HEAD" && !matches!(head.status(), Some(204 | 304));
            let body = if has_body {
                connection.body(head.body().map_err(Answer::Broken)?, deadline)?
            } else {
                Vec::new()
            };
            Ok(Response { head, body })
        };
        let answer = whole(self).map_or_else(|other| other, Answer::Response);
        if let Answer::Silence(_) = answer {
            self.flow.add(What::Silence(patience));
        }
        answer
    }

    /// Waits until the other side closes, and throws away what comes before. `false`: it did not within that time.
    pub fn is_closed_within(&mut self, patience: Duration) -> bool {
        let deadline = clock::now() + patience;
        loop {
            match self.wait(deadline) {
                Came::Closed => return true,
                Came::Nothing => {
                    self.flow.add(What::Silence(patience));
                    return false;
                }
                Came::Bytes(_) => self.pending.clear(),
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.is_closed_by_other {
            self.flow.add(What::Closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What comes of these pieces, each a packet, and the end of the connection.
    fn answer_of(pieces: &[&[u8]]) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut tcp, _) = listener.accept().unwrap();
                tcp.set_nodelay(true).unwrap();
                for piece in pieces {
                    tcp.write_all(piece).unwrap();
                    thread::sleep(Duration::from_millis(30));
                }
            });
            let mut connection = Connection::open(&Recorder::new(), address).unwrap();
            connection.response(Duration::from_secs(5))
        })
    }

    #[test]
    fn a_body_that_ends_with_the_connection_is_read_however_it_comes() {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        for pieces in [
            &[head.as_slice(), b"all", b" of it"][..],
            &[head, b"all of it"],
            &[b"HTTP/1.1 200 OK\r\n\r\nall of it"],
        ] {
            let Answer::Response(response) = answer_of(pieces) else {
                panic!("no response of {} pieces", pieces.len());
            };
            assert_eq!(response.body, b"all of it");
        }
    }

    #[test]
    fn a_body_that_is_shorter_than_its_length_is_no_response() {
        let pieces: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"all"];
        assert_eq!(answer_of(pieces), Answer::Closed(3));
    }
}
