//! What is counted for Prometheus, and what never stands there.

use std::{collections::HashMap, time::Duration};

use reqwest::Method;

use crate::world::{LIMIT, SID, World, http};

/// Every sample of the page, by its name with its labels.
async fn scraped(world: &World) -> HashMap<String, String> {
    let address = world.server.metrics_address().expect("metrics are served");
    let response = http().get(format!("http://{address}/metrics")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = response.text().await.unwrap();
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?} is no sample"));
        assert!(value.parse::<f64>().is_ok(), "{line:?} has no number");
        (name.to_owned(), value.to_owned())
    });
    samples.collect()
}

#[tokio::test]
async fn the_metrics_count_what_has_happened_and_name_no_one() {
    let world = World::start_with(|options| options.metrics_listen = Some(([127, 0, 0, 1], 0).into())).await;
    let before = scraped(&world).await;
    assert_eq!(before["traybell_sign_ins_total{result=\"ok\"}"], "0");
    assert_eq!(before[&format!("traybell_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))], "1");

    let token = world.token().await;
    assert_eq!(world.log_in("no-session-id-of-anybody").await.0, 401);
    let _socket = world.subscribed().await;
    let id = world.send("By hand").await;
    let one = format!("/integration-api/Notifications/v2/user-notification/{id}");
    assert_eq!(world.call(Method::GET, &one, &token, None).await.0, 200);
    assert_eq!(world.call(Method::GET, "/a-path-of-nothing", &token, None).await.0, 404);
    let odd = Method::from_bytes(b"ODDMETHOD").unwrap();
    assert_eq!(world.http.request(odd, world.server.url()).send().await.unwrap().status(), 404);
    let begin = tokio::time::Instant::now();
    let after = loop {
        let samples = scraped(&world).await;
        if samples["traybell_publications_total{result=\"ok\"}"] == "1"
            && samples["traybell_messages_unpublished"] == "0"
        {
            break samples;
        }
        assert!(begin.elapsed() < LIMIT, "{samples:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let count = |route: &str, method: &str, class: &str| {
        format!("traybell_request_duration_seconds_count{{method=\"{method}\",route=\"{route}\",status=\"{class}\"}}")
    };
    let expected = [
        ("traybell_callouts_total{outcome=\"unauthorized\"}".to_owned(), "0"),
        ("traybell_events_total{result=\"failed\"}".to_owned(), "0"),
        ("traybell_database_up".to_owned(), "1"),
        ("traybell_events_waiting".to_owned(), "0"),
        ("traybell_events_flagged".to_owned(), "0"),
        ("traybell_publications_total{result=\"failed\"}".to_owned(), "0"),
        ("traybell_sign_ins_total{result=\"ok\"}".to_owned(), "1"),
        ("traybell_sign_ins_total{result=\"refused\"}".to_owned(), "1"),
        ("traybell_channel_connections".to_owned(), "1"),
        (count("/integration-api/Notifications/v2/user-notification/{id}", "GET", "2xx"), "1"),
        (count("none", "GET", "4xx"), "1"),
        (count("none", "other", "4xx"), "1"),
    ];
    for (name, value) in expected {
        assert_eq!(after.get(&name).map(String::as_str), Some(value), "{name}");
    }
    for needle in [SID, &token, world.server.pusher_key(), "a-path-of-nothing", "ODDMETHOD"] {
        assert!(!after.keys().any(|name| name.contains(needle)), "{needle} is in the metrics");
    }
    let elsewhere = http().get(format!("{}/metrics", world.server.url())).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404, "clients have no business there");
}
