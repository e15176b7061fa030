//! Pictures from a local server with good and bad answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use super::*;

/// The smallest PNG there is: one transparent pixel.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\
                     \0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

#[derive(Clone, Default)]
struct Asked {
    times: Arc<AtomicUsize>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
}

async fn answer(State(asked): State<Asked>, Path(what): Path<String>, headers: HeaderMap) -> Response {
    asked.times.fetch_add(1, Ordering::SeqCst);
    asked.headers.lock().unwrap().push(headers);
    let moved = |to: &str| (StatusCode::FOUND, [(header::LOCATION, to.to_owned())]).into_response();
    match what.as_str() {
        "a.png" => ([(header::CONTENT_TYPE, "text/html")], PNG).into_response(),
        "page" => ([(header::CONTENT_TYPE, "image/png")], "<html><script>x</script></html>").into_response(),
        "huge" => [PNG, &vec![0; MAX_BYTES]].concat().into_response(),
        "bomb" => {
            let mut bomb = PNG.to_vec();
            bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
            bomb.into_response()
        }
        "once" => moved("/a.png"),
        "circle" => moved("/circle"),
        "out" => moved("http://10.0.0.1/a.png"),
        "nowhere" => StatusCode::FOUND.into_response(),
        "down" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A server of pictures on loopback, good and bad.
async fn server() -> (Url, Asked) {
    let asked = Asked::default();
    let app = Router::new().route("/{what}", get(answer)).with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (base, asked)
}

#[tokio::test]
async fn a_picture_is_fetched_once_and_its_type_is_what_it_is() {
    let (base, asked) = server().await;
    let pictures = Pictures::new(Some(&base), false).unwrap();
    for _ in 0..3 {
        let picture = pictures.fetch(base.join("a.png").unwrap().as_str()).await.unwrap();
        assert_eq!((picture.content_type, picture.bytes.as_slice()), ("image/png", PNG));
    }
    assert_eq!(asked.times.load(Ordering::SeqCst), 1);
    let headers = asked.headers.lock().unwrap();
    for secret in ["authtoken", "authorization", "cookie", "referer"] {
        assert!(!headers[0].contains_key(secret), "{secret} was sent");
    }
}

#[tokio::test]
async fn what_is_no_picture_or_too_large_is_refused() {
    let (base, _asked) = server().await;
    let pictures = Pictures::new(Some(&base), false).unwrap();
    for (what, code) in [
        ("page", Code::BadAnswer),
        ("huge", Code::BadAnswer),
        ("bomb", Code::BadAnswer),
        ("missing", Code::BadAnswer),
        ("nowhere", Code::BadAnswer),
        ("circle", Code::BadAnswer),
        ("out", Code::BadLink),
        ("down", Code::Unreachable),
    ] {
        let problem = pictures.fetch(base.join(what).unwrap().as_str()).await.unwrap_err();
        assert_eq!(problem.code, code, "{what}: {problem}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_within_reach() {
    let (base, _asked) = server().await;
    let pictures = Pictures::new(Some(&base), false).unwrap();
    assert!(pictures.fetch(base.join("once").unwrap().as_str()).await.is_ok());
}

#[tokio::test]
async fn an_account_on_the_web_never_asks_this_computer() {
    let (base, asked) = server().await;
    let pictures = Pictures::new(None, false).unwrap();
    let problem = pictures.fetch(base.join("a.png").unwrap().as_str()).await.unwrap_err();
    assert_eq!(problem.code, Code::BadLink);
    assert_eq!(asked.times.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_server_that_is_gone_is_said_to_be_out_of_reach() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let problem = Pictures::new(Some(&base), false).unwrap().fetch(base.as_str()).await.unwrap_err();
    assert_eq!(problem.code, Code::Unreachable);
}
