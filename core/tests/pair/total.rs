//! What runs came to, so that worlds in which nothing happened are noticed.
//! Invariant: none.
//! Byte order: none.

/// What a run came to, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Total {
    pub(crate) steps: u64,
    pub(crate) from_peers: u64,
    pub(crate) from_origin: u64,
    pub(crate) lies: u64,
    pub(crate) rejected: u64,
    pub(crate) restarts: u64,
    pub(crate) sessions_ended: u64,
    pub(crate) offers: u64,
    pub(crate) hash_requests: u64,
    pub(crate) matches: u64,
    pub(crate) suppressed: u64,
    pub(crate) offers_taken: u64,
    pub(crate) unauthorized: u64,
    pub(crate) fetched: u64,
    pub(crate) cached: u64,
    pub(crate) sealed: u64,
    pub(crate) rechecks: u64,
    pub(crate) evicted: u64,
}

impl Total {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.from_peers += other.from_peers;
        self.from_origin += other.from_origin;
        self.lies += other.lies;
        self.rejected += other.rejected;
        self.restarts += other.restarts;
        self.sessions_ended += other.sessions_ended;
        self.offers += other.offers;
        self.hash_requests += other.hash_requests;
        self.matches += other.matches;
        self.suppressed += other.suppressed;
        self.offers_taken += other.offers_taken;
        self.unauthorized += other.unauthorized;
        self.fetched += other.fetched;
        self.cached += other.cached;
        self.sealed += other.sealed;
        self.rechecks += other.rechecks;
        self.evicted += other.evicted;
    }

    /// Worlds in which nothing went wrong or nobody helped would prove little.
    pub(crate) fn check(&self) {
        let all = [
            self.steps,
            self.from_peers,
            self.from_origin,
            self.lies,
            self.rejected,
            self.restarts,
            self.sessions_ended,
            self.offers,
            self.hash_requests,
            self.matches,
            self.suppressed,
            self.offers_taken,
            self.unauthorized,
            self.fetched,
            self.cached,
            self.sealed,
            self.rechecks,
            self.evicted,
        ];
        assert!(all.iter().all(|count| *count > 0), "{self:?}");
    }
}
