//! The two forms of dates on the wire: `2023-02-01 23:42:35`, which is UTC without saying so, and RFC 3339.
//!
//! It never guesses: what is in neither form is no date.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Longer than any date in either form.
const LONGEST: usize = 64;

/// Reads a date of the wire. `None` for what is unreadable, and for the years before 1970 that servers write where they
/// have none (`0001-01-01 00:00:00`).
pub fn read_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| without_zone(text))?;
    (timestamp >= Timestamp::UNIX_EPOCH).then_some(timestamp)
}

fn without_zone(text: &str) -> Option<Timestamp> {
    // A bracketed or signed offset never counts as "no zone": jiff would read past it.
    if text.contains(['+', '[']) {
        return None;
    }
    text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_as_the_same_instant() {
        let expected: Timestamp = "2023-02-01T23:42:35Z".parse().expect("a timestamp");
        for text in [
            "2023-02-01 23:42:35",
            "2023-02-01T23:42:35",
            "2023-02-01 23:42:35.000",
            " 2023-02-01 23:42:35 ",
            "2023-02-01T23:42:35Z",
            "2023-02-01T23:42:35.000Z",
            "2023-02-02T01:42:35+02:00",
            "2023-02-01T18:42:35-05:00",
        ] {
            assert_eq!(read_date(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "0001-01-01 00:00:00",
            "0001-01-01T00:00:00Z",
            "2023-02-30 00:00:00",
            "2023-13-01 00:00:00",
            "2023-02-01 25:00:00",
            "1675294955",
            "99999-01-01 00:00:00",
            &"2".repeat(100_000),
        ] {
            assert_eq!(read_date(text), None, "{text:.40}");
        }
    }
}
