//! Bytes out and answers in, as cases of every role have them over a connection.
//! Invariant: a stimulus that could not be sent is inconclusive; an answer that is none says what came in its place.
//! Byte order: none.

use std::io;
use std::net::SocketAddr;

use super::connection::{Answer, Connection, Response};
use crate::judge::session::Session;
use crate::judge::{Outcome, Stop};

/// A connection that a case cannot do without.
///
/// # Errors
/// [`Stop::Inconclusive`] where there is none.
pub(super) fn connected(
    address: SocketAddr,
    opened: io::Result<Connection>,
) -> Result<Connection, Stop> {
    opened.map_err(|error| Stop::Inconclusive(format!("cannot connect to {address}: {error}")))
}

impl<T> Session<'_, T> {
    /// A connection in clear.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] where there is none.
    pub fn connect_to(&self, address: SocketAddr) -> Result<Connection, Stop> {
        connected(address, Connection::open(&self.recorder, address))
    }

    /// Sends bytes that have to go out for the case to mean anything.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`].
    pub fn send(&self, connection: &mut Connection, bytes: &[u8]) -> Outcome {
        connection
            .send(bytes)
            .map_err(|error| Stop::Inconclusive(format!("the stimulus could not be sent: {error}")))
    }

    /// The response that an answer has to be.
    ///
    /// # Errors
    /// [`Stop::Failed`] where it is none.
    pub fn response_of(&self, answer: Answer, requirement: &'static str) -> Result<Response, Stop> {
        let waited = self.settings.answer.as_secs_f32();
        let found = match answer {
            Answer::Response(response) => return Ok(response),
            Answer::Closed(0) => "the connection was closed without an answer".to_owned(),
            Answer::Closed(bytes) => format!("the connection was closed after {bytes} bytes"),
            Answer::Silence(0) => format!("there was no answer within {waited} s"),
            Answer::Silence(bytes) => {
                format!("there was no whole answer within {waited} s, but {bytes} bytes")
            }
            Answer::Broken(why) => format!("the answer is no HTTP: {why}"),
        };
        self.holds(false, requirement, found)?;
        Err(Stop::Failed)
    }

    /// The same where its status has to be 200.
    ///
    /// # Errors
    /// [`Stop::Failed`] where it is none, or has another.
    pub fn good_response_of(
        &self,
        answer: Answer,
        requirement: &'static str,
    ) -> Result<Response, Stop> {
        let response = self.response_of(answer, requirement)?;
        if response.status() == 200 {
            return Ok(response);
        }
        let found = format!("the answer is '{}'", response.head.start);
        self.holds(false, requirement, found)?;
        Err(Stop::Failed)
    }

    /// Asserts that an answer holds no message: silence, a closed connection, or an error of HTTP. The last two are the
    /// deviations of these names, in this order.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub(super) fn holds_nothing(
        &self,
        answer: &Answer,
        requirement: &'static str,
        [closes, http_error]: [&'static str; 2],
        is_message: impl Fn(&[u8]) -> bool,
    ) -> Outcome {
        match answer {
            Answer::Silence(0) => self.holds(true, requirement, ""),
            Answer::Closed(0) => self.quirk(closes, requirement, "the connection was closed"),
            // Words for people are no message either.
            Answer::Response(response)
                if response.status() >= 400 && !is_message(&response.body) =>
            {
                let found = format_args!("the answer is '{}'", response.head.start);
                self.quirk(http_error, requirement, found)
            }
            Answer::Response(response) => self.holds(
                false,
                requirement,
                format_args!(
                    "the answer is '{}' with a body of {} bytes, expected none",
                    response.head.start,
                    response.body.len()
                ),
            ),
            Answer::Silence(bytes) | Answer::Closed(bytes) => self.holds(
                false,
                requirement,
                format_args!("{bytes} bytes came back, expected none"),
            ),
            Answer::Broken(why) => self.holds(
                false,
                requirement,
                format_args!("what came back is no HTTP: {why}"),
            ),
        }
    }
}
