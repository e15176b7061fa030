//! One attempt at a connection, from the name look-up to the server's greeting. It must never retry: it says what went
//! wrong, and how often to try is another's concern.

use futures_util::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, Message, protocol::CloseFrame, protocol::WebSocketConfig},
};

use crate::{
    close::Departure,
    frame::{Frame, Greeting, bounded, complaint},
    options::{Address, Options},
    proxy, tls,
};

/// Whatever carries the WebSocket.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

pub(crate) type Socket = WebSocketStream<Box<dyn Wire>>;

/// A connection whose server has greeted us.
pub(crate) struct Line {
    pub(crate) socket: Socket,
    pub(crate) greeting: Greeting,
}

pub(crate) async fn dial(address: &Address, options: &Options) -> Result<Line, Departure> {
    match timeout(options.connect_timeout, attempt(address, options)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Departure::because("connecting took too long")),
    }
}

async fn attempt(address: &Address, options: &Options) -> Result<Line, Departure> {
    let wire = proxy::connect(address, &options.proxy, &options.trust).await.map_err(Departure::because)?;
    let wire: Box<dyn Wire> = if address.tls {
        Box::new(tls::encrypt(wire, &address.host, &options.trust).await.map_err(Departure::because)?)
    } else {
        wire
    };
    // The library's buffers of 128 KiB each are for servers; ours waits for small frames all day.
    let config = WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(options.max_frame))
        .max_frame_size(Some(options.max_frame));
    let upgraded = client_async_with_config(address.url.as_str(), wire, Some(config)).await;
    let (mut socket, _) = upgraded.map_err(|error| broken(&error))?;
    let greeting = greeting(&mut socket).await?;
    Ok(Line { socket, greeting })
}

/// Waits for the first text frame, which must be the greeting (Pusher protocol 7: *Connection establishment*).
async fn greeting(socket: &mut Socket) -> Result<Greeting, Departure> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let frame = Frame::decode(&text)
                    .map_err(|reason| Departure::because(format!("the server's first frame is {reason}")))?;
                return match frame.name.as_ref() {
                    "pusher:connection_established" => Greeting::read(&frame)
                        .ok_or_else(|| Departure::because("the server's greeting has no socket_id")),
                    "pusher:error" => {
                        let (code, reason) = complaint(&frame);
                        Err(Departure { code, reason })
                    }
                    _ => Err(Departure::because("the server's first frame is no greeting")),
                };
            }
            Some(Ok(Message::Close(close))) => return Err(closed(close)),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(broken(&error)),
            None => return Err(Departure::because("the server hung up before its greeting")),
        }
    }
}

/// The end of a connection by a close frame.
pub(crate) fn closed(close: Option<CloseFrame>) -> Departure {
    match close {
        Some(close) => Departure { code: Some(close.code.into()), reason: bounded(&close.reason) },
        None => Departure::because("the server closed the connection"),
    }
}

/// The end of a connection by a fault.
pub(crate) fn broken(error: &tungstenite::Error) -> Departure {
    match error {
        tungstenite::Error::Http(response) => {
            Departure::because(format!("the server answered HTTP {}", response.status()))
        }
        error => Departure::because(bounded(&error.to_string())),
    }
}
