//! Asserts that content information describes a content, whoever made it.
//! Invariant: a deviation with a name is told by cases that know the name, and noted by all others.
//! Byte order: none.

use crate::judge::Outcome;
use crate::judge::session::Session;
use crate::wire::content_info::ContentInfo;
use crate::wire::described::Described;

impl<T> Session<'_, T> {
    /// Asserts that content information is that of a content, or of a range of it.
    ///
    /// # Errors
    /// [`Stop::Failed`](crate::judge::Stop::Failed).
    pub fn describes(
        &self,
        info: &ContentInfo,
        described: &Described<'_>,
        requirement: &'static str,
    ) -> Outcome {
        let deviations = self.reads(requirement, described.by(info))?;
        for deviation in deviations {
            if self.tells(deviation.quirk) {
                self.quirk(deviation.quirk, requirement, deviation.text)?;
            } else {
                let quirk = deviation.quirk;
                self.recorder.note(format!("{}: '{quirk}'", deviation.text));
            }
        }
        Ok(())
    }
}
