//! A message for a message, as peers and hosted caches exchange them: sent and received by whoever waits for it.
//! Invariant: a response of which anything is unusual is left to hyper; a body is written once, where it stays.
//! Byte order: none.
//!
//! A task of hyper for each connection, its buffers, and the channel that a body comes through take longer than a block
//! needs to be decrypted and hashed. Of HTTP a response with a block uses nothing but its status and its length.

mod head;

use std::io::{self, Write};
use std::sync::PoisonError;

use http::Uri;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use self::head::Parsed;
use super::{Client, ClientError, Kept, Shared, Target, host_of};
use crate::http::limits::{ClientLimits, ms};
use crate::http::pool::Host;
use crate::net::Network;

/// Bytes that are read for the head of a response. One that is longer is unusual.
const HEAD_BYTES: usize = 4_096;

/// What came back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A message, under 200.
    Message(Vec<u8>),
    /// Anything else that HTTP has. It is to be asked for again, by [`Client::request`].
    Unusual,
    /// Nothing, or too much.
    Nothing,
}

impl<N: Network> Client<N> {
    /// Posts a message and puts the one that comes back in place of what is in `buffer`.
    ///
    /// # Errors
    /// [`ClientError`] where there is no connection.
    pub(crate) async fn post(
        &self,
        to: &Target,
        message: &[u8],
        bytes_most: usize,
        mut buffer: Vec<u8>,
    ) -> Result<Answer, ClientError> {
        let Shared { limits, pool, .. } = &*self.shared;
        let host = host_of(&to.uri, to.zone)?;
        if host.tls || self.is_left_to_hyper(&host) {
            return Ok(Answer::Unusual);
        }
        let request = request(&to.uri, message);
        let permit = self.permit(&host).await?;
        loop {
            let kept = pool.take(&host, ms(limits.idle_ms));
            let is_kept = kept.is_some();
            let mut stream = match kept {
                Some(Kept::Bare(stream)) => stream,
                Some(Kept::Http(_)) => continue,
                None => Box::new(self.connect(&host, self.dial(&host)).await?),
            };
            let mut start = [0; HEAD_BYTES];
            let asked = async {
                stream.write_all(&request).await?;
                read_head(&mut stream, &mut start).await
            };
            let (head, came) = match timeout(ms(limits.head_ms), asked).await {
                Ok(Ok((Parsed::Whole(head), came))) => (head, came),
                Ok(Ok((Parsed::Refused(status), _))) => {
                    tracing::debug!(host = host.name, status, "no message");
                    return Ok(Answer::Nothing);
                }
                Ok(Ok(_)) => {
                    self.leave_to_hyper(host);
                    return Ok(Answer::Unusual);
                }
                // The server closed a connection that was kept. A message that comes twice does no harm.
                Ok(Err(_)) if is_kept => continue,
                Ok(Err(error)) => {
                    tracing::debug!(host = host.name, %error, "no answer");
                    return Ok(Answer::Nothing);
                }
                Err(_) => return Ok(Answer::Nothing),
            };
            let body = start.get(head.length..came).unwrap_or_default();
            let is_too_much = head.body_length > bytes_most || body.len() > head.body_length;
            if is_too_much {
                return Ok(Answer::Nothing);
            }
            buffer.clear();
            buffer.reserve(head.body_length);
            buffer.extend_from_slice(body);
            if read_body(&mut stream, &mut buffer, head.body_length, limits)
                .await
                .is_err()
            {
                return Ok(Answer::Nothing);
            }
            if head.stays_open {
                pool.give(&host, Kept::Bare(stream), permit);
            }
            return Ok(Answer::Message(buffer));
        }
    }
}

impl<N> Client<N> {
    fn is_left_to_hyper(&self, host: &Host) -> bool {
        let unusual = self.shared.unusual.lock();
        unusual
            .unwrap_or_else(PoisonError::into_inner)
            .contains(host)
    }

    fn leave_to_hyper(&self, host: Host) {
        let unusual = self.shared.unusual.lock();
        let mut unusual = unusual.unwrap_or_else(PoisonError::into_inner);
        // One that is not remembered is asked twice each time.
        if unusual.len() < self.shared.limits.hosts_most {
            unusual.insert(host);
        }
    }
}

fn request(to: &Uri, message: &[u8]) -> Vec<u8> {
    const HEAD_BYTES_LIKELY: usize = 256;
    let mut request = Vec::with_capacity(HEAD_BYTES_LIKELY + message.len());
    let path = to.path_and_query().map_or("/", |path| path.as_str());
    let host = to.authority().map_or("", |authority| authority.as_str());
    let length = message.len();
    // Writing into memory does not fail.
    let _ = write!(
        request,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/octet-stream\r\n\
         content-length: {length}\r\n\r\n",
    );
    request.extend_from_slice(message);
    request
}

/// What is said of the head, which is never partial, and how many bytes came up to then.
async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    start: &mut [u8],
) -> io::Result<(Parsed, usize)> {
    let mut came = 0;
    loop {
        let room = start.get_mut(came..).unwrap_or_default();
        if room.is_empty() {
            return Ok((Parsed::Unusual, came));
        }
        match stream.read(room).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => came += count,
        }
        match head::parse(start.get(..came).unwrap_or_default()) {
            Parsed::Partial => {}
            parsed => return Ok((parsed, came)),
        }
    }
}

/// Reads until the buffer has so many bytes, as long as enough of them come in each interval.
async fn read_body<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    length: usize,
    limits: &ClientLimits,
) -> io::Result<()> {
    let mut until = Instant::now() + ms(limits.progress_ms);
    let mut came = 0;
    while let Some(left) = length.checked_sub(buffer.len()).filter(|left| *left > 0) {
        let mut rest = (&mut *stream).take(left as u64);
        let count = timeout_at(until, rest.read_buf(buffer)).await??;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        came += count as u64;
        if came >= limits.progress_bytes_least {
            until = Instant::now() + ms(limits.progress_ms);
            came = 0;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
