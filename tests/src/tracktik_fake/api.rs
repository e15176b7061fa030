//! The calls: log-in, list, read, create, change, act. Pure but for what the server knows.
//!
//! It must never give a secret back: `secret` and `secretHeaderName` are write-only.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::check;
use super::{CLIENT_ID, CLIENT_SECRET, Inside, PASSWORD, Seen, Standing, Stored, TOKEN, USERNAME};

type Answer = (u16, Value);

/// The answer to a request.
pub(super) fn answer(inside: &mut Inside, seen: &Seen) -> Answer {
    if (seen.method.as_str(), seen.path.as_str()) == ("POST", "/rest/oauth2/access_token") {
        return token(inside, &pairs(&seen.body));
    }
    let Some(rest) = seen.path.strip_prefix("/rest/v1/events-subscriptions") else { return error(404, "not here") };
    let bearer = seen.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if !bearer.is_some_and(|token| inside.tokens.contains(token)) {
        return error(401, "the token is not valid");
    }
    if let Err(said) = check::headers(&seen.headers) {
        return error(400, &said);
    }
    let segments: Vec<_> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
    match (seen.method.as_str(), segments.as_slice()) {
        ("GET", []) => list(inside, &pairs(&seen.query)),
        ("POST", []) => create(inside, &seen.body),
        (_, []) => error(405, "not this method"),
        (method, [id, rest @ ..]) => {
            let Some(id) = id.parse().ok().filter(|id| inside.subscriptions.contains_key(id)) else {
                return error(404, "no such subscription");
            };
            match (method, rest) {
                ("GET", []) => read(inside, id, &pairs(&seen.query)),
                ("PATCH", []) => change(inside, id, &seen.body, false),
                ("PUT", []) => change(inside, id, &seen.body, true),
                ("POST", ["actions", action]) => act(inside, id, action, &seen.body),
                _ => error(405, "not this method"),
            }
        }
    }
}

fn token(inside: &mut Inside, form: &HashMap<String, String>) -> Answer {
    let has = |key: &str, value: &str| form.get(key).is_some_and(|given| given == value);
    let client = has("client_id", CLIENT_ID) && has("client_secret", CLIENT_SECRET);
    let refresh = form.get("refresh_token").cloned().unwrap_or_default();
    let granted = match form.get("grant_type").map(String::as_str) {
        Some("password") => has("username", USERNAME) && has("password", PASSWORD),
        // A refresh token is used up by its use: an assumption, the stricter one.
        Some("refresh_token") => client && inside.refresh_tokens.remove(&refresh),
        _ => return error(400, "no such grant_type"),
    };
    if !client || !granted {
        return error(401, "the credentials are not valid");
    }
    inside.given += 1;
    let (access, refresh) = (format!("{TOKEN}-{}", inside.given), format!("refresh-01234567-{}", inside.given));
    inside.tokens.insert(access.clone());
    inside.refresh_tokens.insert(refresh.clone());
    let mut body = json!({"token_type": "Bearer", "access_token": access, "refresh_token": refresh});
    if let Some(seconds) = &inside.expires_in {
        body["expires_in"] = seconds.clone();
    }
    (200, body)
}

fn list(inside: &Inside, query: &HashMap<String, String>) -> Answer {
    let number = |key: &str, usual: usize| query.get(key).map_or(Some(usual), |text| text.parse().ok());
    let (Some(limit), Some(offset)) = (number("limit", 100), number("offset", 0)) else {
        return error(400, "limit and offset are numbers");
    };
    if limit > 1000 {
        return error(400, "limit is at most 1000");
    }
    let limit = limit.min(inside.largest_page);
    let visible = inside.subscriptions.iter().filter(|(_, stored)| inside.hidden != Some(stored.standing));
    let mut all: Vec<_> = visible.map(|(id, stored)| shown(*id, stored, false)).collect();
    match query.get("sort").map_or("id", String::as_str) {
        "id" => {}
        "-id" => all.reverse(),
        _ => return error(400, "the stand-in sorts by id alone"),
    }
    let count = all.len();
    let items: Vec<_> = all.into_iter().skip(offset).take(limit).collect();
    if inside.bare {
        return (200, Value::Array(items));
    }
    let meta = json!({"count": count, "itemCount": items.len(), "limit": limit, "offset": offset});
    (200, json!({"meta": meta, "data": items}))
}

fn read(inside: &Inside, id: u64, query: &HashMap<String, String>) -> Answer {
    let with_logs = query.get("include").is_some_and(|include| include.split(',').any(|name| name == "logs"));
    single(inside, 200, shown(id, &inside.subscriptions[&id], with_logs))
}

fn create(inside: &mut Inside, body: &str) -> Answer {
    let body = match check::definition(body, true) {
        Ok(body) => body,
        Err(said) => return error(400, &said),
    };
    let id = inside.next_id;
    inside.next_id += 1;
    inside.subscriptions.insert(id, Stored { body, standing: Standing::Enabled, logs: Vec::new() });
    single(inside, inside.created_status, shown(id, &inside.subscriptions[&id], false))
}

fn change(inside: &mut Inside, id: u64, body: &str, whole: bool) -> Answer {
    let body = match check::definition(body, whole) {
        Ok(body) => body,
        Err(said) => return error(400, &said),
    };
    let Some(stored) = inside.subscriptions.get_mut(&id) else { return error(404, "no such subscription") };
    if whole {
        stored.body = body;
    } else {
        stored.body.extend(body);
    }
    single(inside, 200, shown(id, &inside.subscriptions[&id], false))
}

fn act(inside: &mut Inside, id: u64, action: &str, body: &str) -> Answer {
    let Some(stored) = inside.subscriptions.get_mut(&id) else { return error(404, "no such subscription") };
    // That archiving is for good is what the schema's word for it says.
    if stored.standing == Standing::Archived {
        return error(400, "the subscription is archived");
    }
    stored.standing = match action {
        "archive" => Standing::Archived,
        "enable" => Standing::Enabled,
        "suspend" => {
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            if body["reason"].as_str().is_none_or(str::is_empty) {
                return error(400, "reason is required");
            }
            Standing::Suspended
        }
        _ => return error(404, "no such action"),
    };
    (200, json!({"meta": {}, "data": {}}))
}

/// As it is read: without what is write-only.
fn shown(id: u64, stored: &Stored, with_logs: bool) -> Value {
    let mut body: Map<String, Value> = stored.body.clone();
    body.remove("secret");
    body.remove("secretHeaderName");
    body.insert("id".to_owned(), json!(id));
    body.insert("resourceType".to_owned(), json!("EventsSubscription"));
    body.insert("createdBy".to_owned(), json!(12));
    if let Some(last) = stored.logs.last() {
        body.insert("lastTriggeredOn".to_owned(), last["createdOn"].clone());
    }
    if with_logs {
        body.insert("logs".to_owned(), json!(stored.logs));
    }
    Value::Object(body)
}

fn single(inside: &Inside, status: u16, value: Value) -> Answer {
    (status, if inside.bare { value } else { json!({"meta": {}, "data": value}) })
}

fn error(status: u16, said: &str) -> Answer {
    (status, json!({"status": status, "error": said}))
}

/// `a=b&c=d`, decoded.
fn pairs(text: &str) -> HashMap<String, String> {
    let split = text.split('&').filter_map(|pair| pair.split_once('='));
    split.map(|(key, value)| (decoded(key), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                hex::decode(digits).ok().and_then(|bytes| bytes.first().copied()).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
