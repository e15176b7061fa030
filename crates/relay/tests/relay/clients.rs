//! The relay with the clients it is made for: `fasttrack-client` and `pusher-client`, end to end.

use std::future::Future;

use fasttrack_client::{Environment, Error, Http, LoginError, Notification, Session, read_config};
use pusher_client::{ChannelEvent, Client, Event, Options, State, Subscription};
use relay::NewMessage;
use reqwest::Method;

use crate::world::{BRAND, LIMIT, SID, World, titled};

const LIST: &str = "/integration-api/Notifications/v2/user-notifications";

async fn within_limit<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it should not take so long")
}

async fn log_in(world: &World, sid: &str) -> Result<Session, LoginError> {
    let http = Http::new().unwrap();
    let environment: Environment = world.server.url().parse().unwrap();
    let config = read_config(&http, &environment, BRAND, false).await.unwrap();
    Session::log_in(&http, config, BRAND, sid.to_owned().into()).await
}

async fn connect(session: &Session) -> (Client, Subscription) {
    let pusher = session.config().pusher.clone();
    let options = Options::host(pusher.key, pusher.host, pusher.port, pusher.tls);
    let client = Client::connect(options, session.authorizer());
    let mut subscription = client.subscribe(&session.channel()).await.unwrap();
    until_subscribed(&mut subscription).await;
    (client, subscription)
}

async fn until_subscribed(subscription: &mut Subscription) {
    while !matches!(within_limit(subscription.next()).await, Some(ChannelEvent::Subscribed)) {}
}

async fn next_event(subscription: &mut Subscription) -> Event {
    loop {
        if let ChannelEvent::Event(event) = within_limit(subscription.next()).await.expect("it should go on") {
            return event;
        }
    }
}

#[tokio::test]
async fn a_message_goes_all_the_way_and_comes_back_read() {
    let world = World::start().await;
    let before = world.send("before the sign-in").await;
    let session = log_in(&world, SID).await.unwrap();
    assert_eq!((session.user().first_name.as_str(), session.channel()), ("Darth", world.user.channel()));
    assert!(session.config().token_in_header, "it would stand in the logs of proxies");
    let (client, mut subscription) = connect(&session).await;

    let live = world.send("live").await;
    // What was stored before may be published only now.
    let published = loop {
        let event = next_event(&mut subscription).await;
        assert_eq!(event.name(), "message");
        let published = Notification::read(&event.value()).unwrap();
        if published.message_id != Some(before.to_string()) {
            break published;
        }
    };
    assert_eq!(published.message_id.as_deref(), Some(live.to_string().as_str()));

    let listing = session.list(true).await.unwrap();
    assert!(listing.skipped.is_empty());
    let ids: Vec<_> = listing.notifications.iter().filter_map(|it| it.message_id.clone()).collect();
    assert_eq!(ids, [live.to_string(), before.to_string()]);
    assert_eq!(listing.notifications[0].raw, published.raw);

    session.mark_read(&live.to_string()).await.unwrap();
    assert_eq!(world.server.unread(&world.user).await.unwrap(), [before]);
    assert!(session.one(&live.to_string()).await.unwrap().expect("it is there").is_read);
    assert!(session.one("999999").await.unwrap().is_none());
    within_limit(client.shutdown()).await;
}

#[tokio::test]
async fn a_cut_message_is_known_as_one_and_fetched_whole() {
    let world = World::start().await;
    let session = log_in(&world, SID).await.unwrap();
    let (_client, mut subscription) = connect(&session).await;
    let body = "<p>long</p>".repeat(2000);
    let id = world.server.send(&world.user, NewMessage { body: body.clone(), ..titled("long") }).await.unwrap();
    let cut = Notification::read(&next_event(&mut subscription).await.value()).unwrap();
    assert!(cut.body_missing_or_cut());
    assert_eq!(session.one(&id.to_string()).await.unwrap().expect("it is there").message, body);
}

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_and_an_expired_session_is_not() {
    let world = World::start().await;
    let session = log_in(&world, SID).await.unwrap();
    world.server.set_sid(&world.user, SID).await.unwrap();
    session.list(false).await.expect("the session id still logs in");
    world.server.expire_session(&world.user).await.unwrap();
    assert!(matches!(session.list(false).await, Err(Error::SessionRejected { .. })));
    assert!(matches!(log_in(&world, "wrong").await, Err(LoginError::Rejected { .. })));
}

#[tokio::test]
async fn all_that_is_unread_is_listed_however_much_it_is() {
    let world = World::start().await;
    let session = log_in(&world, SID).await.unwrap();
    let read = NewMessage { read: true, date: Some("2026-01-01T00:00:00Z".parse().unwrap()), ..titled("read") };
    world.server.send(&world.user, read).await.unwrap();
    let mut sent = Vec::new();
    for _ in 0..41 {
        sent.extend(futures_util::future::join_all((0..50).map(|_| world.send("unread"))).await);
    }
    let newer =
        NewMessage { read: true, date: Some("2126-01-01T00:00:00Z".parse().unwrap()), ..titled("read as well") };
    let newer = world.server.send(&world.user, newer).await.unwrap();

    let listing = session.list(false).await.unwrap();
    let mut ids: Vec<i64> =
        listing.notifications.iter().map(|it| it.message_id.as_deref().unwrap().parse().unwrap()).collect();
    assert_eq!(ids.remove(0), newer, "what was read is among the newest as well");
    ids.sort_unstable();
    sent.sort_unstable();
    assert_eq!(ids, sent, "each once; the one that was read is too old");
    let refused = world.call(Method::GET, &format!("{LIST}?cursor=yesterday"), SID, None).await;
    assert!(refused.0 == 400 && refused.1.to_string().contains("Next-Cursor"), "{refused:?}");
}

#[tokio::test]
async fn a_killed_server_is_found_again_and_what_was_sent_in_between_is_listed() {
    let mut world = World::start().await;
    let session = log_in(&world, SID).await.unwrap();
    let (client, mut subscription) = connect(&session).await;
    world.server.kill().await;
    let mut state = client.state();
    within_limit(state.wait_for(|state| !matches!(state, State::Connected { .. }))).await.unwrap();

    world.start_again().await;
    let between = world.send("in between").await;
    until_subscribed(&mut subscription).await;
    let ids: Vec<_> =
        session.list(true).await.unwrap().notifications.into_iter().filter_map(|it| it.message_id).collect();
    assert_eq!(ids, [between.to_string()]);
    world.send("afterwards").await;
    let mut event = next_event(&mut subscription).await;
    if event.value()["Title"] == "in between" {
        // It was back before the message was sent: then that came live as well.
        event = next_event(&mut subscription).await;
    }
    assert_eq!(event.value()["Title"], "afterwards");
}

#[tokio::test]
async fn a_server_that_restarts_in_good_order_is_found_again() {
    let mut world = World::start().await;
    let session = log_in(&world, SID).await.unwrap();
    let (_client, mut subscription) = connect(&session).await;
    world.server.shutdown().await;
    world.start_again().await;
    until_subscribed(&mut subscription).await;
}
