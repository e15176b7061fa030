//! The program's end, as the system asks for it: what is under way is finished, and the exit status says that all is
//! well. Windows has no such signal.

use std::process::Stdio;

use relay::SecretsPlace;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::Command,
};

use crate::{
    serving::{command, folder, serve, signed, succeed},
    world::LIMIT,
};

/// A call-out of which the relay has the head and waits for the body.
async fn begun(url: &url::Url, key: &str, secret: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.socket_addrs(|| None).unwrap()[0]).await.unwrap();
    let head = format!(
        "POST /callouts/tracktik/{key} HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nTrackTik-Subscription-Secret: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len(),
        signed(secret, body)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    tokio::time::timeout(LIMIT, stream.read_exact(&mut interim)).await.expect("it goes on").unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn sigterm_under_load_finishes_what_is_under_way() {
    let folder = folder();
    let folder = folder.path();
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    let secrets = SecretsPlace::File(folder.join("relay-secrets.json")).read().unwrap();
    let (key, all) = secrets.of("new-employees").unwrap();
    let (mut server, url) = serve(folder).await;
    let url = url::Url::parse(&url).unwrap();
    let mut under_way = Vec::new();
    for number in 0..8 {
        let body = format!(r#"{{"id":{number}}}"#);
        under_way.push((begun(&url, key.expose_secret(), all[0].expose_secret(), &body).await, body));
    }
    let process = server.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().await.unwrap().success());
    for (stream, body) in &mut under_way {
        stream.write_all(body.as_bytes()).await.unwrap();
    }
    for (mut stream, _) in under_way {
        let mut answer = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    let status = tokio::time::timeout(LIMIT, server.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    let events = succeed(folder, &["events", "list", "--json"]).await;
    let events: serde_json::Value = serde_json::from_str(&events).unwrap();
    assert_eq!(events.as_array().unwrap().len(), 8, "what was acknowledged is kept");
}

/// As systemd listens for it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn systemd_is_told_of_the_start_and_of_the_end() {
    let folder = folder();
    let folder = folder.path();
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    let socket = tokio::net::UnixDatagram::bind(folder.join("notify")).unwrap();
    let told = async || {
        let mut text = [0; 256];
        let length = tokio::time::timeout(LIMIT, socket.recv(&mut text)).await.expect("it is told").unwrap();
        String::from_utf8_lossy(&text[..length]).trim().to_owned()
    };
    let mut server = command(folder, &["serve"])
        .env("NOTIFY_SOCKET", folder.join("notify"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(told().await, "READY=1");
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().is_some(), "it serves already");
    let process = server.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().await.unwrap().success());
    assert_eq!(told().await, "STOPPING=1");
    assert!(tokio::time::timeout(LIMIT, server.wait()).await.expect("it ends").unwrap().success());
}
