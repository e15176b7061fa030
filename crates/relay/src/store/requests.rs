//! Messages asked for by other programs: who may ask, and what was answered to whom, so that a request that is repeated sends
//! nothing twice.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{Database, messages, params, recipients};
use crate::{Error, NewMessage, Recipients};

/// How long a repeated request is known.
const KNOWN: SignedDuration = SignedDuration::from_hours(24);

/// A request for messages.
pub(crate) struct Request {
    /// The name of the token it came with.
    pub(crate) token: String,
    /// What the sender calls the request, when it may be repeated.
    pub(crate) key: Option<String>,
    /// All of it, to tell a repeated one from another of the same key.
    pub(crate) body: Vec<u8>,
    pub(crate) recipients: Recipients,
    pub(crate) message: NewMessage,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The messages, by the names of their users.
    Now(Vec<(String, i64)>),
    /// The same was asked for before: the messages of then.
    Before(Vec<(String, i64)>),
    /// Another request had this key.
    OtherRequest,
    /// These users and groups are not there; nothing was sent.
    Nobody(Vec<String>),
}

impl Database {
    /// Keeps a token's digest under a name that no other has.
    pub(crate) fn add_api_token(&mut self, name: &str, token: &str, now: Timestamp) -> Result<(), Error> {
        let insert = "INSERT INTO api_tokens (name, digest, created) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let digest = self.digest(token);
        if self.connection.execute(insert, params![name, digest, now.as_second()])? == 0 {
            return Err(Error::Input(format!("there is a token {name:?} already; remove it first")));
        }
        Ok(())
    }

    /// The tokens' names, and when they were made.
    pub(crate) fn api_tokens(&mut self) -> Result<Vec<(String, Timestamp)>, Error> {
        self.connection.query("SELECT name, created FROM api_tokens ORDER BY name", &[], |row| {
            Ok((row.get(0)?, Timestamp::from_second(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH)))
        })
    }

    /// Answers whether there was one.
    pub(crate) fn remove_api_token(&mut self, name: &str) -> Result<bool, Error> {
        Ok(self.connection.execute("DELETE FROM api_tokens WHERE name = ?1", params![name])? > 0)
    }

    /// The name of a token.
    pub(crate) fn api_token(&mut self, token: &str) -> Result<Option<String>, Error> {
        let digest = self.digest(token);
        self.connection.query_one("SELECT name FROM api_tokens WHERE digest = ?1", params![digest], |row| row.get(0))
    }

    /// Stores a request's messages, one for each user, together with what was answered.
    pub(crate) fn send_request(&mut self, request: Request, now: Timestamp) -> Result<Sent, Error> {
        let Request { token, key, body, recipients, message } = request;
        let digest = Sha256::digest(&body);
        let mut transaction = self.connection.transaction()?;
        let old = now.checked_sub(KNOWN).unwrap_or(Timestamp::UNIX_EPOCH);
        transaction.execute("DELETE FROM requests WHERE created < ?1", params![old.as_second()])?;
        if let Some(key) = &key {
            let whose = Sha256::digest(format!("{token}\n{key}"));
            transaction.lock(&[whose.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))])?;
            let query = "SELECT body_digest, answer FROM requests WHERE token = ?1 AND key = ?2";
            let read = |row: &super::Row| Ok((row.get::<Vec<u8>>(0)?, row.get::<String>(1)?));
            if let Some((before, answer)) = transaction.query_one(query, params![&token, key], read)? {
                if before != digest[..] {
                    return Ok(Sent::OtherRequest);
                }
                let answer = serde_json::from_str(&answer);
                return answer.map(Sent::Before).map_err(|error| Error::Stored(error.to_string()));
            }
        }
        let missing = recipients::missing(&mut transaction, &recipients)?;
        if !missing.is_empty() {
            return Ok(Sent::Nobody(missing));
        }
        let mut sent = Vec::new();
        for (user, name) in recipients::find_named(&mut transaction, &recipients)? {
            if let Some(stored) = messages::insert(&mut transaction, user.id, message.clone(), now)? {
                sent.push((name, stored.id));
            }
        }
        if let Some(key) = &key {
            let answer = serde_json::to_string(&sent).map_err(|error| Error::Stored(error.to_string()))?;
            let insert = "INSERT INTO requests (token, key, body_digest, answer, created) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction.execute(insert, params![token, key, &digest[..], answer, now.as_second()])?;
        }
        transaction.commit()?;
        Ok(Sent::Now(sent))
    }
}
