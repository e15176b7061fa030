//! [`Filter`]: which entities of an event are called out, by the conditions GET calls have (TrackTik support: Events
//! Subscriptions).
//!
//! It must never pass on `whereQL`: it is a query language of its own, and what it does here is not published.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::definition::DefinitionError;

/// One condition on a field.
///
/// Written as in a configuration: `status=ACTIVE`, `status:not=ACTIVE`, `status:in=ACTIVE,PENDING`, `lastName:isNotNull`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    field: String,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Is(String),
    Not(String),
    In(Vec<String>),
    Operator(String),
}

impl Filter {
    /// The field has this value.
    pub fn is(field: &str, value: &str) -> Result<Self, DefinitionError> {
        Self::checked(field, Condition::Is(value.to_owned()))
    }

    /// The field has another value (`:not`).
    pub fn not(field: &str, value: &str) -> Result<Self, DefinitionError> {
        Self::checked(field, Condition::Not(value.to_owned()))
    }

    /// The field has one of these values (`:in`, separated by commas, so none may hold one).
    pub fn is_in<S: AsRef<str>>(field: &str, values: &[S]) -> Result<Self, DefinitionError> {
        let values = values.iter().map(|value| value.as_ref().to_owned()).collect();
        Self::checked(field, Condition::In(values))
    }

    /// A condition without a value, as `isNotNull` (TrackTik OpenAPI 2020-01-01: `"0":"lastName:isNotNull"`).
    pub fn operator(field: &str, operator: &str) -> Result<Self, DefinitionError> {
        Self::checked(field, Condition::Operator(operator.to_owned()))
    }

    fn checked(field: &str, condition: Condition) -> Result<Self, DefinitionError> {
        let refuse = |what| Err(DefinitionError::Filter { field: field.to_owned(), what });
        if field.eq_ignore_ascii_case("whereql") {
            return refuse("TrackTik's query language is not for subscriptions");
        }
        if field.is_empty() || !field.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')) {
            return refuse("a field's name has letters, digits, dots and underscores only");
        }
        if field.bytes().all(|byte| byte.is_ascii_digit()) {
            return refuse("a number is the place of a condition without a value, not a field");
        }
        match &condition {
            Condition::In(values) if values.is_empty() => return refuse(":in needs at least one value"),
            Condition::In(values) if values.iter().any(|value| value.is_empty() || value.contains(',')) => {
                return refuse("the values of :in are not empty and hold no comma");
            }
            Condition::Operator(operator) if matches!(operator.as_str(), "not" | "in") => {
                return refuse(":not and :in need a value");
            }
            Condition::Operator(operator) if !is_word(operator) => {
                return refuse("a condition's name has letters only, as isNotNull");
            }
            Condition::Is(_) | Condition::Not(_) | Condition::In(_) | Condition::Operator(_) => {}
        }
        Ok(Self { field: field.to_owned(), condition })
    }

    /// Its key in `userDefinedFilters` and its value; no key: it goes by its place.
    fn entry(&self) -> (Option<String>, String) {
        let field = &self.field;
        match &self.condition {
            Condition::Is(value) => (Some(field.clone()), value.clone()),
            Condition::Not(value) => (Some(format!("{field}:not")), value.clone()),
            Condition::In(values) => (Some(format!("{field}:in")), values.join(",")),
            Condition::Operator(operator) => (None, format!("{field}:{operator}")),
        }
    }
}

impl FromStr for Filter {
    type Err = DefinitionError;

    fn from_str(text: &str) -> Result<Self, DefinitionError> {
        let (left, value) = text.split_once('=').map_or((text, None), |(left, value)| (left, Some(value)));
        let (field, operator) = left.split_once(':').map_or((left, None), |(field, word)| (field, Some(word)));
        match (operator, value) {
            (None, Some(value)) => Self::is(field, value),
            (Some("not"), Some(value)) => Self::not(field, value),
            (Some("in"), Some(value)) => Self::is_in(field, &value.split(',').collect::<Vec<_>>()),
            (Some(operator), None) => Self::operator(field, operator),
            _ => {
                let what = "expected FIELD=VALUE, FIELD:not=VALUE, FIELD:in=VALUE,VALUE or FIELD:isNotNull";
                Err(DefinitionError::Filter { field: field.to_owned(), what })
            }
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            (Some(key), value) => write!(f, "{key}={value}"),
            (None, value) => f.write_str(&value),
        }
    }
}

/// `userDefinedFilters`: an object whose nameless conditions are numbered (TrackTik OpenAPI 2020-01-01:
/// `{"status":"ACTIVE","0":"lastName:isNotNull"}`).
pub(crate) fn to_json(filters: &[Filter]) -> Result<Map<String, Value>, DefinitionError> {
    let mut json = Map::new();
    let mut place = 0_usize;
    for filter in filters {
        let (key, value) = filter.entry();
        let key = key.unwrap_or_else(|| {
            place += 1;
            (place - 1).to_string()
        });
        if json.insert(key, Value::String(value)).is_some() {
            return Err(DefinitionError::Filter { field: filter.field.clone(), what: "it is there twice" });
        }
    }
    Ok(json)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filters(texts: &[&str]) -> Result<Map<String, Value>, DefinitionError> {
        to_json(&texts.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>()?)
    }

    #[test]
    fn filters_are_written_as_the_schema_shows() {
        for (texts, expected) in [
            (&["status=ACTIVE", "lastName:isNotNull"][..], json!({"status": "ACTIVE", "0": "lastName:isNotNull"})),
            (&["status:not=ACTIVE"], json!({"status:not": "ACTIVE"})),
            (&["status:in=ACTIVE,PENDING"], json!({"status:in": "ACTIVE,PENDING"})),
            (&["a:isNull", "b:isNotNull"], json!({"0": "a:isNull", "1": "b:isNotNull"})),
            (&["address.city=A=B: C"], json!({"address.city": "A=B: C"})),
            (&["note="], json!({"note": ""})),
            (&[], json!({})),
        ] {
            assert_eq!(filters(texts).map(Value::Object), Ok(expected), "{texts:?}");
        }
    }

    #[test]
    fn a_filter_reads_back_as_it_was_written() {
        for text in ["status=ACTIVE", "status:not=ACTIVE", "status:in=A,B", "lastName:isNotNull"] {
            assert_eq!(text.parse::<Filter>().expect("a filter").to_string(), text);
        }
    }

    #[test]
    fn the_query_language_is_refused_in_any_letter_case() {
        for text in ["whereQL=x", "WHEREQL=x", "whereql:not=x", "wHeReQl:in=x", "whereQL:isNull"] {
            let error = text.parse::<Filter>().expect_err("refused");
            assert!(error.to_string().contains("query language"), "{text}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_a_filter_is_refused() {
        for text in [
            "",
            "status",
            "=x",
            "a b=x",
            "a:b=x",
            "a:in=",
            "a:in=x,,y",
            "a:not",
            "a:in",
            "a:is-null",
            "a:",
            "0=a:isNull",
        ] {
            assert!(text.parse::<Filter>().is_err(), "{text:?}");
        }
        assert!(Filter::is_in("a", &["x,y"]).is_err(), "a comma separates");
        assert!(filters(&["a=1", "a=2"]).is_err(), "the second would replace the first");
    }
}
