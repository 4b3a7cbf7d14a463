//! Scenarios: an enterprise described in a file.
//! Invariant: what is loaded is complete and consistent; an error names file, line, key and the nearest known key.
//! Byte order: none.

pub mod expectation;
pub mod fault;
mod load;
mod model;
pub mod near;
mod place;
pub mod units;
mod validate;

pub use load::{LoadError, load, schema, with};
pub use model::{
    Arrive, Content, DataCentre, Group, HostedCache, Lan, Link, Mode, Order, Pattern, Scenario,
    Site, Store, Work,
};
