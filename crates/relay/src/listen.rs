//! The listening socket, plain or with TLS, with the bounds that the HTTP library leaves open: how many connections there
//! may be, how long one may stay without sending a byte, and how long a TLS handshake may take. Without them a client
//! could hold connections open for nothing.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use tokio_rustls::{Accept, TlsAcceptor, rustls::ServerConfig, server::TlsStream};

/// From the connection to the first byte of a request, a TLS handshake included.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Accepts while there are places, and waits when there are none.
pub(crate) struct BoundedListener {
    listener: TcpListener,
    places: Arc<Semaphore>,
    first_limit: Duration,
    idle_limit: Duration,
    tls: Option<TlsAcceptor>,
}

impl BoundedListener {
    pub(crate) fn new(
        listener: TcpListener,
        max_connections: usize,
        idle_limit: Duration,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let places = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
        Self { listener, places, first_limit: HANDSHAKE_LIMIT, idle_limit, tls: tls.map(TlsAcceptor::from) }
    }
}

impl axum::serve::Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (BoundedStream, SocketAddr) {
        // The semaphore is never closed; were it, connections would go uncounted rather than unserved.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
        // Events are small and urgent. A socket that refuses this works all the same.
        let _ = stream.set_nodelay(true);
        let idle_limit = self.idle_limit;
        let transport = match &self.tls {
            None => Transport::Plain(stream),
            Some(tls) => Transport::Handshake(Box::new(tls.accept(stream))),
        };
        let idle = Box::pin(tokio::time::sleep(self.first_limit.min(idle_limit)));
        (BoundedStream { transport, idle, idle_limit, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The address at the other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, BoundedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, BoundedListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A connection that fails once nothing was received for too long. With TLS, the handshake is part of its first reading,
/// so that it happens in the connection's own task and keeps nobody else from being accepted.
pub(crate) struct BoundedStream {
    transport: Transport,
    idle: Pin<Box<Sleep>>,
    idle_limit: Duration,
    _place: Option<OwnedSemaphorePermit>,
}

enum Transport {
    Plain(TcpStream),
    Handshake(Box<Accept<TcpStream>>),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// The handshake failed, or was not waited for.
    Closed,
}

/// What both kinds of connection are.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl Transport {
    /// The connection once data can be exchanged.
    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Stream>>> {
        if let Self::Handshake(handshake) = self {
            let shaken = ready!(Pin::new(handshake.as_mut()).poll(context));
            *self = Self::Closed;
            *self = Self::Encrypted(Box::new(shaken?));
        }
        Poll::Ready(match self {
            Self::Plain(stream) => Ok(Pin::new(stream)),
            Self::Encrypted(stream) => Ok(Pin::new(stream.as_mut())),
            Self::Handshake(_) | Self::Closed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = match self.transport.poll_stream(context) {
            Poll::Ready(Ok(stream)) => stream.poll_read(context, buffer),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        };
        if read.is_ready() {
            let deadline = Instant::now() + self.idle_limit;
            self.idle.as_mut().reset(deadline);
            return read;
        }
        ready!(self.idle.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.transport.poll_stream(context))?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.transport.poll_stream(context))?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Encrypted(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            // Nothing was said, so there is no goodbye to wait for.
            transport @ (Transport::Handshake(_) | Transport::Closed) => {
                *transport = Transport::Closed;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.transport.poll_stream(context))?.poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            // TLS writes records out of any number of buffers.
            Transport::Handshake(_) | Transport::Encrypted(_) => true,
            Transport::Closed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::serve::Listener as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn listener(max_connections: usize, idle_limit: Duration) -> (BoundedListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (BoundedListener::new(listener, max_connections, idle_limit, None), address)
    }

    #[tokio::test]
    async fn a_connection_that_sends_nothing_more_ends() {
        let (mut listener, address) = listener(1, Duration::from_millis(50)).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut server, _) = listener.accept().await;
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
        assert_eq!(server.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_connection_that_never_sends_a_byte_ends_sooner() {
        let (mut listener, address) = listener(1, Duration::from_mins(10)).await;
        listener.first_limit = Duration::from_millis(50);
        let _client = TcpStream::connect(address).await.unwrap();
        let (mut server, _) = listener.accept().await;
        assert_eq!(server.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn beyond_the_limit_a_connection_waits_for_a_place() {
        let (mut listener, address) = listener(1, Duration::from_mins(1)).await;
        let _clients = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let (first, _) = listener.accept().await;
        let second = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(second.is_err(), "there is one place only");
        drop(first);
        listener.accept().await;
    }
}
