//! What the demo says: a few older messages, and a round of new ones that shows every type and trait there is.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{Button, Kind, NewMessage};

/// Where the demo's picture is served.
pub(super) const PICTURE_PATH: &str = "/demo/picture.png";

/// One message, written down.
struct Line {
    kind: Kind,
    title: &'static str,
    preview: &'static str,
    body: &'static str,
    footer: &'static str,
    buttons: &'static [(&'static str, &'static str)],
    picture: bool,
    silent: bool,
    /// Expires this many minutes after it was written.
    minutes: Option<u64>,
}

const PLAIN: Line = Line {
    kind: Kind::Message,
    title: "",
    preview: "",
    body: "",
    footer: "",
    buttons: &[],
    picture: false,
    silent: false,
    minutes: None,
};

const ROUND: &[Line] = &[
    Line {
        title: "Your weekend bonus is here",
        preview: "Twice the points on everything until Sunday night, and a little something on top.",
        body: "<p>Hi Maya,</p><p>you have earned it: until <b>Sunday, 23:59</b> every order counts <b>twice</b>.</p>\
            <ul><li>Double points on all orders</li><li>Free delivery from &euro;20</li>\
            <li>A surprise with your third order</li></ul><p>Nothing to enter, nothing to remember. Just enjoy it.</p>",
        footer: "<p>Points are credited within 24 hours. <a href=\"https://www.example.com/terms\">Terms apply</a>.</p>",
        buttons: &[
            ("Claim bonus", "https://www.example.com/bonus"),
            ("How it works", "https://www.example.com/bonus/how"),
        ],
        picture: true,
        ..PLAIN
    },
    Line {
        kind: Kind::Shoutout,
        title: "Maintenance tonight at 02:00",
        preview: "We are back after about 20 minutes. Your orders are safe.",
        body: "<p>We are moving to faster servers tonight from <b>02:00 to about 02:20</b>.</p>\
            <p>You may be asked to sign in again afterwards. Your orders and points stay as they are.</p>",
        buttons: &[("Status page", "https://status.example.com/")],
        ..PLAIN
    },
    Line {
        kind: Kind::Inbox,
        title: "Your November statement is ready",
        preview: "12 orders, 1,840 points earned, 600 redeemed.",
        body: "<p>Your month at a glance:</p><ul><li>Orders: <b>12</b></li><li>Points earned: <b>1,840</b></li>\
            <li>Points redeemed: <b>600</b></li></ul><p>The full statement stays in your account for two years.</p>",
        footer: "<p>You receive statements by post? <a href=\"https://www.example.com/settings\">Go paperless</a>.</p>",
        buttons: &[("Open statement", "https://www.example.com/statements/2026-11")],
        ..PLAIN
    },
    Line {
        title: "Flash sale: 30 % off all headphones",
        preview: "For the next 30 minutes only.",
        body: "<p><b>30 % off</b> every pair in the shop, for the next <b>30 minutes</b>.</p><ol>\
            <li>Pick your pair</li><li>Pay as usual</li><li>The discount takes care of itself</li></ol>",
        buttons: &[("Shop headphones", "https://www.example.com/headphones")],
        minutes: Some(30),
        ..PLAIN
    },
    Line {
        title: "Jonas sent you a gift",
        preview: "“For the long train ride. See you on Friday!”",
        body: "<p>Jonas sent you <b>500 points</b> and a note:</p>\
            <blockquote>For the long train ride. See you on Friday!</blockquote>",
        buttons: &[("Say thank you", "https://www.example.com/gifts/thanks")],
        ..PLAIN
    },
    Line {
        kind: Kind::Shoutout,
        title: "The autumn challenge has begun 🍂",
        preview: "Collect five badges by the end of the month and move up a level.",
        body: "<p>Five badges, four weeks, one goal: <b>Gold</b>.</p><ul><li>Early bird: order before 9:00</li>\
            <li>Explorer: try something new</li><li>Regular: three weeks in a row</li><li>Critic: write a review</li>\
            <li>Friend: bring someone along</li></ul>",
        buttons: &[
            ("See my badges", "https://www.example.com/challenge"),
            ("Rules", "https://www.example.com/challenge/rules"),
        ],
        ..PLAIN
    },
    Line {
        kind: Kind::Inbox,
        title: "Privacy policy updated",
        preview: "What changes on 1 December, in two minutes.",
        body: "<p>We have rewritten our privacy policy in <b>plain language</b>. What is new:</p><ul>\
            <li>You can download your data yourself</li><li>Location is off unless you switch it on</li></ul>\
            <p>There is nothing you need to do.</p>",
        footer: "<p>In force from 1 December 2026.</p>",
        buttons: &[("Read the policy", "https://www.example.com/privacy")],
        silent: true,
        ..PLAIN
    },
    Line {
        title: "Your parcel arrives today",
        preview: "Between 14:00 and 16:00. Nobody home? Choose a neighbour.",
        body: "<p>Order <b>#48-1127</b> is on its way and arrives <b>between 14:00 and 16:00</b>.</p>",
        footer: "<p>Delivered by Example Express.</p>",
        buttons: &[
            ("Track parcel", "https://www.example.com/track/48-1127"),
            ("Change delivery", "https://www.example.com/track/48-1127/change"),
        ],
        ..PLAIN
    },
    Line {
        kind: Kind::Inbox,
        title: "New sign-in from Firefox on Linux",
        preview: "Was this you? Then there is nothing to do.",
        body: "<p>Someone signed in to your account:</p><ul><li>Browser: <b>Firefox on Linux</b></li>\
            <li>Place: <b>Gothenburg, Sweden</b></li></ul><p>If this was not you, change your password now.</p>",
        buttons: &[("It was not me", "https://www.example.com/security")],
        ..PLAIN
    },
    Line {
        title: "Weekend at the lake: your tickets are waiting",
        preview: "Two tickets for the open-air concert, reserved for you until tomorrow.",
        body: "<p>Sunset, good music, and two seats <b>with your name on them</b>.</p>\
            <p>We keep them until tomorrow at noon; after that they go to the next in line.</p>",
        footer: "<p>One reservation per member. <a href=\"https://www.example.com/events/terms\">Terms</a>.</p>",
        buttons: &[
            ("Get my tickets", "https://www.example.com/events/lake"),
            ("No, thanks", "https://www.example.com/events/decline"),
        ],
        picture: true,
        minutes: Some(24 * 60),
        ..PLAIN
    },
    Line {
        kind: Kind::Shoutout,
        title: "Thank you: 10,000 members",
        preview: "We are grateful for every one of you.",
        body: "<p>Today member <b>number 10,000</b> joined. Thank you for being here from early on, Maya.</p>",
        ..PLAIN
    },
];

/// Hours ago, whether it has been read, and the message.
const BACKLOG: &[(u64, bool, Line)] = &[
    (
        170,
        true,
        Line {
            title: "Welcome aboard, Maya",
            preview: "Three things to try first.",
            body: "<p>Good to have you here. Three things to try first:</p><ol><li>Complete your profile</li>\
                <li>Choose what we may write to you about</li><li>Collect your <b>100 welcome points</b></li></ol>",
            buttons: &[("Start here", "https://www.example.com/welcome")],
            ..PLAIN
        },
    ),
    (
        98,
        true,
        Line {
            kind: Kind::Inbox,
            title: "Your October statement is ready",
            preview: "9 orders, 1,210 points earned.",
            body: "<p>Your month at a glance:</p><ul><li>Orders: <b>9</b></li><li>Points earned: <b>1,210</b></li></ul>",
            buttons: &[("Open statement", "https://www.example.com/statements/2026-10")],
            ..PLAIN
        },
    ),
    (
        51,
        true,
        Line {
            kind: Kind::Shoutout,
            title: "New opening hours for support",
            preview: "From Monday we are there for you until 22:00.",
            body: "<p>From Monday our support answers <b>until 22:00</b>, on weekends too.</p>",
            buttons: &[("Contact support", "https://www.example.com/support")],
            ..PLAIN
        },
    ),
    (
        27,
        false,
        Line {
            title: "You have reached Silver",
            preview: "Free delivery from now on, and a gift of 250 points.",
            body: "<p>Congratulations! <b>Silver</b> brings you:</p><ul><li>Free delivery on every order</li>\
                <li>Early access to sales</li><li>A gift of <b>250 points</b>, already in your account</li></ul>",
            footer: "<p>Levels are reviewed every year in January.</p>",
            buttons: &[("See my benefits", "https://www.example.com/levels/silver")],
            picture: true,
            ..PLAIN
        },
    ),
    (
        3,
        false,
        Line {
            kind: Kind::Inbox,
            title: "How was your last order?",
            preview: "Two questions, half a minute, 20 points.",
            body: "<p>Tell us how order <b>#48-1093</b> went. Two questions, half a minute, and <b>20 points</b> for you.</p>",
            buttons: &[("Rate order", "https://www.example.com/rate/48-1093")],
            ..PLAIN
        },
    ),
];

/// The messages from before the sign-in, oldest first.
pub(super) fn backlog(now: Timestamp) -> Vec<NewMessage> {
    let written = |(hours, read, line): &(u64, bool, Line)| {
        let date = now.saturating_sub(Duration::from_hours(*hours)).unwrap_or(now);
        NewMessage { read: *read, ..message(line, date) }
    };
    BACKLOG.iter().map(written).collect()
}

/// The `number`th new message, starting at 0; after the last the round begins again.
pub(super) fn next(number: u64, now: Timestamp) -> NewMessage {
    let length = ROUND.len() as u64;
    // Invariant: the index is below the length of a table that is not empty.
    message(&ROUND[usize::try_from(number % length).unwrap_or_default()], now)
}

fn message(line: &Line, date: Timestamp) -> NewMessage {
    let button = |(text, link): &(&str, &str)| Button { text: (*text).to_owned(), link: (*link).to_owned() };
    NewMessage {
        kind: line.kind,
        title: line.title.to_owned(),
        body: line.body.to_owned(),
        preview: line.preview.to_owned(),
        footer: line.footer.to_owned(),
        data: Map::from_iter([("campaign".to_owned(), Value::from("traybell-demo"))]),
        silent: line.silent,
        buttons: line.buttons.iter().map(button).collect(),
        image: line.picture.then(|| PICTURE_PATH.to_owned()),
        read: false,
        date: Some(date),
        expires: line.minutes.and_then(|minutes| date.checked_add(Duration::from_mins(minutes)).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round() -> Vec<NewMessage> {
        (0..ROUND.len() as u64).map(|number| next(number, Timestamp::UNIX_EPOCH)).collect()
    }

    #[test]
    fn every_message_is_acceptable_and_complete() {
        for message in round().into_iter().chain(backlog(Timestamp::now())) {
            message.check().unwrap_or_else(|error| panic!("{}: {error}", message.title));
            assert!(!message.preview.is_empty() && !message.body.is_empty(), "{}", message.title);
            assert!(message.buttons.iter().all(|button| button.link.starts_with("https://")), "{}", message.title);
        }
    }

    #[test]
    fn one_round_shows_every_type_and_trait() {
        let round = round();
        for kind in [Kind::Message, Kind::Shoutout, Kind::Inbox] {
            assert!(round[..3].iter().any(|message| message.kind == kind), "{kind:?} should come early");
        }
        assert!(round.iter().any(|message| message.silent));
        assert!(round.iter().any(|message| message.expires.is_some()));
        assert!(round.iter().any(|message| message.image.is_some()));
        assert!(round.iter().any(|message| message.buttons.len() == 2));
        assert_eq!(next(ROUND.len() as u64, Timestamp::UNIX_EPOCH).title, round[0].title);
    }

    #[test]
    fn the_backlog_is_older_oldest_first_and_partly_read() {
        let now = Timestamp::now();
        let backlog = backlog(now);
        let dates: Vec<_> = backlog.iter().map(|message| message.date.unwrap()).collect();
        assert!(dates.is_sorted() && dates.iter().all(|date| *date < now));
        assert!(backlog.iter().any(|message| message.read) && backlog.iter().any(|message| !message.read));
    }
}
