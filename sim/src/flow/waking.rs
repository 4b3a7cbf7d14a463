//! When machines want to be woken.
//! Invariant: a machine is woken at the moment that it asked for last, or later where its host was gone meanwhile.
//! Byte order: none.

use peerdist::client::Input;
use peerdist::hosted_cache::client::Input as OfferInput;
use peerdist::hosted_cache::server::Input as CacheInput;
use peerdist::retrieval;
use peerdist::time::Instant;

use super::branch::{Branch, Happening, Role};

impl Branch<'_> {
    /// Plans to wake a machine when it wants to be.
    pub(super) fn plan_wakes(&mut self, number: u32) {
        let Some(host) = self.hosts.get_mut(number as usize) else {
            return;
        };
        let mut plan = |role, due: Option<Instant>, planned: &mut Option<Instant>| {
            if let Some(due) = due
                && planned.is_none_or(|planned| due < planned)
            {
                *planned = Some(due);
                self.queue
                    .push(due.max(self.now), Happening::Wake(number, role));
            }
        };
        if let Some(asking) = host.asking.as_deref_mut() {
            let [downloader, prober] = &mut asking.wakes;
            plan(Role::Downloader, asking.machine.poll_timeout(), downloader);
            plan(Role::Prober, asking.prober.poll_timeout(), prober);
        }
        if let Some(offers) = host.offers.as_deref_mut() {
            plan(
                Role::Offers,
                offers.machine.poll_timeout(),
                &mut offers.wake,
            );
        }
        if let Some(cache) = host.cache.as_deref_mut() {
            let [server, client] = &mut cache.wakes;
            plan(Role::Cache, cache.server.poll_timeout(), server);
            plan(Role::CacheClient, cache.client.poll_timeout(), client);
        }
        if let Some(answering) = host.answering.as_deref_mut() {
            let [server, responder] = &mut answering.wakes;
            plan(Role::Server, answering.server.poll_timeout(), server);
            plan(
                Role::Responder,
                answering.responder.poll_timeout(),
                responder,
            );
        }
    }

    pub(super) fn wake(&mut self, number: u32, role: Role) {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(number as usize) else {
            return;
        };
        let asking = host.asking.as_deref_mut();
        let answering = host.answering.as_deref_mut();
        let cache = host.cache.as_deref_mut();
        // A wake that was planned for later, or earlier than the machine wants now, does nothing.
        let is_due = match role {
            Role::Downloader => {
                asking.is_some_and(|it| due(&mut it.wakes[0], it.machine.poll_timeout(), now))
            }
            Role::Prober => {
                asking.is_some_and(|it| due(&mut it.wakes[1], it.prober.poll_timeout(), now))
            }
            Role::Server => {
                answering.is_some_and(|it| due(&mut it.wakes[0], it.server.poll_timeout(), now))
            }
            Role::Responder => {
                answering.is_some_and(|it| due(&mut it.wakes[1], it.responder.poll_timeout(), now))
            }
            Role::Offers => {
                let offers = host.offers.as_deref_mut();
                offers.is_some_and(|it| due(&mut it.wake, it.machine.poll_timeout(), now))
            }
            Role::Cache => {
                cache.is_some_and(|it| due(&mut it.wakes[0], it.server.poll_timeout(), now))
            }
            Role::CacheClient => {
                cache.is_some_and(|it| due(&mut it.wakes[1], it.client.poll_timeout(), now))
            }
        };
        if !is_due {
            self.plan_wakes(number);
            return;
        }
        match role {
            Role::Offers => self.offers(number, OfferInput::Timeout),
            Role::Cache => self.cache(number, CacheInput::Timeout),
            Role::CacheClient => self.cache_client(number, retrieval::client::Input::Timeout),
            Role::Downloader => self.client(number, Input::Timeout),
            Role::Prober => self.prober_timeout(number),
            Role::Server => self.server_timeout(number),
            Role::Responder => self.responder_timeout(number),
        }
    }
}

fn due(planned: &mut Option<Instant>, wanted: Option<Instant>, now: Instant) -> bool {
    if planned.is_some_and(|planned| planned <= now) {
        *planned = None;
    }
    wanted.is_some_and(|wanted| wanted <= now)
}
