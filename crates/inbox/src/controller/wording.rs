//! What an alert says. Pure, and bounded: what a notification shows is read by any program of the session.

use crate::{Alert, AlertTarget, Event, Message, Problem, Shows, text};

/// A summary names this many.
const NAMED: usize = 3;
const TITLE_CHARS: usize = 120;
const BODY_CHARS: usize = 400;

/// The alert of one message.
pub(super) fn single(message: &Message, shows: Shows, sound: bool) -> Alert {
    let title = if shows == Shows::Nothing { kind(message).to_owned() } else { title(message) };
    let body = match shows {
        Shows::Full if message.preview.is_empty() => text::plain_text(&message.body_html),
        Shows::Full => message.preview.clone(),
        Shows::Title | Shows::Nothing => String::new(),
    };
    Alert {
        target: AlertTarget::Message(message.id.clone()),
        title: text::bound(&title, TITLE_CHARS),
        body: text::bound(&body, BODY_CHARS),
        sound,
    }
}

fn title(message: &Message) -> String {
    if message.title.is_empty() { kind(message).to_owned() } else { message.title.clone() }
}

fn kind(message: &Message) -> &'static str {
    match &message.event {
        Event::Message | Event::Other(_) => "New message",
        Event::Shoutout => "New shoutout",
        Event::Inbox => "New in your inbox",
    }
}

/// One alert for several messages: how many, and the newest titles.
pub(super) fn summary(messages: &[&Message], shows: Shows, sound: bool) -> Alert {
    let headline = match messages.len() {
        1 => "1 new message".to_owned(),
        n => format!("{n} new messages"),
    };
    if shows == Shows::Nothing {
        return Alert { target: AlertTarget::Summary, title: headline, body: String::new(), sound };
    }
    let mut newest: Vec<&&Message> = messages.iter().collect();
    newest.sort_by_key(|message| std::cmp::Reverse(message.date));
    let mut lines: Vec<String> =
        newest.iter().take(NAMED).map(|message| text::bound(&title(message), TITLE_CHARS)).collect();
    if messages.len() > NAMED {
        lines.push(format!("and {} more", messages.len() - NAMED));
    }
    Alert { target: AlertTarget::Summary, title: headline, body: lines.join("\n"), sound }
}

/// The alert of a session that needs the person, with the reason that the window shows.
pub(super) fn session_expired(problem: &Problem) -> Alert {
    Alert {
        target: AlertTarget::SignIn,
        title: "Sign in again".to_owned(),
        body: text::bound(&format!("{} {}", problem.message, problem.hint), BODY_CHARS),
        sound: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageId;

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

    #[test]
    fn a_summary_names_the_newest_and_counts_the_rest() {
        let messages: Vec<Message> = (1..=500).map(message).collect();
        let all: Vec<&Message> = messages.iter().collect();
        let alert = summary(&all, Shows::Full, false);
        assert_eq!((alert.target, alert.title.as_str()), (AlertTarget::Summary, "500 new messages"));
        assert_eq!(alert.body, "Title 500\nTitle 499\nTitle 498\nand 497 more");
        assert_eq!(summary(&all[..1], Shows::Full, false).title, "1 new message");
    }

    #[test]
    fn an_alert_shows_what_the_person_lets_it_show() {
        let message = message(1);
        let texts = |shows| {
            let (one, many) = (single(&message, shows, false), summary(&[&message, &message], shows, false));
            [one.title, one.body, many.title, many.body]
        };
        assert_eq!(texts(Shows::Full), ["Title 1", "Preview 1", "2 new messages", "Title 1\nTitle 1"]);
        assert_eq!(texts(Shows::Title), ["Title 1", "", "2 new messages", "Title 1\nTitle 1"]);
        assert_eq!(texts(Shows::Nothing), ["New message", "", "2 new messages", ""]);
    }

    #[test]
    fn a_message_without_title_is_alerted_by_its_kind() {
        let mut nameless = message(1);
        nameless.title.clear();
        nameless.preview.clear();
        nameless.body_html = "<p>Hello <b>you</b></p>".into();
        let alert = single(&nameless, Shows::Full, true);
        assert_eq!((alert.title.as_str(), alert.body.trim(), alert.sound), ("New message", "Hello you", true));
    }
}
