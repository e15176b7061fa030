//! Behind an office's HTTP proxy, named by the environment as every program there expects it.

use traybell_tests::app;
use traybell_tests::fasttrack_fake::{BRAND, Call, Endpoint, SID};
use traybell_tests::message::Message;
use traybell_tests::proxy::Tinyproxy;
use traybell_tests::scene::Scene;

/// No name server knows it: only through the proxy is there such a host.
const ENVIRONMENT: &str = "http://fasttrack.test";

fn came_by_proxy(call: &Call) -> bool {
    call.headers.get("via").is_some_and(|via| via.contains("tinyproxy"))
}

#[tokio::test]
async fn every_call_and_the_live_connection_go_through_the_proxy_and_one_that_is_away_is_waited_for() {
    let mut scene = Scene::set().await;
    let mut proxy = Tinyproxy::start(&scene.desktop, scene.fasttrack.port()).await;
    let mut command = scene.desktop.command(traybell_tests::programs::traybell());
    command.arg("--hidden").env("http_proxy", proxy.url());
    let _app = scene.desktop.run("traybell", command);
    app::await_status(&scene.desktop, "answered by the running app", |status| status["state"].is_string()).await;

    let arguments = ["sign-in", "--environment", ENVIRONMENT, "--brand", BRAND];
    let refused = app::run_with(&scene.desktop, &arguments, &format!("{SID}\n")).await;
    assert_eq!(refused.code, Some(1), "a sid goes unencrypted to another host only when told so: {refused:?}");
    let insecure = [&arguments[..], &["--insecure"]].concat();
    app::run_with(&scene.desktop, &insecure, &format!("{SID}\n")).await.succeeded();
    scene.await_live().await;
    let tunnel = format!("CONNECT 127.0.0.1:{} ", scene.sockudo.port);
    assert!(proxy.output().contains(&tunnel), "the live connection goes past the proxy:\n{}", proxy.output());

    let first = scene.send(&Message::new("message", "Live")).await;
    app::await_listed(&scene.desktop, &["Live"]).await;

    proxy.stop();
    let waits = app::run(&scene.desktop, &["read", &first.to_string()]).await;
    assert!(waits.err.contains("Marked here, and the server has not got it yet"), "{waits:?}");
    app::await_status(&scene.desktop, "with a read mark that waits", |status| status["outbox"] == 1).await;
    assert!(scene.fasttrack.read_marks().is_empty(), "nothing goes past the proxy");
    proxy.launch(&scene.desktop).await;
    scene.fasttrack.await_read_marks(&[first]).await;

    let calls = scene.fasttrack.all_calls();
    for part in [Endpoint::Config, Endpoint::Login, Endpoint::Authorization, Endpoint::List, Endpoint::MarkRead] {
        assert!(calls.iter().any(|call| call.endpoint == part), "{part:?} was called");
    }
    let past: Vec<&Call> = calls.iter().filter(|call| !came_by_proxy(call)).collect();
    assert!(past.is_empty(), "past the proxy: {past:?}");
}
