//! [`Difference`]: in what an existing subscription is not as a definition has it.
//!
//! It must never show a whole address: its last part may be a key. What TrackTik writes in another order or another
//! spelling of nothing (`null`, `[]`, `{}`, JSON in a text) is no difference.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use crate::new_subscription::NewSubscription;
use crate::subscription::Subscription;

/// One part that differs, before and after, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The part, as it is called at TrackTik (TrackTik OpenAPI 2020-01-01, `EventsSubscriptionsItem`).
    pub part: &'static str,
    /// As TrackTik has it.
    pub before: String,
    /// As the definition has it.
    pub after: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} → {}", self.part, self.before, self.after)
    }
}

impl NewSubscription {
    /// In what `existing` is not as this definition has it. Secret and header are write-only, and cannot be compared; a
    /// failure address that the definition does not have stays, as [`crate::Client::update`] leaves it.
    pub fn differences(&self, existing: &Subscription) -> Vec<Difference> {
        let wanted = self.to_update(crate::SecretInUpdate::Kept);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut events = existing.events.clone();
        events.sort_unstable();
        let mut parts = vec![
            ("customId", text(&existing.custom_id), as_text(&wanted["customId"])),
            ("name", text(&existing.name), as_text(&wanted["name"])),
            ("events", events.join(", "), names(Some(&wanted["events"])).join(", ")),
            (
                "userDefinedFilters",
                filters(existing.user_defined_filters.as_ref()),
                filters(wanted.get("userDefinedFilters")),
            ),
            ("entityResponse", inclusions(existing.entity_response.as_ref()), inclusions(wanted.get("entityResponse"))),
            ("contextFilters", regions(existing.context_filters.as_ref()), regions(wanted.get("contextFilters"))),
        ];
        if let Some(address) = wanted.get("failureEmail") {
            parts.push(("failureEmail", text(&existing.failure_email), as_text(address)));
        }
        let mut differences: Vec<Difference> = parts
            .into_iter()
            .filter(|(_, before, after)| before != after)
            .map(|(part, before, after)| Difference { part, before: or_none(before), after: or_none(after) })
            .collect();
        let (before, after) = (text(&existing.url), as_text(&wanted["url"]));
        if before != after {
            let (masked, new) = (without_key(&before), without_key(&after));
            let after = if masked == new { "the same with another path".to_owned() } else { new };
            differences.push(Difference { part: "url", before: masked, after });
        }
        differences
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

/// The address up to its host: what stands behind it, or before it, may be a key.
pub fn without_key(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "…".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}/…", url.scheme(), url.host_str().unwrap_or_default())
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value, or what a text holds as JSON.
fn opened(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

/// The texts of a list, or of an object's values, in alphabetical order.
fn names(value: Option<&Value>) -> Vec<String> {
    let mut names: Vec<String> = match opened(value) {
        Value::Array(items) => items.iter().map(as_text).collect(),
        Value::Object(items) => items.values().map(as_text).collect(),
        _ => Vec::new(),
    };
    names.sort_unstable();
    names
}

/// Numbered conditions by themselves, the others with their field.
fn filters(value: Option<&Value>) -> String {
    let mut all: Vec<String> = match opened(value) {
        Value::Object(conditions) => conditions.iter().map(condition).collect(),
        Value::Array(conditions) => conditions.iter().map(as_text).collect(),
        _ => Vec::new(),
    };
    all.sort_unstable();
    all.join(", ")
}

fn condition((key, value): (&String, &Value)) -> String {
    let is_place = key.bytes().all(|byte| byte.is_ascii_digit());
    if is_place { as_text(value) } else { format!("{key}={}", as_text(value)) }
}

fn inclusions(value: Option<&Value>) -> String {
    let value = opened(value);
    let listed = |key: &str| {
        let names = names(value.get(key)).join(", ");
        (!names.is_empty()).then(|| format!("{key} {names}"))
    };
    listed("fields").into_iter().chain(listed("include")).collect::<Vec<_>>().join("; ")
}

fn regions(value: Option<&Value>) -> String {
    let value = opened(value);
    let id = |tag: &str| tag.rsplit('.').next().unwrap_or(tag).to_owned();
    let region = |filter: &Map<String, Value>| {
        let below = if filter.get("includeChildren") == Some(&Value::Bool(true)) { " and below" } else { "" };
        format!("{}{below}", id(filter.get("tag").and_then(Value::as_str).unwrap_or("?")))
    };
    let included = value.get("filters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut included: Vec<String> = included.iter().filter_map(Value::as_object).map(region).collect();
    let excluded: Vec<String> = names(value.get("exclusions")).iter().map(|tag| id(tag)).collect();
    if included.is_empty() && excluded.is_empty() {
        return "all regions".to_owned();
    }
    included.sort_unstable();
    let without = if excluded.is_empty() { String::new() } else { format!(", without {}", excluded.join(", ")) };
    format!("regions {}{without}", included.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Essentials, Event, IncludedRegion, Inclusions, Regions};
    use serde_json::json;

    fn definition() -> NewSubscription {
        let event = |trigger| Event::new("employees", trigger).expect("known");
        let essentials = Essentials {
            custom_id: "new-employees".into(),
            name: "New employees".into(),
            events: vec![event("updated"), event("created")],
            regions: Regions::part(vec![IncludedRegion { id: 3, include_children: true }], vec![7]).expect("a part"),
            url: "https://relay.example/callouts/tracktik/the-key".into(),
            secret: "a secret of 16 or more".into(),
        };
        let new = NewSubscription::new(essentials).expect("complete");
        let new =
            new.filters(&["status=ACTIVE".parse().expect("one"), "a:isNull".parse().expect("one")]).expect("fine");
        let include = vec!["region".to_owned(), "address".to_owned()];
        new.inclusions(Inclusions { fields: vec![], include })
            .expect("fine")
            .failure_email("a@b.example")
            .expect("fine")
    }

    fn existing(change: impl FnOnce(&mut Value)) -> Subscription {
        let mut value = json!({
            "id": 7, "customId": "new-employees", "name": "New employees",
            "events": ["entity:employees:created", "entity:employees:updated"],
            "url": "https://relay.example/callouts/tracktik/the-key", "failureEmail": "a@b.example",
            "userDefinedFilters": {"0": "a:isNull", "status": "ACTIVE"},
            "entityResponse": {"fields": null, "include": ["address", "region"]},
            "contextFilters": {
                "exclusions": ["context.region.7"], "filters": [{"includeChildren": true, "tag": "context.region.3"}],
            },
        });
        change(&mut value);
        serde_json::from_value(value).expect("a subscription")
    }

    #[test]
    fn another_order_or_spelling_is_no_difference() {
        assert_eq!(definition().differences(&existing(|_| {})), []);
        let texts = |value: &mut Value| {
            value["entityResponse"] = json!("{\"fields\":[],\"include\":[\"region\",\"address\"]}");
            value["events"] = json!({"0": "entity:employees:updated", "1": "entity:employees:created"});
        };
        assert_eq!(definition().differences(&existing(texts)), []);
        let nothing = Essentials {
            custom_id: "c".into(),
            name: "n".into(),
            events: vec![Event::new("employees", "created").expect("known")],
            regions: Regions::All,
            url: "https://relay.example/k".into(),
            secret: "a secret of 16 or more".into(),
        };
        let bare = json!({"id": 1, "customId": "c", "name": "n", "events": ["entity:employees:created"],
            "url": "https://relay.example/k", "userDefinedFilters": [], "contextFilters": null});
        let bare = serde_json::from_value(bare).expect("a subscription");
        assert_eq!(NewSubscription::new(nothing).expect("complete").differences(&bare), []);
    }

    #[test]
    fn an_address_is_shown_to_its_host() {
        for (url, shown) in [
            ("https://a.example/hook/the-key/", "https://a.example/…"),
            ("https://user:password@a.example:8443/x?key=a/b", "https://a.example:8443/…"),
            ("no address", "…"),
        ] {
            assert_eq!(without_key(url), shown);
        }
    }

    #[test]
    fn each_part_is_told_as_a_person_reads_it_and_a_key_never_is() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 8] = [
            (|it| it["name"] = json!("Old"), "name: Old → New employees"),
            (
                |it| it["events"] = json!(["entity:employees:created"]),
                "events: entity:employees:created → entity:employees:created, entity:employees:updated",
            ),
            (|it| it["userDefinedFilters"] = Value::Null, "userDefinedFilters: none → a:isNull, status=ACTIVE"),
            (|it| it["entityResponse"]["include"] = json!([]), "entityResponse: none → include address, region"),
            (|it| it["contextFilters"] = Value::Null, "contextFilters: all regions → regions 3 and below, without 7"),
            (|it| it["failureEmail"] = Value::Null, "failureEmail: none → a@b.example"),
            (
                |it| it["url"] = json!("https://relay.example/callouts/tracktik/another"),
                "url: https://relay.example/… → the same with another path",
            ),
            (
                |it| it["url"] = json!("https://old.example/callouts/tracktik/the-key"),
                "url: https://old.example/… → https://relay.example/…",
            ),
        ];
        for (change, expected) in cases {
            let told: Vec<_> = definition().differences(&existing(change)).iter().map(Difference::to_string).collect();
            assert_eq!(told, [expected]);
        }
    }
}
