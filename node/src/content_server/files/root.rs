//! The directory that is served, and files opened below it.
//! Invariant: what is opened is below the directory, whatever names and symbolic links say, also while they change.
//! Byte order: none.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, open, openat, openat2};
use rustix::io::Errno;

#[derive(Debug)]
pub(super) struct Root(OwnedFd);

pub(super) enum Found {
    File(File),
    Directory(OwnedFd),
}

/// A pipe must not make us wait for its other end, nor a terminal become ours.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
        Ok(Self(open(path, flags, Mode::empty())?))
    }

    /// Opens what has that name; `NotFound` for what is neither a file nor a directory.
    pub(super) fn open_below(&self, name: &Path) -> io::Result<Found> {
        let name = if name.as_os_str().is_empty() {
            Path::new(".")
        } else {
            name
        };
        // Links that stay below are followed; those of /proc, which lead anywhere, are not.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = match openat2(&self.0, name, READ, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM) => self.open_step_by_step(name),
            opened => opened,
        }?;
        match FileType::from_raw_mode(fstat(&opened)?.st_mode) {
            FileType::RegularFile => Ok(Found::File(opened.into())),
            FileType::Directory => Ok(Found::Directory(opened)),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// For systems without `openat2`: no symbolic link is followed at all.
    fn open_step_by_step(&self, name: &Path) -> Result<OwnedFd, Errno> {
        let mut at = self.0.try_clone().map_err(|_| Errno::MFILE)?;
        for component in name.components() {
            let component = match component {
                Component::Normal(component) => component,
                Component::CurDir => ".".as_ref(),
                _ => return Err(Errno::XDEV),
            };
            at = openat(&at, component, READ | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(at)
    }
}

/// Whether opening failed because of a symbolic link that leads out of the directory.
pub(super) fn leads_out(error: &io::Error) -> bool {
    let of = |errno: Errno| error.raw_os_error() == Some(errno.raw_os_error());
    // A device or a socket under the name is as nothing.
    of(Errno::XDEV) || of(Errno::LOOP) || of(Errno::NXIO) || of(Errno::OPNOTSUPP)
}

/// The file that a path names. `None`: it can name none.
pub(super) fn decode(path: &str) -> Option<PathBuf> {
    let mut name = PathBuf::new();
    for part in path.strip_prefix('/')?.split('/') {
        let part = decode_part(part)?;
        // An encoded slash is a part of a name, and no file has one.
        if part.contains(&b'/') || part.contains(&0) || part == b".." {
            return None;
        }
        if !part.is_empty() && part != b"." {
            name.push(OsString::from_vec(part));
        }
    }
    (name.as_os_str().as_bytes().len() < 4096).then_some(name)
}

fn decode_part(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        decoded.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once_and_name_nothing_above() {
        for (path, expected) in [
            ("/", Some("")),
            ("/a/b.txt", Some("a/b.txt")),
            ("//a///b", Some("a/b")),
            ("/./a", Some("a")),
            ("/a%20b%2541", Some("a b%41")),
            ("/%e2%82%ac", Some("€")),
            ("/...", Some("...")),
            ("/..", None),
            ("/a/../b", None),
            ("/%2e%2e/b", None),
            ("/.%2E/b", None),
            ("/a%2Fb", None),
            ("/..%2f", None),
            ("/a%00", None),
            ("/a%", None),
            ("/a%2", None),
            ("/a%zz", None),
            ("a", None),
            ("", None),
            ("*", None),
        ] {
            assert_eq!(decode(path), expected.map(PathBuf::from), "{path}");
        }
        assert_eq!(decode(&format!("/{}", "a".repeat(5000))), None);
    }

    #[test]
    fn both_ways_of_opening_stay_below_the_directory() {
        let room = tempfile::tempdir().unwrap();
        let served = room.path().join("served");
        std::fs::create_dir_all(served.join("sub")).unwrap();
        std::fs::write(served.join("sub/file"), "x").unwrap();
        std::fs::write(room.path().join("outside"), "secret").unwrap();
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, served.join(name)).unwrap();
        };
        link("../outside", "out");
        link("/etc", "etc");
        link("/proc/self/root", "root");
        link("..", "up");
        let root = Root::open(&served).unwrap();
        assert!(matches!(
            root.open_below(Path::new("sub/file")),
            Ok(Found::File(_))
        ));
        assert!(matches!(
            root.open_below(Path::new("")),
            Ok(Found::Directory(_))
        ));
        assert!(root.open_step_by_step(Path::new("sub/file")).is_ok());
        for name in [
            "out",
            "etc",
            "etc/passwd",
            "root",
            "up/outside",
            "../outside",
            "/etc/passwd",
        ] {
            assert!(root.open_below(Path::new(name)).is_err(), "{name}");
            assert!(root.open_step_by_step(Path::new(name)).is_err(), "{name}");
        }
    }
}
