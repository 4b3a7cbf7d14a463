//! `peerdist conform check-capture`: what it says of SMB2, and how it ends.

use peerdist_conformance::evidence::pcapng;
use peerdist_conformance::evidence::record::{Flow, Recorder, Transport};

use crate::room::Room;

/// A message of SMB2 in its frame. `fields`: offsets in the body and what stands there.
fn message(command: u16, is_response: bool, length: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut inside = b"\xFESMB\x40\0".to_vec();
    inside.resize(64 + length, 0);
    inside[12..14].copy_from_slice(&command.to_le_bytes());
    inside[16] = u8::from(is_response);
    // MessageId and TreeId.
    inside[24] = u8::try_from(command).unwrap();
    inside[36] = u8::from(command == 3 && is_response);
    for (at, bytes) in fields {
        inside[64 + at..64 + at + bytes.len()].copy_from_slice(bytes);
    }
    let size = u32::try_from(inside.len()).unwrap();
    [size.to_be_bytes().to_vec(), inside].concat()
}

/// Dialect 2.1, and a share with these flags.
fn share(flags: u32) -> Vec<(bool, Vec<u8>)> {
    let offered = [(0, &[36, 0, 1, 0][..]), (36, &[0x10, 0x02][..])];
    let taken = [(0, &[65, 0][..]), (4, &[0x10, 0x02][..])];
    let flags = flags.to_le_bytes();
    vec![
        (true, message(0, false, 38, &offered)),
        (false, message(0, true, 64, &taken)),
        (true, message(3, false, 8, &[(0, &[9, 0])])),
        (false, message(3, true, 16, &[(0, &[16, 0]), (4, &flags)])),
    ]
}

fn capture(room: &Room, frames: &[(bool, Vec<u8>)]) -> String {
    let recorder = Recorder::new();
    let flow = recorder.flow(Flow {
        transport: Transport::Tcp,
        local: "10.0.0.1:50000".parse().unwrap(),
        remote: "10.0.0.2:445".parse().unwrap(),
    });
    for (is_client, frame) in frames {
        if *is_client {
            flow.sent(frame);
        } else {
            flow.received(frame);
        }
    }
    room.write("smb.pcapng", pcapng::capture(&recorder.record()));
    "smb.pcapng".to_owned()
}

fn sealed() -> (bool, Vec<u8>) {
    (true, b"\0\0\0\x08\xFDSMBxxxx".to_vec())
}

#[test]
fn a_share_is_judged_and_what_is_encrypted_is_counted() {
    let room = Room::new();
    let mut frames = share(0x2000);
    frames.push(sealed());
    let file = capture(&room, &frames);
    let said = room.run_args(&["conform", "check-capture", &file]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.text().contains("1 tree connect response\n"),
        "{}",
        said.text()
    );
    assert!(
        said.text()
            .contains("could not be judged: 1 encrypted SMB2 message\nas required\n"),
        "{}",
        said.text()
    );
    let file = capture(&room, &share(0x6000));
    let said = room.run_args(&["conform", "check-capture", &file]);
    assert_eq!(said.code, Some(1), "{}", said.text());
    let finding = "packet 10, 10.0.0.2:445 to 10.0.0.1:50000\n\
                   FAIL  SMB2-2.2.10-02: ShareFlags is 0x00006000, with ENABLE_HASH_V2 in dialect 2.1\n";
    assert!(said.text().starts_with(finding), "{}", said.text());
}

#[test]
fn nothing_but_encrypted_messages_is_nothing_judged() {
    let room = Room::new();
    let file = capture(&room, &[sealed(), sealed()]);
    let said = room.run_args(&["conform", "check-capture", &file]);
    assert_eq!(said.code, Some(3));
    let why = "could not be judged: 2 encrypted SMB2 messages";
    assert!(said.stderr.contains(why), "{}", said.stderr);
}
