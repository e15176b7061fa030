//! Log-ins that are refused again and again.

use secrecy::ExposeSecret as _;

use crate::world::{SID, World};

#[tokio::test]
async fn after_many_refused_log_ins_an_address_waits_and_the_right_session_id_waits_too() {
    let world = World::start_with(|options| options.refused_log_ins_per_minute = 5).await;
    for _ in 0..20 {
        assert_eq!(world.log_in(SID).await.0, 200, "one that is right is not counted");
    }
    for _ in 0..5 {
        assert_eq!(world.log_in("a-guess").await.0, 401);
    }
    let url = format!("{}/integration-api/Platform/LoginAuthToken", world.server.url());
    let refused = world.http.post(url).header("authtoken", SID).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    // Who is signed in goes on.
    assert!(world.listed("").await.is_empty());
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_counted_for_itself() {
    let world = World::start_with(|options| {
        options.refused_log_ins_per_minute = 1;
        options.trusted_proxies = vec!["127.0.0.0/8".into()];
    });
    let world = world.await;
    let url = format!("{}/integration-api/Platform/LoginAuthToken", world.server.url());
    let log_in = async |sid: &str, client: &str| {
        let request = world.http.post(&url).header("authtoken", sid).header("x-forwarded-for", client);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(log_in("a-guess", "203.0.113.1").await, 401);
    assert_eq!(log_in(SID, "203.0.113.1").await, 429);
    assert_eq!(log_in(SID, "203.0.113.2").await, 200);
    assert_eq!(log_in(SID, "203.0.113.2, 203.0.113.1").await, 429, "what a client says of itself does not count");
}

#[tokio::test]
async fn a_pairing_code_logs_in_once_and_gives_a_session_id_of_the_devices_own() {
    let world = World::start().await;
    world.server.name_user(&world.user, "darth", &[]).await.unwrap();
    let users = relay::Users::open(world.address()).await.unwrap();
    let code = users.pair(crate::world::BRAND, "darth").await.unwrap().expose_secret().to_lowercase();
    let (status, answer) = world.log_in(&code).await;
    assert_eq!((status, &answer["Data"]["User"]["UserId"]), (200, &world.user.id.into()));
    let sid = answer["Data"]["Authentication"]["Sid"].as_str().unwrap().to_owned();
    assert_eq!(world.log_in(&code).await.0, 401, "it was good once");
    let (status, answer) = world.log_in(&sid).await;
    assert_eq!((status, &answer["Data"]["Authentication"]["Sid"]), (200, &serde_json::Value::Null));
    assert_eq!(world.log_in(SID).await.0, 200, "the user's own goes on");
    users.rotate(crate::world::BRAND, "darth").await.unwrap();
    assert_eq!((world.log_in(&sid).await.0, world.log_in(SID).await.0), (401, 401), "a rotation voids all");
    assert!(users.pair(crate::world::BRAND, "luke").await.is_err());
}

#[tokio::test]
async fn whoever_listens_with_a_voided_session_is_sent_away_and_not_let_in_again() {
    let world = World::start().await;
    world.server.name_user(&world.user, "darth", &[]).await.unwrap();
    let users = relay::Users::open(world.address()).await.unwrap();
    let channel = world.user.channel();
    let mut socket = world.subscribed().await;
    let token = world.token().await;
    let sid = users.rotate(crate::world::BRAND, "darth").await.unwrap();
    assert_eq!(socket.end().await, Some(4200), "it is told to come back");
    let path = format!("/integration-api/external/pusher/{}?socket_id=1.2&channel_name={channel}", crate::world::BRAND);
    let authorize = async |token: &str| world.call(reqwest::Method::GET, &path, token, None).await.0;
    assert_eq!((authorize(&token).await, authorize(SID).await), (401, 401));

    // The new session id opens it, and a removed user's opens nothing.
    let mut socket = world.socket().await;
    let (_, answer) = world.log_in(sid.expose_secret()).await;
    let token = answer["Data"]["Authentication"]["AuthToken"].as_str().unwrap().to_owned();
    let path = path.replace("1.2", &socket.id);
    let auth = world.call(reqwest::Method::GET, &path, &token, None).await.1["auth"].clone();
    socket.subscribe(&channel, auth).await;
    assert_eq!(socket.frame().await["event"], "pusher_internal:subscription_succeeded");
    users.remove(crate::world::BRAND, "darth").await.unwrap();
    assert_eq!(socket.end().await, Some(4200));
}
