//! [`Client`]: the calls of the events-subscriptions API.
//!
//! It must never send a call unchecked, never more than once but as said at the crate's door, and never lets a caller's
//! text become another place in the address.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use http_guard::is_loopback;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::error::Error;
use crate::http::{Http, Limits};
use crate::id::Id;
use crate::language::Language;
use crate::new_subscription::{NewSubscription, SecretInUpdate};
use crate::page::{LARGEST_PAGE, LONGEST_LIST, MOST_PAGES, Page};
use crate::reply::{Reply, opened};
use crate::scrub::error_without;
use crate::subscription::Subscription;
use crate::token::{Authority, Credentials};

/// The API's version this crate is written for (TrackTik support: API).
const ACCEPTED: &str = "application/vnd.tracktik.v2020-01-01+json";
/// In which language TrackTik answers (TrackTik support: API).
const LANGUAGE_HEADER: HeaderName = HeaderName::from_static("ttc-language");
/// To which regions calls are confined (TrackTik support: API).
const REGION_HEADER: HeaderName = HeaderName::from_static("ttc-region-filter");

/// A TrackTik deployment, spoken to as one user. Cheap to clone; clones share token and connections.
#[derive(Clone)]
pub struct Client {
    http: Arc<Http>,
    /// `https://{domain}/rest/v1/events-subscriptions`.
    url: Url,
    authority: Arc<Authority>,
    headers: HeaderMap,
    page: usize,
}

impl Client {
    /// A client for a domain (`acme.example`, or `https://acme.example`; `http://` for this computer itself). Nothing is
    /// sent before the first call.
    ///
    /// # Errors
    /// [`Error::Input`] for a domain that cannot be used, [`Error::Setup`] without a usable trust store.
    pub fn new(domain: &str, credentials: Credentials, limits: Limits) -> Result<Self, Error> {
        let base = base_of(domain)?;
        let http = Arc::new(Http::new(&base, limits)?);
        let token_url = below(&base, &["rest", "oauth2", "access_token"])?;
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(ACCEPTED))]);
        Ok(Self {
            url: below(&base, &["rest", "v1", "events-subscriptions"])?,
            authority: Arc::new(Authority::new(Arc::clone(&http), token_url, credentials)),
            http,
            headers,
            page: LARGEST_PAGE,
        })
    }

    /// The same client, answered in this language (`TTC-Language`; TrackTik support: API).
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Self {
        self.headers.insert(LANGUAGE_HEADER, HeaderValue::from_static(language.as_str()));
        self
    }

    /// The same client, confined to these regions (`TTC-Region-Filter: 1000,1111`; TrackTik support: API).
    ///
    /// # Errors
    /// [`Error::Input`] without a region.
    pub fn in_regions(mut self, ids: &[u64]) -> Result<Self, Error> {
        if ids.is_empty() {
            return Err(Error::input("a region filter without a region"));
        }
        let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let value = HeaderValue::from_str(&ids).map_err(|_| Error::input("too many regions"))?;
        self.headers.insert(REGION_HEADER, value);
        Ok(self)
    }

    /// The same client, with lists read in pages of so many (1 to 1000, which is the default).
    #[must_use]
    pub fn in_pages_of(mut self, items: usize) -> Self {
        self.page = items.clamp(1, LARGEST_PAGE);
        self
    }

    /// All subscriptions the user sees, in the order of their ids (`limit`, `offset`, `sort`; TrackTik OpenAPI
    /// 2020-01-01).
    pub async fn list(&self) -> Result<Vec<Subscription>, Error> {
        let (mut all, mut known, mut offset, mut bytes) = (Vec::new(), HashSet::new(), 0_usize, 0_usize);
        for _ in 0..MOST_PAGES {
            let mut url = self.url.clone();
            url.query_pairs_mut()
                .append_pair("limit", &self.page.to_string())
                .append_pair("offset", &offset.to_string())
                .append_pair("sort", "id");
            let reply = self.call(Method::GET, url, None, &[]).await?;
            bytes += reply.bytes();
            if bytes > LONGEST_LIST {
                return Err(Error::shape("a list of over 64 MiB"));
            }
            let page = Page::from_json(reply.json()?)?;
            let (is_last, before) = (page.is_last(self.page), all.len());
            offset += page.items.len();
            for item in page.items {
                let subscription = Subscription::from_json(item)?;
                // One may be seen twice where the list changes between two pages.
                if known.insert(subscription.id.clone()) {
                    all.push(subscription);
                }
            }
            if is_last || all.len() == before {
                return Ok(all);
            }
        }
        Err(Error::shape("a list without an end"))
    }

    /// One subscription, with its log where asked for (`include=logs`; TrackTik OpenAPI 2020-01-01).
    pub async fn get(&self, id: &Id, with_logs: bool) -> Result<Subscription, Error> {
        let mut url = below(&self.url, &[id.as_str()])?;
        if with_logs {
            url.query_pairs_mut().append_pair("include", "logs");
        }
        one(&self.call(Method::GET, url, None, &[]).await?)
    }

    /// Creates a subscription. After [`Error::Unreachable`] it may exist all the same: look for its `customId` in
    /// [`Client::list`] before trying again.
    pub async fn create(&self, new: &NewSubscription) -> Result<Subscription, Error> {
        let body = new.to_create();
        one(&self.call(Method::POST, self.url.clone(), Some(&body), &[new.secret()]).await?)
    }

    /// Brings an existing subscription to a definition: by PATCH, since PUT requires the secret each time (TrackTik
    /// OpenAPI 2020-01-01, `EventsSubscriptionsPut`). Filters, inclusions and regions that the definition does not have
    /// are sent empty, so that they go (an assumption: what TrackTik makes of it is not published); a failure address or
    /// a language that it does not have stays.
    pub async fn update(&self, id: &Id, new: &NewSubscription, secret: SecretInUpdate) -> Result<Subscription, Error> {
        let (url, body) = (below(&self.url, &[id.as_str()])?, new.to_update(secret));
        one(&self.call(Method::PATCH, url, Some(&body), &[new.secret()]).await?)
    }

    /// Suspends a subscription; the reason is required (TrackTik OpenAPI 2020-01-01, `EventsSubscriptionsSuspend`).
    ///
    /// # Errors
    /// [`Error::Input`] without a reason.
    pub async fn suspend(&self, id: &Id, reason: &str) -> Result<(), Error> {
        if reason.trim().is_empty() {
            return Err(Error::input("suspending a subscription needs a reason"));
        }
        self.act(id, "suspend", Some(&json!({"reason": reason.trim()}))).await
    }

    /// Enables a suspended subscription.
    pub async fn enable(&self, id: &Id) -> Result<(), Error> {
        self.act(id, "enable", None).await
    }

    /// Archives a subscription: there is no way to delete one (TrackTik OpenAPI 2020-01-01).
    pub async fn archive(&self, id: &Id) -> Result<(), Error> {
        self.act(id, "archive", None).await
    }

    async fn act(&self, id: &Id, action: &str, body: Option<&Value>) -> Result<(), Error> {
        let url = below(&self.url, &[id.as_str(), "actions", action])?;
        self.call(Method::POST, url, body, &[]).await.map(drop)
    }

    /// Sends a call with a token; once more with a renewed one where the first was refused.
    async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        secrets: &[&SecretString],
    ) -> Result<Reply, Error> {
        let mut pass = self.authority.pass(None).await?;
        let request = |access: &SecretString| -> RequestBuilder {
            let request = self.http.client.request(method.clone(), url.clone()).headers(self.headers.clone());
            let request = request.bearer_auth(access.expose_secret());
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        let mut outcome = self.http.send(request(&pass.access)).await;
        if matches!(&outcome, Ok(reply) if reply.status == 401) {
            pass = self.authority.pass(Some(pass.generation)).await?;
            outcome = self.http.send(request(&pass.access)).await;
        }
        outcome.and_then(Reply::accepted).map_err(|error| {
            let Credentials { client_secret, password, .. } = &self.authority.credentials;
            let secrets: Vec<_> = secrets.iter().copied().chain([&pass.access, client_secret, password]).collect();
            error_without(error, &secrets)
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// A single subscription, in an envelope or bare.
fn one(reply: &Reply) -> Result<Subscription, Error> {
    Subscription::from_json(opened(reply.json()?).0)
}

fn base_of(domain: &str) -> Result<Url, Error> {
    let refuse = |what: &str| Err(Error::input(format!("the TrackTik domain {what}")));
    let text = if domain.contains("://") { domain.to_owned() } else { format!("https://{domain}") };
    let Ok(url) = Url::parse(&text) else { return refuse("is no address; expected a name as acme.example") };
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_bare || !url.username().is_empty() || url.password().is_some() {
        return refuse("has more in it than a name and a port");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => refuse("is unencrypted: the password would be readable on the way"),
    }
}

fn below(base: &Url, segments: &[&str]) -> Result<Url, Error> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| Error::input("the TrackTik domain has no path"))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_name_and_a_port_and_encrypted() {
        for (domain, base) in [
            ("acme.example", "https://acme.example/"),
            ("https://acme.example:8443/", "https://acme.example:8443/"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/"),
        ] {
            assert_eq!(base_of(domain).expect("a base").as_str(), base);
        }
        for domain in ["", "http://acme.example", "ftp://acme.example", "acme.example/x", "u:p@acme.example", "a b"] {
            assert!(base_of(domain).is_err(), "{domain:?}");
        }
    }
}
