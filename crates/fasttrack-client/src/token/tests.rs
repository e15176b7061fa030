//! One renewal for all who wait, whatever its outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use super::*;

/// Twenty callers whose token was denied at once; how many log-ins it took, and what each of them got.
async fn twenty(outcome: Result<&'static str, Error>) -> (usize, Vec<Result<String, Error>>, Arc<Tokens>) {
    let tokens = Arc::new(Tokens::new(SecretString::from("old-token")));
    let log_ins = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let (tokens, log_ins, outcome) = (Arc::clone(&tokens), Arc::clone(&log_ins), outcome.clone());
        let used = tokens.current().expect("a token");
        callers.spawn(async move {
            let log_in = || async {
                log_ins.fetch_add(1, Ordering::SeqCst);
                // Everybody else gets in line meanwhile.
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                outcome.map(SecretString::from)
            };
            tokens.renewed(&used, log_in).await.map(|token| token.secret.expose_secret().to_owned())
        });
    }
    let outcomes = callers.join_all().await;
    (log_ins.load(Ordering::SeqCst), outcomes, tokens)
}

#[tokio::test]
async fn a_renewal_serves_all_who_wait() {
    let (log_ins, outcomes, tokens) = twenty(Ok("new-token")).await;
    assert_eq!(log_ins, 1);
    assert!(outcomes.iter().all(|outcome| outcome.as_deref() == Ok("new-token")), "{outcomes:?}");
    assert_eq!(tokens.current().expect("a token").secret.expose_secret(), "new-token");
}

#[tokio::test]
async fn a_failed_renewal_fails_all_who_wait_and_may_be_tried_again() {
    let (log_ins, outcomes, tokens) = twenty(Err(Error::Timeout)).await;
    assert_eq!(log_ins, 1);
    assert!(outcomes.iter().all(|outcome| *outcome == Err(Error::Timeout)), "{outcomes:?}");

    let used = tokens.current().expect("the old token is still there");
    let renewed = tokens.renewed(&used, || async { Ok(SecretString::from("new-token")) }).await;
    assert!(renewed.is_ok(), "a later caller logs in again");
}

#[tokio::test]
async fn a_rejection_is_final() {
    let rejected = Error::SessionRejected { message: "expired".to_owned() };
    let (log_ins, outcomes, tokens) = twenty(Err(rejected.clone())).await;
    assert_eq!(log_ins, 1);
    assert!(outcomes.iter().all(|outcome| *outcome == Err(rejected.clone())), "{outcomes:?}");
    assert_eq!(tokens.current().err(), Some(rejected));
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_its_turn_to_the_next() {
    let tokens = Tokens::new(SecretString::from("old-token"));
    let used = tokens.current().expect("a token");
    let mut given_up = Box::pin(tokens.renewed(&used, std::future::pending));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(given_up.as_mut().poll(&mut context).is_pending(), "it waits for its log-in");
    drop(given_up);
    let renewed = tokens.renewed(&used, || async { Ok(SecretString::from("new-token")) }).await;
    assert!(renewed.is_ok());
}

#[tokio::test]
async fn a_token_renewed_meanwhile_is_not_renewed_again() {
    let tokens = Tokens::new(SecretString::from("old-token"));
    let used = tokens.current().expect("a token");
    let first = tokens.renewed(&used, || async { Ok(SecretString::from("new-token")) }).await;
    assert!(first.is_ok());
    let late = tokens.renewed(&used, || async { panic!("no second log-in") }).await;
    assert_eq!(late.expect("a token").secret.expose_secret(), "new-token");
}
