//! Channel authorization for the Pusher client.

use std::time::Duration;

use fasttrack_client::Session;
use pusher_client::{Authorization, AuthorizeError};
use serde_json::json;

use crate::fake::{Fake, Fault, SID, TOKEN, http};

fn signed() -> Authorization {
    Authorization::new("app-key:c1gnature")
}

#[tokio::test]
async fn a_channel_is_authorized_by_a_form() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    assert_eq!(session.authorizer().authorize("123.456", &session.channel()).await, Ok(signed()));
    let asked = &fake.seen("/external/pusher/demo")[0];
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.query, format!("authToken={TOKEN}-1"));
    assert_eq!(asked.body, "socket_id=123.456&channel_name=private-prisma-45-123");
    assert_eq!(asked.authtoken, None);
}

#[tokio::test]
async fn a_server_that_takes_the_token_as_a_header_gets_it_nowhere_else() {
    let fake = Fake::start().await;
    let http = http();
    let mut config = fake.config(&http).await.expect("a configuration");
    config.token_in_header = true;
    let session = Session::log_in(&http, config, "demo", SID.into()).await.expect("signed in");
    fake.fault("POST /integration-api/external", Fault::status(405));
    assert_eq!(session.authorizer().authorize("1.2", "private-x").await, Ok(signed()));
    for asked in fake.seen("/external/pusher/demo") {
        assert_eq!(asked.authtoken.as_deref(), Some(&*format!("{TOKEN}-1")));
        assert!(!asked.query.contains(TOKEN), "{}", asked.query);
    }
}

#[tokio::test]
async fn where_post_is_unknown_get_is_used_and_remembered() {
    for unknown in [404, 405] {
        let fake = Fake::start().await;
        let session = fake.signed_in().await;
        fake.fault("POST /integration-api/external", Fault::status(unknown));
        assert_eq!(session.authorizer().authorize("1.2", "private-x&y").await, Ok(signed()), "{unknown}");
        assert_eq!(session.authorizer().authorize("3.4", "private-x&y").await, Ok(signed()), "{unknown}");
        let asked = fake.seen("/external/pusher/demo");
        let methods: Vec<_> = asked.iter().map(|seen| seen.method.as_str()).collect();
        assert_eq!(methods, ["POST", "GET", "GET"], "{unknown}");
        assert_eq!(asked[2].query, format!("authToken={TOKEN}-1&socket_id=3.4&channel_name=private-x%26y"));
    }
}

#[tokio::test]
async fn a_server_that_changes_its_mind_is_followed() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.fault("POST /integration-api/external", Fault::status(405));
    assert_eq!(session.authorizer().authorize("1.2", "private-x").await, Ok(signed()));
    fake.heal();
    fake.fault("GET /integration-api/external", Fault::status(404));
    assert_eq!(session.authorizer().authorize("1.2", "private-x").await, Ok(signed()));
}

#[tokio::test]
async fn where_neither_is_known_it_is_refused() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.fault("/external/pusher", Fault::status(404));
    let outcome = session.authorizer().authorize("1.2", "private-x").await;
    assert!(matches!(outcome, Err(AuthorizeError::Refused { status: Some(404), .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_denial_renews_the_token_once_and_then_is_final() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.fault("/external/pusher", Fault::json(403, &json!({"message": "not your channel"})));
    let outcome = session.authorizer().authorize("1.2", "private-x").await;
    let refused = AuthorizeError::Refused { status: Some(403), message: "not your channel".to_owned() };
    assert_eq!(outcome, Err(refused));
    assert_eq!(fake.log_ins(), 2);
}

#[tokio::test]
async fn what_may_pass_is_temporary() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    for (fault, wait) in [
        (Fault::status(503).with("retry-after", "3"), Some(3)),
        (Fault::status(429).with("retry-after", "5"), Some(5)),
        (Fault::body("text/html", "<html></html>"), None),
        (Fault::body("application/json", "{}"), None),
        (Fault::body("application/json", r#"{"auth":5}"#), None),
    ] {
        fake.fault("/external/pusher", fault);
        match session.authorizer().authorize("1.2", "private-x").await {
            Err(AuthorizeError::Temporary { retry_after, .. }) => {
                assert_eq!(retry_after, wait.map(Duration::from_secs));
            }
            other => panic!("expected a temporary failure, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn channel_data_is_passed_on_as_text() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    let data = r#"{"user_id":"1"}"#;
    for given in [json!(data), json!({"user_id": "1"})] {
        fake.fault("/external/pusher", Fault::json(200, &json!({"auth": "k:s", "channel_data": given})));
        let authorization = session.authorizer().authorize("1.2", "presence-x").await.expect("authorized");
        assert_eq!(authorization.channel_data.as_deref(), Some(data), "{given}");
    }
}
