//! What went over a flow, for people: a line of HTTP as a line, bytes in hexadecimal, and what they mean beside them.
//! Invariant: every byte of the event is shown or counted; the meaning is that of core's decoder and decides nothing.
//! Byte order: that of each message.

use core::fmt::Write as _;

use peerdist::decode::{self, Field, Value};

use super::record::{Event, Record, Transport, What};
use crate::wire::http::Head;

/// Bytes of a body that are shown in hexadecimal.
const SHOWN_BYTES: usize = 512;
/// Fields of a message that are named.
const SHOWN_FIELDS: usize = 64;
const BYTES_A_LINE: usize = 16;

/// The whole record, with offsets in time in front.
#[must_use]
pub fn timeline(record: &Record) -> String {
    let mut text = String::new();
    for event in &record.events {
        event_lines(&mut text, record, event);
    }
    if record.events_left_out > 0 {
        // Writing into memory cannot fail.
        let _ = writeln!(text, "{} more events are not kept", record.events_left_out);
    }
    text
}

/// What went over the flow that was last heard of before a note, from the last question on; of the whole record where
/// there is no such note.
#[must_use]
pub fn last_exchange(record: &Record, note: Option<&str>) -> String {
    let is_note =
        |event: &Event| matches!(&event.what, What::Note(text) if Some(text.as_str()) == note);
    let end = record.events.iter().position(is_note);
    let before = end.and_then(|end| record.events.get(..end));
    let before = before.unwrap_or(&record.events);
    let Some(flow) = before.iter().rev().find_map(|event| event.flow) else {
        return String::new();
    };
    let events: Vec<&Event> = before
        .iter()
        .filter(|event| event.flow == Some(flow))
        .collect();
    let direction = |event: &Event| match &event.what {
        What::Sent(_) | What::LeftOut { sent: true, .. } => Some(true),
        What::Received(_) | What::LeftOut { sent: false, .. } => Some(false),
        _ => None,
    };
    // Two turns, question and answer; or one, where what followed it was silence or the end.
    let nothing = |event: &Event| matches!(event.what, What::Silence(_) | What::ClosedByOther);
    let last = events
        .iter()
        .rfind(|event| direction(event).is_some() || nothing(event));
    let is_answered = last.is_some_and(|event| !nothing(event));
    let turns = if is_answered { 2 } else { 1 };
    let (mut begin, mut seen, mut last) = (events.len(), 0, None);
    for (place, event) in events.iter().enumerate().rev() {
        let Some(now) = direction(event) else {
            continue;
        };
        if last != Some(now) {
            seen += 1;
            last = Some(now);
        }
        if seen > turns {
            break;
        }
        begin = place;
    }
    let shown = events.get(begin..).unwrap_or_default();
    shown.iter().fold(String::new(), |mut text, event| {
        event_lines(&mut text, record, event);
        text
    })
}

fn event_lines(text: &mut String, record: &Record, event: &Event) {
    text.push_str(&line(record, event));
    if let What::Sent(bytes) | What::Received(bytes) = &event.what {
        for shown in annotated(bytes).lines() {
            // Writing into memory cannot fail.
            let _ = writeln!(text, "    {shown}");
        }
    }
}

fn line(record: &Record, event: &Event) -> String {
    let flow = event.flow.and_then(|number| {
        let flow = record.flows.get(number)?;
        Some(match flow.transport {
            Transport::Command => "command".to_owned(),
            Transport::Tcp => format!("tcp {} - {}", flow.local, flow.remote),
            Transport::Tls => format!("tls {} - {}", flow.local, flow.remote),
            Transport::Udp => format!("udp {} - {}", flow.local, flow.remote),
        })
    });
    let flow = flow.map(|flow| format!("  [{flow}]")).unwrap_or_default();
    let what = match &event.what {
        What::Opened => "connected".to_owned(),
        What::Accepted => "connected by the other side".to_owned(),
        What::Finished => "nothing more will be sent".to_owned(),
        What::Sent(bytes) => format!("sent {} bytes", bytes.len()),
        What::Received(bytes) => format!("received {} bytes", bytes.len()),
        What::Closed => "closed".to_owned(),
        What::ClosedByOther => "closed by the other side".to_owned(),
        What::Silence(time) => format!("nothing came within {} ms", time.as_millis()),
        What::Note(text) => printable(text),
        What::LeftOut { sent: true, bytes } => format!("sent {bytes} bytes that are not kept"),
        What::LeftOut { sent: false, bytes } => format!("received {bytes} bytes that are not kept"),
    };
    format!("{:>9.3} s  {what}{flow}\n", event.at.as_secs_f64())
}

/// Bytes as they are shown: the head of HTTP as text, the rest in hexadecimal with the names of its fields.
#[must_use]
pub fn annotated(bytes: &[u8]) -> String {
    let mut text = String::new();
    let head = match Head::read(bytes) {
        Ok(Some(head)) if head.status().is_some() || head.request().is_some() => Some(head),
        _ => None,
    };
    let body = match &head {
        Some(head) => {
            let _ = writeln!(text, "{}", printable(&head.start));
            for (name, value) in &head.fields {
                let _ = writeln!(text, "{}: {}", printable(name), printable(value));
            }
            bytes.get(head.bytes..).unwrap_or_default()
        }
        None => bytes,
    };
    if body.is_empty() {
        return text;
    }
    match core::str::from_utf8(body) {
        Ok(xml) if xml.trim_start().starts_with('<') => {
            for line in xml.lines() {
                let _ = writeln!(text, "{}", printable(line));
            }
        }
        _ => {
            hex_dump(&mut text, body);
            fields_of(&mut text, body);
        }
    }
    text
}

fn hex_dump(text: &mut String, bytes: &[u8]) {
    let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    for (number, line) in shown.chunks(BYTES_A_LINE).enumerate() {
        let mut digits = String::new();
        for byte in line {
            let _ = write!(digits, "{byte:02x} ");
        }
        let letters: String = line.iter().map(|byte| letter(*byte)).collect();
        let _ = writeln!(
            text,
            "{:06x}  {digits:<48} {letters}",
            number * BYTES_A_LINE
        );
    }
    if bytes.len() > shown.len() {
        let _ = writeln!(text, "        {} more bytes", bytes.len() - shown.len());
    }
}

fn fields_of(text: &mut String, bytes: &[u8]) {
    let Ok(decoded) = decode::decode(bytes, None) else {
        return;
    };
    let Some(protocol) = decoded.protocol else {
        return;
    };
    let _ = writeln!(text, "{} {}", protocol.document(), decoded.message);
    let mut left = SHOWN_FIELDS;
    for field in &decoded.fields {
        field_line(text, field, 0, &mut left);
    }
    if left == 0 {
        let _ = writeln!(text, "  more fields are not shown");
    }
    if let Some(error) = &decoded.error {
        let _ = writeln!(text, "  byte {}, {}: {}", error.at, error.field, error.why);
    }
}

fn field_line(text: &mut String, field: &Field<'_>, depth: usize, left: &mut usize) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    let value = match &field.value {
        Value::Group => String::new(),
        Value::Number(number) => format!(" = {number}"),
        Value::Bytes(bytes) | Value::Secret(bytes) => {
            let mut digits = String::from(" = ");
            for byte in bytes.iter().take(8) {
                let _ = write!(digits, "{byte:02x}");
            }
            if bytes.len() > 8 {
                digits.push('…');
            }
            digits
        }
        Value::Text(words) => format!(" = {}", printable(words)),
    };
    let meaning = match field.meaning.as_str() {
        "" => String::new(),
        meaning => format!("  {}", printable(meaning)),
    };
    let _ = writeln!(
        text,
        "{:06x}  {}{}{value}{meaning}",
        field.at,
        "  ".repeat(depth),
        field.name
    );
    for child in &field.children {
        field_line(text, child, depth + 1, left);
    }
}

/// Bytes of a message in one line, as in the texts of findings.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn letter(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}

/// What came from elsewhere, without what would move a terminal's cursor.
#[must_use]
pub fn printable(text: &str) -> String {
    let shown = |sign: char| if sign.is_control() { '\u{fffd}' } else { sign };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::record::Recorder;
    use crate::wire::{http, retrieval};

    #[test]
    fn a_request_is_shown_as_head_bytes_and_fields() {
        let message = retrieval::negotiation_request(1, 2).to_bytes();
        let bytes = http::request("POST", retrieval::PATH, "a:1", &[], &message);
        let shown = annotated(&bytes);
        assert!(shown.starts_with("POST /116B50EB"), "{shown}");
        assert!(shown.contains("000000  00 00 00 01 00 00 00 00"), "{shown}");
        assert!(shown.contains("MinSupportedProtocolVersion = 1"), "{shown}");
    }

    #[test]
    fn the_last_exchange_is_the_question_and_what_came_of_it() {
        use super::super::record::{Flow, Recorder};
        let flow = |recorder: &Recorder, port: u16| {
            recorder.flow(Flow {
                transport: Transport::Tcp,
                local: ([127, 0, 0, 1], port).into(),
                remote: ([127, 0, 0, 1], 80).into(),
            })
        };
        let recorder = Recorder::new();
        let (one, other) = (flow(&recorder, 1), flow(&recorder, 2));
        one.sent(b"<first/>");
        one.received(b"<answer/>");
        one.sent(b"<second/>");
        other.sent(b"<other/>");
        one.received(b"<half>");
        one.received(b"</half>");
        recorder.note("X-1: not so");
        other.add(What::Silence(std::time::Duration::from_millis(400)));
        let record = recorder.record();
        let shown = last_exchange(&record, Some("X-1: not so"));
        let places = ["<second/>", "<half>", "</half>"].map(|part| shown.find(part));
        assert!(places.is_sorted() && places[0].is_some(), "{shown}");
        assert!(!shown.contains("<other/>") && !shown.contains("<answer/>"));
        let shown = last_exchange(&record, None);
        assert!(shown.contains("<other/>") && shown.contains("nothing came"));
        assert_eq!(last_exchange(&Recorder::new().record(), None), "");
    }

    #[test]
    fn bytes_that_are_nothing_known_are_shown_all_the_same() {
        let shown = annotated(&[0x1b, b'[', b'2', b'J', 0xff]);
        assert!(shown.contains("1b 5b 32 4a ff"), "{shown}");
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn notes_of_what_came_move_no_cursor() {
        let recorder = Recorder::new();
        recorder.note("unknown entity &\u{1b}[2J;");
        let shown = timeline(&recorder.record());
        assert!(shown.contains("unknown entity &\u{fffd}[2J;"), "{shown}");
    }
}
