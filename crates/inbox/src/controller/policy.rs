//! Whether, when and how a message is alerted: a pure function of the message, the settings, the time and what the person
//! looks at. It must never decide that something new is told nowhere: what is not alerted is in the list and on the badge.

use std::collections::VecDeque;

use jiff::{Timestamp, Zoned};
use tokio::time::{Duration, Instant};

use super::wording;
use crate::{Alert, Held, HeldBy, Message, MessageId, Rule, Settings, quiet_until};

/// More messages than this at a time become one summary.
const SINGLE_UP_TO: usize = 3;
/// Alerts within [`BURST_SPAN`] before the next waits, to be told together with what comes meanwhile.
const BURST: usize = 10;
const BURST_SPAN: Duration = Duration::from_mins(1);

/// What counts beside the messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    /// What the person decided.
    pub(super) settings: &'a Settings,
    /// The clock on the wall, where the person is.
    pub(super) now: &'a Zoned,
    /// Until when the person paused notifications.
    pub(super) paused_until: Option<Timestamp>,
    /// The window has the focus and shows what arrives.
    pub(super) watching: bool,
}

/// What happens with one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is alerted.
    Alert {
        /// With the system's sound.
        sound: bool,
    },
    /// It is not alerted, now or later.
    ListOnly,
    /// It waits.
    Wait,
}

/// What happens with one message now. Only what comes while the person looks is seen as it comes.
pub(super) fn judge(message: &Message, moment: Moment<'_>) -> Verdict {
    let rule = moment.settings.rules.of(&message.event);
    if message.silent || rule == Rule::List || moment.watching {
        return Verdict::ListOnly;
    }
    match held(moment) {
        Some(_) => Verdict::Wait,
        None => Verdict::Alert { sound: rule == Rule::Sound },
    }
}

/// Until when no notification is raised, and why; the longer of a pause and quiet hours.
pub(super) fn held(moment: Moment<'_>) -> Option<Held> {
    let paused = moment.paused_until.map(|until| Held { until, by: HeldBy::Pause });
    let quiet =
        quiet_until(&moment.settings.quiet_hours, moment.now).map(|until| Held { until, by: HeldBy::QuietHours });
    match (paused, quiet) {
        (Some(paused), Some(quiet)) => Some(if quiet.until > paused.until { quiet } else { paused }),
        (paused, quiet) => paused.or(quiet),
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// These are not alerted, now or later.
    Dismiss(Vec<MessageId>),
    /// One alert, and the messages it names.
    Raise(Alert, Vec<MessageId>),
    /// Nothing before then; what waits is told together.
    Burst(Instant),
    /// Nothing.
    Nothing,
}

/// What is to be done next. `interrupted` were being alerted when the program ended: they are named in a summary once and
/// never alerted singly again. `pending` were never alerted, oldest first. `together`: they waited, and are one digest.
/// Not asked while alerts are [`held`].
pub(super) fn next(
    interrupted: &[Message],
    pending: &[Message],
    moment: Moment<'_>,
    recent: &Recent,
    together: bool,
    now: Instant,
) -> Next {
    let is_for_list = |message: &&Message| judge(message, moment) == Verdict::ListOnly;
    let dismissed: Vec<MessageId> =
        interrupted.iter().chain(pending).filter(is_for_list).map(|message| message.id.clone()).collect();
    if !dismissed.is_empty() {
        return Next::Dismiss(dismissed);
    }
    if interrupted.is_empty() && pending.is_empty() {
        return Next::Nothing;
    }
    if let Some(until) = recent.full_until(now) {
        return Next::Burst(until);
    }
    let shows = moment.settings.shows;
    let has_sound = |message: &Message| judge(message, moment) == Verdict::Alert { sound: true };
    let many = pending.len() > SINGLE_UP_TO || (together && pending.len() > 1);
    if let ([first, ..], false, true) = (pending, many, interrupted.is_empty()) {
        return Next::Raise(wording::single(first, shows, has_sound(first)), vec![first.id.clone()]);
    }
    let named: Vec<&Message> = interrupted.iter().chain(pending.iter().filter(|_| many)).collect();
    let sound = named.iter().any(|message| has_sound(message));
    Next::Raise(wording::summary(&named, shows, sound), named.iter().map(|message| message.id.clone()).collect())
}

/// When the last alerts were raised.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Instant>);

impl Recent {
    /// One was raised.
    pub(super) fn raised(&mut self, now: Instant) {
        self.0.push_back(now);
        while self.0.len() > BURST {
            self.0.pop_front();
        }
    }

    /// Until when the next has to wait, if it has to.
    fn full_until(&self, now: Instant) -> Option<Instant> {
        let oldest = self.0.front().filter(|_| self.0.len() >= BURST)?;
        Some(*oldest + BURST_SPAN).filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlertTarget, Day, Event, QuietHours, Rules};

    fn message(n: i64, event: Event) -> Message {
        Message {
            id: MessageId(n.to_string()),
            event,
            title: format!("Title {n}"),
            preview: format!("Preview {n}"),
            body_html: String::new(),
            footer_html: String::new(),
            buttons: vec![],
            image_url: None,
            silent: false,
            read: false,
            date: Timestamp::from_second(n).unwrap(),
            expires: None,
            incomplete: false,
        }
    }

    fn messages(n: i64) -> Vec<Message> {
        (1..=n).map(|n| message(n, Event::Message)).collect()
    }

    fn ids(messages: &[Message]) -> Vec<MessageId> {
        messages.iter().map(|message| message.id.clone()).collect()
    }

    /// A Wednesday evening.
    fn evening() -> Zoned {
        "2026-11-25T20:00[Europe/Berlin]".parse().unwrap()
    }

    fn quiet_at_night() -> Settings {
        let quiet = QuietHours { days: vec![Day::Wed], from: "22:00".parse().unwrap(), to: "07:00".parse().unwrap() };
        Settings { quiet_hours: vec![quiet], ..Settings::default() }
    }

    fn moment<'a>(settings: &'a Settings, now: &'a Zoned) -> Moment<'a> {
        Moment { settings, now, paused_until: None, watching: false }
    }

    fn next_of(interrupted: &[Message], pending: &[Message], together: bool) -> Next {
        let (settings, now) = (Settings::default(), evening());
        next(interrupted, pending, moment(&settings, &now), &Recent::default(), together, Instant::now())
    }

    #[test]
    fn a_table_of_verdicts() {
        let quiet = Settings {
            rules: Rules { message: Rule::Alert, shoutout: Rule::List, inbox: Rule::Sound },
            ..quiet_at_night()
        };
        let (evening, night): (Zoned, Zoned) = (evening(), "2026-11-26T03:00[Europe/Berlin]".parse().unwrap());
        let soon = Some(evening.timestamp() + jiff::SignedDuration::from_mins(30));
        let alert = Verdict::Alert { sound: false };
        let cases = [
            ("a message", Event::Message, &evening, None, false, alert),
            ("a brand's own goes by message", Event::Other("x".into()), &evening, None, false, alert),
            ("with sound", Event::Inbox, &evening, None, false, Verdict::Alert { sound: true }),
            ("list only", Event::Shoutout, &evening, None, false, Verdict::ListOnly),
            ("list only, also at night", Event::Shoutout, &night, None, false, Verdict::ListOnly),
            ("at night", Event::Message, &night, None, false, Verdict::Wait),
            ("with sound at night", Event::Inbox, &night, None, false, Verdict::Wait),
            ("paused", Event::Message, &evening, soon, false, Verdict::Wait),
            ("seen as it comes", Event::Inbox, &evening, None, true, Verdict::ListOnly),
            ("seen as it comes, paused", Event::Message, &evening, soon, true, Verdict::ListOnly),
        ];
        for (what, event, now, paused_until, watching, expected) in cases {
            let moment = Moment { settings: &quiet, now, paused_until, watching };
            assert_eq!(judge(&message(1, event), moment), expected, "{what}");
        }
        let silent = Message { silent: true, ..message(1, Event::Inbox) };
        assert_eq!(judge(&silent, moment(&quiet, &evening)), Verdict::ListOnly);
    }

    #[test]
    fn of_a_pause_and_quiet_hours_the_longer_holds() {
        let (settings, night) = (quiet_at_night(), "2026-11-25T23:00[Europe/Berlin]".parse::<Zoned>().unwrap());
        let morning = "2026-11-26T07:00[Europe/Berlin]".parse::<Zoned>().unwrap().timestamp();
        let held_with = |paused_until| held(Moment { paused_until, ..moment(&settings, &night) });
        assert_eq!(held_with(None), Some(Held { until: morning, by: HeldBy::QuietHours }));
        let hour = jiff::SignedDuration::from_hours(1);
        assert_eq!(held_with(Some(morning - hour)), Some(Held { until: morning, by: HeldBy::QuietHours }));
        assert_eq!(held_with(Some(morning + hour)), Some(Held { until: morning + hour, by: HeldBy::Pause }));
        assert_eq!(held(moment(&settings, &evening())), None);
    }

    #[test]
    fn up_to_three_messages_are_alerted_singly_oldest_first() {
        let Next::Raise(alert, ids) = next_of(&[], &messages(3), false) else { panic!("nothing is raised") };
        assert_eq!(ids, [MessageId("1".into())]);
        assert_eq!(alert.target, AlertTarget::Message(MessageId("1".into())));
        assert_eq!(next_of(&[], &[], false), Next::Nothing);
    }

    #[test]
    fn past_three_messages_one_summary_names_all() {
        let Next::Raise(alert, named) = next_of(&[], &messages(500), false) else { panic!("nothing is raised") };
        assert_eq!(named.len(), 500);
        assert_eq!((alert.target, alert.title.as_str()), (AlertTarget::Summary, "500 new messages"));
    }

    #[test]
    fn what_waited_is_one_digest_and_one_alone_is_told_as_it_is() {
        let Next::Raise(alert, named) = next_of(&[], &messages(2), true) else { panic!("nothing is raised") };
        assert_eq!((alert.target, named), (AlertTarget::Summary, ids(&messages(2))));
        let Next::Raise(alert, _) = next_of(&[], &messages(1), true) else { panic!("nothing is raised") };
        assert_eq!(alert.target, AlertTarget::Message(MessageId("1".into())));
    }

    #[test]
    fn interrupted_alerts_are_named_in_a_summary_and_never_singly() {
        let new = [message(7, Event::Message)];
        let Next::Raise(alert, named) = next_of(&messages(1), &new, false) else { panic!("nothing is raised") };
        assert_eq!((alert.target, alert.title.as_str()), (AlertTarget::Summary, "1 new message"));
        assert_eq!(named, [MessageId("1".into())], "the new one gets an alert of its own afterwards");
    }

    #[test]
    fn what_is_for_the_list_alone_is_dismissed_first() {
        let settings = Settings { rules: Rules { shoutout: Rule::List, ..Rules::default() }, ..Settings::default() };
        let (now, recent) = (evening(), Recent::default());
        let pending = [message(1, Event::Message), message(2, Event::Shoutout)];
        let step = next(&[], &pending, moment(&settings, &now), &recent, false, Instant::now());
        assert_eq!(step, Next::Dismiss(vec![MessageId("2".into())]));
        let watching = Moment { watching: true, ..moment(&settings, &now) };
        assert_eq!(next(&[], &pending, watching, &recent, false, Instant::now()), Next::Dismiss(ids(&pending)));
    }

    #[test]
    fn after_a_burst_the_next_waits_until_the_minute_is_over() {
        let (settings, now, start) = (Settings::default(), evening(), Instant::now());
        let mut recent = Recent::default();
        for n in 0..10 {
            assert_eq!(recent.full_until(start + Duration::from_secs(n)), None);
            recent.raised(start + Duration::from_secs(n));
        }
        let at = |seconds| {
            let now_there = start + Duration::from_secs(seconds);
            next(&[], &messages(1), moment(&settings, &now), &recent, false, now_there)
        };
        assert_eq!(at(10), Next::Burst(start + BURST_SPAN));
        assert!(matches!(at(60), Next::Raise(..)));
    }
}
