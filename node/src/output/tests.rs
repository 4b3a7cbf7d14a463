//! What stands under a name, and beside it, after each way in which writing can end.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn parts() -> [&'static [u8]; 3] {
    [b"one ", b"", b"two"]
}

fn write_parts(to: &mut dyn Write) -> io::Result<()> {
    parts().into_iter().try_for_each(|part| to.write_all(part))
}

/// The same for a file without a name and for one under another: both must work wherever they can be had.
fn each_draft(test: impl Fn(&Path, &dyn Fn(PathBuf) -> Draft)) {
    let named = tempfile::tempdir().unwrap();
    test(named.path(), &|target| Draft::named(target).unwrap());
    let best = tempfile::tempdir().unwrap();
    test(best.path(), &|target| {
        Draft::in_directory_of(target).unwrap()
    });
    let probe = Draft::in_directory_of(best.path().join("probe")).unwrap();
    if matches!(probe, Draft::Named { .. }) {
        eprintln!("NOT RUN: files without a name; this file system has none");
    }
}

#[test]
fn a_new_file_has_all_parts_and_is_its_owners_alone() {
    each_draft(|directory, draft| {
        let path = directory.join("new");
        draft(path.clone()).finish(write_parts).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one two");
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(names_in(directory), ["new"]);
    });
}

#[test]
fn an_existing_file_is_replaced_and_those_who_have_it_open_keep_the_old_one() {
    each_draft(|directory, draft| {
        let path = directory.join("old");
        fs::write(&path, "old bytes").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let reader = File::open(&path).unwrap();
        let draft = draft(path.clone());
        assert_eq!(fs::read(&path).unwrap(), b"old bytes");
        draft.finish(write_parts).unwrap();
        assert_eq!(io::read_to_string(reader).unwrap(), "old bytes");
        assert_eq!(fs::read(&path).unwrap(), b"one two");
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(names_in(directory), ["old"]);
    });
}

#[test]
fn a_draft_that_is_dropped_leaves_things_as_they_were() {
    each_draft(|directory, draft| {
        fs::write(directory.join("old"), "old bytes").unwrap();
        drop(draft(directory.join("old")));
        drop(draft(directory.join("new")));
        assert_eq!(names_in(directory), ["old"]);
        assert_eq!(fs::read(directory.join("old")).unwrap(), b"old bytes");
    });
}

#[test]
fn a_directory_that_takes_the_name_meanwhile_is_an_error_and_leaves_no_draft() {
    each_draft(|directory, draft| {
        let path = directory.join("late");
        let draft = draft(path.clone());
        fs::create_dir(&path).unwrap();
        draft.finish(write_parts).unwrap_err();
        assert_eq!(names_in(directory), ["late"]);
    });
}

#[test]
fn a_symbolic_link_stays_one_and_what_it_names_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("elsewhere")).unwrap();
    fs::write(at("elsewhere/file"), "old bytes").unwrap();
    symlink("elsewhere/file", at("near")).unwrap();
    symlink("near", at("far")).unwrap();
    write(&at("far"), parts()).unwrap();
    assert_eq!(fs::read(at("elsewhere/file")).unwrap(), b"one two");
    assert_eq!(fs::read_link(at("far")).unwrap(), Path::new("near"));
    assert_eq!(
        fs::read_link(at("near")).unwrap(),
        Path::new("elsewhere/file")
    );
    assert_eq!(names_in(directory.path()), ["elsewhere", "far", "near"]);
    assert_eq!(names_in(&at("elsewhere")), ["file"]);
}

#[test]
fn a_symbolic_link_to_nothing_stays_one_and_its_file_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link");
    symlink("file", &link).unwrap();
    write(&link, parts()).unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("file"));
    assert_eq!(fs::read(directory.path().join("file")).unwrap(), b"one two");
}

#[test]
fn symbolic_links_in_a_circle_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link");
    symlink("link", &link).unwrap();
    let error = write(&link, parts()).unwrap_err().to_string();
    assert!(error.ends_with("in a circle"), "{error}");
}

#[test]
fn a_directory_is_refused_and_so_is_a_file_in_none() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let error = write(directory.path(), parts()).unwrap_err();
    assert!(matches!(error, OutputError::IsDirectory { .. }), "{error}");
    symlink(".", at("link")).unwrap();
    let error = write(&at("link"), parts()).unwrap_err();
    assert!(matches!(error, OutputError::IsDirectory { .. }), "{error}");
    let error = write(&at("none/file"), parts()).unwrap_err();
    assert!(matches!(error, OutputError::NoDirectory { .. }), "{error}");
    fs::write(at("file"), "").unwrap();
    let error = write(&at("file/file"), parts()).unwrap_err();
    assert!(matches!(error, OutputError::NoDirectory { .. }), "{error}");
    assert_eq!(names_in(directory.path()), ["file", "link"]);
}

#[test]
fn a_device_takes_the_bytes_as_they_come_and_a_full_one_is_an_error() {
    write(Path::new("/dev/null"), parts()).unwrap();
    let error = write(Path::new("/dev/full"), parts()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot write /dev/full: No space left"),
        "{error}"
    );
}

#[test]
fn a_name_without_a_directory_is_in_the_one_we_are_in() {
    assert_eq!(directory_of(Path::new("file")), Path::new("."));
    assert_eq!(directory_of(Path::new("/file")), Path::new("/"));
    assert_eq!(directory_of(Path::new("a/file")), Path::new("a"));
}
