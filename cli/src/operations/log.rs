//! Where events of node go: to standard error, as text or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::args::{LogFilter, LogFormat};

pub(crate) fn start(filter: &LogFilter, format: LogFormat) {
    let filter = filter.0.clone();
    let layer = fmt::layer().with_writer(std::io::stderr);
    match format {
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
