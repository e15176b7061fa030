//! A message as it is handed to the relay, and what makes one acceptable. Bounds are checked here, once, so that
//! whatever is stored fits on the wire.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::Error;

/// The three events a Fast Track front end binds (`Fast Track: Front-end notifications`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A message to this one user.
    #[default]
    Message,
    /// A short call to everybody.
    Shoutout,
    /// Something that waits in the inbox.
    Inbox,
}

impl Kind {
    /// The name on the wire, of the channel event and of the `Event` field alike.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Shoutout => "shoutout",
            Self::Inbox => "inbox",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Message, Self::Shoutout, Self::Inbox].into_iter().find(|kind| kind.name() == name)
    }
}

/// A call-to-action button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What stands on it, at most 100 characters.
    pub text: String,
    /// Where it leads: `https://` or `http://`, at most 1000 bytes.
    pub link: String,
}

/// A message to be stored and published. `NewMessage { title, body, ..Default::default() }` is enough for a plain one.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// Its type.
    pub kind: Kind,
    /// Plain text, 1 to 500 characters.
    pub title: String,
    /// HTML, at most 256 KiB.
    pub body: String,
    /// Plain text, at most 1000 characters.
    pub preview: String,
    /// HTML, at most 8 KiB.
    pub footer: String,
    /// Fields of the campaign's own, at most 16 KiB as JSON.
    pub data: Map<String, Value>,
    /// Listed only, no native notification.
    pub silent: bool,
    /// At most two; the first is the main one.
    pub buttons: Vec<Button>,
    /// `https://`, `http://`, or a path such as `/demo/picture.png` that this relay itself serves.
    pub image: Option<String>,
    /// Read already, as a message of the backlog may be.
    pub read: bool,
    /// When it was written; now when not given. Kept to the second, as the wire has it.
    pub date: Option<Timestamp>,
    /// From then on it is neither listed nor served.
    pub expires: Option<Timestamp>,
}

pub(crate) const MAX_TITLE_CHARS: usize = 500;
pub(crate) const MAX_PREVIEW_CHARS: usize = 1000;
pub(crate) const MAX_BUTTON_CHARS: usize = 100;
pub(crate) const MAX_LINK_BYTES: usize = 1000;
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024;
const MAX_FOOTER_BYTES: usize = 8 * 1024;
const MAX_DATA_BYTES: usize = 16 * 1024;

impl NewMessage {
    /// Refuses what could not be served, saying what is wrong and what is expected.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.title.trim().is_empty() {
            return Err(Error::Input("the title is empty; a message needs one".into()));
        }
        single_line("title", &self.title, MAX_TITLE_CHARS)?;
        single_line("preview", &self.preview, MAX_PREVIEW_CHARS)?;
        no_longer("body", self.body.len(), MAX_BODY_BYTES)?;
        no_longer("footer", self.footer.len(), MAX_FOOTER_BYTES)?;
        if self.body.contains('\0') || self.footer.contains('\0') {
            return Err(Error::Input("the body or footer holds the character NUL, which no HTML has".into()));
        }
        let data = serde_json::to_vec(&self.data).map_err(|error| Error::Input(format!("data: {error}")))?;
        no_longer("data", data.len(), MAX_DATA_BYTES)?;
        if self.buttons.len() > 2 {
            return Err(Error::Input(format!("{} buttons; a message has two at most", self.buttons.len())));
        }
        for button in &self.buttons {
            single_line("button text", &button.text, MAX_BUTTON_CHARS)?;
            web_link("button link", &button.link)?;
        }
        match &self.image {
            Some(path) if path.starts_with('/') && !path.starts_with("//") => {
                no_longer("image", path.len(), MAX_LINK_BYTES)
            }
            Some(link) => web_link("image", link),
            None => Ok(()),
        }
    }
}

/// Without control characters a character takes at most four bytes in JSON, which is what keeps a cut message under the
/// channel's limit.
fn single_line(what: &str, text: &str, max_chars: usize) -> Result<(), Error> {
    if text.chars().any(char::is_control) {
        return Err(Error::Input(format!("the {what} holds control characters; it is one line of plain text")));
    }
    let chars = text.chars().count();
    if chars > max_chars {
        return Err(Error::Input(format!("the {what} has {chars} characters; {max_chars} are allowed")));
    }
    Ok(())
}

fn no_longer(what: &str, bytes: usize, max_bytes: usize) -> Result<(), Error> {
    if bytes > max_bytes {
        return Err(Error::Input(format!("the {what} has {bytes} bytes; {max_bytes} are allowed")));
    }
    Ok(())
}

fn web_link(what: &str, link: &str) -> Result<(), Error> {
    no_longer(what, link.len(), MAX_LINK_BYTES)?;
    let acceptable = Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    if acceptable && !link.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(Error::Input(format!("the {what} is not a web address; it begins with https:// or http://")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> NewMessage {
        NewMessage { title: "A title".into(), ..Default::default() }
    }

    #[test]
    fn a_title_alone_is_enough() {
        assert!(plain().check().is_ok());
    }

    #[test]
    fn what_cannot_be_served_is_refused_with_a_reason() {
        let button = |link: &str| vec![Button { text: "Go".into(), link: link.into() }];
        let cases = [
            (NewMessage { title: " ".into(), ..plain() }, "title is empty"),
            (NewMessage { title: "a\u{0}b".into(), ..plain() }, "control characters"),
            (NewMessage { title: "a".repeat(501), ..plain() }, "501 characters"),
            (NewMessage { body: "a".repeat(MAX_BODY_BYTES + 1), ..plain() }, "body has"),
            (NewMessage { buttons: button("javascript:alert(1)"), ..plain() }, "not a web address"),
            (NewMessage { buttons: button("https://example.com/\n"), ..plain() }, "not a web address"),
            (
                NewMessage {
                    buttons: [button("https://a.example"), button("https://b.example"), button("https://c.example")]
                        .concat(),
                    ..plain()
                },
                "two at most",
            ),
            (NewMessage { image: Some("//evil.example/x.png".into()), ..plain() }, "not a web address"),
            (NewMessage { image: Some("file:///etc/passwd".into()), ..plain() }, "not a web address"),
        ];
        for (message, expected) in cases {
            let text = message.check().expect_err("it should be refused").to_string();
            assert!(text.contains(expected), "{text:?} should say {expected:?}");
        }
    }
}
