//! The caller's messages: listed, one by its id, marked as read. Another user's message is answered like one that is
//! not there.

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State, rejection::BytesRejection},
    http::{HeaderName, HeaderValue},
    response::Response,
};
use jiff::Timestamp;
use serde_json::Value;

use super::{Refusal, Shared, caller::Caller, envelope::success};
use crate::{
    Error,
    notification::Notification,
    store::{Marked, Wanted},
};

/// Messages in an answer. Fast Track's list has no pages; by [`NEXT_CURSOR`], an addition that desktops of ours know, those
/// that are unread go on. Older ones that were read are not listed.
const MAX_LISTED: usize = 1000;
const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");
/// When the list's answer has this size, the messages after come without their bodies, which clients then get by id.
const MAX_LIST_BYTES: usize = 4 * 1024 * 1024;

pub(super) async fn list(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
    Caller(user): Caller,
) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let before = cursor(&query)?;
    let wanted = Wanted {
        unread_only: flag(&query, "unread-only")? || before.is_some(),
        inbox_only: flag(&query, "inbox-only")?,
        before,
    };
    let own_url = shared.own_url.clone();
    let listed = shared.store.call(move |database| {
        let (mut size, mut last) = (0, None);
        let listed = database.messages(user.id, wanted, MAX_LISTED, Timestamp::now(), |message| {
            last = Some((message.date.as_second(), message.id));
            let notification = Notification::new(message, &own_url);
            size += notification.weight();
            if size <= MAX_LIST_BYTES { notification } else { notification.without_body() }
        })?;
        Ok((listed, last))
    });
    let (listed, last) = listed.await?;
    let is_full = listed.len() == MAX_LISTED;
    let mut answer = success(listed);
    if let (true, Some((date, id))) = (is_full, last) {
        let next = HeaderValue::try_from(format!("{date}.{id}")).map_err(|_| Error::Interrupted)?;
        answer.headers_mut().insert(NEXT_CURSOR, next);
    }
    Ok(answer)
}

/// Date and id of the message that the answer before ended with.
fn cursor(query: &str) -> Result<Option<(i64, i64)>, Refusal> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let Some((_, cursor)) = parameters.find(|(key, _)| key == "cursor") else { return Ok(None) };
    let read = cursor.split_once('.').and_then(|(date, id)| Some((date.parse().ok()?, id.parse().ok()?)));
    read.map(Some).ok_or_else(|| Refusal::bad_request("`cursor` is what an answer gave as Next-Cursor"))
}

pub(super) async fn one(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Caller(user): Caller,
) -> Result<Response, Refusal> {
    let id = id.parse().map_err(|_| no_such_message())?;
    let found = shared.store.call(move |database| database.message(user.id, id, Timestamp::now())).await?;
    found.map(|message| success(Notification::new(message, &shared.own_url))).ok_or_else(no_such_message)
}

pub(super) async fn mark_as_read(
    State(shared): State<Shared>,
    Caller(user): Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body.map_err(|rejection| Refusal::unreadable_body(rejection.status()))?;
    let id = message_id(&body).ok_or_else(|| Refusal::bad_request("The body is not {\"MessageId\": number}"))?;
    let marked = shared.store.call(move |database| database.mark_read(user.id, id, Timestamp::now())).await?;
    match marked {
        Marked::Unknown => return Err(no_such_message()),
        Marked::Already => {}
        Marked::Now => shared.read_marks.tell(user.channel(), id),
    }
    Ok(success(true))
}

fn no_such_message() -> Refusal {
    Refusal::not_found("There is no such message")
}

/// Ids are numbers in one source and text in another: both are taken.
fn message_id(body: &[u8]) -> Option<i64> {
    match serde_json::from_slice::<Value>(body).ok()?.get("MessageId")? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn flag(query: &str, name: &str) -> Result<bool, Refusal> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    match parameters.find_map(|(key, value)| (key == name).then_some(value)).as_deref() {
        None | Some("" | "false" | "False" | "0") => Ok(false),
        Some("true" | "True" | "1") => Ok(true),
        Some(_) => Err(Refusal::bad_request(format!("`{name}` is true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_read_as_number_and_as_text_and_from_nothing_else() {
        assert_eq!(message_id(br#"{"MessageId":5}"#), Some(5));
        assert_eq!(message_id(br#"{"MessageId":"5"}"#), Some(5));
        for body in
            [&b""[..], b"5", b"[]", b"{}", br#"{"MessageId":null}"#, br#"{"MessageId":5.5}"#, br#"{"MessageId":1e30}"#]
        {
            assert_eq!(message_id(body), None);
        }
    }
}
