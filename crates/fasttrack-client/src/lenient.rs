//! Readers of single JSON values that take what is meant for what is written: numbers as strings, flags as words.
//!
//! They never fail and never guess beyond that: a value of another kind is as good as missing.

use serde_json::{Map, Value};

/// A text; a number stands for its digits. Objects, lists, flags and null are no text.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text with something in it, without the blanks around it.
pub(crate) fn filled(value: Option<&Value>) -> Option<String> {
    let text = text(value)?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// An identity: a whole number or a text. What stands for "none" (empty, zero) is none.
pub(crate) fn id(value: Option<&Value>) -> Option<String> {
    let id = match value? {
        Value::Number(number) => whole(number)?,
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let meaningful = !id.is_empty() && id != "0" && id.len() <= 256 && !id.chars().any(char::is_control);
    meaningful.then_some(id)
}

/// `123`, and `123.0` as some serialisers write it; nothing that lost digits on the way.
fn whole(number: &serde_json::Number) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let float = number.as_f64()?;
    // Beyond 2^53 a float does not tell neighbouring ids apart.
    let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    exact.then(|| format!("{float:.0}"))
}

/// A flag: `true`, `"true"`, `1`, `"1"` and their opposites.
pub(crate) fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// An object, or the text of one.
pub(crate) fn object(value: Option<&Value>) -> Option<Map<String, Value>> {
    match value? {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_is_a_number_or_a_text_and_never_zero() {
        for (value, expected) in [
            (json!(123), Some("123")),
            (json!("123"), Some("123")),
            (json!(" 123 "), Some("123")),
            (json!(123.0), Some("123")),
            (json!(18_446_744_073_709_551_615_u64), Some("18446744073709551615")),
            (json!(-5), Some("-5")),
            (json!("a-b"), Some("a-b")),
            (json!(0), None),
            (json!("0"), None),
            (json!(""), None),
            (json!(1.5), None),
            (json!(1e300), None),
            (json!("a\u{0}b"), None),
            (json!("x".repeat(1000)), None),
            (json!(null), None),
            (json!(true), None),
            (json!([1]), None),
            (json!({"id": 1}), None),
        ] {
            assert_eq!(id(Some(&value)).as_deref(), expected, "{value:.60}");
        }
        assert_eq!(id(None), None);
    }

    #[test]
    fn a_flag_is_read_from_what_stands_for_one() {
        for (value, expected) in [
            (json!(true), Some(true)),
            (json!("True"), Some(true)),
            (json!(1), Some(true)),
            (json!("1"), Some(true)),
            (json!(false), Some(false)),
            (json!("false"), Some(false)),
            (json!(0), Some(false)),
            (json!("maybe"), None),
            (json!(null), None),
            (json!([]), None),
        ] {
            assert_eq!(flag(Some(&value)), expected, "{value}");
        }
    }

    #[test]
    fn a_text_may_be_a_number_and_an_object_may_be_a_text() {
        assert_eq!(text(Some(&json!(12))).as_deref(), Some("12"));
        assert_eq!(text(Some(&json!({"a": 1}))), None);
        assert_eq!(filled(Some(&json!("  "))), None);
        assert_eq!(filled(Some(&json!(" a "))).as_deref(), Some("a"));
        assert_eq!(object(Some(&json!("{\"a\":1}"))), object(Some(&json!({"a": 1}))));
        assert_eq!(object(Some(&json!("no object"))), None);
        assert_eq!(object(Some(&json!([1]))), None);
    }
}
