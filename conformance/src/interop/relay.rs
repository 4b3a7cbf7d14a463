//! Stands between a client and a content server of others, passes everything on, and notes it.
//! Invariant: the client is given what the server gave, byte for byte, but for Host, the framing of bodies, and one cut
//! where a scenario wants it.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::evidence::record::Recorder;
use crate::targets::client::world::listener::{self, Listener};
use crate::targets::connection::{Answer, Connection, Response};
use crate::wire::Malformed;
use crate::wire::content_info::ContentInfo;
use crate::wire::http::{self, Head};

/// How long a server may take to answer.
const ANSWERING: Duration = Duration::from_secs(30);

/// A request that was passed on, and what came back.
#[derive(Debug)]
pub(super) struct Passed {
    /// The head of the request.
    pub(super) head: Head,
    /// The status of the answer; 0 where there was none.
    pub(super) status: u16,
    /// The content information in it.
    pub(super) info: Option<Result<ContentInfo, Malformed>>,
    /// Bytes of content in it that the client was given.
    pub(super) content: usize,
    /// Whether it was broken off.
    pub(super) is_cut: bool,
}

impl Passed {
    /// Whether the client takes content information for an answer.
    pub(super) fn takes_coding(&self) -> bool {
        self.head.lists("Accept-Encoding", "peerdist")
    }
}

/// The relay, until it is dropped.
pub(super) struct Relay {
    listener: Listener,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Relay {
    /// Where a server is, what it is called, and after how many bytes of content the first answer with more is broken off.
    pub(super) fn start(
        at: IpAddr,
        recorder: &Recorder,
        (server, host): (SocketAddr, String),
        cut_after: Option<usize>,
    ) -> io::Result<Self> {
        let passed: Arc<Mutex<Vec<Passed>>> = Arc::default();
        let noted = Arc::clone(&passed);
        let was_cut = AtomicBool::new(false);
        let listener = Listener::start(at, recorder.clone(), move |client| {
            let behind = Behind {
                server,
                host: &host,
                cut_after,
                was_cut: &was_cut,
                passed: &noted,
            };
            behind.connection(client);
        })?;
        Ok(Self { listener, passed })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.listener.address
    }

    pub(super) fn passed(&self) -> MutexGuard<'_, Vec<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Behind<'a> {
    server: SocketAddr,
    host: &'a str,
    cut_after: Option<usize>,
    was_cut: &'a AtomicBool,
    passed: &'a Mutex<Vec<Passed>>,
}

impl Behind<'_> {
    fn connection(&self, client: &mut Connection) {
        // What goes on behind is the same bytes again: the record has them once.
        let unkept = Recorder::new();
        let mut server = None;
        while let Some((head, body)) = listener::request(client) {
            let mut to = match server.take() {
                Some(server) => server,
                None => match Connection::open(&unkept, self.server) {
                    Ok(server) => server,
                    Err(_) => {
                        self.note(head, 0, None, (0, false));
                        return;
                    }
                },
            };
            let Some(response) = self.asked(&mut to, &head, &body) else {
                self.note(head, 0, None, (0, false));
                return;
            };
            let is_last = response.head.lists("Connection", "close");
            if !self.answer(client, head, response) || is_last {
                return;
            }
            server = Some(to);
        }
    }

    fn asked(&self, server: &mut Connection, head: &Head, body: &[u8]) -> Option<Response> {
        let (method, target) = head.request()?;
        let replaced = ["Host", "Content-Length", "Transfer-Encoding"];
        let fields = others(head, &replaced);
        let bytes = http::request(method, target, self.host, &fields, body);
        server.send(&bytes).ok()?;
        match server.response_to(method, ANSWERING) {
            Answer::Response(response) => Some(response),
            _ => None,
        }
    }

    /// Gives the client an answer; `false`: the connection is over.
    fn answer(&self, client: &mut Connection, head: Head, response: Response) -> bool {
        let status = response.status();
        let is_coded = response.head.lists("Content-Encoding", "peerdist");
        let method = head.request().map_or("", |(method, _)| method);
        let has_body = method != "HEAD" && !matches!(status, 204 | 304);
        let is_content = has_body && !is_coded && matches!(status, 200 | 206);
        let info = (is_coded && has_body).then(|| ContentInfo::read(&response.body));
        let kept: &[&str] = if has_body {
            &["Content-Length", "Transfer-Encoding"]
        } else {
            &[]
        };
        let mut answer = format!("{}\r\n", response.head.start);
        for (name, value) in others(&response.head, kept) {
            answer.push_str(&format!("{name}: {value}\r\n"));
        }
        if has_body {
            answer.push_str(&format!("Content-Length: {}\r\n", response.body.len()));
        }
        answer.push_str("\r\n");
        let is_cut = is_content
            && self
                .cut_after
                .is_some_and(|after| response.body.len() > after)
            && !self.was_cut.swap(true, Ordering::AcqRel);
        let given = match self.cut_after.filter(|_| is_cut) {
            Some(after) => response.body.get(..after).unwrap_or_default(),
            None => &response.body,
        };
        let content = if is_content { given.len() } else { 0 };
        // Noted before it is sent: who looks when the client is done finds it.
        self.note(head, status, info, (content, is_cut));
        client.send(&[answer.as_bytes(), given].concat()).is_ok() && !is_cut
    }

    fn note(
        &self,
        head: Head,
        status: u16,
        info: Option<Result<ContentInfo, Malformed>>,
        (content, is_cut): (usize, bool),
    ) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.push(Passed {
            head,
            status,
            info,
            content,
            is_cut,
        });
    }
}

/// The fields but for some.
fn others<'a>(head: &'a Head, but: &[&str]) -> Vec<(&'a str, &'a str)> {
    let fields = head
        .fields
        .iter()
        .filter(|(name, _)| !but.iter().any(|other| name.eq_ignore_ascii_case(other)));
    fields
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
