//! MS-PCCRD 2.2.3.8: XAddrs, where a peer can be connected to.
//! Invariant: an address that was read has a port other than 0 and no zone, for a zone means nothing to another host.
//! Byte order: none, it is text.

use core::net::{SocketAddr, SocketAddrV6};

use super::MAX_ADDRESSES;
use super::encoding::Document;
use super::envelope::push_display;
use super::error::{DecodeError, Problem};
use super::value::Value;

const FIELD: &str = "XAddrs";

/// Writes addresses as host:port, IPv6 in brackets, without scheme and zone.
pub(super) fn write(out: &mut Vec<u8>, addresses: &[SocketAddr]) {
    //= PCCRD-2.2.3.8-02
    for (index, address) in addresses.iter().take(MAX_ADDRESSES).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        push_display(out, &without_zone(*address));
    }
}

fn without_zone(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, 0).into(),
    }
}

/// Reads those entries that are an address and a port in numbers.
pub(super) fn read(
    document: &Document<'_>,
    value: &Value<'_>,
) -> Result<Vec<SocketAddr>, DecodeError> {
    let mut addresses = Vec::new();
    let start = value.place(value.trimmed().at);
    for token in value.tokens() {
        let at = value.place(token.at);
        document.field(FIELD, at, value.place(token.at + token.text.len()), None);
        //= PCCRD-2.2.3.8-01
        let address = token.text.parse::<SocketAddr>().ok();
        let Some(address) = address.filter(|address| address.port() != 0) else {
            // A scheme or a name: of no use to who may only talk to addresses of its own subnet.
            document.means(|| format!("{}: left out", token.text));
            continue;
        };
        document.means(|| address);
        if addresses.len() == MAX_ADDRESSES {
            let most = MAX_ADDRESSES;
            return Err(document.error(Problem::TooManyAddresses { most }, at, FIELD));
        }
        addresses.push(without_zone(address));
    }
    if addresses.is_empty() {
        return Err(document.error(Problem::NoAddress, start, FIELD));
    }
    Ok(addresses)
}
