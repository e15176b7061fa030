//! The whole way once: config, log-in, channel, list, one, mark as read.

use fasttrack_client::{PusherEndpoint, Session};
use serde_json::json;

use crate::fake::{Fake, SID, TOKEN, http, notification};

#[tokio::test]
async fn a_user_signs_in_reads_the_list_and_marks_a_message() {
    let fake = Fake::start().await;
    let http = http();
    let config = fake.config(&http).await.expect("a configuration");
    let pusher = PusherEndpoint { key: "app-key".into(), host: "127.0.0.1".into(), port: 6001, tls: false };
    assert_eq!(config.pusher, pusher);

    let session = fake.log_in(&http, SID).await.expect("signed in");
    assert_eq!(session.channel(), "private-prisma-45-123");
    assert_eq!(session.user().first_name, "Darth");
    assert_eq!(session.brand(), "demo");
    let log_in = &fake.seen("LoginAuthToken")[0];
    assert_eq!((log_in.method.as_str(), log_in.body.as_str()), ("POST", "{}"));
    assert_eq!(log_in.authtoken.as_deref(), Some(SID));

    let listing = session.list(false).await.expect("a list");
    assert_eq!(listing.notifications.len(), 1);
    assert_eq!(listing.notifications[0].message_id.as_deref(), Some("7"));
    assert!(listing.skipped.is_empty());
    let drift = listing.server_time.expect("a server clock").duration_since(jiff::Timestamp::now()).as_secs().abs();
    assert!(drift < 60, "the server's clock is this computer's: {drift} s apart");

    let one = session.one("7").await.expect("an answer").expect("the message");
    assert_eq!(one.message, "<p>Body</p>");

    session.mark_read("7").await.expect("marked");
    assert_eq!(fake.read(), [json!(7)], "a numeric id goes out as a number");

    let calls = fake.seen("/Notifications/");
    assert_eq!(calls[0].query, "unread-only=false");
    assert!(
        calls.iter().all(|call| call.authtoken.as_deref() == Some(&format!("{TOKEN}-1"))),
        "the token, not the sid"
    );
    assert_eq!(fake.log_ins(), 1);
}

#[tokio::test]
async fn the_unread_alone_can_be_asked_for() {
    let fake = Fake::start().await;
    fake.signed_in().await.list(true).await.expect("a list");
    assert_eq!(fake.seen("user-notifications")[0].query, "unread-only=true");
}

#[tokio::test]
async fn a_message_the_server_does_not_have_is_none() {
    let fake = Fake::start().await;
    assert_eq!(fake.signed_in().await.one("8").await, Ok(None));
}

#[tokio::test]
async fn an_id_stays_one_part_of_the_address() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    assert_eq!(session.one("../../Platform?x=1#y").await, Ok(None));
    let asked = fake.seen("user-notification/");
    assert_eq!(asked[0].path, "/integration-api/Notifications/v2/user-notification/..%2F..%2FPlatform%3Fx=1%23y");
    for id in ["", ".", ".."] {
        assert!(matches!(session.one(id).await, Err(fasttrack_client::Error::Input { .. })), "{id:?}");
    }
    assert_eq!(fake.seen("user-notification/").len(), 1, "what cannot be an id is never sent");
}

#[tokio::test]
async fn an_id_that_is_no_number_goes_out_as_it_is() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    session.mark_read("abc").await.expect("marked");
    assert_eq!(fake.read(), [json!("abc")]);
}

#[tokio::test]
async fn bad_items_are_skipped_and_counted_and_the_rest_is_listed() {
    let fake = Fake::start().await;
    fake.set_list(json!([notification(1), "no object", {}, null, {"MessageId": "2", "Title": ["?"]}, 5]));
    let listing = fake.signed_in().await.list(false).await.expect("a list");
    let ids: Vec<_> = listing.notifications.iter().filter_map(|found| found.message_id.as_deref()).collect();
    assert_eq!(ids, ["1", "2"]);
    let skipped: Vec<_> = listing.skipped.iter().map(|skipped| skipped.index).collect();
    assert_eq!(skipped, [1, 2, 3, 5]);
    assert!(listing.skipped.iter().all(|skipped| !skipped.reason.is_empty()));
}

#[tokio::test]
async fn a_list_that_goes_on_is_read_to_its_end() {
    let fake = Fake::start().await;
    fake.set_pages(vec![json!([notification(1), "no object"]), json!([5, notification(2)]), json!([notification(3)])]);
    let session = fake.signed_in().await;
    let listing = session.list(false).await.expect("a list");
    let ids: Vec<_> = listing.notifications.iter().filter_map(|found| found.message_id.as_deref()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(listing.skipped.iter().map(|skipped| skipped.index).collect::<Vec<_>>(), [1, 2]);
    let asked: Vec<_> = fake.seen("user-notifications").into_iter().map(|seen| seen.query).collect();
    assert_eq!(asked, ["unread-only=false", "unread-only=false&cursor=c-1", "unread-only=false&cursor=c-2"]);
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let fake = Fake::start().await;
    fake.set_pages(vec![json!([]); 1000]);
    assert!(fake.signed_in().await.list(false).await.is_ok());
    assert_eq!(fake.seen("user-notifications").len(), 50);
}

#[tokio::test]
async fn a_session_serves_many_tasks() {
    fn shareable<T: Clone + Send + Sync + 'static>(_: &T) {}
    let fake = Fake::start().await;
    let session: Session = fake.signed_in().await;
    shareable(&session);
    let other = session.clone();
    let (one, two) = tokio::join!(session.list(false), other.list(true));
    assert!(one.is_ok() && two.is_ok());
}
