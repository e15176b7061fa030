//! `GET /app/{key}`: from an HTTP request to a channel connection. What is wrong with the request is said on the
//! socket, by close code, as protocol 7 has it; only what is no WebSocket request at all is answered over HTTP.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{
        Path, RawQuery, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
    routing::get,
};
use std::time::Duration;

use super::{Channels, Hub, connection, frame};
use crate::api::Refusal;

/// Why a connection is refused; below 4100 the client must not come back by itself.
struct Refused {
    code: u16,
    message: &'static str,
}

/// The address that desktops connect to; none when the channels are elsewhere.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(channels: &Channels) -> Router<S> {
    match channels.embedded() {
        Some(hub) => Router::new().route("/app/{key}", get(upgrade)).layer(Extension(Arc::clone(hub))),
        None => Router::new(),
    }
}

async fn upgrade(
    Extension(hub): Extension<Arc<Hub>>,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    request: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let request = request.map_err(|_| Refusal::bad_request("This address speaks WebSocket (Pusher protocol 7)"))?;
    let checked = check(&hub, &key, query.as_deref().unwrap_or_default());
    let request = request.max_message_size(frame::MAX_INCOMING_BYTES).max_frame_size(frame::MAX_INCOMING_BYTES);
    Ok(request.on_upgrade(move |socket| async move {
        match checked {
            Ok(()) => admit(socket, &hub).await,
            Err(refused) => refuse(socket, &refused).await,
        }
    }))
}

fn check(hub: &Hub, key: &str, query: &str) -> Result<(), Refused> {
    if key != hub.signer.key() {
        return Err(Refused { code: 4001, message: "There is no application with this key" });
    }
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let version = parameters.find_map(|(name, value)| (name == "protocol").then_some(value));
    match version.as_deref().map(str::parse::<u32>) {
        None => Err(Refused { code: 4008, message: "No protocol version was given; this server speaks 7" }),
        Some(Err(_)) => {
            Err(Refused { code: 4006, message: "The protocol version is not a number; this server speaks 7" })
        }
        Some(Ok(7)) => Ok(()),
        Some(Ok(_)) => Err(Refused { code: 4007, message: "This server speaks protocol version 7 only" }),
    }
}

async fn admit(socket: WebSocket, hub: &Arc<Hub>) {
    match hub.enter() {
        Ok(Some((seat, queue))) => connection::converse(socket, seat, queue).await,
        Ok(None) => refuse(socket, &Refused { code: 4100, message: "Over capacity; come back later" }).await,
        Err(error) => {
            tracing::error!(%error, "a channel connection could not be opened");
            refuse(socket, &Refused { code: 4100, message: "Come back later" }).await;
        }
    }
}

/// Says why, as an error event and as the close code, and waits for the answer for a short time only.
async fn refuse(mut socket: WebSocket, refused: &Refused) {
    let said = async {
        socket.send(Message::Text(frame::error(Some(refused.code), refused.message))).await?;
        let close = CloseFrame { code: refused.code, reason: refused.message.into() };
        socket.send(Message::Close(Some(close))).await?;
        while socket.recv().await.is_some_and(|incoming| incoming.is_ok()) {}
        Ok::<(), axum::Error>(())
    };
    // Whether it listened makes no difference: it is not let in.
    let _ = tokio::time::timeout(Duration::from_secs(5), said).await;
}
