//! `POST /api/messages`, and `send` on the command line.

use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::world::{BRAND, LIMIT, World};

/// A world whose user is in a group, and a token.
async fn world() -> (World, String) {
    let world = World::start_with(|options| options.messages_per_minute = 20).await;
    world.server.name_user(&world.user, "darth", &["sith"]).await.unwrap();
    let token = relay::ApiTokens::open(world.address()).await.unwrap().add("tests").await.unwrap();
    (world, token.expose_secret().to_owned())
}

fn request(world: &World, token: &str, body: &Value) -> RequestBuilder {
    world.http.post(format!("{}/api/messages", world.server.url())).bearer_auth(token).json(body)
}

fn plain(title: &str) -> Value {
    json!({ "recipients": { "users": ["darth"], "groups": ["sith"] }, "title": title })
}

async fn problem(response: Response) -> (StatusCode, String) {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let status = response.status();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16());
    (status, problem["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_message_is_stored_once_for_each_user_and_published() {
    let (world, token) = world().await;
    let other = world.server.add_user(BRAND, "the-sid-of-sidious", "Sheev", "Palpatine").await.unwrap();
    world.server.name_user(&other, "sheev", &["sith"]).await.unwrap();
    let mut socket = world.subscribed().await;
    let message = json!({
        "recipients": { "users": ["darth"], "groups": ["sith"] }, "title": "Order 66", "preview": "Now", "body": "<p>Do it</p>",
        "event": "shoutout", "silent": true, "buttons": [{ "text": "Go", "link": "https://example.com/" }],
        "data": { "order": 66 }, "expires_after_hours": 1,
    });
    let response = request(&world, &token, &message).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let sent: Value = response.json().await.unwrap();
    let names: Vec<_> = sent["messages"].as_array().unwrap().iter().map(|one| one["user"].as_str().unwrap()).collect();
    assert_eq!(names, ["darth", "sheev"]);
    let frame = socket.frame().await;
    assert_eq!(frame["event"], "shoutout");
    let listed = world.listed("").await;
    assert_eq!(listed.len(), 1);
    let one = &listed[0];
    assert_eq!((&one["MessageId"], &one["Title"]), (&sent["messages"][0]["id"], &json!("Order 66")));
    assert_eq!((&one["DisplayType"], &one["Data"]["order"]), (&json!("silent"), &json!(66)));
    assert!(one["Expires"].is_string());
}

#[tokio::test]
async fn a_repeated_request_sends_nothing_twice_and_is_answered_alike() {
    let (mut world, token) = world().await;
    let keyed = |world: &World, title: &str| request(world, &token, &plain(title)).header("Idempotency-Key", "alarm-7");
    let first: Value = keyed(&world, "Alarm").send().await.unwrap().json().await.unwrap();
    world.server.kill().await;
    world.start_again().await;
    let both = tokio::join!(keyed(&world, "Alarm").send(), keyed(&world, "Alarm").send());
    for again in [both.0.unwrap(), both.1.unwrap()] {
        assert_eq!(
            (again.status(), &again.headers()["idempotent-replayed"]),
            (StatusCode::CREATED, &"true".parse().unwrap())
        );
        assert_eq!(again.json::<Value>().await.unwrap(), first);
    }
    let (status, detail) = problem(keyed(&world, "Another").send().await.unwrap()).await;
    assert!(status == StatusCode::CONFLICT && detail.contains("its own"), "{detail}");
    assert_eq!(world.listed("").await.len(), 1);
    // Without a key each is a request of its own.
    for _ in 0..2 {
        assert_eq!(request(&world, &token, &plain("Alarm")).send().await.unwrap().status(), StatusCode::CREATED);
    }
    assert_eq!(world.listed("").await.len(), 3);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_sent() {
    let (world, token) = world().await;
    let body = |change: &dyn Fn(&mut Value)| {
        let mut body = plain("A title");
        change(&mut body);
        body
    };
    let cases: [(Value, u16, &str); 11] = [
        (
            json!([{"users": ["darth"]}, "A title", "", "", "", "message", false, [], null, {}, null, null]),
            400,
            "not a JSON object",
        ),
        (Value::Null, 400, "not a JSON object"),
        (body(&|it| it["title"] = json!(" ")), 400, "the title is empty"),
        (body(&|it| it["titel"] = json!("x")), 400, "unknown field `titel`"),
        (body(&|it| it["recipients"] = json!({})), 400, "nobody is named"),
        (body(&|it| it["event"] = json!("scream")), 400, "unknown variant"),
        (body(&|it| it["expires_after_hours"] = json!(0)), 400, "from 1 to 8784"),
        (body(&|it| it["buttons"] = json!([{"text": "x", "link": "javascript:1"}])), 400, "not a web address"),
        (body(&|it| it["body"] = json!("a\u{0}b")), 400, "NUL"),
        (body(&|it| it["recipients"]["users"] = json!(["luke", "darth"])), 422, "no user \"luke\""),
        (body(&|it| it["recipients"]["groups"] = json!(["jedi"])), 422, "no group \"jedi\""),
    ];
    for (body, status, expected) in cases {
        let (answered, detail) = problem(request(&world, &token, &body).send().await.unwrap()).await;
        assert!(answered.as_u16() == status && detail.contains(expected), "{answered}: {detail:?} for {body}");
    }
    let url = format!("{}/api/messages", world.server.url());
    let (status, _) = problem(world.http.post(&url).json(&plain("x")).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, detail) = problem(request(&world, "not-the-token", &plain("x")).send().await.unwrap()).await;
    assert!(status == StatusCode::UNAUTHORIZED && !detail.contains("not-the-token"), "{detail}");
    let text = world.http.post(&url).bearer_auth(&token).body("{}").send().await.unwrap();
    assert_eq!(problem(text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(problem(world.http.get(&url).send().await.unwrap()).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let twice = request(&world, &token, &plain("x")).header("Idempotency-Key", "a").header("Idempotency-Key", "b");
    let (status, detail) = problem(twice.send().await.unwrap()).await;
    assert!(status == StatusCode::BAD_REQUEST && detail.contains("twice"), "{detail}");
    let large = json!({ "recipients": { "users": ["darth"] }, "title": "x", "body": "y".repeat(600 * 1024) });
    assert_eq!(problem(request(&world, &token, &large).send().await.unwrap()).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(world.listed("").await.is_empty());

    relay::ApiTokens::open(world.address()).await.unwrap().remove("tests").await.unwrap();
    assert_eq!(problem(request(&world, &token, &plain("x")).send().await.unwrap()).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_sends_too_much_is_told_when_to_come_back() {
    let (world, token) = world().await;
    for number in 0..20 {
        assert_eq!(request(&world, &token, &plain(&number.to_string())).send().await.unwrap().status(), 201);
    }
    let refused = request(&world, &token, &plain("one more")).send().await.unwrap();
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(problem(refused).await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.listed("").await.len(), 20);
}

#[tokio::test]
async fn the_command_line_sends_by_the_running_relay() {
    let (world, token) = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let mut options = std::fs::File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(&file).unwrap(), token.as_bytes()).unwrap();
    let command_line = async |more: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_traybell-relay"));
        command.args(["send", "--title", "By hand", "--url", world.server.url(), "--token-file"]).arg(&file).args(more);
        let output = tokio::time::timeout(LIMIT, command.kill_on_drop(true).output()).await.expect("it ends").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (status, out, _) = command_line(&["--to", "darth", "--link", "https://example.com/", "--json"]).await;
    let sent: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &sent["messages"][0]["user"]), (0, &json!("darth")));
    let listed = world.listed("").await;
    assert_eq!((&listed[0]["Title"], &listed[0]["CTAButtonText"]), (&json!("By hand"), &json!("Open")));
    let (status, _, error) = command_line(&["--to", "luke"]).await;
    assert!(status == 1 && error.contains("no user \"luke\"") && !error.contains(&token), "{error}");
}

#[tokio::test]
async fn the_description_is_served_and_says_what_is_served() {
    let (world, _) = world().await;
    let url = format!("{}/api/openapi.json", world.server.url());
    let description: Value = world.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/api/messages"]["post"]["responses"]["429"].is_object());
}

#[tokio::test]
async fn who_may_not_send_is_told_so_before_the_body_has_come() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (world, _) = world().await;
    let mut stream = tokio::net::TcpStream::connect(world.server.address()).await.unwrap();
    let head = "POST /api/messages HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer nobodys\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    tokio::time::timeout(crate::world::LIMIT, stream.read_exact(&mut start)).await.expect("an answer").unwrap();
    assert_eq!(&start, b"HTTP/1.1 401");
}
