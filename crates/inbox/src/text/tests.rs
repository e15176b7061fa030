//! What is stripped, kept, decoded and bounded, with known attacks and random ones.

use std::collections::BTreeSet;

use fasttrack_client::Notification;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    Message,
    link::{Judgement, judge},
};

/// The table that is shown to the real window as well.
#[path = "../../../../tests/src/attacks.rs"]
mod attacks;

#[test]
fn structure_and_emphasis_stay_in_the_window() {
    let html = "<h2>Hi</h2><p>a <b>b</b> <em>c</em><br>d</p><ul><li>e</li></ul>";
    assert_eq!(sanitize_html(html), html);
}

#[test]
fn nothing_that_runs_loads_links_or_submits_stays_in_the_window() {
    for (html, safe) in [
        ("<script>alert(1)</script>x", "x"),
        ("<b onclick=\"alert(1)\">x</b>", "<b>x</b>"),
        ("<img src=x onerror=alert(1)>x", "x"),
        ("<a href=\"javascript:alert(1)\">x</a>", "x"),
        ("<a href=\"https://example.com\">x</a>", "x"),
        ("<p style=\"position:fixed\" class=\"c\" id=\"i\">x</p>", "<p>x</p>"),
        (
            "<p title=\"t\" lang=\"en\">x</p><blockquote cite=\"https://example.com\">y</blockquote>",
            "<p>x</p><blockquote>y</blockquote>",
        ),
        (
            "<table align=\"right\"><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>",
            "<table><tbody><tr><td>x</td></tr></tbody></table>",
        ),
        ("<style>*{display:none}</style>x", "x"),
        ("<form action=/><input name=a><button>x</button></form>", "x"),
        ("<iframe src=\"https://example.com\">y</iframe>x", "x"),
        ("<svg><script>alert(1)</script></svg>x", "x"),
        ("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", ""),
        ("<!-- c -->x", "x"),
        ("<template><b>y</b></template>x", "x"),
    ] {
        assert_eq!(sanitize_html(html), safe, "{html}");
    }
}

#[test]
fn what_was_cut_inside_a_tag_is_still_whole_html() {
    assert_eq!(sanitize_html("<p>hello <b>wor"), "<p>hello <b>wor</b></p>");
    assert_eq!(sanitize_html("<p>hello <b cla"), "<p>hello </p>");
}

#[test]
fn text_without_tags_keeps_its_lines() {
    assert_eq!(sanitize_html("a\r\nb & c\n"), "a<br>b &amp; c");
    assert_eq!(plain_text("a\nb & c"), "a\nb & c");
    assert_eq!(plain_text("<p>a\nb</p>"), "a b", "in HTML a line break is a space");
}

#[test]
fn blocks_become_lines_and_cells_stand_apart() {
    assert_eq!(plain_text("<h1>Hi</h1><p>one</p><p>two<br>three</p>"), "Hi\none\ntwo\nthree");
    assert_eq!(plain_text("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>"), "a b\nc");
    assert_eq!(plain_text("<table><tr><td align=right>a</td><td title=\"1 > 0\">b</td></tr></table>"), "a b");
    assert_eq!(plain_text("a<b>b</b><i>c</i>"), "abc");
    assert_eq!(plain_text("<style>p{}</style><script>x</script>a"), "a");
}

#[test]
fn entities_are_decoded_exactly_once() {
    assert_eq!(plain_text("&lt;a href&gt; Tom &amp; Jerry"), "<a href> Tom & Jerry");
    assert_eq!(plain_text("&amp;lt;b&amp;gt; &amp;amp;"), "&lt;b&gt; &amp;");
    assert_eq!(plain_text("<p>caf&eacute;&nbsp;&#128512; &copy; %s</p>"), "café 😀 © %s");
    assert_eq!(sanitize_html("&lt;script&gt;alert(1)&lt;/script&gt;"), "&lt;script&gt;alert(1)&lt;/script&gt;");
}

#[test]
fn characters_that_turn_or_hide_text_are_dropped() {
    assert_eq!(plain_text("a\u{202E}b\u{2066}c\u{2069}\u{0}\u{1b}d"), "abcd");
    assert_eq!(plain_text("<p>a&#x202E;b&#27;c</p>"), "abc", "written as entities too");
    assert_eq!(sanitize_html("<p>a&#x202E;b&#1;c</p>"), "<p>abc</p>");
    assert_eq!(plain_text("שלום עולם"), "שלום עולם");
    assert_eq!(one_line(" a \r\n\t b\u{7} "), "a b");
}

#[test]
fn plain_text_of_the_wire_stays_the_text_it_is() {
    assert_eq!(clean_text("<b>5 < 6 &amp; %s</b>"), "<b>5 < 6 &amp; %s</b>");
}

#[test]
fn text_is_bounded_on_characters() {
    assert_eq!(bound("héllo", 5), "héllo");
    assert_eq!(bound("héllo!", 5), "héll…");
    assert_eq!(bound("hé lo!", 4), "hé…", "no space before the ellipsis");
    assert_eq!(bound("👩\u{200D}👩\u{200D}👧", 3), "👩…");
    assert_eq!(bound("x", 0), "");
    assert_eq!(bound("", 0), "");
    assert_eq!(bound(&"x".repeat(10_000), 300).chars().count(), 300);
}

#[test]
fn markup_is_escaped_for_services_that_read_it() {
    assert_eq!(escape_markup("<b>&lt;\"'%s"), "&lt;b&gt;&amp;lt;\"'%s");
}

#[test]
fn huge_and_deep_html_is_cut_before_it_is_parsed() {
    for html in [
        "<div>".repeat(1_000_000),
        "<b><p>".repeat(500_000),
        "<i><u><s><b>".repeat(200_000),
        "<table><tr><td>".repeat(200_000),
        "<a><b></a>".repeat(200_000),
        "&".repeat(5_000_000),
        "<".repeat(5_000_000),
        "x".repeat(5_000_000),
    ] {
        assert!(sanitize_html(&html).len() < 4 * MAX_HTML);
        assert!(plain_text(&html).len() < 4 * MAX_HTML);
    }
}

/// Pieces that attacks are made of, so that random strings of them come close to real ones.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<script>",
            "</script>",
            "<SCRIPT SRC=//x>",
            "<img src=x onerror=alert(1)>",
            "<svg onload=alert(1)>",
            "<svg>",
            "<math>",
            "<mtext>",
            "<mglyph>",
            "<style>",
            "</style>",
            "<title>",
            "<noscript>",
            "<a href='javascript:x'>",
            "javascript:",
            "<b onclick=x>",
            "<p>",
            "</p>",
            "<table>",
            "<td>",
            "<template>",
            "<textarea>",
            "<iframe srcdoc='",
            "'>",
            "\">",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "&lt;",
            "&#60;",
            "&#x3c;script&#x3e;",
            "&amp;lt;",
            "<",
            ">",
            "&",
            "\0",
            "\u{202E}",
            "\n",
            "<form action=x>",
            "<plaintext>",
            "<xmp>",
            "<br/onload=x>",
            "<annotation-xml>",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The tags of `html` as they are written, without the text between them.
fn tags(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|after| after.split('>').next().unwrap_or_default().to_owned()).collect()
}

/// What is wrong with HTML that is to be shown.
fn harm(safe: &str) -> Option<String> {
    // No attribute at all: no handler, no address, no style, no name.
    let foreign = tags(safe).into_iter().find(|tag| !SHOWN.contains(&tag.trim_start_matches('/')));
    let control =
        safe.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202A}'..='\u{202E}'));
    foreign.map(|tag| format!("<{tag}>")).or_else(|| control.map(|c| format!("{c:?}")))
}

#[test]
fn no_known_attack_gets_through_in_any_field() {
    let constant = attacks::ATTACKS.iter().map(|&(name, attack)| (name, attack.to_owned()));
    let mut names = BTreeSet::new();
    for (name, attack) in constant.chain(attacks::large()) {
        assert!(names.insert(name), "{name} is twice in the table");
        let attack = attacks::aimed(&attack, "http://127.0.0.2:9");
        let wire = json!({
            "MessageId": 1, "Title": attack, "PreviewText": attack, "Message": attack, "FooterText": attack,
            "CTAButtonText": attack, "CTAButtonLink": attack, "ImageUrl": attack,
        });
        let message = Message::from_notification(&Notification::read(&wire).unwrap(), jiff::Timestamp::UNIX_EPOCH);
        for html in [&message.body_html, &message.footer_html] {
            assert_eq!(harm(html), None, "{name}: {html}");
            // What changes when it is read once more could become another thing in the window.
            assert_eq!(&sanitize_html(html), html, "{name}");
        }
        for text in [&message.title, &message.preview, &plain_text(&attack)] {
            assert_eq!(harm(&escape_markup(text)), None, "{name}: {text:?}");
        }
        assert!(message.buttons.iter().all(|button| judge(&button.link) == Judgement::Never), "{name}");
    }
    assert!(names.len() >= 60, "{} attacks", names.len());
}

#[test]
fn links_lead_only_where_the_wire_document_lets_them() {
    for &(link, leads) in attacks::LINKS {
        let judged = match judge(link) {
            Judgement::Open(_) => attacks::Leads::Away,
            Judgement::Confirm(_) => attacks::Leads::AfterAQuestion,
            Judgement::Never => attacks::Leads::Nowhere,
        };
        assert_eq!(judged, leads, "{link:?}");
    }
}

proptest! {
    #[test]
    fn only_bare_tags_of_the_list_ever_come_out(html in hostile()) {
        let safe = sanitize_html(&html);
        for tag in tags(&safe) {
            // No attribute at all: no handler, no address, no style.
            prop_assert!(SHOWN.contains(&tag.trim_start_matches('/')), "<{tag}> in {safe:?}");
        }
        prop_assert!(!safe.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    }

    #[test]
    fn escaped_text_is_shown_as_the_text_it_is(text in "[a-z<>&;#%\"' ]{0,40}") {
        // What a service does that reads markup.
        let shown = html_escape::decode_html_entities(&escape_markup(&text)).into_owned();
        prop_assert_eq!(&shown, &text);
        prop_assert_eq!(plain_text(&format!("<p>{}</p>", escape_markup(&text))), clean_text(&text));
    }

    #[test]
    fn bounded_text_is_never_longer(text in ".{0,60}", chars in 0_usize..40) {
        prop_assert!(bound(&text, chars).chars().count() <= chars);
    }
}
