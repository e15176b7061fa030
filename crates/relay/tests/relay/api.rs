//! The Fast Track API, call by call.

use jiff::Timestamp;
use relay::{Button, Kind, NewMessage};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

use crate::world::{BRAND, SID, World, answer, titled};

const LIST: &str = "/integration-api/Notifications/v2/user-notifications";
const ONE: &str = "/integration-api/Notifications/v2/user-notification";
const MARK: &str = "/integration-api/Notifications/MarkNotificationAsRead";

fn titles(list: &[Value]) -> Vec<&str> {
    list.iter().map(|item| item["Title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_configuration_leads_to_this_server() {
    let world = World::start().await;
    let (status, config) = answer(world.http.get(format!("{}/api/v1/config/{BRAND}", world.server.url()))).await;
    let api = format!("{}/integration-api", world.server.url());
    let expected = json!({
        "crmUrl": api, "fusionUrl": api, "prismaUrl": api, "pusherKey": world.server.pusher_key(),
        "pusherRegion": "relay", "tokenInHeader": true, "pusherHost": "127.0.0.1", "pusherPort": world.server.address().port(),
        "pusherForceTls": false,
    });
    assert_eq!((status, config), (200, expected));
}

#[tokio::test]
async fn a_public_address_with_tls_is_what_clients_are_told() {
    let world = World::start_with(|options| options.public_url = Some("https://relay.example".parse().unwrap())).await;
    let url = format!("http://{}/api/v1/config/{BRAND}", world.server.address());
    let (_, config) = answer(world.http.get(url)).await;
    assert_eq!(config["fusionUrl"], "https://relay.example/integration-api");
    assert_eq!((&config["pusherPort"], &config["pusherForceTls"]), (&443.into(), &true.into()));
}

#[tokio::test]
async fn an_unknown_brand_has_no_configuration() {
    let world = World::start().await;
    let (status, config) = answer(world.http.get(format!("{}/api/v1/config/nobody", world.server.url()))).await;
    assert_eq!((status, &config["Success"]), (404, &false.into()));
}

#[tokio::test]
async fn a_log_in_tells_who_the_user_is_and_gives_a_token_that_works() {
    let world = World::start().await;
    let (status, answer) = world.log_in(SID).await;
    assert_eq!((status, &answer["Success"], &answer["Errors"]), (200, &true.into(), &Value::Null));
    assert_eq!(answer["Data"]["Authentication"]["IsAuthenticated"], true);
    let user = json!({
        "UserId": world.user.id, "BrandId": world.user.brand_id, "IsTestUser": false, "Firstname": "Darth",
        "Lastname": "Vader",
    });
    assert_eq!(answer["Data"]["User"], user);
    let token = answer["Data"]["Authentication"]["AuthToken"].as_str().unwrap();
    assert_ne!(token, SID);
    assert_eq!(world.call(Method::GET, LIST, token, None).await.0, 200);
}

#[tokio::test]
async fn a_wrong_a_missing_and_an_expired_session_id_are_refused_in_the_envelope() {
    let world = World::start().await;
    for sid in ["wrong", "", &world.token().await] {
        let (status, answer) = world.log_in(sid).await;
        assert_eq!((status, &answer["Success"], &answer["Data"]), (401, &false.into(), &Value::Null));
        assert_eq!(answer["Errors"][0]["Error"], "NotAuthenticated");
    }
    world.server.expire_session(&world.user).await.unwrap();
    assert_eq!(world.log_in(SID).await.0, 401);
    world.server.set_sid(&world.user, "a-new-one").await.unwrap();
    assert_eq!(world.log_in("a-new-one").await.0, 200);
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_and_not_from_the_address() {
    let world = World::start().await;
    let token = world.token().await;
    let list = format!("{}{LIST}", world.server.url());
    assert_eq!(answer(world.http.get(&list)).await.0, 401, "without a token");
    assert_eq!(answer(world.http.get(&list).header("authtoken", &token)).await.0, 200);
    assert_eq!(answer(world.http.get(format!("{list}?unread-only=false&authToken={token}"))).await.0, 401);
}

#[tokio::test]
async fn a_token_ends_with_its_lifetime_and_when_it_is_voided() {
    let world = World::start_with(|options| options.token_lifetime = Duration::ZERO).await;
    let token = world.token().await;
    assert_eq!(world.call(Method::GET, LIST, &token, None).await.0, 401);

    let world = World::start().await;
    let token = world.token().await;
    world.server.expire_tokens(&world.user).await.unwrap();
    assert_eq!(world.call(Method::GET, LIST, &token, None).await.0, 401);
    assert_eq!(world.log_in(SID).await.0, 200, "the session id still logs in");
}

#[tokio::test]
async fn the_newest_of_many_tokens_always_works() {
    let world = World::start().await;
    for number in 0..25 {
        let token = world.token().await;
        assert_eq!(world.call(Method::GET, LIST, &token, None).await.0, 200, "log-in {number}");
    }
}

#[tokio::test]
async fn a_message_is_served_with_all_that_was_given() {
    let world = World::start().await;
    let message = NewMessage {
        kind: Kind::Shoutout,
        title: "Title".into(),
        body: "<b>Body</b>".into(),
        preview: "Preview".into(),
        footer: "<i>Footer</i>".into(),
        data: serde_json::Map::from_iter([("key".to_owned(), json!([1, "two"]))]),
        silent: true,
        buttons: vec![
            Button { text: "First".into(), link: "https://example.com/1".into() },
            Button { text: "Second".into(), link: "https://example.com/2".into() },
        ],
        image: Some("/picture.png".into()),
        read: true,
        date: Some("2023-02-01T23:42:35Z".parse().unwrap()),
        expires: Some("2999-01-01T00:00:00Z".parse().unwrap()),
    };
    let id = world.server.send(&world.user, message).await.unwrap();
    let expected = json!({
        "MessageId": id, "UserId": world.user.id, "Event": "shoutout", "Title": "Title", "Message": "<b>Body</b>",
        "PreviewText": "Preview", "FooterText": "<i>Footer</i>", "Data": { "key": [1, "two"] },
        "DisplayType": "silent", "CTAButtonText": "First", "CTAButtonLink": "https://example.com/1",
        "CTAButton2Text": "Second", "CTAButton2Link": "https://example.com/2",
        "ImageUrl": format!("{}/picture.png", world.server.url()), "IsRead": true, "Date": "2023-02-01 23:42:35",
        "Expires": "2999-01-01 00:00:00",
    });
    assert_eq!(world.listed("").await, std::slice::from_ref(&expected));
    let (status, one) = world.call(Method::GET, &format!("{ONE}/{id}"), SID, None).await;
    assert_eq!((status, one), (200, json!({ "Data": expected, "Success": true, "Errors": [] })));
}

#[tokio::test]
async fn the_list_has_the_newest_first_and_can_be_narrowed() {
    let world = World::start().await;
    let now = Timestamp::now();
    let ago = |hours| Some(now - Duration::from_hours(hours));
    for message in [
        NewMessage { date: ago(1), ..titled("newest") },
        NewMessage { date: ago(3), read: true, ..titled("oldest, read") },
        NewMessage { date: ago(2), kind: Kind::Inbox, ..titled("inbox") },
    ] {
        world.server.send(&world.user, message).await.unwrap();
    }
    assert_eq!(titles(&world.listed("").await), ["newest", "inbox", "oldest, read"]);
    assert_eq!(titles(&world.listed("?unread-only=true").await), ["newest", "inbox"]);
    assert_eq!(titles(&world.listed("?unread-only=false&inbox-only=true").await), ["inbox"]);
    assert_eq!(world.call(Method::GET, &format!("{LIST}?unread-only=maybe"), SID, None).await.0, 400);
}

#[tokio::test]
async fn what_has_expired_is_neither_listed_nor_served() {
    let world = World::start().await;
    let past = NewMessage { expires: Some(Timestamp::now() - Duration::from_secs(1)), ..titled("expired") };
    let id = world.server.send(&world.user, past).await.unwrap();
    let later = NewMessage { expires: Some(Timestamp::now() + Duration::from_hours(1)), ..titled("not yet") };
    world.server.send(&world.user, later).await.unwrap();
    assert_eq!(titles(&world.listed("").await), ["not yet"]);
    assert_eq!(world.call(Method::GET, &format!("{ONE}/{id}"), SID, None).await.0, 404);
}

#[tokio::test]
async fn a_read_mark_is_kept_and_may_come_twice() {
    let world = World::start().await;
    let (first, second) = (world.send("first").await, world.send("second").await);
    for id in [json!(first), json!(first), json!(second.to_string())] {
        let (status, answer) = world.call(Method::POST, MARK, SID, Some(json!({ "MessageId": id }))).await;
        assert_eq!((status, answer), (200, json!({ "Success": true, "Data": true, "Errors": [] })));
    }
    assert!(world.listed("?unread-only=true").await.is_empty());
    assert!(world.listed("").await.iter().all(|item| item["IsRead"] == true));
    assert!(world.server.unread(&world.user).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_users_messages_and_channel_are_out_of_reach() {
    let world = World::start().await;
    let id = world.send("private").await;
    let luke = world.server.add_user(BRAND, "luke", "Luke", "Skywalker").await.unwrap();
    let (status, list) = world.call(Method::GET, LIST, "luke", None).await;
    assert_eq!((status, &list["Data"]), (200, &json!([])));
    assert_eq!(world.call(Method::GET, &format!("{ONE}/{id}"), "luke", None).await.0, 404);
    assert_eq!(world.call(Method::POST, MARK, "luke", Some(json!({ "MessageId": id }))).await.0, 404);
    assert_eq!(world.server.unread(&world.user).await.unwrap(), [id]);

    let (status, refusal) = world.authorize("1.2", &luke.channel()).await;
    assert_eq!((status, &refusal["Success"]), (403, &false.into()));
    assert!(refusal.get("auth").is_none());
}

#[tokio::test]
async fn a_channel_is_authorized_by_post_and_by_get_alike() {
    let world = World::start().await;
    let (channel, base) = (world.user.channel(), format!("{}/integration-api/external/pusher", world.server.url()));
    let (status, posted) = world.authorize("12.34", &channel).await;
    assert_eq!(status, 200);
    let query = format!("socket_id=12.34&channel_name={channel}");
    let by_get = answer(world.http.get(format!("{base}/{BRAND}?authToken={SID}&{query}"))).await;
    assert_eq!(by_get, (200, posted.clone()));
    let by_header = answer(world.http.get(format!("{base}/{BRAND}?{query}")).header("authtoken", SID)).await;
    assert_eq!(by_header, (200, posted));

    assert_eq!(answer(world.http.get(format!("{base}/{BRAND}?{query}"))).await.0, 401, "no token");
    assert_eq!(answer(world.http.get(format!("{base}/other?authToken={SID}&{query}"))).await.0, 403, "another brand");
    for (socket_id, channel) in [("1.2:private-a", channel.as_str()), ("", &channel), ("1.2", "private-prisma-1-1")] {
        let (status, answer) = world.authorize(socket_id, channel).await;
        assert!(matches!(status, 400 | 403) && answer.get("auth").is_none(), "{socket_id:?} {channel:?}: {answer}");
    }
}

#[tokio::test]
async fn the_same_session_id_is_the_same_user_and_never_one_of_another_brand() {
    let world = World::start().await;
    let again = world.server.add_user(BRAND, SID, "Anakin", "Skywalker").await.unwrap();
    assert_eq!((again.id, again.first_name.as_str()), (world.user.id, "Anakin"));
    assert!(world.server.add_user("other", SID, "A", "B").await.is_err());
    for (brand, sid) in [("", "x"), ("a/b", "x"), ("..", "x"), ("ok", ""), ("ok", "a b"), ("ok", "\n")] {
        assert!(world.server.add_user(brand, sid, "A", "B").await.is_err(), "{brand:?} {sid:?}");
    }
}

#[tokio::test]
async fn a_restart_keeps_users_tokens_messages_and_marks() {
    let mut world = World::start().await;
    let token = world.token().await;
    let (read, unread) = (world.send("read").await, world.send("unread").await);
    world.call(Method::POST, MARK, &token, Some(json!({ "MessageId": read }))).await;
    let key = world.server.pusher_key().to_owned();

    world.server.kill().await;
    world.start_again().await;
    assert_eq!(world.server.pusher_key(), key);
    assert_eq!(world.call(Method::GET, LIST, &token, None).await.0, 200);
    assert_eq!(titles(&world.listed("").await), ["unread", "read"]);
    assert_eq!(world.server.unread(&world.user).await.unwrap(), [unread]);

    let third = world.send("third").await;
    world.server.shutdown().await;
    world.start_again().await;
    assert_eq!(world.server.unread(&world.user).await.unwrap(), [third, unread]);
}

#[tokio::test]
async fn no_session_id_and_no_token_is_on_the_disk() {
    let world = World::start().await;
    let token = world.token().await;
    world.server.shutdown().await;
    let folder = world.database();
    for entry in std::fs::read_dir(folder.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        // SQLite's index of its log holds no content, and on Windows parts of it are locked.
        let is_index = path.extension().is_some_and(|extension| extension == "sqlite-shm");
        let bytes = if is_index { Vec::new() } else { std::fs::read(&path).unwrap() };
        for secret in [SID, &token] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", path.display());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn its_health_is_what_it_can_do() {
    let world = World::start().await;
    let health = async |which: &str| {
        let answer = world.http.get(format!("{}/health/{which}", world.server.url())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(health("ready").await, (200, r#"{"ok":true}"#.to_owned()));
    let (status, live) = health("live").await;
    assert!(status == 200 && live.contains("\"ok\":true") && live.contains("instance"), "{live}");
}
