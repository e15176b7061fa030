//! Bounds: time, size, and the patience a rate limit asks for.

use std::time::{Duration, Instant, SystemTime};

use tracktik_client::{Error, Limits};

use crate::stage::{client, client_with, definition, impatient};
use crate::tracktik_fake::{Fault, PASSWORD, TracktikFake};

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_the_call_repeated() {
    for path in ["access_token", "POST /rest/v1"] {
        let fake = TracktikFake::start().await;
        fake.fault(path, 1, Fault::with(429, "retry-after", "1"));
        let start = Instant::now();
        client(&fake).create(&definition("c-1")).await.expect("created");
        assert!(start.elapsed() >= Duration::from_secs(1), "{path}: not before it was asked to");
        assert_eq!(fake.ids().len(), 1);
    }
}

#[tokio::test]
async fn a_rate_limit_may_name_a_date() {
    let fake = TracktikFake::start().await;
    let past = httpdate::fmt_http_date(SystemTime::now() - Duration::from_hours(1));
    fake.fault("GET /rest/v1", 2, Fault::with(429, "retry-after", &past));
    client(&fake).list().await.expect("a list");
    let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_hours(1));
    fake.fault("GET /rest/v1", 1, Fault::with(429, "retry-after", &later));
    let error = client(&fake).list().await.expect_err("not waited for");
    let Error::RateLimited { retry_after: Some(wait) } = error else { panic!("{error:?}") };
    assert!(wait > Duration::from_mins(58) && wait <= Duration::from_hours(1), "{wait:?}");
}

#[tokio::test]
async fn a_rate_limit_without_end_is_given_up_after_three_tries() {
    let fake = TracktikFake::start().await;
    fake.fault("GET /rest/v1", 9, Fault::with(429, "retry-after", "0"));
    let error = client(&fake).list().await.expect_err("given up");
    assert_eq!(error, Error::RateLimited { retry_after: Some(Duration::ZERO) });
    assert_eq!(fake.seen("GET /rest/v1").len(), 3);
}

#[tokio::test]
async fn a_wait_longer_than_allowed_is_left_to_the_caller() {
    let fake = TracktikFake::start().await;
    fake.fault("GET /rest/v1", 9, Fault::with(429, "retry-after", "61"));
    let error = client(&fake).list().await.expect_err("not waited for");
    assert_eq!(error, Error::RateLimited { retry_after: Some(Duration::from_secs(61)) });
    assert_eq!(fake.seen("GET /rest/v1").len(), 1);
}

#[tokio::test]
async fn a_silent_server_is_unreachable_in_time_and_not_rejected() {
    let fake = TracktikFake::start().await;
    fake.fault("access_token", 1, Fault::Silence);
    let client = client_with(&fake, PASSWORD, impatient());
    let error = client.list().await.expect_err("silence");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_above_the_limit_is_not_read() {
    let fake = TracktikFake::start().await;
    let limits = Limits { body: 10_000, ..Limits::default() };
    let client = client_with(&fake, PASSWORD, limits);
    fake.fault("GET /rest/v1", 1, Fault::body(200, format!("[\"{}\"]", "x".repeat(10_000))));
    assert_eq!(client.list().await, Err(Error::TooLarge { limit: 10_000 }));
    client.list().await.expect("a list");
}
