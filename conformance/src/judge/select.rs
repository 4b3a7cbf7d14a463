//! Which cases run: by id, level, role and tag.
//! Invariant: what selects nothing is an error, so that nobody takes an empty run for a good one.
//! Byte order: none.

use globset::{Glob, GlobSet, GlobSetBuilder};
use thiserror::Error;

use super::{Case, Role, Tag};
use crate::catalogue::Level;

/// Which cases.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Patterns of ids; none: all.
    pub ids: Vec<String>,
    /// Patterns of ids that are left out.
    pub without: Vec<String>,
    /// Levels; none: all.
    pub levels: Vec<Level>,
    /// Roles; none: all.
    pub roles: Vec<Role>,
    /// Tags of which a case has one; none: all.
    pub tags: Vec<Tag>,
}

/// Why there is nothing to run.
#[derive(Debug, Error)]
pub enum SelectionError {
    /// A pattern is none.
    #[error("the pattern of ids: {0}")]
    Pattern(#[from] globset::Error),
    /// A pattern fits no case at all: somebody would take what does not run for what passes.
    #[error("no case fits '{0}'")]
    Unknown(String),
    /// Nothing is all of what was asked for.
    #[error(
        "no case fits all of that together; 'peerdist conform list' with fewer options shows what there is"
    )]
    Nothing,
}

impl Selection {
    /// The cases that fit, in their order.
    ///
    /// # Errors
    /// [`SelectionError`].
    pub fn of(&self, cases: &[&'static Case]) -> Result<Vec<&'static Case>, SelectionError> {
        let (ids, without) = (globs(&self.ids)?, globs(&self.without)?);
        for pattern in self.ids.iter().chain(&self.without) {
            let glob = Glob::new(pattern)?.compile_matcher();
            if !cases.iter().any(|case| glob.is_match(case.id)) {
                return Err(SelectionError::Unknown(pattern.clone()));
            }
        }
        let fits = |case: &&'static Case| {
            (self.ids.is_empty() || ids.is_match(case.id))
                && !without.is_match(case.id)
                && (self.levels.is_empty() || self.levels.contains(&case.level()))
                && (self.roles.is_empty() || self.roles.contains(&case.role()))
                && (self.tags.is_empty() || self.tags.iter().any(|tag| case.has(*tag)))
        };
        let selected: Vec<_> = cases.iter().copied().filter(fits).collect();
        if selected.is_empty() {
            return Err(SelectionError::Nothing);
        }
        Ok(selected)
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern)?);
    }
    set.build()
}
