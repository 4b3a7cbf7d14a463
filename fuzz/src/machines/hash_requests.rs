//! The hash requests that a client of HTTP owes (MS-PCCRTP 3.1.5.1) under scripts.
//! Invariant: each content has one end, after no more requests than are allowed.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::http_encoding::{
    ContentToken, Event, HashAnswer, HashRequestSettings, HashRequests, Input, Output,
};
use peerdist::time::Instant;

use crate::law::{self, World};
use crate::script::Script;

struct Stage {
    machine: HashRequests,
    settings: HashRequestSettings,
    sent: Vec<ContentToken>,
    /// Requests for each content that is owed.
    attempts: BTreeMap<ContentToken, u32>,
}

impl World for Stage {
    type Output = Output;

    fn poll_output(&mut self) -> Option<Output> {
        self.machine.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }

    fn timeout(&mut self, now: Instant) {
        self.machine
            .handle(now, Input::Timeout)
            .expect("a timeout is always due");
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Send(content) => {
                assert!(!self.sent.contains(&content), "one at a time");
                self.sent.push(content);
                *self.attempts.entry(content).or_default() += 1;
            }
            Output::Event(Event::Done(content)) => {
                assert!(self.attempts.remove(&content).is_some());
            }
            Output::Event(Event::GivenUp { content, attempts }) => {
                assert_eq!(self.attempts.remove(&content), Some(attempts));
            }
            Output::Event(Event::NotTaken(_)) => {}
        }
    }

    fn check(&self) {
        let most = self.settings.attempts_most;
        assert!(self.attempts.values().all(|attempts| *attempts <= most));
        assert!(self.attempts.len() <= self.settings.contents_most);
    }
}

/// Plain answers, hash requests and their answers, in any order.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn hash_requests(data: &[u8]) {
    let mut script = Script::new(data);
    let settings = HashRequestSettings {
        first_delay_ms: script.milliseconds(),
        delay_factor: u32::from(script.byte() % 5),
        attempts_most: u32::from(script.byte() % 5),
        contents_most: 3,
    };
    let mut stage = Stage {
        machine: HashRequests::new(settings),
        settings,
        sent: Vec::new(),
        attempts: BTreeMap::new(),
    };
    let mut now = Instant::ZERO;
    while let Some(step) = script.step() {
        let content = ContentToken(u64::from(step >> 4 & 7));
        let input = match step % 4 {
            0 => Input::MakeHashRequest(content),
            1 => {
                let answers = [
                    HashAnswer::ContentInformation,
                    HashAnswer::StillLater,
                    HashAnswer::Nothing,
                ];
                let Some(content) = script.pick_out(&mut stage.sent) else {
                    continue;
                };
                Input::Answered(content, *script.pick(&answers).expect("three"))
            }
            2 => {
                stage.sent.retain(|sent| *sent != content);
                stage.attempts.remove(&content);
                Input::Forget(content)
            }
            _ => {
                law::pass(&mut stage, &mut now, script.milliseconds());
                continue;
            }
        };
        stage
            .machine
            .handle(now, input)
            .expect("nothing that is not allowed");
        law::drain(&mut stage);
    }
    for content in 0..8 {
        let input = Input::Forget(ContentToken(content));
        stage.machine.handle(now, input).expect("always allowed");
    }
    law::drain(&mut stage);
    law::come_to_rest(&mut stage, &mut now);
}
