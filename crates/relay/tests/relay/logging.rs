//! What the program's log says of a request, and what it never says, at the most talkative level there is.

use std::{process::Stdio, time::Duration};

use relay::SecretsPlace;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    serving::{after, command, folder, log_in, signed, succeed, titles},
    world::{LIMIT, Socket, answer, http},
};

/// All that the server says while it is used, and everything that may not be in it.
async fn said(format: &str) -> (String, Vec<String>) {
    let folder = folder();
    let folder = folder.path();
    let added = succeed(folder, &["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
    let sid = after("Session id", &added).to_owned();
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    let log = folder.join("log");
    let mut child = command(folder, &["serve", "--log-format", format])
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("it should start").unwrap().unwrap();
    let url = line.rsplit(' ').next().unwrap();

    let secrets = SecretsPlace::File(folder.join("relay-secrets.json")).read().unwrap();
    let (key, callout_secrets) = secrets.of("new-employees").unwrap();
    let secret = callout_secrets[0].expose_secret();
    let body = r#"{"id":7,"firstName":"Needle-in-a-body","lastName":"Lovelace"}"#;
    let signature = signed(secret, body);
    let callout = http().post(format!("{url}/callouts/tracktik/{}", key.expose_secret()));
    let callout = callout.header("content-type", "application/json").body(body);
    assert_eq!(
        answer(callout.try_clone().unwrap().header("TrackTik-Subscription-Secret", "a-wrong-signature")).await.0,
        401
    );
    assert_eq!(answer(callout.header("TrackTik-Subscription-Secret", &signature)).await.0, 200);

    let (status, logged_in) = log_in(url, &sid).await;
    assert_eq!(status, 200);
    let token = logged_in["Data"]["Authentication"]["AuthToken"].as_str().unwrap().to_owned();
    assert_eq!(log_in(url, "a-wrong-session-id").await.0, 401);
    tokio::time::timeout(LIMIT, async {
        while titles(url, &token).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the message should come");
    let user = logged_in["Data"]["User"]["UserId"].clone();
    let (_, configured) = answer(http().get(format!("{url}/api/v1/config/acme"))).await;
    let app_key = pusher_key(&configured).expect("the configuration names the key");
    let socket_url = format!("{}/app/{app_key}?protocol=7", url.replace("http:", "ws:"));
    let mut socket = Socket::greeted(&socket_url).await;
    let form = [("socket_id", socket.id.as_str()), ("channel_name", "a-wrong-channel")];
    let authorize = format!("{url}/integration-api/external/pusher/acme?authToken={token}");
    assert_eq!(answer(http().post(&authorize).form(&form)).await.0, 403);
    socket.subscribe(&format!("private-user-{user}"), "a-wrong-authorization").await;
    socket.frame().await;
    let nowhere = http().get(format!("{url}/a-path-of-nothing?secret=in-a-query")).header("x-other", "in-a-header");
    assert_eq!(answer(nowhere).await.0, 404);
    // Ended without ceremony: what is to be looked at has been answered.
    child.kill().await.unwrap();

    let fixed = [
        "Needle-in-a-body",
        "Lovelace",
        "a-wrong-signature",
        "a-wrong-session-id",
        "a-wrong-authorization",
        "a-path-of-nothing",
        "in-a-query",
        "in-a-header",
    ];
    let mut needles: Vec<String> = fixed.map(str::to_owned).into();
    needles.extend([sid, token, key.expose_secret().to_owned(), secret.to_owned(), signature, app_key]);
    (std::fs::read_to_string(&log).unwrap(), needles)
}

/// Wherever the configuration has it.
fn pusher_key(configured: &Value) -> Option<String> {
    match configured {
        Value::Object(map) => map.iter().find_map(|(name, value)| {
            let text =
                value.as_str().filter(|text| text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
            text.filter(|_| name.to_lowercase().contains("key")).map(str::to_owned).or_else(|| pusher_key(value))
        }),
        Value::Array(all) => all.iter().find_map(pusher_key),
        _ => None,
    }
}

#[tokio::test]
async fn a_json_log_has_a_line_for_each_request_and_nothing_that_is_secret() {
    let (log, needles) = said("json").await;
    for needle in needles {
        assert!(!log.contains(&needle), "{needle} is in the log:\n{log}");
    }
    // Whoever is killed may be writing just then.
    let (whole, _) = log.rsplit_once('\n').expect("there are lines");
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON, {error}: {line:?}"));
    let lines: Vec<Value> = whole.lines().map(read).collect();
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    let of = |method: &str, route: &str, status: u16| {
        let found =
            requests.iter().find(|line| line["method"] == method && line["route"] == route && line["status"] == status);
        let line = found.unwrap_or_else(|| panic!("{method} {route} {status} should be in the log:\n{log}"));
        assert_eq!(line["level"], "INFO");
        assert!(line["milliseconds"].is_u64() && line["request"].as_str().unwrap().len() == 16, "{line}");
    };
    of("POST", "/callouts/tracktik/{key}", 200);
    of("POST", "/callouts/tracktik/{key}", 401);
    of("POST", "/integration-api/Platform/LoginAuthToken", 401);
    of("POST", "/integration-api/external/pusher/{brand}", 403);
    of("GET", "/app/{key}", 101);
    of("GET", "none", 404);
    let refused = lines.iter().find(|line| line["message"] == "a call-out was refused").expect("one was");
    assert_eq!((&refused["outcome"], &refused["subscription"]), (&"Unauthorized".into(), &"new-employees".into()));
    let mut ids: Vec<_> = requests.iter().map(|line| line["request"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), requests.len(), "each request has an id of its own");
}

#[tokio::test]
async fn a_text_log_says_the_same() {
    let (log, needles) = said("text").await;
    for needle in needles {
        assert!(!log.contains(&needle), "{needle} is in the log:\n{log}");
    }
    assert!(
        log.lines().any(|line| line.contains("route=\"/callouts/tracktik/{key}\"") && line.contains("status=200")),
        "{log}"
    );
}

#[tokio::test]
async fn an_answer_names_its_request_and_not_as_the_client_wants() {
    let world = crate::world::World::start().await;
    let request = world.http.get(format!("{}/health/live", world.server.url())).header("x-request-id", "mine");
    let response = request.send().await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(response.json::<Value>().await.unwrap()["ok"], json!(true));
}
