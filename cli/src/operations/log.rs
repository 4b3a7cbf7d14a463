//! Where events of node go: to standard error, as text or as JSON.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::args::{LogFilter, LogFormat};

pub(crate) fn start(filter: &LogFilter, format: LogFormat) {
    let filter = filter.0.clone();
    // The same on a terminal as in a file: what is copied from one is found in the other.
    let layer = fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            registry().with(layer.with_filter(filter)).init();
        }
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true);
            registry().with(layer.with_filter(filter)).init();
        }
    }
}
