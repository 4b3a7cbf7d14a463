//! What a scenario says of a group of hosts, as settings of core's machines.
//! Invariant: what it does not say stays as it is; both engines tune by this alone.
//! Unit: milliseconds.

use std::sync::Arc;

use peerdist::client;
use peerdist::content::Version;
use peerdist::discovery::{ProberSettings, ResponderSettings, Suppression};
use peerdist::hosted_cache;
use peerdist::retrieval::VersionRange;
use peerdist::retrieval::server::ServerSettings;
use peerdist_node::get;

use crate::scenario::Group;
use crate::scenario::policy::{Profile, is_open};
use crate::scenario::units::Span;

/// What hosts of a group do otherwise than others.
#[derive(Debug, Clone, Default)]
pub struct Tuning(Arc<Group>);

impl Tuning {
    pub(crate) fn of(group: &Group) -> Self {
        Self(Arc::new(group.clone()))
    }

    /// Whether they answer others at a moment.
    pub(crate) fn serves(&self, at: u64) -> bool {
        self.0.serves && is_open(&self.0.serve_during, at)
    }

    /// Whether they offer anything to a hosted cache.
    pub(crate) fn offers(&self) -> bool {
        !self.0.offers.none
    }

    pub(crate) fn store_age_ms(&self) -> u64 {
        self.0.store.max_age.0 / 1_000_000
    }

    pub(crate) fn hosted_version(&self) -> hosted_cache::Version {
        match (self.0.profile, self.0.version) {
            (Profile::Windows7, _) | (_, 1) => hosted_cache::Version::V1,
            _ => hosted_cache::Version::V2,
        }
    }

    /// Of the client framework: as this project's programs have it, or Windows, and what the scenario says otherwise.
    pub(crate) fn client(&self, version: Version) -> client::Settings {
        let mut settings = match self.0.profile {
            Profile::Current => get::Settings::default().of(version),
            Profile::Windows7 | Profile::Windows8 => client::Settings::default(),
        };
        self.tune(&mut settings);
        settings
    }

    fn tune(&self, settings: &mut client::Settings) {
        let group = &self.0;
        let (discovery, origin) = (&group.discovery, &group.origin);
        put(
            &mut settings.server_list_timer_ms,
            millis(discovery.remember_nobody),
        );
        put(
            &mut settings.server_entry_timer_ms,
            millis(discovery.remember_peers),
        );
        put(&mut settings.discoveries_per_period, discovery.per_second);
        put(&mut settings.origin_ranges_limit, origin.ranges);
        put(
            &mut settings.origin_range_max_bytes,
            origin.range.map(|it| it.0),
        );
        put(
            &mut settings.origin_backlog_bytes,
            origin.backlog.map(|it| it.0),
        );
        put(&mut settings.look_again_ms, millis(origin.look_again));
        put(
            &mut settings.origin_delay_ms,
            millis(Some(group.wait_for_peers)),
        );
        let peers = &group.peers;
        put(&mut settings.download_timer_ms, millis(peers.segment_timer));
        put(&mut settings.segments_in_flight, peers.segments);
        put(
            &mut settings.requests_per_server_and_segment,
            peers.requests,
        );
        if let Some(wait) = millis(discovery.wait) {
            // The framework must not give up before the prober does.
            settings.discovery_limit_ms = settings.discovery_limit_ms.max(wait.saturating_mul(2));
        }
        if group.profile == Profile::Windows7 {
            settings.retrieval.versions = VersionRange::ONLY_1_0;
        }
    }

    pub(crate) fn prober(&self, settings: &mut ProberSettings) {
        let discovery = &self.0.discovery;
        put(&mut settings.request_timer_ms, long_millis(discovery.wait));
        put(
            &mut settings.app_max_delay_ms,
            long_millis(discovery.answer_delay),
        );
        put(&mut settings.repeats, discovery.repeats);
    }

    pub(crate) fn responder(&self, settings: &mut ResponderSettings) {
        let discovery = &self.0.discovery;
        put(
            &mut settings.app_max_delay_ms,
            long_millis(discovery.answer_delay),
        );
        settings.suppression = match discovery.suppression {
            None => settings.suppression,
            Some(0) => None,
            Some(enough_replies) => Some(Suppression {
                enough_replies,
                ..settings.suppression.unwrap_or_default()
            }),
        };
    }

    pub(crate) fn server(&self, settings: &mut ServerSettings) {
        settings.active_client_limit = self.0.clients;
        if self.0.profile == Profile::Windows7 {
            settings.versions = VersionRange::ONLY_1_0;
        }
    }

    pub(crate) fn offering(&self, settings: &mut hosted_cache::client::ClientSettings) {
        let offers = &self.0.offers;
        let percent = offers.after.map(|part| part.0 / 10_000);
        put(
            &mut settings.offer_threshold_percent,
            percent.and_then(|percent| u32::try_from(percent).ok()),
        );
        put(&mut settings.batch_delay_ms, long_millis(offers.delay));
    }
}

fn put<T>(setting: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *setting = said;
    }
}

fn long_millis(span: Option<Span>) -> Option<u64> {
    span.map(|span| span.0 / 1_000_000)
}

fn millis(span: Option<Span>) -> Option<u32> {
    long_millis(span).and_then(|millis| u32::try_from(millis).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    fn tuning(desks: &str) -> Tuning {
        let text = format!(
            "sites: {{a: {{}}}}\nhosts: {{desks: {{ {desks} }}}}\ncontents: {{c: {{}}}}\nworkload: [{{}}]"
        );
        let scenario = load("test", &text).unwrap_or_else(|error| panic!("{error}"));
        Tuning::of(&scenario.hosts["desks"])
    }

    #[test]
    fn what_is_not_said_stays_as_the_programs_have_it() {
        let tuning = tuning("");
        for version in [Version::V1, Version::V2] {
            let of_node = get::Settings::default().of(version);
            assert_eq!(tuning.client(version), of_node);
        }
        let mut prober = ProberSettings::default();
        tuning.prober(&mut prober);
        assert_eq!(prober, ProberSettings::default());
        let mut responder = ResponderSettings::default();
        tuning.responder(&mut responder);
        assert_eq!(responder, ResponderSettings::default());
        let mut offers = hosted_cache::client::ClientSettings::default();
        tuning.offering(&mut offers);
        assert_eq!(offers, hosted_cache::client::ClientSettings::default());
    }

    #[test]
    fn windows_asks_as_it_is_documented() {
        let eight = tuning("profile: windows_8").client(Version::V2);
        assert_eq!(eight, client::Settings::default());
        let seven = tuning("profile: windows_7, version: 1").client(Version::V1);
        assert_eq!(seven.retrieval.versions, VersionRange::ONLY_1_0);
        let as_eight = client::Settings {
            retrieval: client::Settings::default().retrieval,
            ..seven
        };
        assert_eq!(as_eight, client::Settings::default());
    }

    #[test]
    fn what_is_said_is_set() {
        let tuning = tuning(
            "wait_for_peers: 60 s, clients: 3, version: 1, profile: windows_7, peers: { segment_timer: 60 s, segments: 4, requests: 8 }, origin: { backlog: 1 MiB, ranges: 2, range: 64 KiB, look_again: 2 s }, discovery: { wait: 3 s, answer_delay: 10 ms, repeats: 0, suppression: 4, per_second: 5, remember_nobody: 1 s, remember_peers: 9 s }, offers: { after: 50 %, delay: 4 s }",
        );
        let client = tuning.client(Version::V1);
        assert_eq!(client.origin_delay_ms, 60_000);
        assert_eq!(
            (client.origin_backlog_bytes, client.look_again_ms),
            (1 << 20, 2_000)
        );
        assert_eq!(
            (client.origin_ranges_limit, client.origin_range_max_bytes),
            (2, 65_536)
        );
        assert_eq!(client.discoveries_per_period, 5);
        assert_eq!(
            (client.download_timer_ms, client.segments_in_flight),
            (60_000, 4)
        );
        assert_eq!(client.requests_per_server_and_segment, 8);
        assert_eq!(
            (client.server_list_timer_ms, client.server_entry_timer_ms),
            (1_000, 9_000)
        );
        assert_eq!(client.discovery_limit_ms, 6_000);
        assert_eq!(client.retrieval.versions, VersionRange::ONLY_1_0);
        let mut prober = ProberSettings::default();
        tuning.prober(&mut prober);
        assert_eq!(
            (prober.request_timer_ms, prober.app_max_delay_ms),
            (3_000, 10)
        );
        assert_eq!(prober.repeats, 0);
        let mut responder = ResponderSettings::default();
        tuning.responder(&mut responder);
        assert_eq!(responder.suppression.map(|it| it.enough_replies), Some(4));
        let mut server = ServerSettings::peer();
        tuning.server(&mut server);
        assert_eq!(
            (server.active_client_limit, server.versions),
            (3, VersionRange::ONLY_1_0)
        );
        let mut offers = hosted_cache::client::ClientSettings::default();
        tuning.offering(&mut offers);
        assert_eq!(
            (offers.offer_threshold_percent, offers.batch_delay_ms),
            (50, 4_000)
        );
        assert_eq!(tuning.hosted_version(), hosted_cache::Version::V1);
    }
}
