//! The judge: what an implementation of the PeerDist protocols must do, and whether it does.
//!
//! What is right is never asked of core: expectations come from vectors made elsewhere and from the catalogue of
//! requirements. Core is only ever the one that is judged, or lends its codecs to speak with.
//!
//! Layout:
//!
//! - [`catalogue`]: the requirements, built in;
//! - [`cases`]: what is expected, a folder a document and a file a section;
//! - [`judge`]: cases, sessions, verdicts, and running them;
//! - [`targets`]: what is judged, and how it is reached;
//! - [`deviants`]: implementations that are wrong on purpose, which the cases are proven against;
//! - [`capture`]: recorded traffic of others, judged without a packet of our own;
//! - [`check`]: content information in files;
//! - [`evidence`]: what was sent and received, for people and for Wireshark;
//! - [`interop`]: implementations against each other, every client with every server;
//! - [`wire`]: messages of all documents, by readers and writers of the judge's own;
//! - [`coverage`]: which requirements code enforces, cases and captures assert and vectors pin;
//! - [`vectors`]: files of test vectors, and their replay against core.

pub mod capture;
pub mod cases;
pub mod catalogue;
pub mod check;
pub mod clock;
pub mod coverage;
pub mod deviants;
pub mod evidence;
pub mod interop;
pub mod judge;
pub mod report;
pub mod targets;
pub mod vectors;
pub mod wire;
