//! Vectors through another implementation: a program that answers JSON lines, as `vectors/README.md` has it.
//! Invariant: every vector is passed, failed with what was expected, or said to be unsupported; none is passed over.
//! Byte order: none.

mod compare;
mod program;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use self::program::{ANSWER_MAX_BYTES, Loss, Program};
use super::{File, Group, Outcome, Report, Test, VectorsError, judge_each};

pub use self::compare::compare;

/// Silences after which a program is asked no more: each of them costs all of its time.
const SILENCES_MAX: u32 = 3;
/// Losses of a program that has never answered anything, after which it is asked no more.
const STILLBIRTHS_MAX: u32 = 3;
/// With these a shell says that a command is not there, or cannot be run.
const SHELL_FOUND_NOTHING: [i32; 2] = [126, 127];

/// The program, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// What a shell is to run.
    pub command: &'a str,
    /// The longest wait for one answer.
    pub patience: Duration,
}

/// Why no vector was judged.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum ExecError {
    /// There is nothing to ask.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// There is nobody to ask.
    #[error(
        "cannot start {command:?}: {why}; expected a command for sh, such as 'python3 my_codec.py'"
    )]
    NotStarted { command: String, why: String },
}

#[derive(Serialize)]
struct Question<'a> {
    id: &'a str,
    document: &'a str,
    kind: &'a str,
    parameters: &'a serde_yaml::Value,
    input: &'a serde_yaml::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    result: Option<Map<String, Value>>,
    unsupported: Option<String>,
}

enum Answer {
    Result(Map<String, Value>),
    Unsupported(String),
}

/// Asks the program about every vector below a folder whose id fits the filter, if there is one.
///
/// # Errors
/// [`ExecError`] where files cannot be read, hold no vectors, or the command cannot be started.
pub fn run(
    directory: &Path,
    filter: Option<&str>,
    settings: &Settings<'_>,
) -> Result<Report, ExecError> {
    let mut dialogue = Dialogue::new(settings);
    let mut report = judge_each(directory, filter, |file, group, test| {
        dialogue.judge(file, group, test)
    })?;
    if let Some(surplus) = dialogue.finish() {
        report.fail_last(surplus);
    }
    Ok(report)
}

/// What is between the vectors and the program: it is started when it is first needed, and again after each loss.
struct Dialogue<'a> {
    settings: &'a Settings<'a>,
    program: Option<Program>,
    has_answered: bool,
    losses: u32,
    silences: u32,
}

impl<'a> Dialogue<'a> {
    const fn new(settings: &'a Settings<'a>) -> Self {
        Self {
            settings,
            program: None,
            has_answered: false,
            losses: 0,
            silences: 0,
        }
    }

    fn judge(&mut self, file: &File, group: &Group, test: &Test) -> Result<Outcome, ExecError> {
        let answered = match self.reason_to_give_up() {
            Some(why) => Err(why),
            None => self.answer(file, group, test)?,
        };
        Ok(match answered {
            Ok(Answer::Result(result)) => Outcome::of(test, compare(file, test, &result)),
            Ok(Answer::Unsupported(why)) => Outcome {
                unsupported: Some(why),
                ..Outcome::of(test, Ok(()))
            },
            Err(why) => {
                let expected = serde_json::to_value(&test.expect).unwrap_or_default();
                let expected = compare::shown(&expected);
                Outcome::of(test, Err(format!("{why}; expected {expected}")))
            }
        })
    }

    fn reason_to_give_up(&self) -> Option<String> {
        let Self {
            losses, silences, ..
        } = self;
        if *silences >= SILENCES_MAX {
            return Some(format!(
                "not asked: {silences} times no answer came in time"
            ));
        }
        (!self.has_answered && *losses >= STILLBIRTHS_MAX)
            .then(|| format!("not asked: {losses} starts brought no answer at all"))
    }

    /// The program's answer; the inner failure is the program's, the outer one that there is none.
    fn answer(
        &mut self,
        file: &File,
        group: &Group,
        test: &Test,
    ) -> Result<Result<Answer, String>, ExecError> {
        let not_started = |why: String| ExecError::NotStarted {
            command: self.settings.command.to_owned(),
            why,
        };
        let mut request = match request(file, group, test) {
            Ok(request) => request,
            Err(error) => return Ok(Err(format!("the vector cannot be put as JSON: {error}"))),
        };
        request.push(b'\n');
        let mut program = match self.program.take() {
            Some(program) => program,
            None => Program::start(self.settings.command)
                .map_err(|error| not_started(format!("sh: {error}")))?,
        };
        let said = match program.ask(request, self.settings.patience) {
            Ok(line) => understand(&line, &test.id),
            Err(Loss::Ended(status, said))
                if !self.has_answered
                    && status
                        .code()
                        .is_some_and(|code| SHELL_FOUND_NOTHING.contains(&code)) =>
            {
                return Err(not_started(format!(
                    "it ended with {status}{}",
                    quoted(&said)
                )));
            }
            Err(loss) => {
                self.silences += u32::from(matches!(loss, Loss::Silent(_)));
                Err(self.told(loss))
            }
        };
        if said.is_ok() {
            self.has_answered = true;
            self.program = Some(program);
        } else {
            // What it may still say would be taken for answers to what comes next: a new one is asked.
            self.losses += 1;
        }
        Ok(said)
    }

    fn told(&self, loss: Loss) -> String {
        match loss {
            Loss::Ended(status, said) => {
                format!(
                    "the program ended with {status} before it answered{}",
                    quoted(&said)
                )
            }
            Loss::ClosedOutput(said) => {
                format!(
                    "the program closed its standard output before it answered{}",
                    quoted(&said)
                )
            }
            Loss::Silent(said) => {
                let patience = self.settings.patience;
                format!("no answer within {patience:?}{}", quoted(&said))
            }
            Loss::LineTooLong => {
                format!(
                    "the answer is longer than {ANSWER_MAX_BYTES} bytes without the end of a line"
                )
            }
        }
    }

    /// Ends the program; what there is to complain about it behind its last answer.
    fn finish(self) -> Option<String> {
        let surplus = self.program?.finish()?;
        let surplus = compare::cut(&String::from_utf8_lossy(&surplus));
        Some(format!(
            "behind the answer the program said more: {surplus}; expected one line a request"
        ))
    }
}

fn request(file: &File, group: &Group, test: &Test) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Question {
        id: &test.id,
        document: &file.document,
        kind: &file.kind,
        parameters: &group.parameters,
        input: &test.input,
    })
}

fn understand(line: &[u8], id: &str) -> Result<Answer, String> {
    let shown = || compare::cut(String::from_utf8_lossy(line).trim_end());
    let found: Line = serde_json::from_slice(line)
        .map_err(|error| format!("the program said {}, which is no answer: {error}", shown()))?;
    if found.id != id {
        let found = compare::cut(&found.id);
        return Err(format!(
            "the program answered for {found}, expected the answer for {id:?}"
        ));
    }
    match (found.result, found.unsupported) {
        (Some(result), None) => Ok(Answer::Result(result)),
        (None, Some(why)) => Ok(Answer::Unsupported(why)),
        _ => Err(format!(
            "the program said {}, expected one of result and unsupported",
            shown()
        )),
    }
}

/// What was said on standard error, where anything was.
fn quoted(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(", and said on standard error: {said:?}")
    }
}
