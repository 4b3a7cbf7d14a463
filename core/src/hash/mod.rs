//! Digests of many independent inputs.
