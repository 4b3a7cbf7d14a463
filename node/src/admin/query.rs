//! Queries of the admin page's own URLs: `limit`, `after` and nothing else.
//! Invariant: a name that is not expected is an error, as is a number out of its range.
//! Byte order: none.

/// What a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListQuery {
    pub(super) after: Option<String>,
    pub(super) limit: usize,
}

/// Rows of one answer.
pub(super) const ROWS_MOST: usize = 500;
const ROWS_DEFAULT: usize = 50;

impl ListQuery {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut parsed = Self {
            after: None,
            limit: ROWS_DEFAULT,
        };
        for pair in query.unwrap_or_default().split('&') {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("", "") => {}
                ("after", "") => {}
                ("after", after) => parsed.after = Some(after.to_owned()),
                ("limit", limit) => {
                    let number = limit.parse().ok();
                    let number = number.filter(|number| (1..=ROWS_MOST).contains(number));
                    parsed.limit = number.ok_or_else(|| {
                        format!("limit cannot be {limit:?}; expected 1 to {ROWS_MOST}")
                    })?;
                }
                (name, _) => return Err(format!("there is no {name:?}; expected after and limit")),
            }
        }
        Ok(parsed)
    }

    pub(super) fn after_number(&self) -> Result<u64, String> {
        let after = self.after.as_deref().unwrap_or("0");
        let wrong = |_| format!("after cannot be {after:?}; expected the number of a request");
        after.parse().map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_and_unknown_names_are_refused() {
        let limit = |query| ListQuery::parse(Some(query)).map(|query| query.limit);
        assert_eq!(limit(""), Ok(ROWS_DEFAULT));
        assert_eq!(limit("limit=500&after=ab"), Ok(500));
        for wrong in [
            "limit=0",
            "limit=501",
            "limit=x",
            "limit",
            "more=1",
            "Limit=1",
        ] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
        assert!(
            ListQuery::parse(Some("after=x"))
                .unwrap()
                .after_number()
                .is_err()
        );
    }
}
