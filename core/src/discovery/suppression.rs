//! MS-PCCRD 7 <8>: who stays silent because enough others will answer, as Windows 7 decides it.
//! Invariant: what decides is how often the segment was offered when this peer fetched it, and nothing else.
//! Byte order: none.

use crate::entropy::Entropy;

/// How often a segment was offered to a client that looked for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replies {
    /// Peers that had some of it.
    pub total: u32,
    /// Those that had all of it.
    pub full: u32,
}

/// When a peer that has a segment stays silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// So many replies are enough; n in the document.
    pub enough_replies: u32,
    /// How often to answer all the same when there were enough replies, but too few full ones. In thousandths.
    pub answer_per_mille: u32,
}

impl Default for Suppression {
    fn default() -> Self {
        Self {
            enough_replies: 10,
            answer_per_mille: 330,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Silence,
    Chance,
    Answer,
}

impl Suppression {
    fn verdict(self, replies: Replies) -> Verdict {
        //= PCCRD-3.2.4.1-02
        if replies.total < self.enough_replies {
            Verdict::Answer
        } else if replies.full >= self.enough_replies {
            Verdict::Silence
        } else {
            Verdict::Chance
        }
    }

    /// Whether to answer a probe for segments of which these are held: one that needs the answer decides for all, for
    /// it costs nothing to name the others, too.
    pub(super) fn lets_answer(
        self,
        held: impl Iterator<Item = Replies>,
        chance: &mut Entropy,
    ) -> bool {
        match held.map(|replies| self.verdict(replies)).max() {
            Some(Verdict::Answer) => true,
            Some(Verdict::Chance) => chance.happens(self.answer_per_mille),
            Some(Verdict::Silence) | None => false,
        }
    }
}
