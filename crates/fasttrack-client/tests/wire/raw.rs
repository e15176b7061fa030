//! Answers that no HTTP library would give: endless, dripping, packed to bursting, broken off.

use std::io::Write;
use std::time::Duration;

use fasttrack_client::{BrandConfig, Error, Http, Limits, LoginError, PusherEndpoint, Session};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::{SID, http, impatient};

/// What is sent after the request was read.
#[derive(Clone)]
struct Script {
    head: Vec<u8>,
    /// Sent again and again until the client hangs up.
    again: Option<(Vec<u8>, Duration)>,
}

/// A configuration whose server follows the script.
async fn scripted(script: Script) -> BrandConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(stream, script.clone()));
        }
    });
    BrandConfig {
        token_in_header: false,
        crm_url: None,
        fusion_url: format!("http://{address}/api").parse().expect("an address"),
        prisma_url: None,
        pusher: PusherEndpoint { key: "app-key".into(), host: "127.0.0.1".into(), port: 1, tls: false },
    }
}

async fn play(mut stream: TcpStream, script: Script) -> std::io::Result<()> {
    let mut request = vec![0; 4096];
    let _ = stream.read(&mut request).await?;
    stream.write_all(&script.head).await?;
    while let Some((bytes, pause)) = &script.again {
        stream.write_all(bytes).await?;
        tokio::time::sleep(*pause).await;
    }
    stream.shutdown().await
}

async fn unreachable(http: &Http, script: Script) -> Error {
    let config = scripted(script).await;
    match Session::log_in(http, config, "demo", SecretString::from(SID)).await {
        Err(LoginError::Unreachable { error, .. }) => error,
        other => panic!("expected no answer, got {other:?}"),
    }
}

fn chunk(body: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", body.len()).into_bytes();
    chunk.extend_from_slice(body);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn an_endless_body_is_cut_off_at_the_limit() {
    let again = Some((chunk(&[b' '; 16_000]), Duration::ZERO));
    let error = unreachable(&http(), Script { head: CHUNKED.to_vec(), again }).await;
    assert_eq!(error, Error::TooLarge { limit: 8 * 1024 * 1024 });
}

#[tokio::test]
async fn a_dripping_body_runs_into_the_time_limit() {
    let again = Some((chunk(b" "), Duration::from_millis(10)));
    assert_eq!(unreachable(&impatient(), Script { head: CHUNKED.to_vec(), again }).await, Error::Timeout);
}

#[tokio::test]
async fn an_announced_size_above_the_limit_is_refused_before_it_is_read() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    let error = unreachable(&http(), Script { head, again: None }).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_network_error() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Data\":".to_vec();
    let error = unreachable(&http(), Script { head, again: None }).await;
    assert!(matches!(error, Error::Network { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_http_is_a_network_error() {
    let head = b"220 mail.example.com ESMTP\r\n".to_vec();
    let error = unreachable(&http(), Script { head, again: None }).await;
    assert!(matches!(error, Error::Network { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let mut config = scripted(Script { head: Vec::new(), again: None }).await;
    config.fusion_url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("an address");
    drop(listener);
    let outcome = Session::log_in(&http(), config, "demo", SecretString::from(SID)).await;
    let Err(LoginError::Unreachable { error: Error::Network { message }, .. }) = outcome else {
        panic!("expected no connection, got {outcome:?}");
    };
    assert!(!message.is_empty() && !message.contains("http://"), "{message}");
}

#[tokio::test]
async fn a_packed_body_is_bounded_by_what_it_unpacks_to() {
    let bomb = gzip_of_zeros(64 * 1024 * 1024);
    assert!(bomb.len() < 512 * 1024, "a small answer: {} bytes", bomb.len());
    let mut head = Vec::new();
    write!(head, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len())
        .expect("writes");
    head.extend_from_slice(&bomb);
    let error = unreachable(&http(), Script { head, again: None }).await;
    assert_eq!(error, Error::TooLarge { limit: 8 * 1024 * 1024 });
}

#[tokio::test]
async fn a_limit_of_ones_own_is_kept() {
    let http = Http::with_limits(Limits { body: 10, ..Limits::default() }).expect("an HTTP client");
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"Data\":[]}".to_vec();
    assert_eq!(unreachable(&http, Script { head, again: None }).await, Error::TooLarge { limit: 10 });
}

/// A gzip stream that unpacks to at least so many zeros: one zero, then "258 bytes from one back" (RFC 1951, fixed
/// codes) over and over. Its checksum is never reached.
fn gzip_of_zeros(size: usize) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], used: 0 };
    bits.push(0b1, 1); // last block
    bits.push(0b01, 2); // fixed codes
    bits.push_code(0b0011_0000, 8); // the byte 0
    for _ in 0..size / 258 {
        bits.push_code(0b1100_0101, 8); // length 258
        bits.push_code(0, 5); // distance 1
    }
    bits.push_code(0, 7); // end of block
    bits.bytes.extend_from_slice(&[0; 8]);
    bits.bytes
}

/// Bits in the order of RFC 1951: from the lowest of each byte on.
struct Bits {
    bytes: Vec<u8>,
    used: u8,
}

impl Bits {
    fn push(&mut self, value: u16, count: u8) {
        for bit in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("just pushed");
            *last |= u8::from(value >> bit & 1 == 1) << self.used;
            self.used = (self.used + 1) % 8;
        }
    }

    /// Huffman codes go highest bit first.
    fn push_code(&mut self, code: u16, count: u8) {
        for bit in (0..count).rev() {
            self.push(code >> bit & 1, 1);
        }
    }
}
