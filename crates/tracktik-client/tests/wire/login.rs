//! The token: got once, renewed in time, and never asked for again after a refusal.

use serde_json::json;
use tracktik_client::{Error, Limits};

use crate::stage::{client, client_with};
use crate::tracktik_fake::{CLIENT_ID, CLIENT_SECRET, Fault, PASSWORD, TOKEN, TracktikFake, USERNAME};

const TOKEN_PATH: &str = "/rest/oauth2/access_token";

#[tokio::test]
async fn the_log_in_is_a_form_and_its_token_serves_many_calls() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    assert!(fake.seen("").is_empty(), "nothing is sent before the first call");
    for _ in 0..3 {
        client.list().await.expect("a list");
    }
    let seen = fake.seen(TOKEN_PATH);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].headers["content-type"], "application/x-www-form-urlencoded");
    let mut form: Vec<_> = seen[0].body.split('&').map(str::to_owned).collect();
    form.sort();
    let expected = [
        format!("client_id={CLIENT_ID}"),
        format!("client_secret={CLIENT_SECRET}"),
        "grant_type=password".to_owned(),
        format!("password={PASSWORD}"),
        format!("username={USERNAME}"),
    ];
    assert_eq!(form, expected);
    assert_eq!(fake.seen("events-subscriptions")[2].headers["authorization"], format!("Bearer {TOKEN}-1"));
}

#[tokio::test]
async fn a_token_without_a_life_is_used_on() {
    let fake = TracktikFake::start().await;
    fake.set_expires_in(None);
    let client = client(&fake);
    client.list().await.expect("a list");
    client.list().await.expect("a list");
    assert_eq!(fake.seen(TOKEN_PATH).len(), 1);
}

#[tokio::test]
async fn a_token_at_its_end_is_renewed_by_refresh_before_the_call() {
    let fake = TracktikFake::start().await;
    fake.set_expires_in(Some(json!(0)));
    let client = client(&fake);
    client.list().await.expect("a list");
    client.list().await.expect("a list");
    assert_eq!((fake.log_ins("password"), fake.log_ins("refresh_token")), (1, 1));
    assert_eq!(fake.seen("events-subscriptions").len(), 2, "no call had to be refused first");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_repeated_once() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    client.list().await.expect("a list");
    fake.expire_tokens();
    client.list().await.expect("a list");
    assert_eq!((fake.log_ins("password"), fake.log_ins("refresh_token")), (1, 1));
    assert_eq!(fake.seen("events-subscriptions").len(), 3);
}

#[tokio::test]
async fn many_calls_refused_at_once_renew_the_token_once() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    client.list().await.expect("a list");
    fake.expire_tokens();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.list().await })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect("a list");
    }
    assert_eq!((fake.log_ins("password"), fake.log_ins("refresh_token")), (1, 1));
}

#[tokio::test]
async fn a_server_that_refuses_its_own_new_token_is_not_asked_a_third_time() {
    let fake = TracktikFake::start().await;
    fake.fault("events-subscriptions", 9, Fault::status(401));
    let error = client(&fake).list().await.expect_err("refused");
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    assert_eq!(fake.seen("events-subscriptions").len(), 2);
}

#[tokio::test]
async fn a_refresh_token_that_ran_out_leads_to_one_log_in() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    client.list().await.expect("a list");
    fake.expire_tokens();
    fake.expire_refresh_tokens();
    client.list().await.expect("a list");
    assert_eq!((fake.log_ins("password"), fake.log_ins("refresh_token")), (2, 1));
}

#[tokio::test]
async fn after_a_rejected_log_in_nothing_is_ever_sent_again() {
    for status in [400, 401, 403] {
        let fake = TracktikFake::start().await;
        fake.fault(TOKEN_PATH, 1, Fault::body(status, r#"{"error":"invalid_grant","error_description":"wrong"}"#));
        let client = client(&fake);
        let expected = Error::Rejected { message: "wrong".to_owned() };
        for _ in 0..5 {
            assert_eq!(client.list().await.expect_err("rejected"), expected, "{status}");
        }
        assert_eq!(client.clone().archive(&7.into()).await, Err(expected), "clones know it too");
        assert_eq!(fake.seen("").len(), 1, "{status}: the server has recovered, but is not asked");
    }
}

#[tokio::test]
async fn many_first_calls_with_a_wrong_password_fail_one_log_in() {
    let fake = TracktikFake::start().await;
    let client = client_with(&fake, "a-wrong-password", Limits::default());
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.list().await })
        })
        .collect();
    for call in calls {
        let error = call.await.expect("no panic").expect_err("rejected");
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(fake.seen("").len(), 1);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_take_the_rejection_along() {
    let fake = TracktikFake::start().await;
    let client = client_with(&fake, "a-wrong-password", Limits::default());
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.list().await }
    });
    while fake.seen("").is_empty() {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(matches!(client.list().await, Err(Error::Rejected { .. })));
    assert_eq!(fake.seen("").len(), 1, "the log-in under way was waited for");
}

#[tokio::test]
async fn a_log_in_that_fails_without_a_rejection_is_tried_again() {
    for status in [500, 503, 504] {
        let fake = TracktikFake::start().await;
        fake.fault(TOKEN_PATH, 1, Fault::status(status));
        let client = client(&fake);
        let error = client.list().await.expect_err("not reached");
        assert!(matches!(error, Error::Unreachable { .. }), "{status}: {error:?}");
        client.list().await.expect("a list");
    }
}
