//! [`Settings`]: what the person decided, in a small file of its own that outlives accounts. What is missing in it has its
//! default; what cannot be understood is said and never written over unasked. It must never hold a secret.

mod quiet;

use std::path::Path;

use jiff::{SignedDuration, Timestamp, Zoned};
use serde::{Deserialize, Serialize};

pub use quiet::{Day, NoTimeOfDay, QuietHours, TimeOfDay, quiet_until};

use crate::{
    Code, Event, Problem,
    store::{StoreError, private_files},
};

/// The file in the data folder.
const FILE: &str = "settings.json";
/// Far more than the file ever needs.
const MAX_BYTES: u64 = 64 * 1024;
/// The version of the file.
const VERSION: u32 = 1;
/// More windows of quiet hours than a week can use.
const MOST_QUIET_HOURS: usize = 28;
/// A hundred years.
const MOST_DAYS: u32 = 36_500;
/// When a pause until tomorrow ends.
const MORNING: i8 = 8;
/// No pause that a person can ask for is longer: one that would be is of a clock that was set back.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(48);

/// What the person decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// When notifications wait, week by week.
    pub quiet_hours: Vec<QuietHours>,
    /// What happens when a message arrives, by its event.
    pub rules: Rules,
    /// What a notification shows: any program of the session can read it.
    pub shows: Shows,
    /// What is removed from this device by itself.
    pub retention: Retention,
    /// Whether pictures of messages are fetched.
    pub images: Images,
    /// Whether the messages leave this device at sign-out, unless said otherwise then.
    pub purge_at_sign_out: Purge,
}

/// What happens when a message arrives, by its event. Events of the brand's own go by `message`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// For `message`.
    pub message: Rule,
    /// For `shoutout`.
    pub shoutout: Rule,
    /// For `inbox`.
    pub inbox: Rule,
}

impl Rules {
    /// The rule for an event.
    pub fn of(&self, event: &Event) -> Rule {
        match event {
            Event::Message | Event::Other(_) => self.message,
            Event::Shoutout => self.shoutout,
            Event::Inbox => self.inbox,
        }
    }
}

/// What happens when a message arrives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A notification with the system's sound.
    Sound,
    /// A silent notification.
    #[default]
    Alert,
    /// List and badge only.
    List,
}

/// What a notification shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// Title and preview.
    #[default]
    Full,
    /// The title alone.
    Title,
    /// That something came, and of what kind.
    Nothing,
}

/// How long read messages stay on this device. Unread ones stay whatever this says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Read messages older than so many days go; none: they stay however old.
    pub days: Option<u32>,
    /// Read messages beyond the newest so many go (those not read count, and stay); none: they stay however many.
    pub messages: Option<u32>,
}

/// Whether pictures of messages are fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// With the message.
    #[default]
    Always,
    /// When the person asks for one.
    Ask,
    /// Never.
    Never,
}

/// What a sign-out does with the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Purge {
    /// They leave this device.
    #[default]
    Purge,
    /// They stay for the next sign-in of the same user.
    Keep,
}

impl From<bool> for Purge {
    fn from(purge: bool) -> Self {
        if purge { Self::Purge } else { Self::Keep }
    }
}

impl From<Purge> for bool {
    fn from(purge: Purge) -> Self {
        purge == Purge::Purge
    }
}

/// For how long a person pauses notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseFor {
    /// 30 minutes.
    HalfHour,
    /// An hour.
    Hour,
    /// Until eight in the morning of the next day.
    Tomorrow,
}

impl PauseFor {
    /// When a pause that begins at `now` ends.
    pub fn end(self, now: &Zoned) -> Timestamp {
        let later = |by: SignedDuration| now.timestamp().checked_add(by).unwrap_or(Timestamp::MAX);
        match self {
            Self::HalfHour => later(SignedDuration::from_mins(30)),
            Self::Hour => later(SignedDuration::from_hours(1)),
            Self::Tomorrow => now
                .date()
                .tomorrow()
                .and_then(|day| day.at(MORNING, 0, 0, 0).to_zoned(now.time_zone().clone()))
                .map_or_else(|_| later(SignedDuration::from_hours(12)), |morning| morning.timestamp()),
        }
    }
}

/// What is kept in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) settings: Settings,
    /// Until when the person paused notifications.
    pub(crate) paused_until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    version: u32,
    #[serde(flatten)]
    settings: Settings,
    #[serde(default)]
    paused_until: Option<Timestamp>,
}

impl Settings {
    /// Refuses what makes no sense, with what would.
    pub fn check(&self) -> Result<(), Problem> {
        let refuse = |message: &str, hint: &str| Err(Problem::new(Code::BadInput, message, hint));
        if self.quiet_hours.len() > MOST_QUIET_HOURS {
            return refuse("These are more quiet hours than a week can use.", "Keep at most 28.");
        }
        if self.quiet_hours.iter().any(|quiet| quiet.days.is_empty()) {
            return refuse("Quiet hours without a day would never begin.", "Choose at least one day.");
        }
        if self.retention.days == Some(0) || self.retention.messages == Some(0) {
            return refuse("Messages have to stay for a while.", "Keep them for a day, or keep one, at least.");
        }
        if self.retention.days.is_some_and(|days| days > MOST_DAYS) {
            return refuse("That is longer than a hundred years.", "Keep them forever instead.");
        }
        Ok(())
    }
}

impl Kept {
    /// Reads it from `data_dir`. Where the file cannot be used the defaults hold, with what to tell the person; it stays
    /// until other settings are to be written, see [`Kept::set_aside`].
    pub(crate) fn read(data_dir: &Path) -> (Self, Option<Problem>) {
        let path = data_dir.join(FILE);
        let why = match private_files::read(&path, MAX_BYTES) {
            Ok(None) => return (Self::default(), None),
            Ok(Some(bytes)) => match serde_json::from_slice::<OnDisk>(&bytes) {
                Ok(found) if found.version > VERSION => "It is of a newer Traybell.".to_owned(),
                Ok(found) => match found.settings.check() {
                    Ok(()) => {
                        return (Self { settings: found.settings, paused_until: found.paused_until }, None);
                    }
                    Err(problem) => problem.message,
                },
                Err(error) => format!("It cannot be read: {error}."),
            },
            Err(error) => format!("{error}."),
        };
        tracing::warn!(path = %path.display(), why, "the settings cannot be used; the defaults hold");
        let hint = format!("Check the settings, or mend {}.", path.display());
        (
            Self::default(),
            Some(Problem::new(Code::SettingsReset, format!("The settings could not be used. {why}"), hint)),
        )
    }

    /// Keeps a file that could not be used out of the way of the next, beside those that were kept before.
    pub(crate) fn set_aside(data_dir: &Path) {
        let path = data_dir.join(FILE);
        let aside = path.with_extension(format!("json.unread-{}", Timestamp::now().strftime("%Y%m%dT%H%M%S")));
        if let Err(error) = std::fs::rename(&path, &aside) {
            tracing::warn!(%error, "the settings that could not be used are not kept");
        }
    }

    /// Writes it to `data_dir`, whole or not at all.
    pub(crate) fn write(&self, data_dir: &Path) -> Result<(), StoreError> {
        let on_disk = OnDisk { version: VERSION, settings: self.settings.clone(), paused_until: self.paused_until };
        let path = data_dir.join(FILE);
        let bytes = serde_json::to_vec_pretty(&on_disk)
            .map_err(|error| StoreError::Unwritable { path: path.clone(), source: error.into() })?;
        private_files::write_whole(&path, &bytes)
    }

    /// Until when notifications are paused at `now`, if they are.
    pub(crate) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.filter(|until| *until > now && until.duration_since(now) <= LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoned(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    #[test]
    fn a_pause_until_tomorrow_ends_at_eight_on_the_clock_there() {
        for (now, end) in [
            ("2026-11-25T14:00[Europe/Berlin]", "2026-11-26T08:00[Europe/Berlin]"),
            ("2026-11-25T00:30[Europe/Berlin]", "2026-11-26T08:00[Europe/Berlin]"),
            // The clocks go back in the night between.
            ("2026-10-24T22:00[Europe/Berlin]", "2026-10-25T08:00[Europe/Berlin]"),
            ("2026-03-28T22:00[Europe/Berlin]", "2026-03-29T08:00[Europe/Berlin]"),
        ] {
            assert_eq!(PauseFor::Tomorrow.end(&zoned(now)), zoned(end).timestamp(), "{now}");
        }
        let now = zoned("2026-11-25T14:00[UTC]");
        assert_eq!(PauseFor::HalfHour.end(&now), zoned("2026-11-25T14:30[UTC]").timestamp());
        assert_eq!(PauseFor::Hour.end(&now), zoned("2026-11-25T15:00[UTC]").timestamp());
    }

    #[test]
    fn a_pause_of_a_clock_that_was_set_back_is_none() {
        let now = zoned("2026-11-25T14:00[UTC]").timestamp();
        let kept = |hours| Kept { paused_until: Some(now + SignedDuration::from_hours(hours)), ..Kept::default() };
        assert_eq!(kept(1).paused_until(now), kept(1).paused_until);
        assert_eq!(kept(0).paused_until(now), None);
        assert_eq!(kept(-1).paused_until(now), None);
        assert_eq!(kept(9_000).paused_until(now), None);
    }

    #[test]
    fn settings_are_read_as_they_were_written_and_what_is_missing_has_its_default() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Kept::read(dir.path()), (Kept::default(), None));
        let settings = Settings {
            quiet_hours: vec![QuietHours {
                days: vec![Day::Mon],
                from: "22:00".parse().unwrap(),
                to: "06:30".parse().unwrap(),
            }],
            rules: Rules { shoutout: Rule::List, inbox: Rule::Sound, ..Rules::default() },
            shows: Shows::Nothing,
            retention: Retention { days: Some(90), messages: None },
            images: Images::Ask,
            purge_at_sign_out: Purge::Keep,
        };
        let kept = Kept { settings, paused_until: Some(Timestamp::UNIX_EPOCH) };
        kept.write(dir.path()).unwrap();
        assert_eq!(Kept::read(dir.path()), (kept, None));

        std::fs::write(dir.path().join(FILE), r#"{"version":1,"shows":"title","of_a_later_version":7}"#).unwrap();
        let expected = Settings { shows: Shows::Title, ..Settings::default() };
        assert_eq!(Kept::read(dir.path()).0.settings, expected);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_said_left_alone_and_kept_beside_the_next() {
        for contents in
            ["", "[]", r#"{"version":2}"#, r#"{"version":1,"shows":"all"}"#, r#"{"version":1,"retention":{"days":0}}"#]
        {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(FILE), contents).unwrap();
            let (kept, problem) = Kept::read(dir.path());
            assert_eq!(kept, Kept::default(), "{contents}");
            assert_eq!(problem.unwrap().code, Code::SettingsReset, "{contents}");
            assert_eq!(std::fs::read_to_string(dir.path().join(FILE)).unwrap(), contents, "it is left alone");
            Kept::set_aside(dir.path());
            let kept: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().path()).collect();
            assert_eq!(std::fs::read_to_string(&kept[0]).unwrap(), contents, "{kept:?}");
            assert_eq!(Kept::read(dir.path()), (Kept::default(), None));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let nothing = QuietHours { days: vec![], from: TimeOfDay::default(), to: TimeOfDay::default() };
        for settings in [
            Settings { quiet_hours: vec![nothing.clone()], ..Settings::default() },
            Settings { quiet_hours: vec![QuietHours { days: vec![Day::Sun], ..nothing }; 29], ..Settings::default() },
            Settings { retention: Retention { days: Some(0), messages: None }, ..Settings::default() },
            Settings { retention: Retention { days: None, messages: Some(0) }, ..Settings::default() },
            Settings { retention: Retention { days: Some(u32::MAX), messages: None }, ..Settings::default() },
        ] {
            let problem = settings.check().unwrap_err();
            assert_eq!(problem.code, Code::BadInput);
            assert!(!problem.hint.is_empty());
        }
        assert_eq!(Settings::default().check(), Ok(()));
    }
}
