//! Whether a request is what the published schema asks for.
//!
//! It must never be more lenient than the schema reads: what passes here is to pass there.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Entities and their actions as the published schema (2020-01-01) has them; the client has a copy of its own.
pub const TABLE: &str = include_str!("reference.tsv");
const ACCEPT: &str = "application/vnd.tracktik.v2020-01-01+json";
const LANGUAGES: [&str; 10] = ["en_us", "fr", "ro", "es", "de", "nl", "pt", "sv", "zh-hans", "th"];
const REQUIRED: [&str; 6] = ["customId", "name", "events", "url", "secretHeaderName", "secret"];

/// The headers of a call.
pub(super) fn headers(headers: &HashMap<String, String>) -> Result<(), String> {
    if headers.get("accept").is_none_or(|accept| accept != ACCEPT) {
        return Err(format!("Accept has to be {ACCEPT}"));
    }
    if headers.get("ttc-language").is_some_and(|language| !LANGUAGES.contains(&language.as_str())) {
        return Err("no such TTC-Language".to_owned());
    }
    let is_number = |id: &str| id.parse::<u64>().is_ok();
    if headers.get("ttc-region-filter").is_some_and(|ids| !ids.split(',').all(is_number)) {
        return Err("TTC-Region-Filter holds ids".to_owned());
    }
    Ok(())
}

/// The body of a create or a PUT (`whole`), or of a PATCH.
pub(super) fn definition(body: &str, whole: bool) -> Result<Map<String, Value>, String> {
    let Ok(Value::Object(body)) = serde_json::from_str(body) else {
        return Err("a JSON object is required".to_owned());
    };
    if let Some(missing) = REQUIRED.iter().find(|key| whole && !body.contains_key(**key)) {
        return Err(format!("{missing} is required"));
    }
    for (key, value) in &body {
        let is_fine = match key.as_str() {
            "customId" | "name" | "url" | "secretHeaderName" | "secret" => {
                value.as_str().is_some_and(|text| !text.is_empty())
            }
            "failureEmail" => value.as_str().is_some_and(|text| text.contains('@')),
            "events" => are_events(value),
            "entityResponse" => {
                is_object_of(value, |key, value| matches!(key, "fields" | "include") && is_texts(value))
            }
            "userDefinedFilters" => is_object_of(value, |_, value| value.is_string()),
            "contextFilters" => is_object_of(value, is_context),
            // Not in the schema; the product's seed names it.
            "language" => value.as_str().is_some_and(|language| LANGUAGES.contains(&language)),
            _ => return Err(format!("{key} is unknown")),
        };
        if !is_fine {
            return Err(format!("{key} is not valid"));
        }
    }
    Ok(body)
}

fn is_context(key: &str, value: &Value) -> bool {
    let Some(items) = value.as_array() else { return false };
    let is_tag = |value: &Value| region(value).is_some();
    match key {
        "filters" => items.iter().all(|item| is_tag(&item["tag"]) && item["includeChildren"].is_boolean()),
        "exclusions" => items.iter().all(is_tag),
        _ => false,
    }
}

/// The region of a tag, `context.region.3`.
pub(super) fn region(tag: &Value) -> Option<u64> {
    tag.as_str()?.strip_prefix("context.region.")?.parse().ok()
}

/// At least one, all known, all of one entity.
fn are_events(value: &Value) -> bool {
    let Some(events) = value.as_array().filter(|events| !events.is_empty()) else { return false };
    let parts = |event: &Value| {
        let (entity, trigger) = event.as_str()?.strip_prefix("entity:")?.split_once(':')?;
        is_known(entity, trigger).then(|| entity.to_owned())
    };
    let first = parts(&events[0]);
    first.is_some() && events.iter().all(|event| parts(event) == first)
}

pub(super) fn is_known(entity: &str, trigger: &str) -> bool {
    let mut rows = TABLE.lines().filter_map(|line| line.split_once('\t'));
    rows.any(|(name, actions)| {
        name == entity
            && (matches!(trigger, "created" | "updated") || actions.split(',').any(|action| action == trigger))
    })
}

fn is_object_of(value: &Value, is_fine: impl Fn(&str, &Value) -> bool) -> bool {
    value.as_object().is_some_and(|map| map.iter().all(|(key, value)| is_fine(key, value)))
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}
