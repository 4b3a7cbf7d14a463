//! What systemd is told (sd_notify(3)): one datagram to the socket that it names, if it named one.

use std::os::unix::net::UnixDatagram;

/// Tells it. Who cannot be told did not ask to be, or waits in vain and says so itself.
pub(super) fn tell(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else {
        return;
    };
    let told = UnixDatagram::unbound().and_then(|socket| send(&socket, &path, state));
    if let Err(error) = told {
        tracing::warn!(%error, "systemd cannot be told: {state}");
    }
}

fn send(socket: &UnixDatagram, path: &std::ffi::OsStr, state: &str) -> std::io::Result<usize> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    // A name that begins with @ is of the abstract namespace.
    if let Some(name) = path.as_bytes().strip_prefix(b"@") {
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return socket.send_to_addr(state.as_bytes(), &address);
    }
    socket.send_to(state.as_bytes(), path)
}
