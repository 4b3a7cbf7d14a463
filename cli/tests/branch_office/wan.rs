//! A slow line: two VXLAN interfaces, the packets between them limited in rate and held back.
//! Invariant: nothing is lost but what overflows the queue of the rate limit; packets keep their order.
//! Byte order: none; packets pass through unread.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::namespaces::Namespace;

/// Bits a second, each way.
pub(crate) const RATE_BITS: u64 = 2_000_000;
/// Each way.
pub(crate) const DELAY: Duration = Duration::from_millis(100);

const VXLAN_PORT: u16 = 4789;
/// How often a relay looks whether it is to end.
const LOOK: Duration = Duration::from_millis(200);
/// Datagrams that are held back at a time; at this rate some forty are.
const HELD_BACK_MOST: usize = 4_096;

/// The line between two namespaces, at whose ends are interfaces named `wan`.
///
/// Not every kernel has netem. Where it is missing the delay is made here, packet by packet, by a relay in a namespace of
/// its own through which the tunnel passes; the rate is the kernel's (tbf) either way.
#[derive(Debug)]
pub(crate) struct Wan {
    stop: Arc<AtomicBool>,
    relays: Vec<JoinHandle<()>>,
    is_netem: bool,
    /// Last: its threads end before it goes.
    _between: Namespace,
}

impl Wan {
    pub(crate) fn new(name: String, ends: [&Namespace; 2]) -> Result<Self, String> {
        let between = Namespace::new(name)?;
        for (at, end) in ends.iter().enumerate() {
            let (own, other) = (end.name(), between.name());
            // Room for the tunnel's headers, so that what is in it has frames of the usual 1,500 bytes.
            end.ip(&format!(
                "link add cable mtu 1600 type veth peer name line{at} mtu 1600 netns {other}"
            ))?;
            // A bridge does not put off the checksums of what is in a tunnel, as a veth does, for whom a relay would not
            // make up for it.
            end.ip("link add line mtu 1600 type bridge")?;
            end.ip("link set cable master line up")?;
            end.ip(&format!("addr add 172.31.{at}.1/30 dev line"))?;
            between.ip(&format!("addr add 172.31.{at}.2/30 dev line{at}"))?;
            end.ip("link set line up")?;
            between.ip(&format!("link set line{at} up"))?;
            end.ip(&format!(
                "link add wan mtu 1500 gso_max_segs 1 type vxlan id 7 local 172.31.{at}.1 remote 172.31.{at}.2 \
                 dstport {VXLAN_PORT} nolearning"
            ))?;
            // Two seconds of the line have room in its queue.
            let (rate, queue) = (RATE_BITS, RATE_BITS / 8 * 2);
            end.system(&format!(
                "tc qdisc add dev wan root tbf rate {rate}bit burst 3200 limit {queue}"
            ))
            .map_err(|why| format!("{own}: {why}"))?;
            end.ip("link set wan up")?;
        }
        let delay_ms = DELAY.as_millis();
        let netem = |end: &&Namespace| {
            let line = format!("tc qdisc add dev cable root netem delay {delay_ms}ms limit 10000");
            end.system(&line).is_ok()
        };
        let is_netem = ends.iter().all(netem);
        let mut wan = Self {
            stop: Arc::default(),
            relays: Vec::new(),
            is_netem,
            _between: between,
        };
        let delay = if is_netem { Duration::ZERO } else { DELAY };
        wan.relay(delay)?;
        Ok(wan)
    }

    /// Whose delay it is.
    pub(crate) const fn delayed_by(&self) -> &'static str {
        match self.is_netem {
            true => "netem",
            false => "a relay of the test, for this kernel has no netem",
        }
    }

    fn relay(&mut self, delay: Duration) -> Result<(), String> {
        let binding = self._between.thread(|| -> std::io::Result<[UdpSocket; 2]> {
            let at = |at: u8| {
                let socket = UdpSocket::bind(SocketAddr::from(([172, 31, at, 2], VXLAN_PORT)))?;
                socket.set_read_timeout(Some(LOOK))?;
                Ok::<_, std::io::Error>(socket)
            };
            Ok([at(0)?, at(1)?])
        });
        let sockets = binding.join().map_err(|_| "the relay did not start")?;
        let [first, second] = sockets.map_err(|error| format!("the relay: {error}"))?;
        let copy = |socket: &UdpSocket| socket.try_clone().map_err(|error| error.to_string());
        let there = (copy(&first)?, copy(&second)?, 1);
        for (from, to, end) in [there, (second, first, 0)] {
            let (held_back, due) = mpsc::sync_channel(HELD_BACK_MOST);
            let stop = Arc::clone(&self.stop);
            self.relays.push(std::thread::spawn(move || {
                let mut datagram = [0; 2_048];
                while !stop.load(Ordering::Relaxed) {
                    if let Ok(length) = from.recv(&mut datagram) {
                        let held = datagram.get(..length).unwrap_or_default().to_vec();
                        let _ = held_back.send((Instant::now() + delay, held));
                    }
                }
            }));
            self.relays.push(std::thread::spawn(move || {
                let to_end = SocketAddr::from(([172, 31, end, 1], VXLAN_PORT));
                for (at, datagram) in due {
                    std::thread::sleep(at.saturating_duration_since(Instant::now()));
                    let _ = to.send_to(&datagram, to_end);
                }
            }));
        }
        Ok(())
    }
}

impl Drop for Wan {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for relay in self.relays.drain(..) {
            let _ = relay.join();
        }
    }
}
