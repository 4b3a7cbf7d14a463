//! The packet engine: content server, peers, hosted caches and clients of node, as they ship, on turmoil's network.
//! Invariant: what happens follows from the office and its seed; no clock, thread or random number of the machine is in it.
//! Unit: nanoseconds of simulated time since the beginning; payload bytes.
//!
//! ```text
//!   office ─▶ run ─▶ hosts: origin, hosted caches, clients  (node's code)
//!                      │ network: node's `Network` on turmoil's sockets
//!                      ▼
//!                    wires: queues, arrivals, who is in which group ─▶ trace
//!                    └ layout: sites, links, the way from one host to another
//! ```
//!
//! - turmoil runs the hosts, one after another for a tick each, and carries messages at once. Rates, queues, latency,
//!   jitter and loss are added around its sockets: whatever is sent carries the moment of its arrival, and the receiving
//!   side holds it back until then.
//! - Waits end at whole milliseconds, as tokio's timers do. Links are busy to the nanosecond, so rates hold exactly and
//!   only single waits are rounded up.
//! - A host's own link towards it is taken when something arrives, all others when it is sent.

mod congestion;
mod faulting;
mod hosts;
mod layout;
mod machine;
mod network;
mod office;
mod origin;
mod planned;
mod run;
mod shape;
mod stream;
mod trace;
mod watch;
mod wires;

pub use office::{
    Branch, CachePolicy, Client, Content, DataCentre, Download, Fault, Lan, Mode, Office, Serving,
    Wan,
};
pub use planned::{cannot, carry_out};
pub use run::{Failure, Finished, Got, LinkUse, Outcome, run};
pub use shape::{LinkSettings, Quality, Rate};
pub use trace::{Event, Fate, Trace};
