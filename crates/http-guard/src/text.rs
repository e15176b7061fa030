//! Foreign texts made fit for an error of ours.

use std::error::Error;

/// Enough for one sentence of a server.
const LONGEST_MESSAGE: usize = 200;

/// A foreign text made fit for one line of an error: no control or direction characters, one blank at a time, bounded.
pub fn cleaned(text: &str) -> String {
    let visible = |c: char| if is_invisible(c) { ' ' } else { c };
    // Bounded first: the text may be megabytes long.
    let mut chars = text.chars();
    let bounded: String = chars.by_ref().take(LONGEST_MESSAGE * 4).map(visible).collect();
    let line = bounded.split_whitespace().collect::<Vec<_>>().join(" ");
    // Each cut is marked, wherever it was made: what removes secrets looks for the beginning of one before the mark.
    if chars.next().is_none() && line.chars().count() <= LONGEST_MESSAGE {
        return line;
    }
    line.chars().take(LONGEST_MESSAGE - 1).chain(['…']).collect()
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The innermost cause says most to a person ("connection refused"); reqwest's own text is the fallback.
pub fn causes(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    cleaned(&innermost.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_cannot_turn_or_break_a_line() {
        assert_eq!(cleaned("a\u{202e}b\r\n\tc\u{0}d\u{feff}"), "a b c d");
    }

    #[test]
    fn a_cut_is_marked_even_where_the_line_is_short() {
        let sid = "sid-0123456789-of-darth-and-longer-than-the-rest";
        let text = cleaned(&format!("x{}{sid}", " ".repeat(780)));
        assert_eq!(text, "x sid-0123456789-of-d…");
        let secret = secrecy::SecretString::from(sid);
        assert_eq!(crate::without_secrets(text, &[&secret]), "x [hidden]…");
    }
}
