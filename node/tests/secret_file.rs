//! Secret keys from files: what is accepted, and what is said of what is not.

use std::fs;
use std::path::Path;

use peerdist::content::{MAX_SECRET_KEY_BYTES, SecretKey};
use peerdist_node::secret_file::{import, read};

#[test]
fn the_raw_bytes_of_a_file_are_the_key_whatever_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    for bytes in [
        &b"\0"[..],
        b"line\r\n",
        &[0xff; 100],
        &vec![7; MAX_SECRET_KEY_BYTES],
    ] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(read(&path).unwrap().expose(), bytes);
    }
}

#[test]
fn files_that_hold_no_key_are_refused_with_their_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let why = |path: &Path| read(path).unwrap_err().to_string();
    fs::write(&path, "").unwrap();
    assert!(why(&path).ends_with("key: the secret is empty; expected at least one byte"));
    fs::write(&path, vec![7; MAX_SECRET_KEY_BYTES + 1]).unwrap();
    assert!(
        why(&path).contains("expected at most 1048576"),
        "{}",
        why(&path)
    );
    assert!(why(Path::new("/dev/zero")).contains("expected at most 1048576"));
    assert!(why(directory.path()).contains("Is a directory"));
    assert!(why(&directory.path().join("none")).contains("No such file"));
}

#[test]
fn a_key_file_comes_back_with_its_passphrase_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    for bytes in [vec![1], vec![2; 32], vec![3; MAX_SECRET_KEY_BYTES]] {
        let key = SecretKey::new(bytes).unwrap();
        fs::write(&path, key.export("right").unwrap()).unwrap();
        assert_eq!(import(&path, "right").unwrap().expose(), key.expose());
        let why = import(&path, "wrong").unwrap_err().to_string();
        assert!(
            why.contains("the passphrase is wrong or the key file is damaged"),
            "{why}"
        );
    }
    fs::write(&path, "fifteen bytes..").unwrap();
    let why = import(&path, "right").unwrap_err().to_string();
    assert!(why.contains("not a key file: 15 bytes"), "{why}");
}
