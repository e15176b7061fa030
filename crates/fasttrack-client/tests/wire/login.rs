//! The three outcomes of a log-in, over a real socket.

use std::time::Duration;

use fasttrack_client::{Error, LoginError};
use serde_json::json;

use crate::fake::{Fake, Fault, SID, http, impatient};

#[tokio::test]
async fn a_wrong_session_id_is_rejected_with_the_servers_words() {
    let fake = Fake::start().await;
    let outcome = fake.log_in(&http(), "sid-of-somebody-else").await;
    assert_eq!(outcome.err(), Some(LoginError::Rejected { message: "Session not found".to_owned() }));
}

#[tokio::test]
async fn no_success_is_a_rejection() {
    let fake = Fake::start().await;
    let errors = json!([{"Message": "Session expired"}]);
    fake.fault("LoginAuthToken", Fault::json(200, &json!({"Data": null, "Success": false, "Errors": errors})));
    let outcome = fake.log_in(&http(), SID).await;
    assert_eq!(outcome.err(), Some(LoginError::Rejected { message: "Session expired".to_owned() }));
}

#[tokio::test]
async fn a_session_id_that_cannot_be_sent_is_rejected_unsent() {
    let fake = Fake::start().await;
    for sid in ["", "   ", "two\nlines", "sid\r\nx-injected: 1"] {
        let outcome = fake.log_in(&http(), sid).await;
        assert!(matches!(outcome, Err(LoginError::NotASid { .. })), "{sid:?}: {outcome:?}");
    }
    assert_eq!(fake.log_ins(), 0);
}

#[tokio::test]
async fn blanks_around_a_pasted_session_id_do_no_harm() {
    let fake = Fake::start().await;
    assert!(fake.log_in(&http(), &format!(" {SID}\n")).await.is_ok());
}

#[tokio::test]
async fn a_busy_or_broken_server_is_unreachable_and_says_when_to_come_back() {
    let fake = Fake::start().await;
    for (fault, seconds) in [
        (Fault::status(429).with("retry-after", "7"), Some(7)),
        (Fault::status(503).with("retry-after", "120"), Some(120)),
        (Fault::status(503), None),
        (Fault::status(500), None),
        (Fault::status(502), None),
    ] {
        fake.fault("LoginAuthToken", fault);
        let Err(LoginError::Unreachable { error, retry_after }) = fake.log_in(&http(), SID).await else {
            panic!("expected it to be unreachable");
        };
        assert!(matches!(error, Error::Status { .. }), "{error:?}");
        assert_eq!(retry_after, seconds.map(Duration::from_secs), "{error:?}");
    }
    assert_eq!(fake.log_ins(), 5, "it never tries again by itself");
}

#[tokio::test]
async fn an_answer_that_is_not_json_says_nothing_about_the_session_id() {
    let fake = Fake::start().await;
    for (kind, body) in [("text/html", "<html></html>"), ("text/plain", "ok"), ("application/json", "{"), ("", "")] {
        fake.fault("LoginAuthToken", Fault::body(kind, body));
        let outcome = fake.log_in(&http(), SID).await;
        let not_json = matches!(outcome, Err(LoginError::Unreachable { error: Error::NotJson { .. }, .. }));
        assert!(not_json, "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let fake = Fake::start().await;
    fake.fault("LoginAuthToken", Fault::Silence);
    let config = fake.config(&http()).await.expect("a configuration");
    let sid = secrecy::SecretString::from(SID);
    let outcome = fasttrack_client::Session::log_in(&impatient(), config, "demo", sid).await;
    assert_eq!(outcome.err(), Some(LoginError::Unreachable { error: Error::Timeout, retry_after: None }));
}
