//! Neighbours that have no addresses on their network but those that they gave themselves (RFC 4291 2.5.6).
//! Invariant: they reach each other over that network alone; each has a line of its own to the origin.
//! Byte order: none.

use std::fs;

use crate::branch::PREFIX;
use crate::namespaces::{Namespace, Running};
use crate::{PATIENCE, REST, TRIES_MOST, no_namespaces};

const LENGTH: usize = 700_000;

/// A client, and the origin's address on its line.
type Client = (Namespace, String);

fn client(origin: &Namespace, number: usize) -> Result<Client, String> {
    let name = format!("{PREFIX}{}-near-{number}", std::process::id());
    let client = Namespace::new(name)?;
    let (own, net) = (client.name(), format!("10.78.{number}"));
    origin.ip(&format!(
        "link add line{number} type veth peer name line netns {own}"
    ))?;
    origin.ip(&format!("addr add {net}.1/24 dev line{number}"))?;
    origin.ip(&format!("link set line{number} up"))?;
    client.ip(&format!("addr add {net}.2/24 dev line"))?;
    client.ip("link set line up")?;
    Ok((client, format!("{net}.1:8080")))
}

/// Both have interfaces of different numbers on it, so that the zone of one means nothing to the other.
fn join(one: &Namespace, other: &Namespace) -> Result<(), String> {
    other.ip("link add unused type veth peer name unused-too")?;
    let there = other.name();
    one.ip(&format!(
        "link add lan type veth peer name lan netns {there}"
    ))?;
    for (number, namespace) in [one, other].into_iter().enumerate() {
        namespace.ip("link set lan addrgenmode none up")?;
        let own = number + 1;
        namespace.ip(&format!("addr add fe80::{own}/64 dev lan nodad"))?;
    }
    Ok(())
}

/// The origin, and two clients.
fn neighbours() -> Result<(Namespace, Client, Client), String> {
    let origin = Namespace::new(format!("{PREFIX}{}-near-origin", std::process::id()))?;
    let (one, other) = (client(&origin, 1)?, client(&origin, 2)?);
    join(&one.0, &other.0)?;
    Ok((origin, one, other))
}

fn get(client: &Namespace, directory: &std::path::Path, origin: &str, more: &str) -> Running {
    let line = format!("get http://{origin}/content --mode distributed --json {more}");
    client.start(directory, &line)
}

#[test]
fn a_neighbour_that_has_but_a_link_local_address_is_asked() {
    if let Some(why) = no_namespaces() {
        eprintln!("NOT RUN: neighbours by their link-local addresses: {why}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (origin, one, other) = match neighbours() {
        Ok(made) => made,
        Err(why) => {
            eprintln!("NOT RUN: neighbours by their link-local addresses: {why}");
            return;
        }
    };
    let ((one, one_line), (other, other_line)) = (one, other);
    fs::create_dir(directory.join("root")).unwrap();
    let content: Vec<u8> = (0..LENGTH as u64)
        .map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0])
        .collect();
    fs::write(directory.join("root/content"), &content).unwrap();
    std::thread::sleep(REST);
    let mut serving = origin.start(directory, "serve --root root --listen 0.0.0.0:8080");
    serving.says("http://");
    // Content that is described only behind its first answer would not be shared at once.
    let warm = get(&one, directory, &one_line, "-o warm");
    warm.ends(PATIENCE);

    let mut first = get(&one, directory, &one_line, "-o first --share-for 3600");
    first.makes(&directory.join("first"), PATIENCE);
    // A search is over after 300 ms, which a machine that is busy may let pass.
    let mut second = serde_json::Value::Null;
    for _ in 0..TRIES_MOST {
        let said = get(&other, directory, &other_line, "-o second").ends(PATIENCE);
        assert!(fs::read(directory.join("second")).unwrap() == content);
        fs::remove_file(directory.join("second")).unwrap();
        second = serde_json::from_str(&said).unwrap();
        if second["bytes_from_peers"] == LENGTH {
            break;
        }
        eprintln!("again: {second}");
    }
    first.interrupt();
    first.ends(PATIENCE);
    serving.interrupt();
    serving.ends(PATIENCE);
    assert_eq!(second["bytes_from_peers"], LENGTH, "{second}");
}
