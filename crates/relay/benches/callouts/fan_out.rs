//! From one call-out to the last of many desktops, which are connected to sockudo.

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pusher_client::{Answer, Authorization, Authorizer, ChannelEvent, Client, Options, Subscription};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    load::{HEADER, body, sign},
    programs::{Program, Relay},
};

const DESKTOPS: usize = 1000;
const TIMES: usize = 5;
const KEY: &str = "bench-key";
const SECRET: &str = "bench-secret-of-the-app";

/// Measures, and prints a line.
pub async fn run(short: bool) {
    let Some(sockudo) = std::env::var_os("SOCKUDO_BIN") else {
        return println!("\nWithout SOCKUDO_BIN no server: fan-out is left out.");
    };
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _server = serve_channels(Path::new(&sockudo), folder.path(), port).await;
    let secret_file = folder.path().join("channels.secret");
    std::fs::write(&secret_file, SECRET).unwrap();
    std::fs::set_permissions(secret_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let channels = format!(
        "[channels]\nurl = \"http://127.0.0.1:{port}\"\napp_id = \"bench\"\nkey = \"{KEY}\"\nsecret_file = \"channels.secret\""
    );
    let desktops = if short { 3 } else { DESKTOPS };
    let relay = Relay::start(folder.path(), "relay.sqlite", &channels, desktops, 0).await;
    let mut subscriptions = Vec::new();
    for channel in &relay.channels {
        let client = Client::connect(Options::host(KEY, "127.0.0.1", port, false), Arc::new(Signs));
        let mut subscription = client.subscribe(channel).await.unwrap();
        while !matches!(subscription.next().await.unwrap(), ChannelEvent::Subscribed) {}
        subscriptions.push(subscription);
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut last, mut half) = (Vec::new(), Vec::new());
    for time in 0..if short { 1 } else { TIMES } {
        let body = body(&time.to_string());
        let signature = sign(&relay.target.secret, &body);
        let begin = Instant::now();
        let request = client.post(&relay.target.url).header("content-type", "application/json");
        let answer = request.header(HEADER, signature).body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let mut arrived: Vec<Duration> = futures_util::future::join_all(subscriptions.iter_mut().map(arrival))
            .await
            .into_iter()
            .map(|at| at - begin)
            .collect();
        arrived.sort_unstable();
        half.push(arrived[arrived.len() / 2]);
        last.push(arrived[arrived.len() - 1]);
    }
    for times in [&mut half, &mut last] {
        times.sort_unstable();
    }
    println!(
        "\nOne call-out to {desktops} desktops through sockudo, median of {}: half of them after {:?}, the last after {:?}.",
        last.len(),
        half[half.len() / 2],
        last[last.len() / 2],
    );
}

async fn arrival(subscription: &mut Subscription) -> Instant {
    loop {
        if matches!(subscription.next().await.unwrap(), ChannelEvent::Event(_)) {
            return Instant::now();
        }
    }
}

/// Signs every channel, as the relay does for a channel's own user.
struct Signs;

impl Authorizer for Signs {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization> {
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        let signature = hex::encode(mac.chain_update(format!("{socket_id}:{channel}")).finalize().into_bytes());
        Box::pin(async move { Ok(Authorization::new(format!("{KEY}:{signature}"))) })
    }
}

async fn serve_channels(sockudo: &Path, folder: &Path, port: u16) -> Program {
    let settings: Value = json!({
        "host": "127.0.0.1", "port": port, "debug": false, "metrics": {"enabled": false},
        "rate_limiter": {"enabled": false},
        "app_manager": {"driver": "memory", "array": {"apps": [{
            "id": "bench", "key": KEY, "secret": SECRET, "enabled": true, "max_connections": 10_000,
            "max_client_events_per_second": 10,
        }]}}
    });
    let configuration = folder.join("sockudo.json");
    std::fs::write(&configuration, settings.to_string()).unwrap();
    let mut command = Command::new(sockudo);
    command.arg("--config").arg(configuration).env("RUST_LOG", "warn");
    let program = Program::silent(&mut command);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let begin = Instant::now();
    while client.get(format!("http://127.0.0.1:{port}/up/bench")).send().await.is_err() {
        assert!(begin.elapsed() < Duration::from_secs(30), "sockudo does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    program
}
