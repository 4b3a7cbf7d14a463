//! RFC 3986 5.2, RFC 9110 15.4: where a redirect leads.
//! Invariant: only to http and https, and never from https to http.
//! Byte order: none.

use http::Uri;
use http::uri::Scheme;

/// Where `to` leads from `from`.
pub(super) fn resolve(from: &Uri, to: &[u8]) -> Option<Uri> {
    let to = std::str::from_utf8(to).ok()?.trim();
    let (to, _) = to.split_once('#').unwrap_or((to, ""));
    let (scheme, authority) = (from.scheme_str()?, from.authority()?);
    let lower = to.to_ascii_lowercase();
    let absolute = if lower.starts_with("http://") || lower.starts_with("https://") {
        to.to_owned()
    } else if to.starts_with("//") {
        format!("{scheme}:{to}")
    } else if let Some(path) = to.strip_prefix('/') {
        format!("{scheme}://{authority}/{path}")
    } else if to.starts_with('?') || to.is_empty() {
        format!("{scheme}://{authority}{}{to}", from.path())
    } else if to.split(['/', '?']).next()?.contains(':') {
        return None;
    } else {
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!(
            "{scheme}://{authority}{}",
            without_dots(&format!("{folder}/{to}"))
        )
    };
    let uri: Uri = absolute.parse().ok()?;
    let is_downgrade =
        from.scheme() == Some(&Scheme::HTTPS) && uri.scheme() != Some(&Scheme::HTTPS);
    (uri.host().is_some() && !is_downgrade).then_some(uri)
}

fn without_dots(path: &str) -> String {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (path, String::new()),
    };
    let mut parts: Vec<&str> = Vec::new();
    let all: Vec<&str> = path.split('/').skip(1).collect();
    for (at, part) in all.iter().enumerate() {
        let is_last = at + 1 == all.len();
        match *part {
            "." | ".." => {
                if *part == ".." {
                    parts.pop();
                }
                if is_last {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    format!("/{}{query}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_rfc_3986_says() {
        let from: Uri = "http://a/b/c/d?q".parse().unwrap();
        for (to, expected) in [
            ("http://x/y", Some("http://x/y")),
            ("HTTPS://x/y#z", Some("https://x/y")),
            ("//x/y", Some("http://x/y")),
            ("/g", Some("http://a/g")),
            ("g", Some("http://a/b/c/g")),
            ("./g?y", Some("http://a/b/c/g?y")),
            ("../g", Some("http://a/b/g")),
            ("../../../g", Some("http://a/g")),
            ("..", Some("http://a/b/")),
            ("?y", Some("http://a/b/c/d?y")),
            ("ftp://x/", None),
            ("mailto:x", None),
            ("http://", None),
        ] {
            let found = resolve(&from, to.as_bytes()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{to}");
        }
        let tls: Uri = "https://a/b".parse().unwrap();
        assert_eq!(resolve(&tls, b"http://a/b"), None);
        assert!(resolve(&tls, b"/c").is_some());
    }
}
