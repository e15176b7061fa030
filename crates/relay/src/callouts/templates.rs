//! From a called-out entity to a message. The templates are the operator's; the entity is anybody's: it is never
//! compiled, only put in, and what comes out is bounded whatever is in it. Templates read no files.

use std::io;

use jiff::{SignedDuration, Timestamp};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, context};
use serde_json::Value;

use super::CallOuts;
use crate::{
    Button, Error, NewMessage,
    message::{MAX_BODY_BYTES, MAX_BUTTON_CHARS, MAX_LINK_BYTES, MAX_PREVIEW_CHARS, MAX_TITLE_CHARS},
};

/// Steps one template may take; a message of ordinary size takes some hundreds.
const FUEL: u64 = 100_000;
/// The one template whose output is HTML.
const HTML: &str = "body";

/// A tag, or an expression by itself, of more bytes is refused: nested deeply enough one would overflow the stack.
const MAX_TAG_BYTES: usize = 1024;
const MAX_SOURCE_BYTES: usize = 64 * 1024;

/// Refuses what is too long to be read.
pub(super) fn check_length(source: &str) -> Result<(), String> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err("it has over 64 KiB".into());
    }
    let tags = source.split("{{").skip(1).chain(source.split("{%").skip(1));
    let longest =
        tags.map(|tag| tag.split("}}").next().unwrap_or_default().split("%}").next().unwrap_or_default().len());
    match longest.max() {
        Some(bytes) if bytes > MAX_TAG_BYTES => Err(format!("a tag has {bytes} bytes, and may have 1024")),
        _ => Ok(()),
    }
}

/// The entity in a call-out's body, which may be wrapped in `{"meta":…,"data":…}`; nothing when it is no object.
pub(super) fn entity(body: &[u8]) -> Option<Value> {
    tracktik_client::callout::entity(body).ok().map(Value::Object)
}

/// Refuses templates that can never work: those that cannot be read or use a filter there is not.
pub(super) fn check(callouts: &CallOuts) -> Result<(), Error> {
    let refused = |what: &str, error: &dyn std::fmt::Display| {
        Error::Input(format!("subscriptions {:?}: the template `{what}`: {error}", callouts.custom_id))
    };
    let message = &callouts.message;
    if message.title.trim().is_empty() {
        return Err(refused("title", &"it is empty; a message needs a title"));
    }
    let environment = environment();
    let nothing = context! { entity => context! {}, subscription => callouts.custom_id };
    let parts = [
        ("title", Some(&message.title)),
        ("preview", message.preview.as_ref()),
        (HTML, message.body.as_ref()),
        ("link", message.link.as_ref()),
        ("link_text", message.link_text.as_ref()),
    ];
    for (name, source) in parts.into_iter().filter_map(|(name, source)| source.map(|source| (name, source))) {
        check_length(source).map_err(|error| refused(name, &error))?;
        let template = environment.template_from_named_str(name, source).map_err(|error| refused(name, &error))?;
        if let Err(error) = template.render_captured_to(&nothing, Bounded::new(MAX_BODY_BYTES))
            && can_never_work(&error)
        {
            return Err(refused(name, &error));
        }
    }
    Ok(())
}

/// Other errors depend on the entity.
pub(super) fn can_never_work(error: &minijinja::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest)
}

/// The message for the entity, or what is wrong with the templates.
pub(super) fn message(callouts: &CallOuts, entity: &Value, now: Timestamp) -> Result<NewMessage, String> {
    let template = &callouts.message;
    let entity = minijinja::Value::from_serialize(entity);
    let rendered = |name: &str, source: Option<&String>, max_bytes: usize| match source {
        Some(source) => render(name, source, &entity, &callouts.custom_id, max_bytes)
            .map_err(|error| format!("the template `{name}`: {error}")),
        None => Ok(String::new()),
    };
    let bounded = |name, source, max_chars: usize| {
        rendered(name, source, max_chars.saturating_mul(4)).map(|text| one_line(&text, max_chars))
    };
    let title = bounded("title", Some(&template.title), MAX_TITLE_CHARS)?;
    if title.is_empty() {
        return Err("the template `title` came out empty".into());
    }
    let link = rendered("link", template.link.as_ref(), MAX_LINK_BYTES + 4)?.trim().to_owned();
    let mut buttons = Vec::new();
    if !link.is_empty() {
        let text = bounded("link_text", template.link_text.as_ref(), MAX_BUTTON_CHARS)?;
        buttons.push(Button { text: if text.is_empty() { "Open".into() } else { text }, link });
    }
    let message = NewMessage {
        kind: template.kind,
        title,
        preview: bounded("preview", template.preview.as_ref(), MAX_PREVIEW_CHARS)?,
        body: rendered(HTML, template.body.as_ref(), MAX_BODY_BYTES)?.replace('\0', " "),
        silent: template.silent,
        buttons,
        expires: expires(callouts, now),
        ..NewMessage::default()
    };
    message.check().map_err(|error| error.to_string())?;
    Ok(message)
}

/// What is delivered in place of a message that could not be made: that something came, and of whom or what.
pub(super) fn plain_message(callouts: &CallOuts, entity: &Value, now: Timestamp) -> NewMessage {
    let text = |name: &str| match entity.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let name = one_line(&format!("{} {}", text("firstName"), text("lastName")), MAX_PREVIEW_CHARS);
    let preview = if name.is_empty() { one_line(&text("id"), MAX_PREVIEW_CHARS) } else { name };
    let title = one_line(&format!("{} event", callouts.entity), MAX_TITLE_CHARS);
    NewMessage {
        kind: callouts.message.kind,
        title,
        preview,
        silent: callouts.message.silent,
        expires: expires(callouts, now),
        ..Default::default()
    }
}

fn expires(callouts: &CallOuts, now: Timestamp) -> Option<Timestamp> {
    callouts.message.expires_after.map(|after| {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        now.checked_add(after).unwrap_or(Timestamp::MAX)
    })
}

pub(super) fn environment<'source>() -> Environment<'source> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| if name == HTML { AutoEscape::Html } else { AutoEscape::None });
    environment
}

pub(super) fn render(
    name: &str,
    source: &str,
    entity: &minijinja::Value,
    subscription: &str,
    max_bytes: usize,
) -> Result<String, minijinja::Error> {
    let mut output = Bounded::new(max_bytes);
    let environment = environment();
    let template = environment.template_from_named_str(name, source)?;
    template.render_captured_to(context! { entity => entity, subscription => subscription }, &mut output)?;
    Ok(output.into_text())
}

/// Keeps the beginning of what is written to it, and takes the rest as well.
struct Bounded {
    kept: Vec<u8>,
    max_bytes: usize,
}

impl Bounded {
    fn new(max_bytes: usize) -> Self {
        Self { kept: Vec::new(), max_bytes }
    }

    fn into_text(self) -> String {
        let whole = match std::str::from_utf8(&self.kept) {
            Ok(_) => self.kept.len(),
            Err(error) => error.valid_up_to(),
        };
        let mut kept = self.kept;
        kept.truncate(whole);
        String::from_utf8(kept).unwrap_or_default()
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.max_bytes.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plain text in one line: control characters become spaces, and what is beyond the limit is cut.
pub(super) fn one_line(text: &str, max_chars: usize) -> String {
    let spaced: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    spaced.trim().chars().take(max_chars).collect()
}

#[cfg(test)]
mod tests;
