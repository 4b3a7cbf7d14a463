//! The known name nearest to one that is not known.
//! Invariant: what begins with it is nearest; then what takes the fewest letters to change into, and the first of those.
//! Byte order: none.

/// The nearest of the known names.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> &'a str {
    names
        .into_iter()
        .min_by_key(|known| {
            let begins_so = !name.is_empty() && known.starts_with(name);
            (!begins_so, strsim::damerau_levenshtein(name, known))
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_a_beginning_finds_its_name() {
        let names = ["count", "clients", "version", "serves"];
        for (name, expected) in [
            ("cuont", "count"),
            ("ver", "version"),
            ("client", "clients"),
            ("serve", "serves"),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
        assert_eq!(nearest("x", []), "");
    }
}
