//! Who is on a presence channel (Pusher: *Presence channels*). It must never grow without bound, whatever the server says.

use std::collections::BTreeMap;

use serde_json::Value;

/// The most memory that one channel's members take, roughly, in bytes.
const MOST_BYTES: usize = 8 << 20;

/// One subscriber of a presence channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Who it is, unique on the channel.
    pub id: String,
    /// What the application's server said of it; `null` when nothing.
    pub info: Value,
}

impl Member {
    /// How much memory it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        weight(&self.id, &self.info)
    }
}

/// Who is on a presence channel, as far as is known: empty until the subscription is accepted, and while it is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    list: BTreeMap<String, Value>,
    me: Option<String>,
    bytes: usize,
}

impl Members {
    /// How many there are, oneself included.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Oneself; nobody while the channel is not subscribed.
    pub fn me(&self) -> Option<Member> {
        self.get(self.me.as_deref()?)
    }

    /// The member `id`.
    pub fn get(&self, id: &str) -> Option<Member> {
        self.list.get(id).map(|info| Member { id: id.into(), info: info.clone() })
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.list.iter().map(|(id, info)| (id.as_str(), info))
    }

    /// Who we are, from the authorization's `channel_data` or from the signed-in user.
    pub(crate) fn set_me(&mut self, id: Option<String>) {
        self.me = id;
    }

    /// Takes what the server says on subscription: `{"presence":{"hash":{id: info},…}}`. What is no such list is an
    /// empty one.
    pub(crate) fn replace(&mut self, data: &Value) {
        self.list.clear();
        self.bytes = 0;
        let hash = data.get("presence").and_then(|presence| presence.get("hash")).and_then(Value::as_object);
        for (id, info) in hash.into_iter().flatten() {
            self.insert(Member { id: id.clone(), info: info.clone() });
        }
    }

    /// Adds `member`: `true` when it was not there.
    pub(crate) fn insert(&mut self, member: Member) -> bool {
        let weight = weight(&member.id, &member.info);
        if self.bytes + weight > MOST_BYTES {
            tracing::warn!(count = self.list.len(), "too many members; one more is not listed");
            return false;
        }
        self.bytes += weight;
        let id = member.id.clone();
        let before = self.list.insert(member.id, member.info);
        if let Some(info) = &before {
            self.bytes -= self::weight(&id, info);
        }
        before.is_none()
    }

    /// Removes the member `id` and gives it, if it was there.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Member> {
        let info = self.list.remove(id)?;
        self.bytes -= weight(id, &info);
        Some(Member { id: id.into(), info })
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Reads `{"user_id":…,"user_info":…}`, as a member that comes or goes is told, and as `channel_data` says who we are.
pub(crate) fn member(data: &Value) -> Option<Member> {
    let id = id(data.get("user_id")?)?;
    Some(Member { id, info: data.get("user_info").cloned().unwrap_or_default() })
}

/// An id: Pusher wants strings, its own examples have numbers.
pub(crate) fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// How much memory a member takes, roughly.
fn weight(id: &str, info: &Value) -> usize {
    fn of(value: &Value) -> usize {
        64 + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(of).sum(),
            Value::Object(map) => map.iter().map(|(key, value)| key.len() + of(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }
    id.len() + of(info)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_listed_come_and_go() {
        let mut members = Members::default();
        members.set_me(Some("2".into()));
        members.replace(&json!({"presence":{"count":2,"ids":["1","2"],"hash":{"1":{"name":"Ann"},"2":null}}}));
        assert_eq!(members.count(), 2);
        assert_eq!(members.me(), Some(Member { id: "2".into(), info: Value::Null }));
        let third = member(&json!({"user_id":3,"user_info":{"name":"Cy"}})).unwrap();
        assert!(members.insert(third.clone()), "a number is an id too");
        assert!(!members.insert(third.clone()), "who is there does not come");
        assert_eq!(members.iter().map(|(id, _)| id).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(members.remove("3"), Some(third));
        assert_eq!(members.remove("3"), None);
    }

    #[test]
    fn what_is_no_list_is_an_empty_one_and_what_is_no_member_is_none() {
        for data in [json!(null), json!({}), json!({"presence":[]}), json!({"presence":{"hash":7}})] {
            let mut members = Members::default();
            members.replace(&data);
            assert_eq!(members.count(), 0, "{data}");
        }
        for data in [json!({}), json!({"user_id":""}), json!({"user_id":null}), json!({"user_id":[]}), json!("x")] {
            assert_eq!(member(&data), None, "{data}");
        }
    }

    #[test]
    fn a_server_that_never_stops_adding_members_fills_no_memory() {
        let mut members = Members::default();
        let info = Value::String("x".repeat(1 << 20));
        for number in 0..100 {
            members.insert(Member { id: number.to_string(), info: info.clone() });
        }
        assert_eq!(members.count(), 7);
        members.remove("0");
        assert!(members.insert(Member { id: "again".into(), info }), "who leaves makes room");
    }
}
