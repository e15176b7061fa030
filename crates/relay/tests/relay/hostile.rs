//! Input no honest client sends: each is answered in the envelope, and the relay goes on.

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use relay::NewMessage;

use crate::world::{BRAND, LIMIT, SID, World, answer, titled};

#[tokio::test]
async fn nonsense_is_refused_in_the_envelope_and_never_as_a_fault_of_ours() {
    let world = World::start().await;
    let long = "9".repeat(5000);
    let get = Method::GET;
    let post = Method::POST;
    let notifications = "/integration-api/Notifications";
    let cases: Vec<(Method, String, Option<Vec<u8>>, u16)> = vec![
        (get.clone(), "/".into(), None, 404),
        (get.clone(), "/integration-api/../../etc/passwd".into(), None, 404),
        (get.clone(), "/api/v1/config/%00".into(), None, 404),
        (get.clone(), format!("/api/v1/config/{long}"), None, 404),
        (get.clone(), "/api/v1/config/'%20OR%201=1--".into(), None, 404),
        (get.clone(), "/integration-api/Platform/LoginAuthToken".into(), None, 405),
        (get.clone(), format!("{notifications}/v2/user-notification/abc"), None, 404),
        (get.clone(), format!("{notifications}/v2/user-notification/-1"), None, 404),
        (get.clone(), format!("{notifications}/v2/user-notification/{long}"), None, 404),
        (get.clone(), format!("{notifications}/v2/user-notifications?unread-only=%FF"), None, 400),
        (post.clone(), format!("{notifications}/MarkNotificationAsRead"), Some(b"".to_vec()), 400),
        (post.clone(), format!("{notifications}/MarkNotificationAsRead"), Some(b"not json".to_vec()), 400),
        (post.clone(), format!("{notifications}/MarkNotificationAsRead"), Some(vec![b'['; 50_000]), 400),
        (post.clone(), format!("{notifications}/MarkNotificationAsRead"), Some(b"{\"MessageId\":{}}".to_vec()), 400),
        (post.clone(), format!("{notifications}/MarkNotificationAsRead"), Some(vec![b' '; 100_000]), 413),
        (post.clone(), format!("/integration-api/external/pusher/{BRAND}"), Some(vec![0xff; 100]), 400),
        (post.clone(), format!("/integration-api/external/pusher/{BRAND}"), Some(vec![b'a'; 100_000]), 413),
        (get, format!("/app/{}", world.server.pusher_key()), None, 400),
    ];
    for (method, path, body, expected) in cases {
        let mut request = world.http.request(method, format!("{}{path}", world.server.url())).header("authtoken", SID);
        if let Some(body) = body {
            request = request.body(body);
        }
        let (status, answer) = answer(request).await;
        assert_eq!((status, &answer["Success"]), (expected, &false.into()), "{path:.80} {answer}");
        assert!(answer["Errors"][0]["Message"].is_string(), "{path:.80} {answer}");
    }
    assert!(world.listed("").await.is_empty(), "it still serves");
}

#[tokio::test]
async fn a_token_that_is_no_text_is_no_token() {
    let world = World::start().await;
    for token in [&b"\xff\xfe"[..], b"' OR 1=1 --", &[b'a'; 4000]] {
        let url = format!("{}/integration-api/Notifications/v2/user-notifications", world.server.url());
        let value = reqwest::header::HeaderValue::from_bytes(token).unwrap();
        assert_eq!(answer(world.http.get(url).header("authtoken", value)).await.0, 401);
    }
}

#[tokio::test]
async fn bytes_that_are_no_http_end_the_connection() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.server.address()).await.unwrap();
    stream.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, b'\r', b'\n', b'\r', b'\n']).await.unwrap();
    let mut answer = Vec::new();
    // The server may reset the connection: that it is over is all that counts.
    let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("the connection should end");
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert!(world.listed("").await.is_empty(), "it still serves");
}

#[tokio::test]
async fn an_inbox_of_huge_messages_still_makes_a_list_of_bounded_size() {
    let world = World::start().await;
    for number in 0..24 {
        let body = "x".repeat(250 * 1024);
        let message = NewMessage { body, ..titled(&format!("number {number}")) };
        world.server.send(&world.user, message).await.unwrap();
    }
    let list = world.listed("").await;
    let size: usize = list.iter().map(|item| item.to_string().len()).sum();
    assert!(size < 5 * 1024 * 1024, "{size} bytes");
    assert_eq!(list.len(), 24);
    assert_ne!(list[0]["Message"], "", "the newest are whole");
    assert_eq!(list[23]["Message"], "", "the oldest are to be fetched by id");
    let path = format!("/integration-api/Notifications/v2/user-notification/{}", list[23]["MessageId"]);
    let (_, one) = world.call(Method::GET, &path, SID, None).await;
    assert_eq!(one["Data"]["Message"].as_str().unwrap().len(), 250 * 1024);
}
