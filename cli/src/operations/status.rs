//! `peerdist status`: what Get-BCStatus shows, asked of the process that runs.

use std::fmt::Write as _;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;

use http_body_util::{BodyExt, Limited};
use peerdist_node::admin::status::Status;
use peerdist_node::http::client::{Client, no_body};
use peerdist_node::http::limits::ClientLimits;
use peerdist_node::net::TokioNetwork;
use serde_json::{Map, Value, json};

use super::args::ADMIN;
use crate::failure::Failure;
use crate::serving::args::address;

/// More is no status.
const STATUS_BYTES_MOST: usize = 1 << 20;

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Where its admin page is: IP:PORT, or PORT of this machine
    #[arg(long, value_name = "ADDR", value_parser = address, default_value = ADMIN)]
    admin: SocketAddr,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let text = fetch(args.admin, "/api/status")?;
    let status: Status = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format_args!(
            "what answers at {} is no peerdist: {error}",
            args.admin
        ))
    })?;
    let mut out = stdout().lock();
    if args.json {
        out.write_all(text.as_bytes())?;
    } else {
        out.write_all(in_words(&status)?.as_bytes())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Asks an admin page.
pub(crate) fn fetch(at: SocketAddr, path: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::unreachable)?;
    runtime.block_on(async {
        let unreached = |error: &dyn std::fmt::Display| {
            Failure::unreachable(format_args!(
                "nothing answers at {at}: {error}; expected a command that runs with --admin there"
            ))
        };
        let request = ::http::Request::get(format!("http://{at}{path}")).body(no_body());
        let request = request.map_err(Failure::usage)?;
        let client = Client::new(TokioNetwork, None, ClientLimits::default());
        let response = client.request(request).await;
        let response = response.map_err(|error| unreached(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), STATUS_BYTES_MOST);
        let collected = body.collect().await;
        let bytes = collected.map_err(|error| unreached(&error))?.to_bytes();
        if !status.is_success() {
            return Err(Failure::usage(format_args!(
                "what answers at {at} is no peerdist: it says {status}"
            )));
        }
        String::from_utf8(bytes.to_vec()).map_err(Failure::usage)
    })
}

/// As PowerShell lists the object: a line for each field, groups under their names.
fn in_words(status: &Status) -> Result<String, Failure> {
    let mut text = String::new();
    let plain = json!({
        "BranchCacheIsEnabled": status.branch_cache_is_enabled,
        "BranchCacheServiceStatus": status.branch_cache_service_status,
        "BranchCacheServiceStartType": status.branch_cache_service_start_type,
    });
    group(&mut text, "", &plain);
    for (name, value) in [
        (
            "ClientConfiguration",
            serde_json::to_value(&status.client_configuration)?,
        ),
        (
            "ContentServerConfiguration",
            serde_json::to_value(&status.content_server_configuration)?,
        ),
        (
            "HostedCacheServerConfiguration",
            serde_json::to_value(&status.hosted_cache_server_configuration)?,
        ),
        (
            "NetworkConfiguration",
            serde_json::to_value(&status.network_configuration)?,
        ),
        ("HashCache", serde_json::to_value(&status.hash_cache)?),
        ("DataCache", serde_json::to_value(&status.data_cache)?),
    ] {
        group(&mut text, name, &value);
    }
    Ok(text)
}

fn group(text: &mut String, name: &str, value: &Value) {
    let none = Map::new();
    let fields = value.as_object().unwrap_or(&none);
    let indent = if name.is_empty() { "" } else { "    " };
    // Writing to a string does not fail.
    if !name.is_empty() {
        let _ = writeln!(text, "\n{name}:");
        if fields.is_empty() {
            let _ = writeln!(text, "    none here");
        }
    }
    let widest = fields.keys().map(String::len).max().unwrap_or(0);
    for (field, value) in fields {
        let shown = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                format!("{{{}}}", items.join(", "))
            }
            other => other.to_string(),
        };
        let line = format!("{indent}{field:widest$} : {shown}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
}
