//! RFC 9110 7: a web server that knows nothing of the coding, fronted so that its answers can be encoded.
//! Invariant: fields of one connection never reach the other; a failure of the upstream is an answer, 502 or 504.
//! Byte order: none.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full};
use thiserror::Error;
use tower_service::Service;

use crate::http::BoxError;
use crate::http::client::{Client, ClientBody};
use crate::http::hop_by_hop::remove_hop_by_hop;
use crate::http::server::Via;
use crate::net::Network;

const VIA: HeaderValue = HeaderValue::from_static("1.1 peerdist");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address of a web server that requests are passed on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    scheme: Scheme,
    authority: Authority,
    /// In front of every path, without a slash at its end.
    prefix: String,
}

/// Not the address of a web server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{why}; expected http://HOST[:PORT][/PATH] or https://…")]
pub struct UpstreamError {
    why: &'static str,
}

impl std::str::FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let wrong = |why| UpstreamError { why };
        let uri: Uri = text.parse().map_err(|_| wrong("it cannot be read"))?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.ok_or_else(|| wrong("it has no scheme"))?;
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(wrong("its scheme is neither http nor https"));
        }
        let authority = parts.authority.ok_or_else(|| wrong("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("it has a user in it"));
        }
        let path = parts
            .path_and_query
            .unwrap_or(PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return Err(wrong("it has a query"));
        }
        Ok(Self {
            scheme,
            authority,
            prefix: path.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl Upstream {
    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    fn uri_of(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        if !path.starts_with('/') {
            return None;
        }
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path}", self.prefix))
            .build()
            .ok()
    }

    /// A place of the upstream as a place of ours.
    fn location(&self, location: &HeaderValue) -> Option<HeaderValue> {
        let text = location.to_str().ok()?;
        let text = text
            .strip_prefix(&format!("{}://{}", self.scheme, self.authority))
            .unwrap_or(text);
        let path = text.strip_prefix(&self.prefix)?;
        path.starts_with('/')
            .then(|| HeaderValue::from_str(path).ok())
            .flatten()
    }
}

/// What a proxy is set to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// The upstream sees the Host of the request instead of its own.
    pub keep_host: bool,
    /// Via is added either way, as RFC 9110 7.6.3 wants it. Some servers compress nothing for a request that has it,
    /// nginx among them, so most gateways leave it out, and so does this one unless told.
    pub via: bool,
}

/// Passes requests on to an upstream.
#[derive(Debug, Clone)]
pub struct ProxyService<N> {
    shared: Arc<Shared<N>>,
}

#[derive(Debug)]
struct Shared<N> {
    upstream: Upstream,
    client: Client<N>,
    settings: ProxySettings,
}

impl<N: Network> ProxyService<N> {
    /// To an upstream, by a client.
    pub fn new(upstream: Upstream, client: Client<N>, settings: ProxySettings) -> Self {
        let shared = Shared {
            upstream,
            client,
            settings,
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

/// The body of an answer of the proxy: the upstream's, or a text.
pub type ProxyBody = Either<ClientBody, Full<Bytes>>;

impl<N, B> Service<Request<B>> for ProxyService<N>
where
    N: Network,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(pass_on(&shared, request).await) })
    }
}

async fn pass_on<N, B>(shared: &Shared<N>, request: Request<B>) -> Response<ProxyBody>
where
    N: Network,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (mut parts, body) = request.into_parts();
    // CONNECT asks for a tunnel, TRACE for the fields that proxies added.
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return said(status, "This method is not passed on.\n");
    }
    let Some(uri) = shared.upstream.uri_of(&parts.uri) else {
        return said(
            StatusCode::BAD_REQUEST,
            "There is no path in the request.\n",
        );
    };
    forward_fields(
        &mut parts.headers,
        parts.extensions.get().copied(),
        shared.settings,
    );
    parts.uri = uri;
    parts.extensions.clear();
    let path = parts.uri.path().to_owned();
    let request = Request::from_parts(parts, body.map_err(Into::into).boxed_unsync());
    match shared.client.request(request).await {
        Ok(response) => {
            let (mut parts, body) = response.into_parts();
            remove_hop_by_hop(&mut parts.headers);
            if shared.settings.via {
                parts.headers.append(header::VIA, VIA);
            }
            if let Some(location) = parts.headers.get(header::LOCATION)
                && let Some(own) = shared.upstream.location(location)
            {
                parts.headers.insert(header::LOCATION, own);
            }
            Response::from_parts(parts, Either::Left(body))
        }
        Err(error) if error.is_timeout() => {
            tracing::warn!(path, %error, "the upstream did not answer");
            let text = "The server behind this one did not answer in time.\n";
            said(StatusCode::GATEWAY_TIMEOUT, text)
        }
        Err(error) => {
            tracing::warn!(path, %error, "the upstream failed");
            let text = "The server behind this one cannot be reached or failed.\n";
            said(StatusCode::BAD_GATEWAY, text)
        }
    }
}

fn forward_fields(headers: &mut HeaderMap, via: Option<Via>, settings: ProxySettings) {
    remove_hop_by_hop(headers);
    // The body was asked for when it was promised; the upstream need not promise it again.
    headers.remove(header::EXPECT);
    if settings.via {
        headers.append(header::VIA, VIA);
    }
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if !settings.keep_host {
        // The client writes the upstream's.
        headers.remove(header::HOST);
    }
    if let Some(via) = via {
        let scheme = if via.tls { "https" } else { "http" };
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
        let mut path: Vec<String> = headers
            .get_all(X_FORWARDED_FOR)
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect();
        path.push(via.from.ip().to_canonical().to_string());
        if let Ok(path) = HeaderValue::from_str(&path.join(", ")) {
            headers.insert(X_FORWARDED_FOR, path);
        }
    }
}

fn said(status: StatusCode, text: &'static str) -> Response<ProxyBody> {
    let mut response = Response::new(Either::Right(Full::new(Bytes::from_static(
        text.as_bytes(),
    ))));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(text: &str) -> Upstream {
        text.parse().unwrap()
    }

    #[test]
    fn paths_go_below_the_upstreams_and_locations_come_back() {
        let upstream = upstream("http://host:8080/base/");
        assert_eq!(upstream.to_string(), "http://host:8080/base");
        let uri = |path: &str| {
            upstream
                .uri_of(&path.parse().unwrap())
                .map(|uri| uri.to_string())
        };
        assert_eq!(uri("/a?b").as_deref(), Some("http://host:8080/base/a?b"));
        assert_eq!(
            uri("http://other/a").as_deref(),
            Some("http://host:8080/base/a")
        );
        assert_eq!(uri("*"), None);
        let location = |text: &'static str| upstream.location(&HeaderValue::from_static(text));
        let own = Some(HeaderValue::from_static("/x/"));
        assert_eq!(location("http://host:8080/base/x/"), own);
        assert_eq!(location("/base/x/"), own);
        assert_eq!(location("/elsewhere"), None);
        assert_eq!(location("http://other/base/x"), None);
        assert_eq!(location("/basement"), None);
    }

    #[test]
    fn what_is_no_upstream_is_told() {
        for (text, why) in [
            ("host:80", "it has no"),
            ("ftp://host/", "neither http"),
            ("http://user@host/", "a user"),
            ("http://host/?a", "a query"),
            ("http://ho st/", "cannot be read"),
        ] {
            let error = text.parse::<Upstream>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn fields_of_the_connection_stay_and_those_of_the_proxy_are_added() {
        let mut headers: HeaderMap = [
            ("host", "own"),
            ("connection", "close, X-Private"),
            ("x-private", "1"),
            ("keep-alive", "1"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("x-forwarded-for", "10.0.0.1"),
            ("accept", "*/*"),
        ]
        .into_iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
        let via = Via {
            from: "[::ffff:10.0.0.2]:5".parse().unwrap(),
            tls: true,
        };
        let settings = ProxySettings {
            via: true,
            ..ProxySettings::default()
        };
        forward_fields(&mut headers, Some(via), settings);
        let mut left: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        left.sort_unstable();
        let expected = [
            ("accept", "*/*"),
            ("via", "1.1 peerdist"),
            ("x-forwarded-for", "10.0.0.1, 10.0.0.2"),
            ("x-forwarded-host", "own"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(left, expected);
    }
}
