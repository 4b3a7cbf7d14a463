//! A data centre with an origin, and a branch with a router, clients and a hosted cache on one bridge.
//! Invariant: the line between both is the only way; every branch has names of its own and may have the same addresses.
//! Byte order: none.

use std::time::Duration;

use crate::namespaces::Namespace;
use crate::wan::Wan;

const CLIENTS: usize = 2;
/// How often the counters of the line are looked at until they rest, and how long between.
const LOOKS_MOST: u32 = 100;
const LOOK: Duration = Duration::from_millis(700);

/// Of the names of all namespaces; the process's id follows.
pub(crate) const PREFIX: &str = "peerdist-";

/// By which addresses hosts are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    const fn network(self) -> (&'static str, &'static str, u8, &'static str) {
        match self {
            Self::V4 => ("10.77.0.", "192.168.77.", 24, "-4"),
            Self::V6 => ("fd77::", "fd78::", 64, "-6 "),
        }
    }

    /// Of the origin, as a URL has it.
    pub(crate) const fn origin(self) -> &'static str {
        match self {
            Self::V4 => "10.77.0.1:8080",
            Self::V6 => "[fd77::1]:8080",
        }
    }
}

/// The address of the hosted cache.
pub(crate) const CACHE: &str = "192.168.77.20";

// In the order in which they go.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) wan: Wan,
    pub(crate) clients: Vec<Namespace>,
    pub(crate) cache: Namespace,
    pub(crate) router: Namespace,
    pub(crate) origin: Namespace,
}

impl Branch {
    pub(crate) fn new(number: usize, family: Family) -> Result<Self, String> {
        let named = |role: &str| format!("{PREFIX}{}-{number}-{role}", std::process::id());
        let (far, near, bits, which) = family.network();
        let origin = Namespace::new(named("origin"))?;
        let router = Namespace::new(named("router"))?;
        let wan = Wan::new(named("wan"), [&origin, &router])?;
        let address = |network: &str, host: usize| match family {
            Family::V4 => format!("addr add {network}{host}/{bits}"),
            Family::V6 => format!("addr add {network}{host}/{bits} nodad"),
        };
        origin.ip(&format!("{} dev wan", address(far, 1)))?;
        router.ip(&format!("{} dev wan", address(far, 2)))?;
        router.ip("link add lan type bridge")?;
        router.ip(&format!("{} dev lan", address(near, 1)))?;
        router.ip("link set lan up")?;
        let forwarding = match family {
            Family::V4 => "ipv4/ip_forward",
            Family::V6 => "ipv6/conf/all/forwarding",
        };
        let forwarding = format!("/proc/sys/net/{forwarding}");
        let forwards = router.thread(move || std::fs::write(forwarding, "1"));
        let forwards = forwards.join().map_err(|_| "the router does not start")?;
        forwards.map_err(|error| format!("the router does not forward: {error}"))?;
        origin.ip(&format!("{which} route add {near}0/{bits} via {far}2"))?;
        let host = |role: &str, number: usize| -> Result<Namespace, String> {
            let host = Namespace::new(named(role))?;
            let (own, router_name) = (host.name(), router.name());
            host.ip(&format!(
                "link add lan0 type veth peer name port{number} netns {router_name}"
            ))?;
            router.ip(&format!("link set port{number} master lan up"))?;
            host.ip(&format!("{} dev lan0", address(near, number)))
                .map_err(|why| format!("{own}: {why}"))?;
            host.ip("link set lan0 up")?;
            host.ip(&format!("{which} route add default via {near}1"))?;
            Ok(host)
        };
        let cache = host("cache", 20)?;
        let clients = (1..=CLIENTS).map(|client| host(&format!("client{client}"), 10 + client));
        let clients = clients.collect::<Result<_, _>>()?;
        Ok(Self {
            wan,
            clients,
            cache,
            router,
            origin,
        })
    }

    /// Bytes that the router's side of the line received and sent so far, headers of all layers above the line among
    /// them, once no more is on its way.
    pub(crate) fn wan_bytes(&self) -> u64 {
        let mut last = self.counted();
        for _ in 0..LOOKS_MOST {
            std::thread::sleep(LOOK);
            let now = self.counted();
            // Neighbours of the line look for each other now and then.
            if now - last < 1_000 {
                return now;
            }
            last = now;
        }
        panic!("there is no end of bytes on the line");
    }

    fn counted(&self) -> u64 {
        let shown = self.router.ip("-s -j link show dev wan").unwrap();
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let counted = |way: &str| shown[0]["stats64"][way]["bytes"].as_u64().unwrap();
        counted("rx") + counted("tx")
    }
}
