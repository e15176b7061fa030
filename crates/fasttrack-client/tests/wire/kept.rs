//! Connections that are closed although they were to be kept, as servers do when idle, and some proxies after each answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fasttrack_client::{Environment, Error, Http, Limits, LoginError, Session, read_config};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::{SID, http};

const LOGIN: &str = r#"{"Data":{"JwtToken":"jwt","Authentication":{"IsAuthenticated":true,"AuthToken":"token"},
    "User":{"UserId":1,"BrandId":2,"Firstname":"Darth","Lastname":"Vader"}},"Success":true,"Errors":null}"#;

/// How a connection is closed when a second request comes.
#[derive(Clone, Copy)]
enum Close {
    /// Once it has been read.
    Politely,
    /// With most of it unread: the system then resets the connection.
    WithReset,
}

/// Answers the first request of each connection, promises to keep it open, and closes it when the next one comes. After
/// `answers` connections none is answered any more. Counts the connections.
async fn serve(answers: usize, close: Close) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (api, connections) = (format!("{url}/integration-api"), Arc::new(AtomicUsize::new(0)));
    let config = format!(
        r#"{{"fusionUrl":"{api}","crmUrl":"{api}","prismaUrl":"{api}","pusherKey":"key","pusherRegion":"eu"}}"#
    );
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answered = count.fetch_add(1, Ordering::SeqCst) < answers;
            let request = read(&mut stream).await;
            let body = if request.starts_with("GET") { config.as_str() } else { LOGIN };
            if answered {
                let head = format!("content-type: application/json\r\ncontent-length: {}", body.len());
                let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.expect("the client reads");
                tokio::spawn(async move {
                    match close {
                        Close::Politely => drop(read(&mut stream).await),
                        Close::WithReset => drop(stream.read(&mut [0]).await),
                    }
                });
            }
        }
    });
    (url, connections)
}

async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await.unwrap_or(0);
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn a_request_on_a_kept_connection_that_is_closed_or_reset_is_sent_on_a_new_one() {
    for close in [Close::Politely, Close::WithReset] {
        let (url, connections) = serve(usize::MAX, close).await;
        let environment: Environment = url.parse().expect("an environment");
        let config = read_config(&http(), &environment, "demo", false).await.expect("the first of a connection");
        let http = http();
        for _ in 0..3 {
            read_config(&http, &environment, "demo", false).await.expect("sent anew");
            Session::log_in(&http, config.clone(), "demo", SecretString::from(SID)).await.expect("sent anew");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 7, "each request is answered once, on a connection of its own");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_asked_for_ever() {
    let (url, connections) = serve(1, Close::Politely).await;
    let environment: Environment = url.parse().expect("an environment");
    let config = read_config(&http(), &environment, "demo", false).await.expect("the first is answered");
    let outcome = Session::log_in(&http(), config, "demo", SecretString::from(SID)).await;
    assert!(matches!(outcome, Err(LoginError::Unreachable { error: Error::Network { .. }, .. })), "{outcome:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 4, "one for the config, three for the log-in");
}

#[tokio::test]
async fn the_time_limit_is_the_calls_and_not_each_trys() {
    let limit = Duration::from_millis(600);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let environment: Environment =
        format!("http://{}", listener.local_addr().expect("an address")).parse().expect("an environment");
    tokio::spawn(async move {
        // Each try would end within the limit, all three of them would not.
        while let Ok((mut stream, _)) = listener.accept().await {
            read(&mut stream).await;
            tokio::time::sleep(limit.mul_f64(0.7)).await;
        }
    });
    let http = Http::with_limits(Limits { total: limit, ..Limits::default() }).expect("an HTTP client");
    assert_eq!(read_config(&http, &environment, "demo", false).await.err(), Some(Error::Timeout));
}
