//! Content whose content information came in the answer to a program's own request, which this proxy had passed on.
//! Invariant: as of a download; and an answer that is not content information stays as it came.
//! Byte order: none.

use std::sync::Arc;

use http::header::{self, HeaderName};
use http::{HeaderMap, Response, Uri};
use peerdist::content::{CONTENT_MAX_BYTES, ContentRange};
use peerdist::http_encoding::{Ask, Asked, Meaning};

use super::{Attempt, Fetching, flush};
use crate::get::described::Described;
use crate::get::error::GetError;
use crate::get::origin::{Origin, fields};
use crate::get::report::Observer;
use crate::get::request::Request;
use crate::get::settings::Settings;
use crate::http::client::{Client, ClientBody};
use crate::net::Network;

/// Fields of a program's request that are of that request alone, and not of the requests for ranges that follow.
const OF_ONE_REQUEST: [HeaderName; 7] = [
    header::ACCEPT_ENCODING,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// What an answer to a program's request is.
pub(crate) enum Understood<N> {
    /// Content information was its body.
    Announced(Box<Announced<N>>),
    /// Anything else.
    Passing(Box<Response<ClientBody>>),
    /// What must not be used: ask without PeerDist.
    Unusable,
}

/// Content that was announced.
pub(crate) struct Announced<N> {
    described: Described,
    metadata_bytes: u64,
    origin: Origin<N>,
}

/// Adds to a program's request what asks for content information.
pub(crate) fn ask(headers: &mut HeaderMap, settings: &Settings) {
    let codings = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings: Vec<&str> = codings.filter_map(|value| value.to_str().ok()).collect();
    let codings = codings.join(", ");
    let ask = Ask {
        asked: Asked::Content(None),
        settings: settings.encoding,
    };
    for field in ask.fields(&codings) {
        let mut value = Vec::new();
        field.value.encode_into(&mut value);
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(field.name.as_bytes()),
            header::HeaderValue::from_bytes(&value),
        ) {
            headers.insert(name, value);
        }
    }
}

/// What the answer to a request is that had [`ask`]'s fields. `program` is the fields that it had without them.
pub(crate) async fn understand<N: Network>(
    client: &Client<N>,
    uri: &Uri,
    program: &HeaderMap,
    response: Response<ClientBody>,
    settings: &Settings,
) -> Understood<N> {
    // Which range it is, the program sees for itself: it may have asked for the end, or from somewhere to the end.
    let anywhere = program.contains_key(header::RANGE).then_some(ContentRange {
        start: 0,
        length: CONTENT_MAX_BYTES,
    });
    let asked = Asked::Content(anywhere);
    let ask = Ask {
        asked,
        settings: settings.encoding,
    };
    let status = response.status().as_u16();
    let (content_length, range) = match ask.understand(status, &fields(response.headers())) {
        Meaning::NoContent | Meaning::Plain { .. } => {
            return Understood::Passing(Box::new(response));
        }
        Meaning::Unusable(rejected) => {
            tracing::warn!(%uri, %rejected, "an answer that cannot be used; asking plainly");
            return Understood::Unusable;
        }
        Meaning::ContentInformation {
            content_length,
            range,
            ..
        } => (content_length, range),
    };
    let mut program = program.clone();
    for name in &OF_ONE_REQUEST {
        program.remove(name);
    }
    let mut origin = Origin {
        client: client.clone(),
        uri: uri.clone(),
        settings: settings.encoding,
        // The program is shown where redirects lead, and goes there itself.
        redirects_most: 0,
        program: Some(Arc::new(program)),
        validator: None,
    };
    let most = settings.content_information_bytes_most;
    let described = origin.described(asked, response, content_length, range, most);
    match described.await {
        Some((described, metadata_bytes)) => Understood::Announced(Box::new(Announced {
            described,
            metadata_bytes,
            origin,
        })),
        None => Understood::Unusable,
    }
}

impl<N: Network> Announced<N> {
    /// Bytes of the content, or of the part of it that was asked for.
    pub(crate) const fn length(&self) -> u64 {
        self.described.range().length
    }

    /// Bytes of content information.
    pub(crate) const fn metadata_bytes(&self) -> u64 {
        self.metadata_bytes
    }

    /// Fetches it to the request's stream. `peer_port`: where a peer of this process serves the request's store.
    ///
    /// # Errors
    /// As of a download. The stream got no byte that is not of the content, but may have got some.
    pub(crate) async fn fetch(
        self,
        network: N,
        request: Arc<Request>,
        peer_client: Client<N>,
        peer_port: Option<u16>,
        observer: &mut dyn Observer,
    ) -> Result<(), GetError> {
        let mut fetching = Fetching {
            network,
            request: Arc::clone(&request),
            origin: self.origin,
            peer_client,
            peer_port,
            metadata_bytes: self.metadata_bytes,
            lies: 0,
            rejected: 0,
            restarts: 0,
        };
        let described = Arc::new(self.described);
        let attempt = fetching.described(described, None, observer).await?;
        let url = fetching.origin.url();
        match attempt {
            Attempt::Done(got) => {
                tokio::join!(
                    flush(&request, got.replies),
                    fetching.until_fetched(got.offers, got.sharing.as_ref())
                );
                Ok(())
            }
            Attempt::Changed => Err(GetError::Changed { url }),
            Attempt::Differs => Err(GetError::Differs { url }),
            Attempt::NoRanges => Err(GetError::Origin {
                url,
                why: "it sends the whole where a range is asked for".into(),
            }),
        }
    }
}
