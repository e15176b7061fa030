//! [`NewSubscription`]: a subscription that can only be built right.
//!
//! It must never show its secret or its address, which may hold a key, in an error or a `Debug` output.

use std::fmt;

use http_guard::is_loopback;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use crate::callout::DEFAULT_SECRET_HEADER;
use crate::definition::DefinitionError;
use crate::event::Event;
use crate::filter::{self, Filter};
use crate::language::Language;
use crate::regions::Regions;

/// A shorter secret could be guessed.
const SHORTEST_SECRET: usize = 16;
/// Headers a call-out has anyway.
const TAKEN_HEADERS: [&str; 6] =
    ["connection", "content-length", "content-type", "host", "transfer-encoding", "user-agent"];

/// What every subscription has to state (TrackTik support: Events Subscriptions).
pub struct Essentials {
    /// The id its maker gives it, to know it again.
    pub custom_id: String,
    /// Its name for people.
    pub name: String,
    /// What it waits for: at least one, all of one entity.
    pub events: Vec<Event>,
    /// Of which regions it hears.
    pub regions: Regions,
    /// Where call-outs go: https, or http on this computer itself.
    pub url: String,
    /// What call-outs are signed with: at least 16 characters.
    pub secret: SecretString,
}

/// What is called out of an entity beside its usual fields, as `fields` and `include` on GET calls (TrackTik OpenAPI
/// 2020-01-01, `entityResponse`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inclusions {
    /// The fields wanted, on demand ones too; none: the usual ones.
    pub fields: Vec<String>,
    /// Relations wanted whole.
    pub include: Vec<String>,
}

/// Whether an update replaces the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretInUpdate {
    /// TrackTik keeps the secret and the header's name it has.
    Kept,
    /// Both are sent. Until TrackTik uses the new secret, call-outs come with the old one: verify with both.
    Replaced,
}

/// A subscription to be created, or the definition an existing one is brought to.
#[derive(Clone)]
pub struct NewSubscription {
    custom_id: String,
    name: String,
    events: Vec<Event>,
    regions: Regions,
    url: Url,
    secret: SecretString,
    secret_header_name: String,
    filters: Map<String, Value>,
    inclusions: Option<Inclusions>,
    failure_email: Option<String>,
    language: Option<Language>,
}

impl NewSubscription {
    /// One with what every subscription needs.
    ///
    /// # Errors
    /// [`DefinitionError`], for the first part that is missing or wrong.
    pub fn new(essentials: Essentials) -> Result<Self, DefinitionError> {
        let Essentials { custom_id, name, events, regions, url, secret } = essentials;
        let first = *events.first().ok_or(DefinitionError::NoEvent)?;
        if let Some(other) = events.iter().find(|event| event.entity() != first.entity()) {
            return Err(DefinitionError::TwoEntities { first: first.entity(), other: other.entity() });
        }
        for (part, text) in [("customId", &custom_id), ("name", &name)] {
            if text.trim().is_empty() || text.chars().any(char::is_control) {
                return Err(DefinitionError::Part { part, what: "is empty or has control characters" });
            }
        }
        let mut distinct: Vec<Event> = Vec::new();
        for event in events {
            if !distinct.contains(&event) {
                distinct.push(event);
            }
        }
        Ok(Self {
            custom_id,
            name,
            events: distinct,
            regions,
            url: checked_url(&url)?,
            secret: checked_secret(secret)?,
            secret_header_name: DEFAULT_SECRET_HEADER.to_owned(),
            filters: Map::new(),
            inclusions: None,
            failure_email: None,
            language: None,
        })
    }

    /// Only entities that meet all of these are called out.
    ///
    /// # Errors
    /// [`DefinitionError::Filter`] when two are about the same field in the same way.
    pub fn filters(mut self, filters: &[Filter]) -> Result<Self, DefinitionError> {
        self.filters = filter::to_json(filters)?;
        Ok(self)
    }

    /// What is called out of an entity.
    ///
    /// # Errors
    /// [`DefinitionError::Part`] when a name is empty or holds a comma or a blank.
    pub fn inclusions(mut self, inclusions: Inclusions) -> Result<Self, DefinitionError> {
        let is_bad = |name: &String| name.is_empty() || name.contains(|c: char| c == ',' || c.is_whitespace());
        if inclusions.fields.iter().chain(&inclusions.include).any(is_bad) {
            return Err(DefinitionError::Part { part: "entityResponse", what: "names a field that cannot be one" });
        }
        self.inclusions = Some(inclusions);
        Ok(self)
    }

    /// The header the signature comes in; `TrackTik-Subscription-Secret` unless named.
    ///
    /// # Errors
    /// [`DefinitionError::Part`] when it cannot be a header's name, or is one a call-out has anyway.
    pub fn secret_header_name(mut self, name: &str) -> Result<Self, DefinitionError> {
        let refuse = |what| Err(DefinitionError::Part { part: "secretHeaderName", what });
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else { return refuse("is no header's name") };
        if TAKEN_HEADERS.contains(&parsed.as_str()) {
            return refuse("is a header every call has anyway");
        }
        name.clone_into(&mut self.secret_header_name);
        Ok(self)
    }

    /// Who is told when call-outs fail.
    ///
    /// # Errors
    /// [`DefinitionError::Part`] when it is no e-mail address.
    pub fn failure_email(mut self, address: &str) -> Result<Self, DefinitionError> {
        let is_fine = address.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.')
        });
        if !is_fine || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(DefinitionError::Part { part: "failureEmail", what: "is no e-mail address" });
        }
        self.failure_email = Some(address.to_owned());
        Ok(self)
    }

    /// Sends `language` along. TrackTik OpenAPI 2020-01-01 has no such field: only where a deployment is known to.
    #[must_use]
    pub fn language(mut self, language: Language) -> Self {
        self.language = Some(language);
        self
    }

    /// The id its maker gave it.
    pub fn custom_id(&self) -> &str {
        &self.custom_id
    }

    /// What it waits for.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub(crate) fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The body of a create (TrackTik OpenAPI 2020-01-01, `EventsSubscriptionsPost`).
    pub(crate) fn to_create(&self) -> Value {
        let mut body = self.common();
        self.add_secret(&mut body);
        if !self.filters.is_empty() {
            body.insert("userDefinedFilters".to_owned(), Value::Object(self.filters.clone()));
        }
        if let Some(inclusions) = &self.inclusions {
            body.insert("entityResponse".to_owned(), inclusions.to_json());
        }
        if let Some(regions) = self.regions.to_json() {
            body.insert("contextFilters".to_owned(), regions);
        }
        Value::Object(body)
    }

    /// The body of a PATCH that brings an existing one to this definition: what this one does not have is sent empty, so
    /// that it goes. That TrackTik takes an empty part for none is an assumption, not published.
    pub(crate) fn to_update(&self, secret: SecretInUpdate) -> Value {
        let mut body = self.common();
        match secret {
            SecretInUpdate::Kept => {}
            SecretInUpdate::Replaced => self.add_secret(&mut body),
        }
        body.insert("userDefinedFilters".to_owned(), Value::Object(self.filters.clone()));
        let inclusions = self.inclusions.clone().unwrap_or_default();
        body.insert("entityResponse".to_owned(), inclusions.to_json());
        let regions = self.regions.to_json().unwrap_or_else(|| json!({"filters": [], "exclusions": []}));
        body.insert("contextFilters".to_owned(), regions);
        Value::Object(body)
    }

    fn common(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("customId".to_owned(), json!(self.custom_id));
        body.insert("name".to_owned(), json!(self.name));
        let events: Vec<_> = self.events.iter().map(Event::to_string).collect();
        body.insert("events".to_owned(), json!(events));
        body.insert("url".to_owned(), json!(self.url.as_str()));
        if let Some(address) = &self.failure_email {
            body.insert("failureEmail".to_owned(), json!(address));
        }
        if let Some(language) = self.language {
            body.insert("language".to_owned(), json!(language.as_str()));
        }
        body
    }

    fn add_secret(&self, body: &mut Map<String, Value>) {
        body.insert("secretHeaderName".to_owned(), json!(self.secret_header_name));
        body.insert("secret".to_owned(), json!(self.secret.expose_secret()));
    }
}

impl fmt::Debug for NewSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("NewSubscription");
        output.field("custom_id", &self.custom_id).field("events", &self.events).field("regions", &self.regions);
        output.finish_non_exhaustive()
    }
}

impl Inclusions {
    fn to_json(&self) -> Value {
        json!({"fields": self.fields, "include": self.include})
    }
}

fn checked_url(text: &str) -> Result<Url, DefinitionError> {
    let refuse = |what| Err(DefinitionError::Part { part: "url", what });
    let Ok(url) = Url::parse(text) else { return refuse("is no address") };
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return refuse("has a user, a password or a fragment in it");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => refuse("is unencrypted: it has to be https (http reaches this computer itself alone)"),
    }
}

fn checked_secret(secret: SecretString) -> Result<SecretString, DefinitionError> {
    let refuse = |what| Err(DefinitionError::Part { part: "secret", what });
    let text = secret.expose_secret();
    if text.chars().count() < SHORTEST_SECRET {
        return refuse("is too short: at least 16 characters");
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return refuse("has control characters, or blanks at an end");
    }
    Ok(secret)
}

#[cfg(test)]
#[path = "new_subscription/tests.rs"]
mod tests;
