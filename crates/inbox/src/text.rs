//! Text from the network made safe: HTML for the window, plain text for native notifications and the list.
//!
//! What comes in is hostile. Nothing of it may run, load, link or submit, and no character of it may turn the text around
//! it. Entities are decoded exactly once, so that `&lt;a&gt;` is shown as `<a>` and never becomes a tag.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::Builder;

/// Longer HTML is cut here before it is parsed: no message needs it, and a parser's cost may grow faster than its input.
const MAX_HTML: usize = 256 * 1024;
/// More tags than this are no message either. A parser's cost grows with the square of nested formatting: at this number
/// the worst known input takes a tenth of a second in a debug build, at ten thousand it took a minute.
const MAX_TAGS: usize = 2_000;
/// The same goes for a run of bare `&`.
const MAX_ENTITIES: usize = 10_000;

/// What may stand in a message in the window. No links: those are the message's buttons, opened by the core after it
/// judged them; the text of a link stays.
const SHOWN: [&str; 36] = [
    "p",
    "br",
    "div",
    "span",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "del",
    "ins",
    "small",
    "sub",
    "sup",
    "ul",
    "ol",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "code",
    "pre",
    "hr",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "caption",
];
/// What is not text: it goes with everything in it.
const NOT_TEXT: [&str; 20] = [
    "script", "style", "title", "head", "template", "noscript", "noembed", "noframes", "iframe", "object", "embed",
    "applet", "svg", "math", "select", "option", "textarea", "audio", "video", "canvas",
];
/// What begins a new line in plain text.
const LINES: [&str; 21] = [
    "p",
    "br",
    "div",
    "ul",
    "ol",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pre",
    "hr",
    "table",
    "tr",
    "caption",
    "section",
    "article",
    "dt",
];
/// What stands apart on the same line in plain text.
const CELLS: [&str; 3] = ["td", "th", "dd"];

static FOR_WINDOW: LazyLock<Builder<'static>> = LazyLock::new(|| builder(&SHOWN));
static FOR_PLAIN: LazyLock<Builder<'static>> = LazyLock::new(|| builder(&[&LINES[..], &CELLS[..]].concat()));

/// A cleaner that keeps these tags, none of their attributes, and the text of all others.
fn builder(tags: &[&'static str]) -> Builder<'static> {
    let mut builder = Builder::empty();
    builder
        .tags(tags.iter().copied().collect::<HashSet<_>>())
        .clean_content_tags(NOT_TEXT.into_iter().collect())
        // An empty builder lets titles, languages, alignments and addresses of quotations pass.
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::new())
        .strip_comments(true);
    builder
}

/// HTML that may be shown in the window: tags for structure and emphasis alone, without any attribute.
///
/// Text without any tag keeps its line breaks.
pub fn sanitize_html(html: &str) -> String {
    without_controls(&FOR_WINDOW.clean(&with_breaks(bounded_html(html))).to_string())
}

/// The text of some HTML: blocks become lines, cells stand apart, scripts and styles are dropped, entities are decoded
/// once. It may hold `<` and `&` as the characters they are.
pub fn plain_text(html: &str) -> String {
    let cleaned = FOR_PLAIN.clean(&with_breaks(bounded_html(html))).to_string();
    // Every `<` left is the start of a tag without attributes: those of the text are entities.
    let mut text = String::with_capacity(cleaned.len());
    let mut rest = cleaned.as_str();
    while let Some((before, tag_on)) = rest.split_once('<') {
        push_spaced(&mut text, before);
        let (tag, after) = tag_on.split_once('>').unwrap_or((tag_on, ""));
        text.push(if CELLS.contains(&tag.trim_start_matches('/')) { ' ' } else { '\n' });
        rest = after;
    }
    push_spaced(&mut text, rest);
    // Decoded after the lines were made: a decoded line break is a space, as the window shows it.
    clean_text(&text)
}

/// The text of HTML that [`sanitize_html`] made, for the search: without parsing it again, blocks and cells stand apart.
pub(crate) fn text_of_clean(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag_on)) = rest.split_once('<') {
        text.push_str(&html_escape::decode_html_entities(before));
        let (tag, after) = tag_on.split_once('>').unwrap_or((tag_on, ""));
        let tag = tag.trim_matches('/');
        if LINES.contains(&tag) || CELLS.contains(&tag) {
            text.push('\n');
        }
        rest = after;
    }
    text.push_str(&html_escape::decode_html_entities(rest));
    clean_text(&text)
}

/// Text of the wire that is no HTML: as it is, without control characters, runs of spaces as one, empty lines dropped.
pub fn clean_text(text: &str) -> String {
    let text = without_controls(text);
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Text of the wire that is no HTML, on one line.
pub fn one_line(text: &str) -> String {
    clean_text(text).replace('\n', " ")
}

/// At most `chars` characters, the last one `…` where something was cut.
pub fn bound(text: &str, chars: usize) -> String {
    if text.chars().nth(chars).is_none() {
        return text.to_owned();
    }
    let Some(kept) = chars.checked_sub(1) else { return String::new() };
    let cut: String = text.chars().take(kept).collect();
    // A joiner at the end would join the ellipsis to the last emoji.
    let cut = cut.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{200D}');
    format!("{cut}…")
}

/// Text for a service that reads markup: shown there as the characters it is.
pub fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Decodes the entities of a piece between tags, its whitespace as spaces.
fn push_spaced(text: &mut String, piece: &str) {
    let decoded = html_escape::decode_html_entities(piece);
    text.extend(decoded.chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
}

/// Cuts HTML that is longer, or holds more tags or entities, than any message has.
fn bounded_html(html: &str) -> &str {
    let mut end = html.len().min(MAX_HTML);
    for (mark, most) in [('<', MAX_TAGS), ('&', MAX_ENTITIES)] {
        if let Some((too_many, _)) = html.match_indices(mark).nth(most) {
            end = end.min(too_many);
        }
    }
    html.get(..html.floor_char_boundary(end)).unwrap_or_default()
}

/// A body without any tag was written as text: its line breaks are meant.
fn with_breaks(html: &str) -> Cow<'_, str> {
    let has_tag = html
        .split('<')
        .skip(1)
        .any(|after| after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!' || c == '?'));
    if has_tag || !html.contains('\n') {
        return Cow::Borrowed(html);
    }
    Cow::Owned(html.trim().lines().collect::<Vec<_>>().join("<br>"))
}

/// Drops control characters but line breaks and tabs, and what turns the direction of the text around it: right-to-left
/// text needs none of it, and with it `exe.gpj` reads as `jpg.exe`.
fn without_controls(text: &str) -> String {
    text.chars()
        .filter(|&c| {
            let turns = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
            let marks_no_text = matches!(c, '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0001}');
            !turns && !marks_no_text && (!c.is_control() || matches!(c, '\n' | '\t'))
        })
        .collect()
}

#[cfg(test)]
mod tests;
