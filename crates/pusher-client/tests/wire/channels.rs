//! Channels, against a scripted server: authorization, subscription, events, what happens to each over a reconnect.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt, StreamExt};
use pusher_client::{AuthorizeError, ChannelEvent, ChannelKind, Client, ClientEvent, Error, State};
use serde_json::json;

use crate::fake::{Server, Signer, back, event, granted, lost, next, published, refused, state, unavailable, within};

#[tokio::test]
async fn item_27_a_private_channel_is_authorized_before_it_is_subscribed() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::gated();
    let client = Client::connect(server.options(), signer.clone());
    let mut orders = client.subscribe("private-orders").await.unwrap();
    assert_eq!(orders.channel(), "private-orders");
    let mut peer = server.greet("1.2").await;
    assert_eq!(asked.next().await, ("1.2".into(), "private-orders".into()));
    // Nothing but the answer to a ping comes before the authorization is there.
    peer.settle().await;
    signer.let_one_pass();
    let frame = peer.subscribe("private-orders").await;
    assert_eq!(frame["data"]["auth"], "app-key:signature-of-1.2-private-orders");
    assert_eq!(frame["data"].get("channel_data"), None);
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
}

#[tokio::test]
async fn a_public_channel_needs_no_authorization() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::answering([]);
    let client = Client::connect(server.options(), signer);
    let mut news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    let frame = peer.subscribe("news").await;
    assert_eq!(frame["data"], json!({ "channel": "news" }));
    assert_eq!(next(&mut news).await, ChannelEvent::Subscribed);
    assert!(asked.is_quiet());
}

#[tokio::test]
async fn channel_data_of_the_authorization_is_passed_on() {
    let server = Server::start().await;
    let answer = granted().with_channel_data(r#"{"user_id":"7"}"#);
    let client = Client::connect(server.options(), Signer::answering([Ok(answer)]).0);
    let _orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    let frame = peer.subscribe("private-orders").await;
    assert_eq!(frame["data"]["channel_data"], r#"{"user_id":"7"}"#);
}

#[tokio::test]
async fn item_35_internal_events_are_hidden_and_channels_do_not_mix() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut one = client.subscribe("a").await.unwrap();
    let mut other = client.subscribe("b").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("a").await;
    peer.subscribe("b").await;
    for name in ["pusher_internal:subscription_count", "pusher_internal:anything", "pusher:anything"] {
        peer.publish("a", name, &json!({})).await;
    }
    peer.publish("b", "e", &json!(2)).await;
    peer.publish("a", "e", &json!(1)).await;
    assert_eq!(next(&mut one).await, ChannelEvent::Subscribed);
    assert_eq!(published(&mut one).await.value(), json!(1));
    assert_eq!(next(&mut other).await, ChannelEvent::Subscribed);
    assert_eq!(published(&mut other).await.value(), json!(2));
}

#[tokio::test]
async fn a_slow_reader_is_told_how_many_events_it_missed() {
    let server = Server::start().await;
    let client = Client::connect(server.options().buffer(3), Signer::granting());
    let mut news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    for number in 1..=10 {
        peer.publish("news", "e", &json!(number)).await;
    }
    peer.settle().await;
    assert_eq!(next(&mut news).await, ChannelEvent::Lagged(8), "ten and the subscription, less three");
    for number in 8..=10 {
        assert_eq!(published(&mut news).await.value(), json!(number));
    }
}

#[tokio::test]
async fn item_29_after_a_reconnect_all_channels_are_authorized_and_subscribed_anew_and_each_gap_is_reported() {
    let server = Server::start().await;
    let clock = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000)));
    let read = clock.clone();
    let client = Client::connect(server.options().clock(move || *read.lock().unwrap()), Signer::granting());
    let mut events = client.events();
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("private-orders").await;
    next(&mut orders).await;
    let since = *clock.lock().unwrap();
    // The line goes dead here; the close that ends it never arrives.
    drop(peer);
    lost(&mut events).await;
    let until = since + Duration::from_mins(2);
    *clock.lock().unwrap() = until;
    let mut peer = server.greet("1.3").await;
    let frame = peer.subscribe("private-orders").await;
    assert_eq!(frame["data"]["auth"], "app-key:signature-of-1.3-private-orders");
    let gap = event(&mut events, "the gap", |event| match event {
        ClientEvent::Gap(gap) => Some(gap),
        _ => None,
    });
    let gap = gap.await;
    assert_eq!((gap.channel.as_str(), gap.since, gap.until), ("private-orders", since, until));
    assert_eq!(events.next().await, Some(ClientEvent::Subscribed { channel: "private-orders".into() }));
    back(&mut orders).await;
    peer.publish("private-orders", "e", &json!(1)).await;
    assert_eq!(published(&mut orders).await.value(), json!(1));
}

#[tokio::test]
async fn a_gap_that_ends_in_the_connections_last_moment_is_told_all_the_same() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    let _orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.0").await;
    peer.subscribe("private-orders").await;
    peer.close(4200, "again").await;
    let mut peer = server.greet("1.1").await;
    peer.expect("pusher:subscribe").await;
    peer.accept_and_close("private-orders", 4001).await;
    let told = within("the end", async {
        let mut gaps = 0;
        loop {
            match events.next().await {
                Some(ClientEvent::Gap(_)) => gaps += 1,
                Some(ClientEvent::Lost { code: Some(4001), .. }) => return gaps,
                _ => {}
            }
        }
    });
    assert_eq!(told.await, 1);
}

#[tokio::test]
async fn a_first_subscription_has_no_gap_however_late_it_is() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    let _news = client.subscribe("news").await.unwrap();
    server.greet("1.2").await.close(4200, "again").await;
    let mut peer = server.greet("1.3").await;
    peer.subscribe("news").await;
    event(&mut events, "the subscription", |event| match event {
        ClientEvent::Gap(gap) => panic!("there is no gap: {gap:?}"),
        ClientEvent::Subscribed { .. } => Some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn item_42_an_authorization_that_fails_for_now_is_retried_until_it_succeeds() {
    let server = Server::start().await;
    let answers = [unavailable(), unavailable(), unavailable()];
    let (signer, mut asked) = Signer::answering(answers);
    let client = Client::connect(server.options(), signer);
    let mut events = client.events();
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("private-orders").await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    for _ in 0..4 {
        asked.next().await;
    }
    assert_eq!(events.next().await, Some(ClientEvent::Connected { socket_id: "1.2".into() }));
    for _ in 0..3 {
        let told = events.next().await;
        let Some(ClientEvent::SubscriptionDelayed { channel, reason, .. }) = &told else { panic!("{told:?}") };
        assert_eq!((channel.as_str(), reason.as_str()), ("private-orders", "503"));
    }
    assert_eq!(events.next().await, Some(ClientEvent::Subscribed { channel: "private-orders".into() }));
}

#[tokio::test]
async fn one_failure_after_a_reconnect_does_not_leave_the_channel_unsubscribed() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::answering([Ok(granted()), unavailable()]);
    let client = Client::connect(server.options(), signer);
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("private-orders").await;
    next(&mut orders).await;
    peer.close(4200, "again").await;
    let mut peer = server.greet("1.3").await;
    peer.subscribe("private-orders").await;
    back(&mut orders).await;
    let all = [asked.next().await.0, asked.next().await.0, asked.next().await.0];
    assert_eq!(all, ["1.2", "1.3", "1.3"]);
}

#[tokio::test]
async fn the_wait_the_server_asks_for_is_honoured() {
    let server = Server::start().await;
    let wait = Duration::from_mins(10);
    let answer = Err(AuthorizeError::Temporary { retry_after: Some(wait), message: "429".into() });
    let (signer, mut asked) = Signer::answering([answer]);
    let client = Client::connect(server.options(), signer);
    let mut events = client.events();
    let _orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    asked.next().await;
    let told = event(&mut events, "the wait", |event| match event {
        ClientEvent::SubscriptionDelayed { retry_in, .. } => Some(retry_in),
        _ => None,
    });
    assert_eq!(told.await, wait);
    client.retry_now();
    peer.expect("pusher:ping").await;
    peer.send(json!({ "event": "pusher:pong" })).await;
    peer.settle().await;
    assert!(asked.is_quiet(), "nobody hurries a server that asked for patience");
}

#[tokio::test]
async fn item_28_a_refusal_is_reported_once_with_its_status_and_asked_again_only_on_request() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::answering([refused()]);
    let client = Client::connect(server.options(), signer);
    let mut events = client.events();
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let peer = server.greet("1.2").await;
    asked.next().await;
    let refusal = event(&mut events, "the refusal", |event| match event {
        ClientEvent::AuthorizationFailed { channel, status, message } => Some((channel, status, message)),
        _ => None,
    });
    assert_eq!(refusal.await, ("private-orders".into(), Some(403), "not yours".into()));
    peer.close(4200, "again").await;
    let mut peer = server.greet("1.3").await;
    event(&mut events, "the second connection", |event| match event {
        ClientEvent::Connected { socket_id } => (socket_id == "1.3").then_some(()),
        _ => None,
    })
    .await;
    client.retry_now();
    peer.expect("pusher:ping").await;
    peer.settle().await;
    assert!(asked.is_quiet(), "neither a reconnect nor a retry asks again");
    client.resubscribe("private-orders").await.unwrap();
    peer.subscribe("private-orders").await;
    assert_eq!(asked.next().await.0, "1.3");
    let refused = ChannelEvent::Refused { status: Some(403), message: "not yours".into() };
    assert_eq!(next(&mut orders).await, refused);
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    event(&mut events, "the subscription", |event| match event {
        ClientEvent::AuthorizationFailed { .. } => panic!("it was reported before"),
        ClientEvent::Subscribed { .. } => Some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_subscription_the_server_refuses_is_reported_with_its_status() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    let _orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.expect("pusher:subscribe").await;
    let data = json!({ "type": "AuthError", "error": "bad signature", "status": 401 });
    peer.publish("private-orders", "pusher:subscription_error", &data).await;
    let refusal = event(&mut events, "the refusal", |event| match event {
        ClientEvent::AuthorizationFailed { status, message, .. } => Some((status, message)),
        _ => None,
    });
    assert_eq!(refusal.await, (Some(401), "bad signature".into()));
}

#[tokio::test]
async fn item_41_an_authorization_for_an_older_connection_is_never_sent() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::gated();
    let client = Client::connect(server.options(), signer.clone());
    let _orders = client.subscribe("private-orders").await.unwrap();
    let peer = server.greet("1.2").await;
    assert_eq!(asked.next().await.0, "1.2");
    peer.close(4200, "again").await;
    let mut peer = server.greet("1.3").await;
    assert_eq!(asked.next().await.0, "1.3");
    signer.let_one_pass();
    signer.let_one_pass();
    let frame = peer.subscribe("private-orders").await;
    assert_eq!(frame["data"]["auth"], "app-key:signature-of-1.3-private-orders");
    peer.settle().await;
}

#[tokio::test]
async fn a_subscription_without_answer_is_taken_back_and_sent_again() {
    let server = Server::start().await;
    let options = server.options().subscribe_timeout(Duration::from_millis(50));
    let client = Client::connect(options, Signer::granting());
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.expect("pusher:subscribe").await;
    peer.expect("pusher:unsubscribe").await;
    peer.subscribe("private-orders").await;
    assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
}

#[tokio::test]
async fn item_43_authorizations_at_once_are_capped() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::gated();
    let client = Client::connect(server.options().authorizations_at_once(2), signer.clone());
    let mut held = Vec::new();
    for number in 0..5 {
        held.push(client.subscribe(&format!("private-{number}")).await.unwrap());
    }
    let mut peer = server.greet("1.2").await;
    asked.next().await;
    asked.next().await;
    peer.settle().await;
    assert!(asked.is_quiet(), "two are under way");
    for _ in 0..3 {
        signer.let_one_pass();
        peer.expect("pusher:subscribe").await;
        asked.next().await;
    }
}

#[tokio::test]
async fn item_34_dropping_a_subscription_unsubscribes_and_ends_its_events() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    let mut second = client.subscribe("news").await.unwrap();
    drop(news);
    peer.settle().await;
    assert_eq!(next(&mut second).await, ChannelEvent::Subscribed, "the other reader keeps the channel");
    drop(second);
    assert_eq!(peer.expect("pusher:unsubscribe").await["data"]["channel"], "news");
    // What was on its way is nobody's any more, and a new reader must not get it.
    peer.publish("news", "e", &json!("late")).await;
    peer.settle().await;
    let mut third = client.subscribe("news").await.unwrap();
    peer.subscribe("news").await;
    peer.publish("news", "e", &json!("new")).await;
    assert_eq!(next(&mut third).await, ChannelEvent::Subscribed);
    assert_eq!(published(&mut third).await.value(), json!("new"));
}

#[tokio::test]
async fn item_30_a_subscription_dropped_while_it_is_authorized_is_never_sent() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::gated();
    let client = Client::connect(server.options(), signer.clone());
    // Before there is a connection, and while it is being authorized.
    drop(client.subscribe("private-early").await.unwrap());
    let orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    assert_eq!(asked.next().await.1, "private-orders");
    drop(orders);
    signer.let_one_pass();
    let _other = client.subscribe("other").await.unwrap();
    peer.subscribe("other").await;
    peer.settle().await;
    let _again = client.subscribe("private-orders").await.unwrap();
    asked.next().await;
    signer.let_one_pass();
    peer.subscribe("private-orders").await;
}

#[tokio::test]
async fn item_26_a_prefix_says_the_kind_and_names_with_a_hash_belong_to_the_server() {
    for (channel, kind) in [
        ("news", ChannelKind::Public),
        ("private-a", ChannelKind::Private),
        ("private-encrypted-a", ChannelKind::Encrypted),
        ("presence-a", ChannelKind::Presence),
    ] {
        assert_eq!(ChannelKind::of(channel), kind, "{channel}");
    }
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    for channel in ["#server-to-user-1", "#anything", "", "a b"] {
        let error = client.subscribe(channel).await.err();
        assert!(matches!(error, Some(Error::InvalidChannel { .. })), "{channel:?}: {error:?}");
    }
    assert_eq!(client.resubscribe("never").await, Err(Error::NotSubscribed { channel: "never".into() }));
}

#[tokio::test]
async fn item_31_a_subscription_dropped_before_the_server_answers_is_taken_back() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut events = client.events();
    let orders = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.expect("pusher:subscribe").await;
    drop(orders);
    assert_eq!(peer.expect("pusher:unsubscribe").await["data"]["channel"], "private-orders");
    // The answer crossed the wire with our leaving.
    peer.accept_subscription("private-orders").await;
    peer.publish("private-orders", "e", &json!(1)).await;
    peer.settle().await;
    assert_eq!(events.next().await, Some(ClientEvent::Connected { socket_id: "1.2".into() }));
    within("the end", client.shutdown()).await;
    assert_eq!(events.next().await, None, "no subscription was told of");
}

#[tokio::test]
async fn item_32_a_channel_dropped_and_taken_again_while_it_is_authorized_is_subscribed_once() {
    let server = Server::start().await;
    let (signer, mut asked) = Signer::gated();
    let client = Client::connect(server.options(), signer.clone());
    let first = client.subscribe("private-orders").await.unwrap();
    let mut peer = server.greet("1.2").await;
    asked.next().await;
    drop(first);
    let mut second = client.subscribe("private-orders").await.unwrap();
    asked.next().await;
    signer.let_one_pass();
    signer.let_one_pass();
    peer.subscribe("private-orders").await;
    peer.settle().await;
    assert_eq!(next(&mut second).await, ChannelEvent::Subscribed);
}

#[tokio::test]
async fn item_33_a_channel_dropped_and_taken_again_before_the_server_answers_is_left_and_subscribed_anew() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let first = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.expect("pusher:subscribe").await;
    drop(first);
    let mut second = client.subscribe("news").await.unwrap();
    peer.expect("pusher:unsubscribe").await;
    peer.expect("pusher:subscribe").await;
    // The answer to the first, and then that to the second: between them the server knew of no subscription.
    peer.accept_subscription("news").await;
    assert_eq!(next(&mut second).await, ChannelEvent::Subscribed);
    peer.accept_subscription("news").await;
    assert!(matches!(next(&mut second).await, ChannelEvent::Gap(_)));
    assert_eq!(next(&mut second).await, ChannelEvent::Subscribed);
    peer.publish("news", "e", &json!(1)).await;
    assert_eq!(published(&mut second).await.value(), json!(1));
}

#[tokio::test]
async fn item_42_a_refusal_is_told_on_the_channel_too() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::answering([refused()]).0);
    let mut orders = client.subscribe("private-orders").await.unwrap();
    let _peer = server.greet("1.2").await;
    let refusal = ChannelEvent::Refused { status: Some(403), message: "not yours".into() };
    assert_eq!(next(&mut orders).await, refusal);
}

#[tokio::test]
async fn a_cache_channel_tells_its_last_event_or_that_there_is_none() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut full = client.subscribe("cache-full").await.unwrap();
    let mut empty = client.subscribe("private-cache-empty").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("cache-full").await;
    peer.publish("cache-full", "e", &json!("last")).await;
    peer.subscribe("private-cache-empty").await;
    peer.send(json!({ "event": "pusher:cache_miss", "channel": "private-cache-empty" })).await;
    assert_eq!(next(&mut full).await, ChannelEvent::Subscribed);
    assert_eq!(published(&mut full).await.value(), json!("last"));
    assert_eq!(next(&mut empty).await, ChannelEvent::Subscribed);
    assert_eq!(next(&mut empty).await, ChannelEvent::CacheMiss);
}

#[tokio::test]
async fn the_number_of_subscriptions_is_told() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    peer.publish("news", "pusher_internal:subscription_count", &json!({ "subscription_count": 12 })).await;
    assert_eq!(next(&mut news).await, ChannelEvent::Subscribed);
    assert_eq!(next(&mut news).await, ChannelEvent::SubscriptionCount(12));
}

#[tokio::test]
async fn a_subscription_is_a_stream_that_ends_with_the_client() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let news = client.subscribe("news").await.unwrap();
    let mut peer = server.greet("1.2").await;
    peer.subscribe("news").await;
    peer.publish("news", "e", &json!(1)).await;
    let mut numbers = Box::pin(news.filter_map(async |event| match event {
        ChannelEvent::Event(event) => event.decode::<u32>().ok(),
        _ => None,
    }));
    assert_eq!(within("an event", numbers.next()).await, Some(1));
    within("the end", client.shutdown()).await;
    assert_eq!(within("the end of the stream", numbers.next()).await, None);
}

#[test]
fn a_runtime_of_one_thread_is_enough() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start().await;
        let client = Client::connect(server.options(), Signer::granting());
        let mut orders = client.subscribe("private-orders").await.unwrap();
        server.greet("1.2").await.subscribe("private-orders").await;
        assert_eq!(next(&mut orders).await, ChannelEvent::Subscribed);
    });
}

#[tokio::test]
async fn a_subscription_that_nobody_waits_for_any_more_is_taken_back() {
    let server = Server::start().await;
    let client = Client::connect(server.options(), Signer::granting());
    let mut peer = server.greet("1.2").await;
    state(&client, "the greeting", |state| matches!(state, State::Connected { .. })).await;
    {
        let given_up = client.subscribe("given-up");
        tokio::pin!(given_up);
        assert!(given_up.as_mut().now_or_never().is_none(), "it is asked for, and not answered yet");
    }
    let mut wanted = client.subscribe("wanted").await.unwrap();
    assert_eq!(peer.expect("pusher:subscribe").await["data"]["channel"], "given-up");
    assert_eq!(peer.expect("pusher:unsubscribe").await["data"]["channel"], "given-up");
    assert_eq!(peer.expect("pusher:subscribe").await["data"]["channel"], "wanted");
    peer.accept_subscription("wanted").await;
    assert_eq!(next(&mut wanted).await, ChannelEvent::Subscribed);
}
