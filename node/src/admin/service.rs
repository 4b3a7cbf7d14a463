//! The admin page, its JSON and the metrics, as a tower service.
//! Invariant: only GET and HEAD, only under an address or localhost, and nothing that a page of others could read.
//! Byte order: none.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tower_service::Service;

use super::Registry;
use super::metrics::{self, Metrics};
use super::query::ListQuery;
use crate::activity::now_ms;
use crate::http::limits::ServerLimits;
use crate::http::server::ServerOptions;
use crate::world::{fill_random, offload};

const PAGE: &str = include_str!("page.html");
/// What stands in the page where each answer has a word of its own.
const NONCE: &str = "{{nonce}}";
/// Answers that are made at a time; they may wait for the disk.
const ANSWERS_AT_A_TIME: usize = 4;

/// The body of an answer.
pub type AdminBody = Full<Bytes>;

/// What the admin page puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminSettings {
    /// Connections at a time.
    pub connections_most: usize,
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self {
            connections_most: 64,
        }
    }
}

impl AdminSettings {
    /// Options of the server that the page is served by.
    #[must_use]
    pub fn server_options(self) -> ServerOptions {
        ServerOptions {
            limits: ServerLimits {
                connections_most: self.connections_most,
                connections_by_address_most: self.connections_most,
                body_bytes_most: 0,
                stop_ms: 500,
                ..ServerLimits::default()
            },
            ..ServerOptions::default()
        }
    }
}

/// The page, its JSON and the metrics.
#[derive(Debug, Clone)]
pub struct AdminService {
    registry: Registry,
    room: Arc<Semaphore>,
}

impl AdminService {
    /// Of everything that runs here.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            room: Arc::new(Semaphore::new(ANSWERS_AT_A_TIME)),
        }
    }
}

impl<A> Service<Request<A>> for AdminService {
    type Response = Response<AdminBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (parts, _) = request.into_parts();
        if let Some(refused) = refusal(&parts.method, &parts.headers) {
            return Box::pin(async { Ok(refused) });
        }
        let registry = self.registry.clone();
        let room = Arc::clone(&self.room);
        let uri = parts.uri;
        Box::pin(async move {
            // The semaphore is never closed.
            let _place = room.acquire().await.ok();
            let made = offload(move || answer(&registry, uri.path(), uri.query()));
            Ok(made.await.unwrap_or_else(|_| {
                said(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "This answer could not be made.\n",
                )
            }))
        })
    }
}

/// What whoever may not ask is told. Names lead anywhere that whoever owns them wants, also a page of theirs to this
/// machine; addresses do not.
fn refusal(method: &Method, headers: &HeaderMap) -> Option<Response<AdminBody>> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let is_good = host.is_some_and(|host| match host.parse::<http::uri::Authority>() {
        Ok(authority) => {
            let host = authority.host();
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
        }
        Err(_) => false,
    });
    if !is_good {
        let text = "Ask for this page by the address of the machine, or as localhost.\n";
        return Some(said(StatusCode::MISDIRECTED_REQUEST, text));
    }
    if method != Method::GET && method != Method::HEAD {
        let mut refused = said(
            StatusCode::METHOD_NOT_ALLOWED,
            "Nothing can be changed here.\n",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(header::ALLOW, allowed);
        return Some(refused);
    }
    None
}

fn answer(registry: &Registry, path: &str, query: Option<&str>) -> Response<AdminBody> {
    let list = || ListQuery::parse(query);
    match path {
        "/" => page(),
        "/metrics" => {
            let text = registry.metrics().text();
            guarded(StatusCode::OK, metrics::CONTENT_TYPE, text, None)
        }
        // In the order of the class, which a map would lose.
        "/api/status" => match serde_json::to_string_pretty(&registry.status()) {
            Ok(status) => guarded(StatusCode::OK, "application/json", status + "\n", None),
            Err(error) => said_json(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        },
        "/api/overview" => json_answer(&overview(registry)),
        "/api/activity" => match list().and_then(|list| Ok((list.after_number()?, list.limit))) {
            Ok((after, limit)) => {
                let visits = registry.activity().latest(after, limit);
                json_answer(&json!({ "visits": visits }))
            }
            Err(why) => said_json(StatusCode::BAD_REQUEST, &why),
        },
        "/api/clients" => match list() {
            Ok(list) => {
                let (clients, count) = registry.activity().clients(list.limit);
                let clients: Vec<Value> = clients
                    .into_iter()
                    .map(|(address, totals)| json!({ "address": address, "totals": totals }))
                    .collect();
                json_answer(&json!({ "clients": clients, "count": count }))
            }
            Err(why) => said_json(StatusCode::BAD_REQUEST, &why),
        },
        "/api/segments" => match list() {
            Ok(list) => segments(registry, &list),
            Err(why) => said_json(StatusCode::BAD_REQUEST, &why),
        },
        _ => said(StatusCode::NOT_FOUND, "There is no such page.\n"),
    }
}

fn segments(registry: &Registry, list: &ListQuery) -> Response<AdminBody> {
    match registry.segments(list.after.as_deref(), list.limit) {
        None => said_json(StatusCode::NOT_FOUND, "nothing here keeps segments"),
        Some(Err(why)) => said_json(StatusCode::BAD_REQUEST, &why),
        Some(Ok(rows)) => {
            let full = rows.len() == list.limit;
            let next = rows.last().filter(|_| full).map(|row| row.id.clone());
            json_answer(&json!({ "segments": rows, "next": next }))
        }
    }
}

fn overview(registry: &Registry) -> Value {
    let names: Vec<_> = registry.roles().iter().map(|role| role.name()).collect();
    json!({
        "command": registry.command(),
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": registry.uptime_seconds(),
        "now_ms": now_ms(),
        "roles": names,
        "has_segments": registry.segments(None, 1).is_some(),
        "metrics": numbers(&registry.metrics()),
    })
}

fn numbers(metrics: &Metrics) -> Map<String, Value> {
    let number = |value: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "only whole numbers that fit are converted"
        )]
        match value.fract() == 0.0 && (0.0..9.0e15).contains(&value) {
            true => json!(value as u64),
            false => json!(value),
        }
    };
    let families = metrics.all().map(|(metric, samples)| {
        let samples: Vec<Value> = samples
            .iter()
            .map(|sample| {
                let labels: Map<String, Value> = sample
                    .labels
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), json!(value)))
                    .collect();
                json!({ "labels": labels, "value": number(sample.value) })
            })
            .collect();
        let described =
            json!({ "help": metric.help, "windows": metric.windows, "samples": samples });
        (metric.name.to_owned(), described)
    });
    families.collect()
}

fn page() -> Response<AdminBody> {
    let mut random = [0; 16];
    if fill_random(&mut random).is_err() {
        return said(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The system has no randomness.\n",
        );
    }
    let nonce: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let html = PAGE.replace(NONCE, &nonce);
    guarded(
        StatusCode::OK,
        "text/html; charset=utf-8",
        html,
        Some(&nonce),
    )
}

fn json_answer(value: &Value) -> Response<AdminBody> {
    let text = format!("{value}\n");
    guarded(StatusCode::OK, "application/json", text, None)
}

fn said_json(status: StatusCode, why: &str) -> Response<AdminBody> {
    let text = format!("{}\n", json!({ "error": why }));
    guarded(status, "application/json", text, None)
}

fn said(status: StatusCode, text: &str) -> Response<AdminBody> {
    guarded(status, "text/plain; charset=utf-8", text.to_owned(), None)
}

/// An answer that browsers neither keep, nor frame, nor take for anything else, nor show to other pages.
fn guarded(
    status: StatusCode,
    kind: &'static str,
    text: String,
    nonce: Option<&str>,
) -> Response<AdminBody> {
    let own = nonce.map_or(String::new(), |nonce| {
        format!("script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; ")
    });
    let policy = format!(
        "default-src 'none'; {own}base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_names_of_this_page() {
        let status = |host: Option<&'static str>, method| {
            let mut headers = HeaderMap::new();
            if let Some(host) = host {
                headers.insert(header::HOST, HeaderValue::from_static(host));
            }
            refusal(&method, &headers).map(|r| r.status().as_u16())
        };
        for good in [
            "127.0.0.1:9",
            "127.0.0.1",
            "localhost",
            "LocalHost:80",
            "[::1]:80",
            "10.0.0.1",
        ] {
            assert_eq!(status(Some(good), Method::GET), None, "{good}");
        }
        for bad in [
            "evil.example",
            "127.0.0.1.evil.example:80",
            "localhost.evil",
            "",
            "a b",
        ] {
            assert_eq!(status(Some(bad), Method::GET), Some(421), "{bad}");
        }
        assert_eq!(status(None, Method::GET), Some(421));
        assert_eq!(status(Some("localhost"), Method::POST), Some(405));
    }

    #[test]
    fn the_page_loads_nothing_and_runs_only_what_came_with_it() {
        let response = page();
        let policy = response.headers().get("content-security-policy").unwrap();
        let policy = policy.to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!PAGE.contains("src=") && !PAGE.contains("@import") && !PAGE.contains("innerHTML"));
        assert!(!PAGE.contains("http://") && !PAGE.contains("https://"));
        assert_eq!(PAGE.matches(NONCE).count(), 2, "one style and one script");
    }
}
