//! Scenarios: an enterprise described in a file.
//! Invariant: what is loaded is complete and consistent; an error names file, line, key and the nearest known key.
//! Byte order: none.

mod catalogue;
pub mod expectation;
pub mod fault;
mod load;
mod model;
pub mod near;
mod place;
pub mod policy;
pub mod replay;
pub mod units;
mod validate;
mod validate_more;

pub use catalogue::{Content, Distribution, Edits, Popularity, Size, Spread};
pub use load::{LoadError, load, read, schema, with};
pub use model::{
    Arrive, DataCentre, Group, HostedCache, Lan, Link, Mode, Order, Pattern, Scenario, Site, Store,
    Work,
};
