//! MS-PCCRTP 3.1.5.1: a host that asks an origin for hashes which are still being made, before it can begin.
//! Invariant: one hash request at a time, no more of them than may be; once faults end the hashes come.
//! Byte order: none.

use peerdist::http_encoding::{
    ContentToken, Event, HashAnswer, HashRequestSettings, HashRequests, Input, Output,
};
use peerdist::time::{Duration, Instant};

use crate::broken::{Broken, ensure};
use crate::faults::Faults;
use crate::world::{Happening, World};

const CONTENT: ContentToken = ContentToken(1);

pub(crate) struct HashWishes {
    pub(crate) machine: HashRequests,
    settings: HashRequestSettings,
    /// When the origin has the hashes; a world in which it has them at once needs no such wish.
    ready_at: Option<Instant>,
    on_their_way: u32,
    asked: u32,
}

impl HashWishes {
    pub(crate) fn new(faults: &mut Faults) -> Self {
        let settings = HashRequestSettings {
            attempts_most: 1 + u32::try_from(faults.below(4)).unwrap(),
            ..HashRequestSettings::default()
        };
        let later = Duration::from_millis(faults.below(20_000));
        Self {
            machine: HashRequests::new(settings),
            settings,
            ready_at: faults.chance(300).then(|| Instant::ZERO + later),
            on_their_way: 0,
            asked: 0,
        }
    }

    pub(crate) fn restart(&mut self) {
        self.machine = HashRequests::new(self.settings);
        (self.on_their_way, self.asked) = (0, 0);
    }

    pub(crate) fn check_limits(&self) -> Result<(), Broken> {
        let (count, asked) = (self.on_their_way, self.asked);
        ensure!(count <= 1, "{count} hash requests at a time");
        ensure!(
            asked <= self.settings.attempts_most,
            "{asked} hash requests"
        );
        Ok(())
    }
}

impl World {
    /// Asks the origin for the content: it begins at once, or when the hashes are there.
    pub(crate) fn get(&mut self, number: usize) -> Result<(), Broken> {
        let ready_at = self.nodes[number].hashes.ready_at;
        if ready_at.is_none_or(|at| at <= self.now) {
            return self.begin(number);
        }
        self.nodes[number].hashes.asked = 0;
        self.hash_requests(number, Input::MakeHashRequest(CONTENT))
            .map(|_| ())
    }

    pub(crate) fn hash_answer(&mut self, number: usize, is_lost: bool) -> Result<(), Broken> {
        let wishes = &mut self.nodes[number].hashes;
        wishes.on_their_way -= 1;
        let is_ready = wishes.ready_at.is_none_or(|at| at <= self.now);
        let answer = match (is_lost, is_ready) {
            (true, _) => HashAnswer::Nothing,
            (false, true) => HashAnswer::ContentInformation,
            (false, false) => HashAnswer::StillLater,
        };
        self.hash_requests(number, Input::Answered(CONTENT, answer))
            .map(|_| ())
    }

    /// Tells how much was put out.
    pub(crate) fn hash_requests(&mut self, number: usize, input: Input) -> Result<u32, Broken> {
        self.nodes[number].hashes.machine.handle(self.now, input)?;
        let mut drained = 0;
        while let Some(output) = self.nodes[number].hashes.machine.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            match output {
                Output::Send(_) => {
                    self.total.hash_requests += 1;
                    let wishes = &mut self.nodes[number].hashes;
                    wishes.on_their_way += 1;
                    wishes.asked += 1;
                    let is_lost = self.faults.loses(self.now);
                    self.plan_soon(number, Happening::HashAnswer { is_lost });
                }
                Output::Event(Event::Done(_)) => self.begin(number)?,
                // The application asks again, some time.
                Output::Event(Event::GivenUp { .. }) => {
                    self.plan(number, Duration::from_secs(1), Happening::Get);
                }
                Output::Event(Event::NotTaken(_)) => return Err("one content is too many".into()),
            }
        }
        Ok(drained)
    }
}
