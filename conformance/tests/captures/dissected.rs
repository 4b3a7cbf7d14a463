//! Another reader of SMB2 sees in these captures what they are meant to be: tshark (4.0.17 when this was written) dissects
//! them, field by field, and calls nothing malformed.

use std::fs;
use std::process::Command;

use crate::smb;
use crate::smb_writer::Exchange;

/// What tshark prints of a capture, a line for each packet that has any of it.
fn tshark(exchange: &Exchange, options: &[&str]) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smb.pcapng");
    fs::write(&path, exchange.capture()).unwrap();
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(options);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("NOT RUN: tshark: {error}");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    Some(lines.map(str::to_owned).collect())
}

/// The values of fields in packets, all occurrences of each.
fn fields(exchange: &Exchange, filter: &str, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut options = vec!["-Y", filter, "-T", "fields"];
    for field in fields {
        options.extend(["-e", field]);
    }
    let lines = tshark(exchange, &options)?;
    let cells = |line: &String| line.split('\t').map(str::to_owned).collect();
    Some(lines.iter().map(cells).collect())
}

#[test]
fn tshark_finds_nothing_malformed() {
    for (name, exchange) in smb::exchanges() {
        let wrong = "_ws.malformed || _ws.unreassembled || tcp.analysis.flags";
        let Some(lines) = tshark(&exchange, &["-Y", wrong]) else {
            return;
        };
        assert_eq!(lines, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn tshark_reads_the_fields_as_they_were_meant() {
    let exchange = smb::hash_based();
    let asks = exchange.asks.len();
    let of = |filter: &str, names: &[&str]| fields(&exchange, filter, names);
    let Some(dialect) = of(
        "smb2.cmd == 0 && smb2.flags.response == 1",
        &["smb2.dialect"],
    ) else {
        return;
    };
    assert_eq!(dialect, [["0x0210"]]);
    let share = of(
        "smb2.cmd == 3 && smb2.flags.response == 1",
        &[
            "smb2.share_flags.enable_hash_v1",
            "smb2.share_flags.enable_hash_v2",
            "smb2.tid",
        ],
    );
    assert_eq!(share.unwrap(), [["1", "0", "0x00000005"]]);
    let created = of(
        "smb2.cmd == 5 && smb2.flags.response == 1",
        &["smb2.eof", "smb2.fid"],
    );
    let fid = "00000001-0009-0000-0200-000009000000";
    assert_eq!(created.unwrap(), [["400000", fid]]);
    let requests = of(
        "smb2.cmd == 11 && smb2.flags.response == 0",
        &[
            "smb2.ioctl.function",
            "smb2.fid",
            "smb2.max_ioctl_in_size",
            "smb2.max_ioctl_out_size",
            "smb2.ioctl.is_fsctl",
        ],
    );
    let requests = requests.unwrap();
    assert_eq!(requests.len(), asks);
    for request in requests {
        assert_eq!(request, ["0x001441bb", fid, "0", "116", "1"]);
    }
    let answers = of(
        "smb2.cmd == 11 && smb2.flags.response == 1",
        &["smb2.nt_status", "smb2.ioctl.function"],
    );
    let answers = answers.unwrap();
    assert_eq!(answers.len(), asks);
    let (last, others) = answers.split_last().unwrap();
    assert_eq!(last[0], "0xc0000011");
    for answer in others {
        assert_eq!(answer, &["0x00000000", "0x001441bb"]);
    }
    // One compound: three commands in a packet, either way.
    let compound = fields(
        &smb::compound(),
        "smb2.cmd == 11",
        &["smb2.cmd", "smb2.nt_status"],
    );
    let compound = compound.unwrap();
    assert_eq!(compound.len(), 2);
    for (packet, expected) in compound
        .iter()
        .zip(["", "0x00000000,0x00000000,0x00000000"])
    {
        assert_eq!(packet[0], "5,11,6");
        assert!(expected.is_empty() || packet[1] == expected, "{packet:?}");
    }
}
