//! What cutting by content keeps of an edited content, beside FastCDC v2020 with the same three lengths.
//! Invariant: no network; every edit follows from the seeds written here, so two runs on one machine agree.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use peerdist::content::cut::{self, MAX_SEGMENT, MIN_SEGMENT, NORMAL_SEGMENT};

/// The gate: ours may keep at most this many percentage points less than FastCDC, on no kind.
pub const ALLOWED_LOSS: f64 = 1.0;

/// What one cutter makes of a content and its edited self.
#[derive(Clone, Copy, Debug)]
pub struct Cuts {
    /// Bytes of the new content in segments that the old one has too, in percent.
    pub known: f64,
    /// Mean length of the new content's segments, in KiB.
    pub mean: f64,
    /// Segments of the greatest length there may be, in percent.
    pub longest: f64,
}

/// One kind of data, cut both ways.
#[derive(Clone, Debug)]
pub struct Row {
    /// What kind.
    pub kind: &'static str,
    /// Where it comes from and what was done to it.
    pub source: String,
    /// Bytes of the new content.
    pub bytes: usize,
    /// This project's cutter.
    pub ours: Cuts,
    /// FastCDC.
    pub fastcdc: Cuts,
}

impl Row {
    /// Whether the gate holds.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.ours.known >= self.fastcdc.known - ALLOWED_LOSS
    }
}

/// Both cutters on every kind of data that this machine has, each content at most `limit` bytes.
#[must_use]
pub fn rows(limit: usize) -> Vec<Row> {
    let files = crate_files(limit);
    let (tree, edited_tree) = archives(&files);
    let (image, edited_image) = images(&files);
    let mut rows = Vec::new();
    rows.extend(versions_of_crates(limit));
    if !files.is_empty() {
        let source = format!("{} files of the cargo registry", files.len());
        rows.push(row(
            "archive of a tree",
            format!("{source}, 4 % edited"),
            &[(tree, edited_tree)],
        ));
        rows.push(row(
            "disk image",
            format!("{source}, 4 % rewritten"),
            &[(image, edited_image)],
        ));
    }
    if let Some((path, library)) = largest_library(limit) {
        let edited = edit(&library, library.len() / (1 << 20), 1);
        rows.push(row(
            "executable",
            format!("{path}, an edit a MiB"),
            &[(library, edited)],
        ));
    }
    rows.extend(versions_of_libraries(limit));
    for (kind, old) in generated(limit.min(16 << 20)) {
        let edited = edit(&old, old.len() / (1 << 19), 2);
        rows.push(row(
            kind,
            "generated, two edits a MiB".to_owned(),
            &[(old, edited)],
        ));
    }
    rows
}

/// The rows as text, one line each, with what was missing on this machine.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:22} {:>7}  {:^24}  {:^24}  {:4}  source\n{:22} {:>7}  {:>8} {:>8} {:>6}  {:>8} {:>8} {:>6}",
        "",
        "",
        "peerdist",
        "fastcdc v2020",
        "",
        "kind",
        "MiB",
        "known %",
        "mean KiB",
        "max %",
        "known %",
        "mean KiB",
        "max %",
    );
    for row in rows {
        let Row {
            kind,
            source,
            bytes,
            ours,
            fastcdc,
        } = row;
        let mib = bytes >> 20;
        let verdict = if row.passes() { "pass" } else { "FAIL" };
        let _ = write!(text, "{kind:22} {mib:>7}");
        for Cuts {
            known,
            mean,
            longest,
        } in [ours, fastcdc]
        {
            let _ = write!(text, "  {known:>8.2} {mean:>8.1} {longest:>6.1}");
        }
        let _ = writeln!(text, "  {verdict}  {source}");
    }
    for (kind, wanted) in WANTED {
        if !rows.iter().any(|row| row.kind == kind) {
            let _ = writeln!(text, "NOT RUN: {kind}: {wanted}");
        }
    }
    text
}

/// Kinds that need files of the machine, and which.
const WANTED: [(&str, &str); 5] = [
    (
        "versions of crates",
        "no crate is in the cargo registry in two versions",
    ),
    ("archive of a tree", "the cargo registry has no sources"),
    ("disk image", "the cargo registry has no sources"),
    ("executable", "no toolchain of rustup has a library"),
    (
        "versions of libraries",
        "rustup has no two toolchains that differ",
    ),
];

fn row(kind: &'static str, source: String, pairs: &[(Vec<u8>, Vec<u8>)]) -> Row {
    let fastcdc = |data: &[u8]| -> Vec<u32> {
        let [min, normal, max] = [MIN_SEGMENT, NORMAL_SEGMENT, MAX_SEGMENT].map(|len| len as usize);
        let chunks = fastcdc::v2020::FastCDC::new(data, min, normal, max);
        chunks
            .map(|chunk| u32::try_from(chunk.length).unwrap_or(u32::MAX))
            .collect()
    };
    let bytes = pairs.iter().map(|(_, new)| new.len()).sum();
    Row {
        kind,
        source,
        bytes,
        ours: compare(pairs, cut::segments),
        fastcdc: compare(pairs, fastcdc),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "percentages of counts far below 2^53"
)]
fn compare(pairs: &[(Vec<u8>, Vec<u8>)], cut: impl Fn(&[u8]) -> Vec<u32>) -> Cuts {
    let (mut bytes, mut known, mut count, mut longest) = (0, 0, 0, 0);
    for (old, new) in pairs {
        let old: BTreeSet<&[u8]> = slices(old, &cut(old)).collect();
        let lengths = cut(new);
        for slice in slices(new, &lengths) {
            bytes += slice.len();
            known += if old.contains(slice) { slice.len() } else { 0 };
        }
        count += lengths.len();
        longest += lengths.iter().filter(|len| **len == MAX_SEGMENT).count();
    }
    let (bytes, count) = (bytes.max(1) as f64, count.max(1) as f64);
    Cuts {
        known: 100.0 * known as f64 / bytes,
        mean: bytes / count / 1024.0,
        longest: 100.0 * longest as f64 / count,
    }
}

fn slices<'a>(data: &'a [u8], lengths: &[u32]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = data;
    lengths.iter().map(move |len| {
        let (slice, after) = rest.split_at((*len as usize).min(rest.len()));
        rest = after;
        slice
    })
}

/// A small stream of numbers that follows from its seed (xorshift64*).
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        usize::try_from((self.next() >> 16) % end).unwrap_or_default()
    }
}

/// `count` insertions, deletions and replacements of up to 200 bytes, what is put in coming from the data itself.
fn edit(data: &[u8], count: usize, seed: u64) -> Vec<u8> {
    let mut stream = Stream(seed << 32 | 0x9E37);
    let mut places: Vec<usize> = (0..count.max(4))
        .map(|_| stream.below(data.len()))
        .collect();
    places.sort_unstable();
    let mut edited = Vec::with_capacity(data.len() + 200 * places.len());
    let mut done = 0;
    for place in places {
        let Some(kept) = data.get(done..place) else {
            continue;
        };
        edited.extend_from_slice(kept);
        let len = 1 + stream.below(200);
        let from = stream.below(data.len().saturating_sub(len));
        let (put, dropped) = match stream.below(3) {
            0 => (len, 0),
            1 => (0, len),
            _ => (len, len),
        };
        edited.extend_from_slice(data.get(from..from + put).unwrap_or_default());
        done = place + dropped;
    }
    edited.extend_from_slice(data.get(done..).unwrap_or_default());
    edited
}

fn home(variable: &str, default: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(default)))
}

fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for path in list(directory) {
        match fs::symlink_metadata(&path) {
            Ok(entry) if entry.is_dir() => walk(&path, files),
            Ok(entry) if entry.is_file() => files.push(path),
            _ => {}
        }
    }
}

/// The directories of unpacked crates.
fn crates() -> Vec<PathBuf> {
    let Some(cargo) = home("CARGO_HOME", ".cargo") else {
        return Vec::new();
    };
    list(&cargo.join("registry/src"))
        .iter()
        .flat_map(|registry| list(registry))
        .collect()
}

/// Name and bytes of the files below a directory, until `limit` bytes are there.
fn load(directory: &Path, limit: usize) -> Vec<(String, Vec<u8>)> {
    let mut paths = Vec::new();
    walk(directory, &mut paths);
    let mut total = 0;
    let mut files = Vec::new();
    for path in paths {
        let Ok(bytes) = fs::read(&path) else { continue };
        total += bytes.len();
        if total > limit {
            break;
        }
        let name = path.strip_prefix(directory).unwrap_or(&path);
        files.push((name.display().to_string(), bytes));
    }
    files
}

fn crate_files(limit: usize) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut left = limit;
    for directory in crates() {
        // No single crate may fill the tree: some consist of bindings for hundreds of MiB.
        let loaded = load(&directory, left.min(4 << 20));
        left -= loaded.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        files.extend(loaded);
    }
    files
}

/// One file of an archive as tar lays it out: a header and the bytes, each padded to 512.
fn append(archive: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    let header = format!("{name}\0{:011o}", bytes.len());
    for part in [header.as_bytes(), bytes] {
        archive.extend_from_slice(part);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
}

fn archives(files: &[(String, Vec<u8>)]) -> (Vec<u8>, Vec<u8>) {
    let mut stream = Stream(3);
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        append(&mut old, name, bytes);
        match stream.below(100) {
            0..4 => append(&mut new, name, &edit(bytes, 3, 5)),
            4 => {}
            5 => {
                append(&mut new, name, bytes);
                append(&mut new, &format!("{name}.orig"), &edit(bytes, 3, 7));
            }
            _ => append(&mut new, name, bytes),
        }
    }
    (old, new)
}

/// A file system in blocks of 4 KiB: a rewritten file leaves its blocks as they were and gets new ones at the end.
fn images(files: &[(String, Vec<u8>)]) -> (Vec<u8>, Vec<u8>) {
    const BLOCK: usize = 4096;
    let mut stream = Stream(11);
    let mut old = Vec::new();
    let mut rewritten = Vec::new();
    for (_, bytes) in files {
        old.extend_from_slice(bytes);
        old.resize(old.len().next_multiple_of(BLOCK), 0);
        match stream.below(100) {
            0..4 => rewritten.push(edit(bytes, 3, 13)),
            // A gap, as deleted files leave.
            4 => old.resize(old.len() + BLOCK * stream.below(16), 0),
            _ => {}
        }
    }
    let free = old.len() / 8;
    let mut new = old.clone();
    for bytes in rewritten {
        new.extend_from_slice(&bytes);
        new.resize(new.len().next_multiple_of(BLOCK), 0);
    }
    old.resize(old.len() + free, 0);
    new.resize(new.len().max(old.len()), 0);
    // What a mount writes here and there: a counter, a date.
    for block in new.chunks_mut(BLOCK * 1024) {
        block
            .iter_mut()
            .zip(stream.next().to_le_bytes())
            .for_each(|(byte, stamp)| *byte = stamp);
    }
    (old, new)
}

/// Each crate that the registry has in two versions, as archives.
fn versions_of_crates(limit: usize) -> Option<Row> {
    let mut versions: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in crates() {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // `name-1.2.3`: a name may hold hyphens, but no part of it is a hyphen and a digit and a dot.
        let split = name.match_indices('-').map(|(at, _)| at).find(|at| {
            let version = name.get(at + 1..).unwrap_or_default();
            version.starts_with(|first: char| first.is_ascii_digit()) && version.contains('.')
        });
        if let Some(name) = split.and_then(|at| name.get(..at)) {
            versions.entry(name.to_owned()).or_default().push(path);
        }
    }
    let mut pairs = Vec::new();
    let mut names = Vec::new();
    for (name, paths) in versions {
        for neighbours in paths.windows(2) {
            let [old, new] = [0, 1].map(|side| {
                let mut archive = Vec::new();
                for (name, bytes) in load(&neighbours[side], limit / 2) {
                    append(&mut archive, &name, &bytes);
                }
                archive
            });
            // Less than some segments says nothing about cutting.
            if new.len() > 1 << 20 {
                pairs.push((old, new));
                names.push(name.clone());
            }
        }
    }
    let source = format!("cargo registry: {}", names.join(", "));
    (!pairs.is_empty()).then(|| row("versions of crates", source, &pairs))
}

fn toolchains() -> Vec<PathBuf> {
    home("RUSTUP_HOME", ".rustup")
        .map(|rustup| list(&rustup.join("toolchains")))
        .unwrap_or_default()
}

/// The libraries of a toolchain by their names without the hash that differs from build to build.
fn libraries(toolchain: &Path) -> BTreeMap<String, PathBuf> {
    let mut paths = Vec::new();
    walk(&toolchain.join("lib"), &mut paths);
    let wanted = paths.into_iter().filter(|path| {
        path.extension()
            .is_some_and(|kind| ["so", "rlib", "dylib", "dll"].iter().any(|it| kind == *it))
    });
    wanted
        .map(|path| {
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (
                stem.rsplit_once('-')
                    .map_or(stem.clone(), |(name, _)| name.to_owned()),
                path,
            )
        })
        .collect()
}

fn largest_library(limit: usize) -> Option<(String, Vec<u8>)> {
    let libraries = toolchains()
        .into_iter()
        .flat_map(|path| libraries(&path))
        .map(|(_, path)| path);
    let path = libraries.max_by_key(|path| fs::metadata(path).map_or(0, |entry| entry.len()))?;
    let mut bytes = fs::read(&path).ok()?;
    bytes.truncate(limit);
    Some((path.file_name()?.to_string_lossy().into_owned(), bytes))
}

/// Libraries of two toolchains that differ, the largest ones left out.
fn versions_of_libraries(limit: usize) -> Option<Row> {
    let toolchains = toolchains();
    let mut best: Option<Row> = None;
    for (place, old) in toolchains.iter().enumerate() {
        for new in toolchains.iter().skip(place + 1) {
            let (older, mut newer) = (libraries(old), libraries(new));
            let read = |path: &Path| fs::read(path).ok().filter(|bytes| bytes.len() < limit / 2);
            let pairs = older.into_iter().filter_map(|(name, path)| {
                let (a, b) = (read(&path)?, read(&newer.remove(&name)?)?);
                (a != b && b.len() > 1 << 18).then_some((a, b))
            });
            let pairs: Vec<_> = pairs.collect();
            if !pairs.is_empty() && best.is_none() {
                let names =
                    [old, new].map(|path| path.file_name().unwrap_or_default().to_string_lossy());
                let source = format!("{} libraries of {}", pairs.len(), names.join(" and "));
                best = Some(row("versions of libraries", source, &pairs));
            }
        }
    }
    best
}

/// Data of low entropy, which no machine has at hand in a known form.
fn generated(len: usize) -> Vec<(&'static str, Vec<u8>)> {
    let lines = |line: &dyn Fn(usize, &mut Stream) -> String| {
        let mut stream = Stream(17);
        let mut text = String::with_capacity(len + 200);
        let mut number = 0;
        while text.len() < len {
            text.push_str(&line(number, &mut stream));
            number += 1;
        }
        text.into_bytes()
    };
    let csv = lines(&|i, stream| {
        let (a, b) = (stream.below(100), stream.below(1000));
        format!(
            "{i},{},{a},{}.{:02},OK\n",
            1_700_000_000 + i * 30,
            b / 50,
            b % 50
        )
    });
    let json = lines(&|i, stream| {
        let (user, score, even) = (i % 977, stream.below(10), i % 2 == 0);
        format!(
            " {{\n  \"id\": {i},\n  \"name\": \"user{user}\",\n  \"even\": {even},\n  \"score\": {score}\n }},\n"
        )
    });
    let log = lines(&|i, _| {
        let (hour, minute, second, host) = (i / 3600 % 24, i / 60 % 60, i % 60, i % 5);
        format!("12 May {hour:02}:{minute:02}:{second:02} sshd: closed by 10.0.0.{host} port 22\n")
    });
    let records = (0u32..)
        .flat_map(|i| [i, i << 4, i % 3, 7].map(u32::to_le_bytes))
        .flatten()
        .take(len)
        .collect();
    let letters = {
        let mut stream = Stream(19);
        std::iter::repeat_with(|| [b'A', b'C', b'G', b'T'][stream.below(4)])
            .take(len)
            .collect()
    };
    let mut sparse = vec![0; len];
    let mut stream = Stream(23);
    for _ in 0..len >> 20 {
        let (place, from) = (stream.below(len - 70_000), stream.below(csv.len() - 70_000));
        let size = 1000 + stream.below(65_000);
        sparse[place..place + size].copy_from_slice(&csv[from..from + size]);
    }
    let noise = {
        let mut stream = Stream(29);
        std::iter::repeat_with(|| stream.next().to_le_bytes())
            .flatten()
            .take(len)
            .collect()
    };
    vec![
        ("csv", csv),
        ("json", json),
        ("log", log),
        ("records of 16 bytes", records),
        ("four letters", letters),
        ("sparse", sparse),
        ("noise", noise),
    ]
}
