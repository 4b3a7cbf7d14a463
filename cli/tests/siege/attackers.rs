//! Clients without manners, as many as are wanted, from as many addresses as it takes.
//! Invariant: each goes on until the siege ends, and comes again whenever it is hung up on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::Instant;

/// Connections from one address; a server may have a limit for each.
const BY_ADDRESS: u64 = 200;
const AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    Silent,
    HalfHead,
    ByteByByte,
    Garbage,
    EndlessHead,
    EndlessBody,
    NeverReads,
    HalfClosed,
}

impl Manner {
    pub(crate) const ALL: [Self; 8] = [
        Self::Silent,
        Self::HalfHead,
        Self::ByteByByte,
        Self::Garbage,
        Self::EndlessHead,
        Self::EndlessBody,
        Self::NeverReads,
        Self::HalfClosed,
    ];

    pub(crate) fn of(number: u64) -> Self {
        Self::ALL[usize::try_from(number).unwrap() % Self::ALL.len()]
    }
}

/// What all attackers share.
#[derive(Debug, Clone)]
pub(crate) struct Siege {
    until: Instant,
    connections: Arc<AtomicU64>,
    datagrams: Arc<AtomicU64>,
}

impl Siege {
    pub(crate) fn until(until: Instant) -> Self {
        Self {
            until,
            connections: Arc::default(),
            datagrams: Arc::default(),
        }
    }

    pub(crate) fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn datagrams(&self) -> u64 {
        self.datagrams.load(Ordering::Relaxed)
    }

    pub(crate) async fn attack(self, manner: Manner, number: u64, at: SocketAddr, good: Vec<u8>) {
        while self.goes_on() {
            let one = async {
                let mut stream = self.connect(number, at).await?;
                misbehave(manner, &mut stream, &good, number).await
            };
            // Whatever becomes of it, the next one comes.
            let _ = tokio::time::timeout_at(self.until, one).await;
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn connect(&self, number: u64, at: SocketAddr) -> std::io::Result<TcpStream> {
        let [high, low] = u16::try_from(number / BY_ADDRESS + 256)
            .unwrap()
            .to_be_bytes();
        let socket = TcpSocket::new_v4()?;
        socket.bind((IpAddr::V4(Ipv4Addr::new(127, high, low, 1)), 0).into())?;
        let stream = socket.connect(at).await?;
        self.connections.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    /// Datagrams of discovery that are none, cut off, or far too long.
    pub(crate) async fn flood(self, port: u16) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let probe =
            "<soap:Envelope xmlns:soap='http://www.w3.org/2003/05/soap-envelope'><soap:Header>";
        let mut number = 0_usize;
        while self.goes_on() {
            for _ in 0..50 {
                number += 1;
                let bytes: Vec<u8> = match number % 4 {
                    0 => vec![b'<'; 60_000],
                    1 => probe.as_bytes()[..number % probe.len()].to_vec(),
                    2 => "<a>".repeat(3_000).into_bytes(),
                    _ => number.to_le_bytes().repeat(number % 150),
                };
                let group = Ipv4Addr::new(239, 255, 255, 250);
                let to = if number.is_multiple_of(2) {
                    Ipv4Addr::LOCALHOST
                } else {
                    group
                };
                if socket.send_to(&bytes, (to, port)).await.is_ok() {
                    self.datagrams.fetch_add(1, Ordering::Relaxed);
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn misbehave(
    manner: Manner,
    stream: &mut TcpStream,
    good: &[u8],
    number: u64,
) -> std::io::Result<()> {
    let mut end = Vec::new();
    match manner {
        Manner::Silent => {}
        Manner::HalfHead => stream.write_all(b"GET /file HTTP/1.1\r\nHost").await?,
        Manner::ByteByByte => {
            for byte in good {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
        }
        Manner::Garbage => {
            let byte = number.to_le_bytes()[0];
            stream
                .write_all(&[byte | 0x80, 0x16, 3, 1, 0xff].repeat(800))
                .await?;
        }
        Manner::EndlessHead => {
            stream.write_all(b"GET /file HTTP/1.1\r\n").await?;
            loop {
                stream
                    .write_all(b"X-Field: and again and again\r\n")
                    .await?;
                tokio::task::yield_now().await;
            }
        }
        Manner::EndlessBody => {
            let head = "POST /file HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(b"400\r\n").await?;
                stream.write_all(&[b'x'; 0x400]).await?;
                stream.write_all(b"\r\n").await?;
            }
        }
        Manner::NeverReads => {
            for _ in 0..50 {
                stream.write_all(good).await?;
            }
            std::future::pending::<()>().await;
        }
        Manner::HalfClosed => {
            stream.write_all(&good[..good.len() / 2]).await?;
            stream.shutdown().await?;
        }
    }
    stream.read_to_end(&mut end).await?;
    Ok(())
}
