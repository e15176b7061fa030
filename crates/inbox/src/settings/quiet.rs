//! Weekly quiet hours. Pure: the moment comes in with its time zone, since *22:00* is what a clock on the wall says, also in
//! the nights in which it is set.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, Zoned, civil::Weekday};
use serde::{Deserialize, Serialize};

/// A time on the wall's clock, to the minute; `HH:MM` as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    hour: i8,
    minute: i8,
}

/// What is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\u{201c}{0}\u{201d} is no time of day: it is written as 22:00")]
pub struct NoTimeOfDay(String);

impl FromStr for TimeOfDay {
    type Err = NoTimeOfDay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.split_once(':')
            .filter(|(hour, minute)| digits(hour) && digits(minute))
            .and_then(|(hour, minute)| Some(Self { hour: hour.parse().ok()?, minute: minute.parse().ok()? }))
            .filter(|time| time.hour < 24 && time.minute < 60)
            .ok_or_else(|| NoTimeOfDay(crate::text::bound(text, 20)))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = NoTimeOfDay;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the days say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A window of quiet on some days of each week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// The days on which it begins.
    pub days: Vec<Day>,
    /// When it begins.
    pub from: TimeOfDay,
    /// When it ends; on the next day where that is not after `from`.
    pub to: TimeOfDay,
}

impl QuietHours {
    /// When the window that holds `now` ends, if one does.
    fn end(&self, now: &Zoned) -> Option<Zoned> {
        let zone = now.time_zone();
        [now.date().yesterday().ok(), Some(now.date())].into_iter().flatten().find_map(|day| {
            if !self.days.contains(&day.weekday().into()) {
                return None;
            }
            let last = if self.to > self.from { day } else { day.tomorrow().ok()? };
            let at =
                |day: jiff::civil::Date, time: TimeOfDay| day.at(time.hour, time.minute, 0, 0).to_zoned(zone.clone());
            let (start, end) = (at(day, self.from).ok()?, at(last, self.to).ok()?);
            (start <= *now && *now < end).then_some(end)
        })
    }
}

/// Until when it is quiet at `now`, by windows that may overlap or follow each other; at most a week and a day on.
pub fn quiet_until(quiet: &[QuietHours], now: &Zoned) -> Option<Timestamp> {
    let mut until: Option<Zoned> = None;
    // Each turn ends in a later window; a week that is all quiet ends by the number of turns.
    for _ in 0..=quiet.len().saturating_mul(8) {
        let at = until.as_ref().unwrap_or(now);
        let Some(end) = quiet.iter().filter_map(|window| window.end(at)).max() else { break };
        until = Some(end);
    }
    until.map(|end| end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: [Day; 5] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
    const WEEK: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

    fn quiet(days: &[Day], from: &str, to: &str) -> QuietHours {
        QuietHours { days: days.to_vec(), from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn zoned(text: &str) -> Zoned {
        format!("{text}[Europe/Berlin]").parse().unwrap()
    }

    /// 2026-11-25 is a Wednesday.
    #[test]
    fn a_table_of_quiet_hours() {
        let night = [quiet(&WEEK, "22:00", "07:00")];
        let work_night = [quiet(&WORK, "22:00", "07:00")];
        let lunch = [quiet(&WORK, "12:00", "13:00")];
        let whole_sunday = [quiet(&[Day::Sun], "00:00", "00:00")];
        let weekend = [quiet(&[Day::Fri], "18:00", "00:00"), quiet(&[Day::Sat, Day::Sun], "00:00", "00:00")];
        let overlapping = [quiet(&WEEK, "20:00", "23:00"), quiet(&WEEK, "22:00", "02:00")];
        let skipped_hour = [quiet(&[Day::Sun], "02:15", "02:45")];
        let early = [quiet(&WEEK, "01:00", "03:30")];
        let cases: &[(&str, &[QuietHours], &str, Option<&str>)] = &[
            ("none at all", &[], "2026-11-25T23:00", None),
            ("before it", &night, "2026-11-25T21:59:59", None),
            ("at its first moment", &night, "2026-11-25T22:00", Some("2026-11-26T07:00")),
            ("before midnight", &night, "2026-11-25T23:59:59", Some("2026-11-26T07:00")),
            ("at midnight", &night, "2026-11-26T00:00", Some("2026-11-26T07:00")),
            ("after midnight", &night, "2026-11-26T06:59:59", Some("2026-11-26T07:00")),
            ("at its end", &night, "2026-11-26T07:00", None),
            ("Saturday morning belongs to Friday's night", &work_night, "2026-11-28T05:00", Some("2026-11-28T07:00")),
            ("Saturday night is nobody's", &work_night, "2026-11-28T23:00", None),
            ("Monday before dawn would be Sunday's", &work_night, "2026-11-23T05:00", None),
            ("within a day", &lunch, "2026-11-25T12:30", Some("2026-11-25T13:00")),
            ("within a day, past it", &lunch, "2026-11-25T13:00", None),
            ("from midnight to midnight is the whole day", &whole_sunday, "2026-11-29T13:00", Some("2026-11-30T00:00")),
            ("and not the day before", &whole_sunday, "2026-11-28T23:59", None),
            ("windows that follow each other", &weekend, "2026-11-27T19:00", Some("2026-11-30T00:00")),
            ("windows that overlap", &overlapping, "2026-11-25T20:30", Some("2026-11-26T02:00")),
            // In the night to 2026-03-29 the clock goes from 02:00 to 03:00.
            ("the short night", &night, "2026-03-28T23:00", Some("2026-03-29T07:00")),
            ("an hour that is skipped cannot be quiet", &skipped_hour, "2026-03-29T03:00", None),
            ("an end that stands after the gap", &early, "2026-03-29T01:30", Some("2026-03-29T03:30")),
            // In the night to 2026-10-25 the clock goes from 03:00 back to 02:00.
            ("the long night", &night, "2026-10-24T22:30", Some("2026-10-25T07:00")),
            ("the hour that comes twice, first", &early, "2026-10-25T02:30+02:00", Some("2026-10-25T03:30")),
            ("the hour that comes twice, again", &early, "2026-10-25T02:30+01:00", Some("2026-10-25T03:30")),
        ];
        for (what, windows, now, end) in cases {
            let end = end.map(|end| zoned(end).timestamp());
            assert_eq!(quiet_until(windows, &zoned(now)), end, "{what}");
        }
    }

    #[test]
    fn a_week_that_is_all_quiet_ends_nowhere_and_is_found_out_in_time() {
        let now = zoned("2026-11-25T12:00");
        let until = quiet_until(&[quiet(&WEEK, "00:00", "00:00")], &now).unwrap();
        assert!(until > now.timestamp() + jiff::SignedDuration::from_hours(24 * 7));
    }

    #[test]
    fn a_time_of_day_is_read_as_it_is_written_and_nothing_else_is() {
        for text in ["00:00", "07:05", "23:59"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for text in ["", "7:00", "24:00", "12:60", "+1:00", "12:00:00", "noon", "12.00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }
}
