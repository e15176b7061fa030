//! Answers that are no success: each becomes an error one can act on, without a secret or an address in it.

use tracktik_client::{Client, Error, Limits};

use crate::stage::{SECRET, client, credentials, definition};
use crate::tracktik_fake::{CLIENT_SECRET, Fault, PASSWORD, TOKEN, TracktikFake};

#[tokio::test]
async fn what_tracktik_says_is_quoted_and_bounded() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    let error = client.get(&7.into(), true).await.expect_err("refused");
    assert_eq!(error, Error::NotFound { message: "no such subscription".to_owned() });
    let long = format!(r#"{{"status":400,"error":"{}"}}"#, "x".repeat(100_000));
    fake.fault("POST /rest/v1", 1, Fault::body(400, long));
    let error = client.create(&definition("c-1")).await.expect_err("refused");
    assert!(matches!(error, Error::Refused { .. }) && error.to_string().len() < 400, "{error}");
}

#[tokio::test]
async fn an_answer_that_repeats_secrets_does_not_get_them_into_an_error() {
    let fake = TracktikFake::start().await;
    let said = format!("{SECRET} {TOKEN}-1 {PASSWORD} {CLIENT_SECRET}");
    let body = format!(r#"{{"error":"{said}"}}"#);
    for status in [400, 403, 404, 418, 500] {
        fake.fault("POST /rest/v1", 1, Fault::body(status, body.clone()));
        let error = client(&fake).create(&definition("c-1")).await.expect_err("refused");
        fake.expire_tokens();
        let shown = format!("{error} {error:?}");
        for secret in [SECRET, PASSWORD, CLIENT_SECRET, "127.0.0.1"] {
            assert!(!shown.contains(secret), "{status}: {shown}");
        }
    }
    fake.fault("access_token", 1, Fault::body(401, body));
    let error = client(&fake).list().await.expect_err("rejected");
    assert!(!format!("{error:?}").contains(PASSWORD) && !format!("{error:?}").contains(CLIENT_SECRET), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_refused_with_and_without_a_token() {
    for path in ["access_token", "events-subscriptions"] {
        let (fake, other) = (TracktikFake::start().await, TracktikFake::start().await);
        fake.fault(path, 1, Fault::with(307, "location", &format!("{}/rest/elsewhere?x=1", other.url)));
        let error = client(&fake).list().await.expect_err("refused");
        assert_eq!(error, Error::Redirected { to_host: "127.0.0.1".to_owned() });
        assert!(other.seen("").is_empty(), "nothing went along");
    }
}

#[tokio::test]
async fn a_server_that_fails_is_unreachable_and_not_asked_twice() {
    for status in [500, 502, 504] {
        let fake = TracktikFake::start().await;
        fake.fault("POST /rest/v1", 9, Fault::status(status));
        let error = client(&fake).create(&definition("c-1")).await.expect_err("failed");
        assert!(error.is_passing(), "{error:?}");
        assert_eq!(fake.seen("POST /rest/v1").len(), 1, "a subscription must not be made twice");
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let client = Client::new(&url, credentials(PASSWORD), Limits::default()).expect("a client");
    let error = client.list().await.expect_err("nobody there");
    assert!(matches!(error, Error::Unreachable { .. }) && !error.to_string().contains("127.0.0.1"), "{error:?}");
}

#[tokio::test]
async fn an_answer_of_another_form_is_named() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    for body in ["<html>", "", "7", "{}", r#"{"data":7}"#, r#"[{"name":"no id"}]"#] {
        fake.fault("GET /rest/v1", 1, Fault::body(200, body));
        let error = client.list().await.expect_err("unusable");
        assert!(matches!(error, Error::Shape { .. }), "{body}: {error:?}");
    }
}
