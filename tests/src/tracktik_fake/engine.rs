//! The call-outs: which subscriptions an entity's trigger concerns, what is sent, and the log of it.
//!
//! It must never send while the lock on the server's knowledge is held.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha512;

use super::{CallOut, Entity, Inside, Standing, TracktikFake, check, post};

/// How long TrackTik waits before it tries again is not published: an assumption, short for the tests' sake.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// A call-out to be sent.
struct Due {
    subscription: u64,
    url: String,
    header: String,
    value: String,
    body: String,
}

impl TracktikFake {
    /// Creates an entity of a region and calls out `created`; returns its id and what came of each call-out.
    pub async fn create_entity(&self, endpoint: &str, region: u64, json: Value) -> (u64, Vec<CallOut>) {
        let id = self.inside(|inside| {
            let id = inside.next_id;
            inside.next_id += 1;
            let mut json = json.as_object().cloned().unwrap_or_default();
            json.insert("id".to_owned(), id.into());
            inside.entities.insert((endpoint.to_owned(), id), Entity { region, json });
            id
        });
        (id, self.call_out(endpoint, id, "created").await)
    }

    /// Changes fields of an entity and calls out `updated`.
    pub async fn update_entity(&self, endpoint: &str, id: u64, changes: Value) -> Vec<CallOut> {
        self.inside(|inside| {
            let entity = inside.entities.get_mut(&(endpoint.to_owned(), id)).expect("an entity that was created");
            entity.json.extend(changes.as_object().cloned().unwrap_or_default());
        });
        self.call_out(endpoint, id, "updated").await
    }

    /// Does an action on an entity and calls it out.
    pub async fn action(&self, endpoint: &str, id: u64, action: &str) -> Vec<CallOut> {
        self.call_out(endpoint, id, action).await
    }

    async fn call_out(&self, endpoint: &str, id: u64, trigger: &str) -> Vec<CallOut> {
        assert!(check::is_known(endpoint, trigger), "TrackTik knows no entity:{endpoint}:{trigger}");
        let (all_due, retries) = self.inside(|inside| (due(inside, endpoint, id, trigger), inside.retries));
        let mut call_outs = Vec::new();
        for due in all_due {
            let mut tries = self.deliver(&due, retries).await;
            let again = self.inside(|inside| take_one(&mut inside.doubled));
            if again {
                tries.extend(self.deliver(&due, retries).await);
            }
            call_outs.push(CallOut { subscription: due.subscription, tries });
        }
        call_outs
    }

    async fn deliver(&self, due: &Due, retries: usize) -> Vec<Option<u16>> {
        let mut tries = Vec::new();
        for number in 0..=retries {
            if number > 0 {
                tokio::time::sleep(RETRY_AFTER).await;
            }
            let is_lost = self.inside(|inside| take_one(&mut inside.lost));
            let status = if is_lost { None } else { post::post(&due.url, &due.header, &due.value, &due.body).await };
            tries.push(status);
            if status.is_some_and(|status| (200..300).contains(&status)) {
                break;
            }
        }
        tries
    }
}

fn take_one(count: &mut usize) -> bool {
    let is_left = *count > 0;
    *count = count.saturating_sub(1);
    is_left
}

/// What is to be sent for a trigger, noted in the subscriptions' logs.
fn due(inside: &mut Inside, endpoint: &str, id: u64, trigger: &str) -> Vec<Due> {
    let event = json!(format!("entity:{endpoint}:{trigger}"));
    let entity = inside.entities.get(&(endpoint.to_owned(), id)).expect("an entity that was created");
    let (region, entity) = (entity.region, entity.json.clone());
    let lineage: Vec<u64> =
        std::iter::successors(Some(region), |region| inside.parents.get(region).copied()).take(100).collect();
    let (wrapped, plain) = (inside.wrapped_call_outs, inside.plain_secret);
    let mut all = Vec::new();
    for (id, stored) in &mut inside.subscriptions {
        let body = &stored.body;
        let is_meant = stored.standing == Standing::Enabled
            && body["events"].as_array().is_some_and(|events| events.contains(&event))
            && is_in_context(body.get("contextFilters"), &lineage)
            && meets(body.get("userDefinedFilters"), &entity);
        if !is_meant {
            continue;
        }
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let shaped = Value::Object(shaped(body.get("entityResponse"), &entity));
        let sent = if wrapped { json!({"meta": {}, "data": shaped}) } else { shaped }.to_string();
        let value = if plain { text("secret") } else { signature(&text("secret"), &sent) };
        let number = stored.logs.len() + 1;
        let data = json!({"event": event, "id": entity["id"]});
        let on = format!("2026-01-01 00:00:{number:02}");
        stored.logs.push(json!({"id": number, "eventsSubscription": id, "eventData": data, "createdOn": on}));
        all.push(Due { subscription: *id, url: text("url"), header: text("secretHeaderName"), value, body: sent });
    }
    all
}

fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).expect("any length");
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}

/// Whether a region (first of its lineage, then what it lies below) counts. That an exclusion holds for what lies below
/// it too is an assumption.
fn is_in_context(context: Option<&Value>, lineage: &[u64]) -> bool {
    let Some(context) = context else { return true };
    let list = |key: &str| context[key].as_array().cloned().unwrap_or_default();
    let excluded = list("exclusions").iter().filter_map(check::region).any(|region| lineage.contains(&region));
    let filters = list("filters");
    let included = filters.is_empty()
        || filters.iter().any(|filter| {
            check::region(&filter["tag"]).is_some_and(|region| {
                lineage.first() == Some(&region) || filter["includeChildren"] == true && lineage.contains(&region)
            })
        });
    included && !excluded
}

/// Whether an entity meets all filters.
fn meets(filters: Option<&Value>, entity: &Map<String, Value>) -> bool {
    let Some(filters) = filters.and_then(Value::as_object) else { return true };
    filters.iter().all(|(key, wanted)| {
        let wanted = wanted.as_str().unwrap_or_default();
        if key.bytes().all(|byte| byte.is_ascii_digit()) {
            let (field, operator) = wanted.split_once(':').unwrap_or((wanted, ""));
            let is_null = found(entity, field).is_null();
            return match operator {
                "isNull" => is_null,
                "isNotNull" => !is_null,
                _ => false,
            };
        }
        let (field, operator) = key.split_once(':').unwrap_or((key, ""));
        let value = as_text(&found(entity, field));
        match operator {
            "" => value == wanted,
            "not" => value != wanted,
            "in" => wanted.split(',').any(|wanted| value == wanted),
            _ => false,
        }
    })
}

/// What is at a path as `address.city`.
fn found(entity: &Map<String, Value>, path: &str) -> Value {
    let mut parts = path.split('.');
    let first = parts.next().and_then(|part| entity.get(part)).cloned().unwrap_or_default();
    parts.fold(first, |value, part| value.get(part).cloned().unwrap_or_default())
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The entity as `entityResponse` asks for it: the fields named (all without any), relations as ids unless included.
fn shaped(response: Option<&Value>, entity: &Map<String, Value>) -> Map<String, Value> {
    let names = |key: &str| -> Vec<String> {
        let list = response.and_then(|response| response[key].as_array()).cloned().unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (fields, include) = (names("fields"), names("include"));
    let is_wanted = |key: &String| {
        let is_field = |field: &String| field.split('.').next() == Some(key.as_str());
        fields.is_empty() || key == "id" || fields.iter().any(is_field) || include.contains(key)
    };
    let brought = |key: &String, value: &Value| match value.get("id") {
        Some(id) if !include.contains(key) => id.clone(),
        _ => value.clone(),
    };
    entity.iter().filter(|(key, _)| is_wanted(key)).map(|(key, value)| (key.clone(), brought(key, value))).collect()
}
