//! RFC 5280 4.1.2.5: from when until when a certificate is valid, and nothing else of it.
//! Invariant: whatever the bytes are, they are walked within their bounds, or there is no answer.
//! Byte order: big-endian (DER).

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const EXPLICIT_VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first and the last moment of a certificate, in seconds since 1970.
pub(super) fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, EXPLICIT_VERSION) {
        fields = rest;
    }
    // serialNumber, signature, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        fields = element(fields, tag)?.1;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (from, rest) = time(validity)?;
    let (until, _) = time(rest)?;
    Some((from, until))
}

/// The content of the element at the start, and what is behind it.
fn element(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    (tag == expected).then_some(())?;
    rest.split_at_checked(length)
}

fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let of_utc = element(bytes, UTC_TIME);
    let (text, rest) = of_utc.or_else(|| element(bytes, GENERALIZED_TIME))?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest_of_text) = match of_utc {
        Some(_) => {
            let two: i64 = text.get(..2)?.parse().ok()?;
            (
                if two < 50 { 2000 + two } else { 1900 + two },
                text.get(2..)?,
            )
        }
        None => (text.get(..4)?.parse().ok()?, text.get(4..)?),
    };
    let part = |at: usize| -> Option<i64> { rest_of_text.get(at..at + 2)?.parse().ok() };
    let (month, day) = (part(0)?, part(2)?);
    let seconds = part(4)? * 3_600 + part(6)? * 60 + part(8)?;
    Some((days(year, month, day) * 86_400 + seconds, rest))
}

/// Days since 1970 of a day of the Gregorian calendar, years counted from March so that leap days end them.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    use super::*;

    const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/server.pem");

    #[test]
    fn days_are_those_of_the_calendar() {
        for (date, day) in [
            ((1970, 1, 1), 0),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2026, 11, 21), 20_778),
            ((2100, 3, 1), 47_541),
        ] {
            assert_eq!(days(date.0, date.1, date.2), day, "{date:?}");
        }
    }

    #[test]
    fn a_certificates_times_are_those_that_openssl_reads() {
        let der = CertificateDer::from_pem_file(SERVER).unwrap();
        let (from, until) = validity(&der).unwrap();
        assert!(from < until);
        let says = |option: &str| {
            let args = ["x509", "-noout", "-in", SERVER, option];
            let output = Command::new("openssl").args(args).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            let date = text.trim().split_once('=')?.1.to_owned();
            let seconds = Command::new("date")
                .args(["-u", "+%s", "-d", &date])
                .output();
            String::from_utf8(seconds.ok()?.stdout)
                .ok()?
                .trim()
                .parse::<i64>()
                .ok()
        };
        match (says("-startdate"), says("-enddate")) {
            (Some(start), Some(end)) => assert_eq!((from, until), (start, end)),
            _ => eprintln!("NOT RUN: a certificate's times against openssl: it is not there"),
        }
    }

    #[test]
    fn no_cut_of_a_certificate_is_one() {
        let der = CertificateDer::from_pem_file(SERVER).unwrap();
        for length in 0..der.len() {
            let cut = der.get(..length).unwrap();
            assert_eq!(validity(cut), None, "{length}");
        }
        assert_eq!(validity(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
