//! Where events of node go: to standard error, as text or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::args::{LogFormat, OperationArgs};

pub(super) fn start(args: &OperationArgs) {
    let filter = args.log.0.clone();
    let layer = fmt::layer().with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Text => {
            let layer = layer.with_ansi(std::io::stderr().is_terminal());
            registry().with(layer.with_filter(filter)).init();
        }
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true);
            registry().with(layer.with_filter(filter)).init();
        }
    }
}
