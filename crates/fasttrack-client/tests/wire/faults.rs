//! What goes wrong on the list and on read marks.

use std::time::Duration;

use fasttrack_client::{Error, MarkError, Session};
use secrecy::SecretString;
use serde_json::json;

use crate::fake::{Fake, Fault, SID, http, impatient};

#[tokio::test]
async fn five_megabytes_are_read_and_nine_refused() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    let megabytes = |count: usize| json!([{"MessageId": 1, "Message": "x".repeat(count * 1_000_000)}]);
    fake.set_list(megabytes(5));
    let listing = session.list(false).await.expect("a list");
    assert_eq!(listing.notifications[0].message.len(), 5_000_000);
    fake.set_list(megabytes(9));
    assert_eq!(session.list(false).await, Err(Error::TooLarge { limit: 8 * 1024 * 1024 }));
}

#[tokio::test]
async fn answers_that_are_no_list_are_told_apart() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    let html = "<html><script>alert(1)</script></html>";
    fake.fault("user-notifications", Fault::body("text/html; charset=utf-8", html));
    let not_json = Error::NotJson { content_type: Some("text/html; charset=utf-8".to_owned()) };
    assert_eq!(session.list(false).await, Err(not_json));

    for body in [json!({"Data": 5, "Success": true}), json!({"Data": {"a": 1}}), json!("x"), json!(5), json!({"b": 1})]
    {
        fake.fault("user-notifications", Fault::json(200, &body));
        let outcome = session.list(false).await;
        assert!(matches!(outcome, Err(Error::Shape { .. })), "{body}: {outcome:?}");
    }

    fake.fault("user-notifications", Fault::json(200, &json!({"Success": false, "Errors": [{"Message": "later"}]})));
    let error = session.list(false).await.expect_err("no success");
    assert_eq!(error, Error::Status { status: 200, message: "later".to_owned(), retry_after: None });
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    for status in [429, 503] {
        fake.fault("/Notifications/", Fault::status(status).with("retry-after", "11"));
        let wait = Some(Duration::from_secs(11));
        assert_eq!(session.list(false).await.expect_err("busy").retry_after(), wait, "{status}");
        match session.mark_read("7").await {
            Err(MarkError::Temporary { retry_after, .. }) => assert_eq!(retry_after, wait, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
    assert_eq!(fake.log_ins(), 1);
}

#[tokio::test]
async fn only_the_servers_own_no_refuses_a_read_mark() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    let no = json!({"Success": false, "Data": false, "Errors": [{"Message": "No such message"}]});
    for status in [200, 400, 404, 410] {
        fake.fault("MarkNotificationAsRead", Fault::json(status, &no));
        let refused = MarkError::Refused { status: Some(status), message: "No such message".to_owned() };
        assert_eq!(session.mark_read("7").await, Err(refused));
    }
    for fault in [Fault::status(408), Fault::status(500), Fault::body("text/html", "<html></html>")] {
        fake.fault("MarkNotificationAsRead", fault);
        let outcome = session.mark_read("7").await;
        assert!(matches!(outcome, Err(MarkError::Temporary { .. })), "{outcome:?}");
    }
    let unsent = session.mark_read(" ").await;
    assert!(matches!(unsent, Err(MarkError::Refused { status: None, .. })), "{unsent:?}");
}

#[tokio::test]
async fn a_read_mark_without_an_answers_body_is_done() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.fault("MarkNotificationAsRead", Fault::status(204));
    assert_eq!(session.mark_read("7").await, Ok(()));
}

#[tokio::test]
async fn a_silent_server_is_given_up_and_the_session_goes_on() {
    let fake = Fake::start().await;
    let config = fake.config(&http()).await.expect("a configuration");
    let session = Session::log_in(&impatient(), config, "demo", SecretString::from(SID)).await.expect("signed in");
    fake.fault("user-notifications", Fault::Silence);
    assert_eq!(session.list(false).await, Err(Error::Timeout));
    fake.heal();
    assert!(session.list(false).await.is_ok());
}

#[tokio::test]
async fn one_notification_is_read_in_every_envelope_seen() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    let item = json!({"MessageId": 7, "Title": "t"});
    for body in [json!({"Data": item, "Success": true}), json!({"Data": [item], "Success": true}), item.clone()] {
        fake.fault("user-notification/", Fault::json(200, &body));
        let one = session.one("7").await.expect("an answer").unwrap_or_else(|| panic!("found in {body}"));
        assert_eq!(one.title, "t", "{body}");
    }
    for body in [json!({"Data": null, "Success": true}), json!({"Data": [], "Success": true})] {
        fake.fault("user-notification/", Fault::json(200, &body));
        assert_eq!(session.one("7").await, Ok(None), "{body}");
    }
    fake.fault("user-notification/", Fault::json(200, &json!({"Data": "x", "Success": true})));
    assert!(matches!(session.one("7").await, Err(Error::Shape { .. })));
}
