//! Tokens that run out while the session lives.

use fasttrack_client::{Error, MarkError};
use serde_json::json;
use tokio::task::JoinSet;

use crate::fake::{Fake, Fault, TOKEN};

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_once_for_twenty_callers() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.expire_tokens();
    // The log-in is answered when all have been denied: nobody gets by on somebody else's good timing.
    fake.hold_log_in_until_denied(20);

    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let session = session.clone();
        callers.spawn(async move { session.list(false).await.map(|listing| listing.notifications.len()) });
    }
    let outcomes = callers.join_all().await;
    assert!(outcomes.iter().all(|outcome| *outcome == Ok(1)), "{outcomes:?}");
    assert_eq!(fake.log_ins(), 2, "the first log-in and one renewal");
    let calls = fake.seen("user-notifications");
    assert_eq!(calls.len(), 40, "each was denied once and repeated once");
    let renewed = calls.iter().filter(|call| call.authtoken.as_deref() == Some(&format!("{TOKEN}-2"))).count();
    assert_eq!(renewed, 20);
}

#[tokio::test]
async fn every_kind_of_call_is_renewed() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.expire_tokens();
    assert!(session.one("7").await.is_ok());
    fake.expire_tokens();
    assert!(session.mark_read("7").await.is_ok());
    fake.expire_tokens();
    assert!(session.authorizer().authorize("1.2", &session.channel()).await.is_ok());
    assert_eq!(fake.log_ins(), 4);
}

#[tokio::test]
async fn a_rejected_renewal_ends_the_session_and_is_never_tried_again() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.expire_sid();
    let rejected = Error::SessionRejected { message: "Session not found".to_owned() };
    assert_eq!(session.list(false).await, Err(rejected.clone()));
    let asked = fake.seen("").len();

    assert_eq!(session.list(false).await, Err(rejected.clone()));
    assert_eq!(session.one("7").await, Err(rejected));
    let marked = session.mark_read("7").await;
    assert_eq!(marked, Err(MarkError::SessionRejected { message: "Session not found".to_owned() }));
    let authorized = session.authorizer().authorize("1.2", &session.channel()).await;
    let refused = pusher_client::AuthorizeError::Refused { status: Some(401), message: "Session not found".to_owned() };
    assert_eq!(authorized.err(), Some(refused));
    assert_eq!(fake.seen("").len(), asked, "nothing was sent any more");
}

#[tokio::test]
async fn a_renewal_that_cannot_be_had_now_leaves_the_session_alive() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.expire_tokens();
    fake.fault("LoginAuthToken", Fault::status(503).with("retry-after", "4"));
    let error = session.list(false).await.expect_err("no renewal");
    assert!(matches!(error, Error::Status { status: 503, retry_after: Some(_), .. }), "{error:?}");
    fake.heal();
    assert!(session.list(false).await.is_ok(), "the next call renews it");
}

#[tokio::test]
async fn a_server_that_denies_every_token_is_asked_twice_and_no_more() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    for status in [401, 403] {
        fake.fault("/Notifications/", Fault::status(status));
        let before = (fake.seen("/Notifications/").len(), fake.log_ins());
        let error = session.list(false).await.expect_err("denied");
        assert!(matches!(error, Error::Status { status: said, .. } if said == status), "{error:?}");
        assert_eq!(fake.seen("/Notifications/").len(), before.0 + 2);
        assert_eq!(fake.log_ins(), before.1 + 1);
        let marked = session.mark_read("7").await;
        assert!(matches!(marked, Err(MarkError::Temporary { .. })), "a denial never refuses a read mark: {marked:?}");
    }
}

#[tokio::test]
async fn a_session_id_that_becomes_somebody_elses_ends_the_session() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.expire_tokens();
    let data = json!({"Authentication": {"IsAuthenticated": true}, "User": {"UserId": 999, "BrandId": 45}});
    fake.fault("LoginAuthToken", Fault::json(200, &json!({"Data": data, "Success": true})));
    assert!(matches!(session.list(false).await, Err(Error::SessionRejected { .. })));
}
