//! What is counted for Prometheus, served at `/metrics` on a listener of its own. Labels come from short fixed lists and
//! the routes there are: never from an address, an id, a key or anything else a client chose.
//!
//! `prometheus-client` is the project's own crate for Rust. It keeps a registry as a value, so that two relays in one
//! process count apart, where the exporters of the `metrics` crate share a global one.

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

use crate::{
    CallOutCounters, Error,
    api::Shared,
    store::{Backlog, Database},
};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// A scraper waits ten seconds, by default.
const COUNTED_WITHIN: Duration = Duration::from_secs(3);
/// Seconds. A list takes milliseconds; ten seconds are where a request is given up.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

type One = [(&'static str, &'static str); 1];
type ByRoute = [(&'static str, String); 3];

/// The counters since the server's start.
pub(crate) struct Metrics {
    registry: Registry,
    publications: Family<One, Counter>,
    sign_ins: Family<One, Counter>,
    events: Family<One, Counter>,
    requests: Family<ByRoute, Histogram>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventOutcome {
    Delivered,
    /// It is left for the operator.
    Failed,
}

impl EventOutcome {
    fn label(self) -> One {
        let name = match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        };
        [("result", name)]
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("traybell");
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The program that runs", Info::new(build));
        let metrics = Self {
            publications: Family::default(),
            sign_ins: Family::default(),
            events: Family::default(),
            requests: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            registry,
        };
        metrics.with_all_registered()
    }
}

impl Metrics {
    fn with_all_registered(mut self) -> Self {
        // A counter that is there from the start shows its first step.
        for result in ["ok", "failed"] {
            drop(self.publications.get_or_create(&[("result", result)]));
        }
        for result in ["ok", "refused"] {
            drop(self.sign_ins.get_or_create(&[("result", result)]));
        }
        for outcome in [EventOutcome::Delivered, EventOutcome::Failed] {
            drop(self.events.get_or_create(&outcome.label()));
        }
        let registry = &mut self.registry;
        registry.register(
            "publications",
            "Messages handed to the channels; one that failed is tried again",
            self.publications.clone(),
        );
        registry.register("sign_ins", "Session ids exchanged for a token", self.sign_ins.clone());
        registry.register("events", "Call-outs by what became of them", self.events.clone());
        let requests = self.requests.clone();
        registry.register("request_duration_seconds", "From a request's head to its answer's", requests);
        self
    }

    /// How many were handed to the channels, or could not be.
    pub(crate) fn published(&self, messages: usize, ok: bool) {
        let count = u64::try_from(messages).unwrap_or(u64::MAX);
        self.publications.get_or_create(&[("result", if ok { "ok" } else { "failed" })]).inc_by(count);
    }

    pub(crate) fn sign_in(&self, ok: bool) {
        self.sign_ins.get_or_create(&[("result", if ok { "ok" } else { "refused" })]).inc();
    }

    pub(crate) fn events(&self, outcome: EventOutcome, count: usize) {
        self.events.get_or_create(&outcome.label()).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// `method` and `route` are names of the program's, not the client's.
    pub(crate) fn request(&self, method: &str, route: &str, status: StatusCode, took: Duration) {
        let class = format!("{}xx", status.as_u16() / 100);
        let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", class)];
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// The one page of the metrics' listener.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().route("/metrics", get(page)).with_state(shared)
}

async fn page(State(shared): State<Shared>) -> Response {
    let counted = tokio::time::timeout(COUNTED_WITHIN, shared.store.call(Database::backlog)).await;
    let backlog = counted.unwrap_or(Err(Error::Interrupted)).inspect_err(|error| {
        tracing::error!(%error, "what waits could not be counted");
    });
    let connections = shared.channels.embedded().map_or(0, |hub| *hub.open().borrow());
    let now = state(shared.receiver.counters(), backlog.ok(), connections);
    let mut text = String::new();
    let written = encode_registry(&mut text, &shared.metrics.registry)
        .and_then(|()| encode_registry(&mut text, &now))
        .and_then(|()| encode_eof(&mut text));
    match written {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What others keep, read at the moment of the question.
fn state(callouts: CallOutCounters, backlog: Option<Backlog>, connections: usize) -> Registry {
    let mut registry = Registry::with_prefix("traybell");
    let by_outcome = Family::<One, Counter>::default();
    let CallOutCounters { accepted, duplicate, unknown_key, rate_limited, unauthorized, .. } = callouts;
    let CallOutCounters { unsupported_type, too_large, too_slow, malformed, not_stored, .. } = callouts;
    let counted = [
        ("accepted", accepted),
        ("duplicate", duplicate),
        ("unknown_key", unknown_key),
        ("rate_limited", rate_limited),
        ("unauthorized", unauthorized),
        ("unsupported_type", unsupported_type),
        ("too_large", too_large),
        ("too_slow", too_slow),
        ("malformed", malformed),
        ("not_stored", not_stored),
    ];
    for (outcome, count) in counted {
        by_outcome.get_or_create(&[("outcome", outcome)]).inc_by(count);
    }
    registry.register("callouts", "Call-outs by how they were answered", by_outcome);
    let gauge = |value: i64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        gauge
    };
    let is_up = gauge(backlog.is_some().into());
    registry.register("database_up", "Whether the database answers; what is in it is not told otherwise", is_up);
    if let Some(Backlog { waiting, failed, flagged, unpublished }) = backlog {
        registry.register("events_waiting", "Call-outs that wait for their delivery", gauge(waiting));
        registry.register("events_failed", "Call-outs left for the operator", gauge(failed));
        registry.register("events_flagged", "Call-outs delivered otherwise than they should have been", gauge(flagged));
        registry.register("messages_unpublished", "Messages that wait for the channels", gauge(unpublished));
    }
    let connections = gauge(i64::try_from(connections).unwrap_or(i64::MAX));
    registry.register("channel_connections", "Open channel connections", connections);
    registry
}
