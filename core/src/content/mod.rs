//! Content information (MS-PCCRC): what a content server says about a content.
pub mod cut;
