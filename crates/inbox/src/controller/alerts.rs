//! Which alerts are raised for which messages: a pure function, and the wording.

use crate::{Alert, AlertTarget, Event, Message, MessageId, Problem, text};

/// More messages than this at a time become one summary.
const SINGLE_UP_TO: usize = 3;
const TITLE_CHARS: usize = 120;
const BODY_CHARS: usize = 400;

/// One alert and the messages it names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) alert: Alert,
    pub(super) ids: Vec<MessageId>,
}

/// The next alert to raise. `interrupted` were being alerted when the program ended: they are named in a summary once
/// and never alerted singly again. `pending` were never alerted, oldest first.
pub(super) fn next(interrupted: &[Message], pending: &[Message]) -> Option<Planned> {
    if !interrupted.is_empty() || pending.len() > SINGLE_UP_TO {
        let all: Vec<&Message> = if pending.len() > SINGLE_UP_TO {
            interrupted.iter().chain(pending).collect()
        } else {
            interrupted.iter().collect()
        };
        return Some(Planned { alert: summary(&all), ids: all.iter().map(|m| m.id.clone()).collect() });
    }
    pending.first().map(|message| Planned { alert: single(message), ids: vec![message.id.clone()] })
}

/// The alert of one message.
fn single(message: &Message) -> Alert {
    let body = if message.preview.is_empty() { text::plain_text(&message.body_html) } else { message.preview.clone() };
    Alert {
        target: AlertTarget::Message(message.id.clone()),
        title: text::bound(&title(message), TITLE_CHARS),
        body: text::bound(&body, BODY_CHARS),
    }
}

fn title(message: &Message) -> String {
    if !message.title.is_empty() {
        return message.title.clone();
    }
    match &message.event {
        Event::Message | Event::Other(_) => "New message".to_owned(),
        Event::Shoutout => "New shoutout".to_owned(),
        Event::Inbox => "New in your inbox".to_owned(),
    }
}

/// One alert for several messages: how many, and the newest titles.
fn summary(messages: &[&Message]) -> Alert {
    let headline = match messages.len() {
        1 => "1 new message".to_owned(),
        n => format!("{n} new messages"),
    };
    let mut newest: Vec<&&Message> = messages.iter().collect();
    newest.sort_by_key(|message| std::cmp::Reverse(message.date));
    let mut lines: Vec<String> =
        newest.iter().take(SINGLE_UP_TO).map(|message| text::bound(&title(message), TITLE_CHARS)).collect();
    if messages.len() > SINGLE_UP_TO {
        lines.push(format!("and {} more", messages.len() - SINGLE_UP_TO));
    }
    Alert { target: AlertTarget::Summary, title: headline, body: lines.join("\n") }
}

/// The alert of a session that needs the person, with the reason that the window shows.
pub(super) fn session_expired(problem: &Problem) -> Alert {
    Alert {
        target: AlertTarget::SignIn,
        title: "Sign in again".to_owned(),
        body: text::bound(&format!("{} {}", problem.message, problem.hint), BODY_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: i64) -> Message {
        Message {
            id: MessageId(n.to_string()),
            event: Event::Message,
            title: format!("Title {n}"),
            preview: format!("Preview {n}"),
            body_html: String::new(),
            footer_html: String::new(),
            buttons: vec![],
            image_url: None,
            silent: false,
            read: false,
            date: jiff::Timestamp::from_second(n).unwrap(),
            expires: None,
            incomplete: false,
        }
    }

    fn messages(n: i64) -> Vec<Message> {
        (1..=n).map(message).collect()
    }

    #[test]
    fn up_to_three_messages_are_alerted_singly_oldest_first() {
        let planned = next(&[], &messages(3)).unwrap();
        assert_eq!(planned.ids, [MessageId("1".into())]);
        assert_eq!(planned.alert.target, AlertTarget::Message(MessageId("1".into())));
        assert_eq!((planned.alert.title.as_str(), planned.alert.body.as_str()), ("Title 1", "Preview 1"));
        assert_eq!(next(&[], &[]), None);
    }

    #[test]
    fn past_three_messages_one_summary_names_the_newest() {
        let planned = next(&[], &messages(500)).unwrap();
        assert_eq!(planned.ids.len(), 500);
        assert_eq!(planned.alert.target, AlertTarget::Summary);
        assert_eq!(planned.alert.title, "500 new messages");
        assert_eq!(planned.alert.body, "Title 500\nTitle 499\nTitle 498\nand 497 more");
    }

    #[test]
    fn interrupted_alerts_are_named_in_a_summary_and_never_singly() {
        let planned = next(&messages(1), &[message(7)]).unwrap();
        assert_eq!(planned.alert.target, AlertTarget::Summary);
        assert_eq!(planned.alert.title, "1 new message");
        assert_eq!(planned.ids, [MessageId("1".into())], "the new one gets an alert of its own afterwards");
    }

    #[test]
    fn a_message_without_title_is_alerted_by_its_kind() {
        let mut nameless = message(1);
        nameless.title.clear();
        nameless.preview.clear();
        nameless.body_html = "<p>Hello <b>you</b></p>".into();
        let alert = next(&[], &[nameless]).unwrap().alert;
        assert_eq!((alert.title.as_str(), alert.body.trim()), ("New message", "Hello you"));
    }
}
