//! A directory as a plain list of its names.
//! Invariant: a name is text in HTML and an address in a link, whatever is in it; hidden names are not shown.
//! Byte order: none.

use std::fmt::Write as _;
use std::io;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use rustix::fs::{Dir, FileType};

use super::file_body::FileBody;

/// Names in one list; the rest is only counted.
const NAMES_MOST: usize = 10_000;

pub(super) fn response(directory: &OwnedFd, path: &str) -> io::Result<Response<FileBody>> {
    let mut names = Vec::new();
    let mut left_off = 0usize;
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let mut name = entry.file_name().to_bytes().to_vec();
        if name.first() == Some(&b'.') {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            name.push(b'/');
        }
        if names.len() < NAMES_MOST {
            names.push(name);
        } else {
            left_off += 1;
        }
    }
    names.sort_unstable();
    let title = escaped(path.as_bytes());
    let mut html = format!("<!DOCTYPE html>\n<meta charset=utf-8>\n<title>{title}</title>\n<ul>\n");
    for name in names {
        let _ = writeln!(
            html,
            "<li><a href=\"./{}\">{}</a>",
            encoded(&name),
            escaped(&name)
        );
    }
    html.push_str("</ul>\n");
    if left_off > 0 {
        let _ = writeln!(html, "<p>and {left_off} more");
    }
    let mut response = Response::new(FileBody::text(Bytes::from(html)));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    // What is listed changes, and nothing here tells one state from another.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn escaped(name: &[u8]) -> String {
    let mut text = String::new();
    for char in String::from_utf8_lossy(name).chars() {
        match char {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            char => text.push(char),
        }
    }
    text
}

fn encoded(name: &[u8]) -> String {
    let mut text = String::new();
    for byte in name {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                text.push(char::from(*byte));
            }
            byte => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_neither_markup_nor_addresses_of_elsewhere() {
        assert_eq!(
            escaped(b"<a href=\"x\">&"),
            "&lt;a href=&quot;x&quot;&gt;&amp;"
        );
        assert_eq!(encoded(b"a b\"<\xff/"), "a%20b%22%3C%FF/");
    }
}
