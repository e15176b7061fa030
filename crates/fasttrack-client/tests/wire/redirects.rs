//! A redirect never takes the session along.

use fasttrack_client::{Error, LoginError, MarkError};

use crate::fake::{Fake, Fault, SID, http};

#[tokio::test]
async fn no_authenticated_call_follows_a_redirect() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    let session = fake.signed_in().await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/elsewhere?stolen=1", other.url);
        fake.fault("/integration-api/", Fault::status(status).with("location", &target));
        let redirected = Error::Redirected { to_host: "127.0.0.1".to_owned() };

        let log_in = fake.log_in(&http(), SID).await.err();
        assert_eq!(log_in, Some(LoginError::Unreachable { error: redirected.clone(), retry_after: None }), "{status}");
        assert_eq!(session.list(false).await.err(), Some(redirected.clone()), "{status}");
        assert_eq!(session.one("7").await.err(), Some(redirected.clone()), "{status}");
        let marked = session.mark_read("7").await.err();
        assert_eq!(marked, Some(MarkError::Temporary { error: redirected, retry_after: None }), "{status}");
        let authorized = session.authorizer().authorize("1.2", &session.channel()).await;
        let asked_again = matches!(authorized, Err(pusher_client::AuthorizeError::Temporary { .. }));
        assert!(asked_again, "{status}: {authorized:?}");
    }
    assert!(other.seen("").is_empty(), "the other host was never contacted");
}

#[tokio::test]
async fn the_error_names_the_other_host_and_nothing_else_of_the_address() {
    let fake = Fake::start().await;
    let session = fake.signed_in().await;
    fake.fault("user-notifications", Fault::redirect("https://login.example.com/path?authtoken=abc"));
    let error = session.list(false).await.expect_err("redirected");
    let text = format!("{error} {error:?}");
    assert!(text.contains("login.example.com") && !text.contains("/path") && !text.contains("authtoken"), "{text}");
}
