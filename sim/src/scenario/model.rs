//! What a scenario says: sites and their links, hosts, contents, who fetches what when, and what is expected.
//! Invariant: every key has a sane default; a key that is not known is an error, never ignored.
//! Byte order: none.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::Content;
use super::expectation::Expectation;
use super::fault::Fault;
use super::policy::{DiscoveryPolicy, OfferPolicy, OriginPolicy, PeerPolicy, Profile, Window};
use super::replay::Replay;
use super::units::{Bytes, Part, Rate, Span};

/// An enterprise, and what happens in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// What the scenario shows, in a sentence or more.
    pub about: String,
    /// Where its numbers come from.
    pub sources: Vec<String>,
    /// All chance follows from it.
    pub seed: u64,
    /// When the simulation ends at the latest; what has not arrived then has failed.
    pub end: Span,
    /// Where the content server is.
    pub data_centre: DataCentre,
    /// The branches, by name.
    pub sites: BTreeMap<String, Site>,
    /// The hosts, in groups that are alike, by name.
    pub hosts: BTreeMap<String, Group>,
    /// What there is to fetch, by name.
    pub contents: BTreeMap<String, Content>,
    /// Who fetches what, and when.
    pub workload: Vec<Work>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What must come out, such as `wan_saved_percent >= 90`.
    pub expect: Vec<Expectation>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            about: String::new(),
            sources: Vec::new(),
            seed: 1,
            end: Span::seconds(30 * 86_400),
            data_centre: DataCentre::default(),
            sites: BTreeMap::new(),
            hosts: BTreeMap::new(),
            contents: BTreeMap::new(),
            workload: Vec::new(),
            faults: Vec::new(),
            expect: Vec::new(),
        }
    }
}

/// Where the content server is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct DataCentre {
    /// What all branches share on their way to it; without it, nothing is shared but their own links.
    pub rate: Option<Rate>,
}

/// A branch, or several that are alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// How many such branches there are.
    pub copies: u32,
    /// Its line to the data centre.
    pub link: Link,
    /// Its local network.
    pub lan: Lan,
    /// Its hosted cache, where it has one.
    pub hosted_cache: Option<HostedCache>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            copies: 1,
            link: Link::default(),
            lan: Lan::default(),
            hosted_cache: None,
        }
    }
}

/// A line between a branch and the data centre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// Towards the branch.
    pub down: Rate,
    /// Towards the data centre; the same as `down` where it is not given.
    pub up: Option<Rate>,
    /// One way.
    pub latency: Span,
    /// How much longer single messages may take, any time up to it as likely as the other.
    pub jitter: Span,
    /// How many packets are lost, each on its own.
    pub loss: Part,
    /// What waits in front of a busy line, each way; what senders keep there by themselves where it is not given.
    pub queue: Option<Bytes>,
}

impl Link {
    /// Towards the data centre.
    #[must_use]
    pub fn up(&self) -> Rate {
        self.up.unwrap_or(self.down)
    }
}

impl Default for Link {
    fn default() -> Self {
        Self {
            down: Rate(10_000_000),
            up: None,
            latency: Span::millis(25),
            jitter: Span(0),
            loss: Part(0),
            queue: None,
        }
    }
}

/// The local network of a branch: a switch that is never the limit, and the ports of its hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lan {
    /// Of each host's port, in either direction.
    pub rate: Rate,
    /// One way.
    pub latency: Span,
}

impl Default for Lan {
    fn default() -> Self {
        Self {
            rate: Rate(1_000_000_000),
            latency: Span(200_000),
        }
    }
}

/// A hosted cache of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct HostedCache {
    /// What it keeps.
    pub store: Store,
}

/// Hosts that are alike: so many in each copy of each of their sites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// In which sites; in all where none is given.
    pub sites: Vec<String>,
    /// How many in each.
    pub count: u32,
    /// Where they look before the origin.
    pub mode: Mode,
    /// Which content information they ask for: 1 or 2.
    pub version: u8,
    /// In which order they fetch blocks.
    pub order: Order,
    /// Whether they give others what they have.
    pub serves: bool,
    /// How many others at a time.
    pub clients: u32,
    /// What they keep.
    pub store: Store,
    /// The rate of their ports, in either direction; that of their site's `lan` where it is not given.
    pub lan_rate: Option<Rate>,
    /// What kind of machine they are.
    pub profile: Profile,
    /// When they may begin to fetch: what would begin at another time begins when a window opens.
    pub fetch_during: Vec<Window>,
    /// When they answer others.
    pub serve_during: Vec<Window>,
    /// How long nothing is asked of the origin, so that neighbours may have it first.
    pub wait_for_peers: Span,
    /// How they look for others.
    pub discovery: DiscoveryPolicy,
    /// How they ask neighbours and hosted caches.
    pub peers: PeerPolicy,
    /// How they ask the origin.
    pub origin: OriginPolicy,
    /// What they offer to the hosted cache.
    pub offers: OfferPolicy,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            sites: Vec::new(),
            count: 1,
            mode: Mode::default(),
            version: 2,
            order: Order::default(),
            serves: true,
            clients: 64,
            store: Store::default(),
            lan_rate: None,
            profile: Profile::default(),
            fetch_during: Vec::new(),
            serve_during: Vec::new(),
            wait_for_peers: Span(0),
            discovery: DiscoveryPolicy::default(),
            peers: PeerPolicy::default(),
            origin: OriginPolicy::default(),
            offers: OfferPolicy::default(),
        }
    }
}

/// Where a host looks before the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// At its neighbours.
    #[default]
    Distributed,
    /// At the hosted cache of its site.
    Hosted,
    /// Only in its own store.
    Local,
    /// Nowhere: plain HTTP.
    Off,
}

/// In which order blocks are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// From the first on, as Windows does.
    #[default]
    Sequential,
    /// At random.
    Random,
}

/// What a host keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// At most so much.
    pub size: Bytes,
    /// At most so long.
    pub max_age: Span,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            size: Bytes(10_000_000_000),
            max_age: Span::seconds(28 * 86_400),
        }
    }
}

/// Hosts that fetch something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Work {
    /// Which content; may be left out where there is only one.
    pub fetch: Option<String>,
    /// Which groups of hosts; all where none is given.
    pub hosts: Vec<String>,
    /// How many times each of them does.
    pub requests: u32,
    /// When each of them fetches it.
    pub arrive: Arrive,
    /// Instead of all that: requests that somebody recorded.
    pub replay: Option<Replay>,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            fetch: None,
            hosts: Vec::new(),
            requests: 1,
            arrive: Arrive::default(),
            replay: None,
        }
    }
}

/// When hosts begin to fetch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Arrive {
    /// How their beginnings are spread.
    pub pattern: Pattern,
    /// When the first may begin.
    pub from: Span,
    /// `uniform`: within this time. `working_hours`: on so many days, rounded up.
    pub over: Option<Span>,
    /// `one_by_one`: the time from one host of a branch to the next. `poisson`: the mean of it.
    pub every: Option<Span>,
    /// `patch_day`: the time in which the rate of beginnings falls to 1/e.
    pub decay: Option<Span>,
}

/// How beginnings are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// All at the same moment.
    #[default]
    AtOnce,
    /// One host of a branch after the other.
    OneByOne,
    /// Each at a moment of its own, any as likely as the other.
    Uniform,
    /// One after the other, the times between them exponential.
    Poisson,
    /// Most at once, then ever fewer.
    PatchDay,
    /// At any moment from 8 to 17 o'clock of a working day; the simulation starts on a Monday at midnight.
    WorkingHours,
}

impl Scenario {
    /// The sites that hosts of a group are in.
    pub fn sites_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a str> {
        let all = self.sites.keys().filter(|_| group.sites.is_empty());
        all.chain(&group.sites).map(String::as_str)
    }
}
