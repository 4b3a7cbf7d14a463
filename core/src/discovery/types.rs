//! MS-PCCRD 2.2.3.1: the type that tells this protocol from others over WS-Discovery, and its versions apart.
//! Invariant: the type is a qualified name: its namespace counts, not its prefix.
//! Byte order: none, it is text.

use super::encoding::Document;
use super::error::{DecodeError, Problem};
use super::quirk::{Quirk, Quirks};
use super::value::Value;
use super::xml::{Namespace, Parser};
use crate::content::Version;

pub(super) const fn name(version: Version) -> &'static str {
    match version {
        //= PCCRD-2.2.3.1-01
        Version::V1 => "PeerDist:PeerDistData",
        //= PCCRD-2.2.3.1-02
        Version::V2 => "PeerDist:PeerDistDataV2",
    }
}

//= PCCRD-1.7-01
const fn version_of(local: &str) -> Option<Version> {
    match local.as_bytes() {
        b"PeerDistData" => Some(Version::V1),
        b"PeerDistDataV2" => Some(Version::V2),
        _ => None,
    }
}

/// What a `Types` element says, to be asked right after its value was read.
pub(super) fn read(
    parser: &Parser<'_>,
    value: &Value<'_>,
    quirks: &mut Quirks,
) -> Result<Version, DecodeError> {
    let document: &Document<'_> = parser.document;
    let whole = value.trimmed();
    let at = value.place(whole.at);
    document.field("Types", at, value.place(whole.at + whole.text.len()), None);
    document.means(|| whole.text.to_owned());
    let mut count = 0;
    let mut found = None;
    for token in value.tokens() {
        count += 1;
        let (prefix, local) = token.text.split_once(':').unwrap_or(("", token.text));
        //= PCCRD-2.2.1-04
        if parser.namespace_of(prefix) == Some(Namespace::PeerDist)
            && let Some(version) = version_of(local)
        {
            found = Some(version);
            if prefix != "PeerDist" {
                quirks.add(Quirk::OtherPrefix);
            }
        }
    }
    //= PCCRD-2.2.3.1-03
    match (found, count) {
        (Some(version), 1) => Ok(version),
        (Some(_), _) => Err(document.error(Problem::Types, at, "Types")),
        (None, _) => Err(document.error(Problem::ForeignTypes, at, "Types")),
    }
}
