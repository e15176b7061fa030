//! No secret and no address gets out, whatever the server says and wherever it is printed.

use std::fmt::{Debug, Display};

use fasttrack_client::Session;
use secrecy::SecretString;
use serde_json::json;

use crate::fake::{Fake, Fault, SID, TOKEN, http, impatient};

/// Everything a value says about itself.
fn said(value: &(impl Debug + Display)) -> String {
    format!("{value} {value:?} {value:#?}")
}

fn assert_silent(text: &str) {
    for secret in [SID, TOKEN, "jwt-value", "c1gnature", "authToken=", "http://", "/integration-api"] {
        assert!(!text.contains(secret), "“{secret}” stands in: {text}");
    }
}

#[tokio::test]
async fn a_session_and_its_client_print_no_secret() {
    let fake = Fake::start().await;
    let http = http();
    let session = fake.log_in(&http, SID).await.expect("signed in");
    assert_silent(&format!("{http:?} {session:?} {session:#?} {:?}", session.user()));
    let authorization = session.authorizer().authorize("1.2", &session.channel()).await;
    assert_silent(&format!("{authorization:?}"));
}

/// Answers that repeat what was sent to the server.
fn echoes(token: &str) -> Vec<Fault> {
    let failed = |message: String| json!({"Success": false, "Errors": [{"Message": message}]});
    let echo = failed(format!("unknown {SID} {token} {}", "x".repeat(300)));
    let cut_in_two = failed(format!("{}{SID}", "x".repeat(185)));
    vec![
        Fault::json(400, &echo),
        Fault::json(500, &echo),
        Fault::json(200, &echo),
        Fault::json(400, &cut_in_two),
        Fault::body(&format!("text/{SID}"), "x"),
        Fault::redirect(&format!("https://{SID}.example/?{token}")),
        Fault::redirect(&format!("https://evil.example/{SID}?authToken={token}")),
        Fault::status(404),
    ]
}

#[tokio::test]
async fn no_error_prints_a_secret_even_when_the_server_repeats_it() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    for fault in echoes(&format!("{TOKEN}-1")) {
        fake.heal();
        fake.fault("/Notifications/", fault.clone());
        fake.fault("/external/", fault);
        assert_silent(&session.list(false).await.map_or_else(|error| said(&error), |_| panic!("a fault")));
        // A 404 for one notification is an answer, not an error.
        assert_silent(&session.one("7").await.map_or_else(|error| said(&error), |_| String::new()));
        assert_silent(&session.mark_read("7").await.map_or_else(|error| said(&error), |()| panic!("a fault")));
        let refused = session.authorizer().authorize("1.2", &session.channel()).await;
        assert_silent(&refused.map_or_else(|error| said(&error), |_| panic!("a fault")));
    }
}

#[tokio::test]
async fn no_failed_log_in_prints_the_session_id() {
    let fake = Fake::start().await;
    let http = http();
    for fault in echoes("") {
        fake.fault("LoginAuthToken", fault);
        assert_silent(&fake.log_in(&http, SID).await.map_or_else(|error| said(&error), |_| panic!("a fault")));
    }
}

#[tokio::test]
async fn a_rejected_renewal_prints_no_secret() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.expire_tokens();
    let echoed = json!({"Success": false, "Errors": [{"Message": format!("no session {SID} {TOKEN}-1")}]});
    fake.fault("LoginAuthToken", Fault::json(401, &echoed));
    let error = session.list(false).await.expect_err("rejected");
    assert_silent(&said(&error));
    assert!(error.to_string().contains("no session [hidden] [hidden]"), "the rest of what it said is kept: {error}");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_reported_without_its_address() {
    let fake = Fake::start().await;
    let config = fake.config(&http()).await.expect("a configuration");
    let session = Session::log_in(&impatient(), config, "demo", SecretString::from(SID)).await.expect("signed in");
    fake.fault("/Notifications/", Fault::Silence);
    fake.fault("/external/", Fault::Silence);
    assert_silent(&said(&session.list(false).await.expect_err("silence")));
    let outcome = session.authorizer().authorize("1.2", &session.channel()).await;
    assert_silent(&outcome.map_or_else(|error| said(&error), |_| panic!("silence")));
}
