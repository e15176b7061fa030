//! The Fast Track API of the relay: one module a call. Every answer but the configuration's and the channel
//! authorization's is the Fast Track envelope, errors included. A caller's token may stand in the address, so nothing
//! here or above may log one.

mod caller;
mod channel_authorization;
mod configuration;
mod envelope;
mod health;
mod log_in;
mod messages;
mod notifications;
mod problem;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use envelope::Refusal;

use crate::{
    ServedFile, ServerOptions, access,
    callouts::{self, Receiver},
    channels::{self, Channels},
    metrics::Metrics,
    proxies::TrustedProxies,
    rate::RateLimit,
    read_marks::ReadMarks,
    store::Store,
};

/// A request's body: a message's id or a socket's, so little is plenty.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// From the request's head to the answer's.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What every call works on.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) channels: Arc<Channels>,
    /// A message was stored that the publisher has not seen.
    pub(crate) stored: Arc<Notify>,
    pub(crate) read_marks: ReadMarks,
    /// The relay's own address as clients know it, without a slash at its end.
    pub(crate) own_url: Arc<str>,
    pub(crate) token_lifetime: Duration,
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) proxies: Arc<TrustedProxies>,
    pub(crate) limits: Arc<Limited>,
    pub(crate) metrics: Arc<Metrics>,
    /// The same for every relay on this database, and for no other.
    pub(crate) instance: Arc<str>,
    /// When it was last asked whether anything can be stored, and whether so.
    pub(crate) last_ready: Arc<tokio::sync::Mutex<Option<(Instant, bool)>>>,
    /// The server has been told to end.
    pub(crate) stopping: CancellationToken,
}

/// What may happen only so often in a minute.
pub(crate) struct Limited {
    /// By the client's address.
    refused_log_ins: RateLimit<IpAddr>,
    /// By the token's name.
    requests: RateLimit<String>,
}

impl Limited {
    pub(crate) fn new(options: &ServerOptions) -> Self {
        Self {
            refused_log_ins: RateLimit::new(options.refused_log_ins_per_minute),
            requests: RateLimit::new(options.messages_per_minute),
        }
    }
}

/// All that the relay serves: the API, the channel server, and files that are part of the program.
pub(crate) fn router(shared: Shared, files: &[ServedFile]) -> Router {
    let receiver = Arc::clone(&shared.receiver);
    let integration = Router::new()
        .route("/Platform/LoginAuthToken", post(log_in::log_in))
        .route("/external/pusher/{brand}", post(channel_authorization::by_form).get(channel_authorization::by_query))
        .route("/Notifications/v2/user-notifications", get(notifications::list))
        .route("/Notifications/v2/user-notification/{id}", get(notifications::one))
        .route("/Notifications/MarkNotificationAsRead", post(notifications::mark_as_read));
    let mut router = Router::new()
        .route("/api/v1/config/{brand}", get(configuration::configuration))
        .nest("/integration-api", integration)
        .merge(channels::router(&shared.channels));
    for file in files.iter().copied() {
        router = router.route(file.path, get(move || async move { serve_file(file) }));
    }
    router
        .fallback(async || Refusal::nothing_here())
        .method_not_allowed_fallback(async || Refusal::method_not_allowed())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(within_time_limit))
        .merge(callouts::router(receiver))
        .merge(messages::router())
        .merge(health::router())
        .layer(middleware::from_fn_with_state(Arc::clone(&shared.metrics), access::record))
        .with_state(shared)
}

async fn within_time_limit(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::too_slow().into_response(),
    }
}

fn serve_file(file: ServedFile) -> Response {
    let mut response = file.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
