//! The judge: what an implementation of the PeerDist protocols must do, and whether it does.
//!
//! What is right is never asked of core: expectations come from vectors made elsewhere and from the catalogue of
//! requirements. Core is only ever the one that is judged, or lends its codecs to speak with.
//!
//! Layout:
//!
//! - [`coverage`]: which requirements code enforces and vectors pin;
//! - [`vectors`]: files of test vectors, and their replay against core.

pub mod coverage;
pub mod vectors;
