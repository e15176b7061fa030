//! [`Subscription`]: one as TrackTik has it.
//!
//! It must never refuse one for what is missing, new or of another kind, only for the lack of an id: a list that cannot
//! be read cannot be repaired either. The secret is write-only (TrackTik OpenAPI 2020-01-01); none is expected here.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::id::Id;

/// A subscription as it was read (TrackTik OpenAPI 2020-01-01, `EventsSubscriptionsItem`).
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// TrackTik's id.
    pub id: Id,
    /// The id its maker gave it.
    #[serde(default, deserialize_with = "text")]
    pub custom_id: Option<String>,
    /// Its name for people.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// What it waits for, as text: another program may have made it with events this crate does not know.
    #[serde(default, deserialize_with = "texts")]
    pub events: Vec<String>,
    /// Where call-outs go. May hold a key: never log it.
    #[serde(default, deserialize_with = "text")]
    pub url: Option<String>,
    /// `entityResponse`, as it is.
    #[serde(default)]
    pub entity_response: Option<Value>,
    /// `contextFilters`, as it is.
    #[serde(default)]
    pub context_filters: Option<Value>,
    /// `userDefinedFilters`, as it is.
    #[serde(default)]
    pub user_defined_filters: Option<Value>,
    /// Who is told of failures.
    #[serde(default, deserialize_with = "text")]
    pub failure_email: Option<String>,
    /// When it last called out, as TrackTik writes it; the schema names no form.
    #[serde(default, deserialize_with = "text")]
    pub last_triggered_on: Option<String>,
    /// Its log, where it was asked for (`include=logs`).
    #[serde(default, deserialize_with = "rows")]
    pub logs: Vec<LogRow>,
    /// All else, as it is: `createdBy`, `updatedBy`, `status`, and what is yet to come.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// A call-out that was made (TrackTik OpenAPI 2020-01-01, `EventsSubscriptionLogsItem`). There is neither an HTTP status
/// nor a count of tries in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogRow {
    /// TrackTik's id.
    #[serde(default)]
    pub id: Option<Id>,
    /// What it was about.
    #[serde(default)]
    pub event_data: Option<Value>,
    /// When, as TrackTik writes it.
    #[serde(default, deserialize_with = "text")]
    pub created_on: Option<String>,
    /// All else, as it is.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Subscription {
    pub(crate) fn from_json(value: Value) -> Result<Self, Error> {
        serde_json::from_value(value).map_err(|_| Error::shape("a subscription without a usable id"))
    }
}

impl fmt::Debug for Subscription {
    /// Without the address, which may hold a key, and without what is not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("Subscription");
        output.field("id", &self.id).field("custom_id", &self.custom_id).field("events", &self.events);
        output.finish_non_exhaustive()
    }
}

/// A text, or a number as text; anything else is not there.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// The texts of a list, or of an object's values, or of JSON in a text: the schema says "JSON" and shows a list.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = match Value::deserialize(deserializer)? {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::Array(vec![Value::String(text)])),
        value => value,
    };
    let items: Vec<Value> = match value {
        Value::Array(items) => items,
        Value::Object(items) => items.into_iter().map(|(_, item)| item).collect(),
        _ => Vec::new(),
    };
    Ok(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The rows that can be read.
fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LogRow>, D::Error> {
    let Value::Array(rows) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whatever_is_missing_new_or_of_another_kind_an_id_is_enough() {
        for value in [
            json!({"id": 7}),
            json!({"id": "7", "events": null, "url": {}, "logs": "none", "name": 3}),
            json!({"id": 7, "logs": [{"id": 1, "createdOn": 5}, "bad"], "events": {"0": "entity:reports:created"}}),
        ] {
            assert_eq!(Subscription::from_json(value.clone()).expect("readable").id, Id::from(7), "{value}");
        }
        assert!(Subscription::from_json(json!({"name": "x"})).is_err());
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let value = json!({"id": 7, "createdBy": 3, "new": {"a": [1]}});
        let subscription = Subscription::from_json(value).expect("readable");
        assert_eq!(Value::Object(subscription.others), json!({"createdBy": 3, "new": {"a": [1]}}));
    }

    #[test]
    fn the_address_is_not_in_the_debug_output() {
        let value = json!({"id": 7, "url": "https://r.example/?key=k3y", "other": "https://r.example/?key=k3y"});
        assert!(!format!("{:?}", Subscription::from_json(value).expect("readable")).contains("k3y"));
    }
}
