//! The media type of a file by the end of its name.
//! Invariant: what is not known is bytes, so that nobody takes it for a page.
//! Byte order: none.

use std::path::Path;

const OTHER: &str = "application/octet-stream";

#[rustfmt::skip]
const TYPES: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"), ("avif", "image/avif"), ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"), ("cab", "application/vnd.ms-cab-compressed"),
    ("css", "text/css; charset=utf-8"), ("csv", "text/csv; charset=utf-8"),
    ("deb", "application/vnd.debian.binary-package"), ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("eot", "application/vnd.ms-fontobject"), ("epub", "application/epub+zip"),
    ("flac", "audio/flac"), ("gif", "image/gif"), ("gz", "application/gzip"),
    ("htm", "text/html; charset=utf-8"), ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"), ("ics", "text/calendar; charset=utf-8"),
    ("iso", "application/x-iso9660-image"), ("jar", "application/java-archive"),
    ("jpeg", "image/jpeg"), ("jpg", "image/jpeg"), ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"), ("m4a", "audio/mp4"), ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"), ("mov", "video/quicktime"), ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"), ("mpeg", "video/mpeg"), ("msi", "application/x-msi"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"), ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"), ("opus", "audio/ogg"), ("otf", "font/otf"), ("pdf", "application/pdf"),
    ("png", "image/png"), ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("rar", "application/vnd.rar"), ("rpm", "application/x-rpm"), ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"), ("tar", "application/x-tar"), ("tif", "image/tiff"),
    ("tiff", "image/tiff"), ("ttf", "font/ttf"), ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"), ("wav", "audio/wav"), ("weba", "audio/webm"),
    ("webm", "video/webm"), ("webp", "image/webp"), ("woff", "font/woff"), ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"), ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"), ("xz", "application/x-xz"), ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

pub(super) fn of(name: &Path) -> &'static str {
    let Some(end) = name.extension().and_then(|end| end.to_str()) else {
        return OTHER;
    };
    let end = end.to_ascii_lowercase();
    TYPES
        .binary_search_by_key(&end.as_str(), |(end, _)| end)
        .ok()
        .and_then(|index| TYPES.get(index))
        .map_or(OTHER, |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_whatever_the_case() {
        assert!(TYPES.is_sorted_by_key(|(end, _)| end));
        for (end, kind) in TYPES {
            assert_eq!(of(Path::new(&format!("x.{}", end.to_uppercase()))), *kind);
        }
        for other in ["x", "x.", ".html", "x.unknown", "html"] {
            assert_eq!(of(Path::new(other)), OTHER, "{other}");
        }
    }
}
