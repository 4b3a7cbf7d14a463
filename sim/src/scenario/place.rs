//! Where in a text a key is: the line of `hosts.desks.site`, asked of the YAML reader itself.
//! Invariant: a path that is there is found; for one that is not, the last of it that is there.
//! Byte order: none.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

const FOUND: &str = "\u{1}found";

/// Line and column, from 1, of the value at a path such as `hosts.desks.count` or `workload.0`.
#[must_use]
pub(super) fn of(text: &str, path: &str) -> Option<(usize, usize)> {
    let mut steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
    loop {
        let deserializer = serde_yaml::Deserializer::from_str(text);
        if let Err(error) = Walk(&steps).deserialize(deserializer)
            && error.to_string().contains(FOUND)
        {
            return error.location().map(|at| (at.line(), at.column()));
        }
        steps.pop()?;
    }
}

/// Goes down a path, and fails where it ends: the reader then says where that is.
struct Walk<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.0.split_first() else {
            return Err(de::Error::custom(FOUND));
        };
        while let Some(key) = map.next_key::<String>()? {
            if key == *step {
                map.next_value_seed(Walk(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.0.split_first() else {
            return Err(de::Error::custom(FOUND));
        };
        let mut at = 0_usize;
        loop {
            let is_it = step.parse() == Ok(at);
            let more = if is_it {
                seq.next_element_seed(Walk(rest))?.is_some()
            } else {
                seq.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            at += 1;
        }
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.end()
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.end()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.end()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.end()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.end()
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.end()
    }
}

impl Walk<'_> {
    fn end<E: de::Error>(&self) -> Result<(), E> {
        if self.0.is_empty() {
            Err(E::custom(FOUND))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "about: some\nhosts:\n  desks:\n    count: 3\n    sites: [one, two]\nworkload:\n  - fetch: a\n  - fetch: b\n";

    #[test]
    fn a_path_has_a_line() {
        assert_eq!(of(TEXT, "hosts.desks.count").map(|(line, _)| line), Some(4));
        assert_eq!(of(TEXT, "hosts.desks.sites.1"), Some((5, 18)));
        assert_eq!(of(TEXT, "workload.1.fetch").map(|(line, _)| line), Some(8));
    }

    #[test]
    fn a_path_that_is_not_there_has_the_line_of_what_is() {
        let of_desks = of(TEXT, "hosts.desks");
        assert!(of_desks.is_some());
        assert_eq!(of(TEXT, "hosts.desks.mode"), of_desks);
    }
}
