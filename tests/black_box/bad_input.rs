//! Bad input and a server that misbehaves: each has a clear message of its own, and nothing is lost.

use serde_json::json;
use traybell_tests::app;
use traybell_tests::driver::Window;
use traybell_tests::fasttrack_fake::{BRAND, Endpoint, Fault, SID};
use traybell_tests::message::Message;
use traybell_tests::process::free_port;
use traybell_tests::scene::Scene;
use traybell_tests::wait;

/// Presses the button of the filled form, and waits for the problem with this code. Answers what the window says.
async fn refused(window: &Window, code: &str) -> String {
    window.click("sign-in").await;
    wait::until(&format!("a sign-in that fails with {code:?}"), || async {
        let script = "const shown = document.querySelector('[data-testid=\"sign-in-error\"]');
            return shown && !shown.hidden ? [shown.dataset.code, shown.innerText] : null";
        let seen = window.run(script, vec![]).await?;
        if seen[0] == code {
            Ok(seen[1].as_str().unwrap_or_default().to_owned())
        } else {
            Err(format!("{seen}; {}", window.summary().await))
        }
    })
    .await
}

/// A form that was refused still holds what was typed.
async fn form_is_kept(window: &Window, environment: &str, brand: &str) {
    let script = "return ['custom-url', 'brand', 'sid'].map(id =>
        document.querySelector(`[data-testid=\"${id}\"]`).value)";
    let kept = window.run(script, vec![]).await.unwrap();
    assert_eq!(kept, json!([environment, brand, SID]), "nothing that was typed is lost");
}

#[tokio::test]
async fn each_way_a_sign_in_can_fail_has_its_own_message_and_keeps_the_form() {
    let mut scene = Scene::set().await;
    let window = Window::open(&scene.desktop).await;
    let url = scene.fasttrack.url();

    // Empty fields are refused before anything is sent.
    window.click("sign-in").await;
    window.choose("environment", "custom").await;
    assert!(scene.fasttrack.all_calls().is_empty(), "nothing was sent");

    window.fill("custom-url", "not an address").await;
    window.fill("brand", BRAND).await;
    window.fill("sid", SID).await;
    let mut seen = vec![refused(&window, "bad_input").await];

    let nowhere = format!("http://127.0.0.1:{}", free_port());
    window.fill("custom-url", &nowhere).await;
    seen.push(refused(&window, "unreachable").await);
    form_is_kept(&window, &nowhere, BRAND).await;

    window.fill("custom-url", &url).await;
    window.fill("brand", "nobody").await;
    let unknown = refused(&window, "unknown_brand").await;
    assert!(unknown.contains("nobody"), "it names the brand: {unknown:?}");
    seen.push(unknown);
    form_is_kept(&window, &url, "nobody").await;

    window.fill("brand", BRAND).await;
    window.fill("sid", "a-wrong-sid").await;
    let wrong = refused(&window, "rejected").await;
    assert!(wrong.contains(BRAND) && wrong.contains("session"), "it says whose session: {wrong:?}");
    assert!(!wrong.contains("a-wrong-sid"), "the sid is not repeated: {wrong:?}");
    seen.push(wrong);
    window.fill("sid", SID).await;

    for (endpoint, fault, code) in [
        (Endpoint::Config, Fault::NotJson, "bad_answer"),
        (Endpoint::Config, Fault::Html, "bad_answer"),
        (Endpoint::Config, Fault::Json(json!({"crmUrl": 1, "fusionUrl": [], "pusherKey": {}})), "bad_answer"),
        (Endpoint::Config, Fault::Endless, "bad_answer"),
        (Endpoint::Login, Fault::Status(500), "unreachable"),
        (Endpoint::Login, Fault::Busy(429, 30), "unreachable"),
    ] {
        scene.fasttrack.break_with(endpoint, fault.clone());
        let message = refused(&window, code).await;
        println!("{endpoint:?} {fault:?}: {message:?}");
        scene.fasttrack.mend(endpoint);
        form_is_kept(&window, &url, BRAND).await;
        seen.push(message);
    }

    // The log-in carries the sid: it must not follow a redirect with it.
    let elsewhere = scene.fasttrack.other_host().url();
    scene.fasttrack.break_with(Endpoint::Login, Fault::RedirectTo(elsewhere));
    let redirected = refused(&window, "bad_answer").await;
    assert!(redirected.contains("127.0.0.2"), "it names the other host: {redirected:?}");
    assert_eq!(scene.fasttrack.other_host().requests(), [] as [&str; 0], "nobody went there");
    scene.fasttrack.mend(Endpoint::Login);
    seen.push(redirected);

    let mut different = seen.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), seen.len(), "each failure has words of its own: {seen:#?}");

    window.click("sign-in").await;
    window.await_pill("Online").await;
    scene.send(&Message::new("message", "In spite of all")).await;
    window.row("In spite of all").await;
    window.end().await;
}

#[tokio::test]
async fn a_server_that_misbehaves_while_running_takes_nothing_away() {
    let mut scene = Scene::set().await;
    let kept = scene.fasttrack.add(&Message::new("inbox", "Kept through it all").read());
    let _app = scene.signed_in_app().await;
    app::await_listed(&scene.desktop, &["Kept through it all"]).await;

    for fault in [
        Fault::NotJson,
        Fault::Html,
        Fault::Status(500),
        Fault::Status(503),
        Fault::Json(json!({"Data": 5, "Success": true})),
        Fault::Json(json!([])),
        Fault::Endless,
        Fault::RedirectTo(scene.fasttrack.other_host().url()),
    ] {
        scene.fasttrack.break_with(Endpoint::List, fault.clone());
        let calls = scene.fasttrack.calls(Endpoint::List).len();
        // A new subscription asks for the list.
        scene.sockudo.restart().await;
        scene.fasttrack.await_calls(Endpoint::List, calls).await;
        let listed = app::list(&scene.desktop).await.unwrap();
        assert_eq!(listed.len(), 1, "after {fault:?}: {listed:?}");
        scene.fasttrack.mend(Endpoint::List);
    }
    assert_eq!(scene.fasttrack.other_host().requests(), [] as [&str; 0], "no token went to another host");
    scene.sockudo.restart().await;
    scene.await_live().await;
    scene.send(&Message::new("message", "Still alive")).await;
    scene.notifications().await_titled("Still alive").await;
    let listed = app::await_listed(&scene.desktop, &["Kept through it all", "Still alive"]).await;
    let kept = serde_json::Value::String(kept.to_string());
    assert!(listed.iter().any(|row| row["id"] == kept), "{listed:?}");
}

#[tokio::test]
async fn one_bad_item_and_a_large_answer_never_blank_the_list() {
    let mut scene = Scene::set().await;
    let large = "A large body. ".repeat(5 * 1024 * 1024 / 14);
    scene.fasttrack.add(&Message::new("inbox", "Five megabytes").html(&large).read());
    scene
        .fasttrack
        .add(&Message::new("inbox", "Odd types").with("UserId", "123").with("IsRead", "true").with("Data", 7));
    for field in ["Title", "Message", "Date", "DisplayType", "Event"] {
        let odd = Message::new("message", "Wrong types").read().with(field, json!({"nested": [1, 2, 3]}));
        scene.fasttrack.add(&odd);
    }
    scene.fasttrack.add(&Message::new("message", "No date").read().with("Date", "sometime").with("Expires", "never"));
    scene.fasttrack.add(&Message::new("message", "Expired").expires_in(-60));
    scene.fasttrack.add(&Message::new("message", "Good one").read());
    let _app = scene.signed_in_app().await;
    wait::until("every readable message", || async {
        let rows = app::list(&scene.desktop).await?;
        let titles: Vec<&str> = rows.iter().filter_map(|row| row["title"].as_str()).collect();
        let all = ["Five megabytes", "Odd types", "No date", "Good one"].iter().all(|title| titles.contains(title));
        if all { Ok(()) } else { Err(format!("{titles:?}")) }
    })
    .await;
    let rows = app::list(&scene.desktop).await.unwrap();
    assert!(rows.iter().all(|row| row["title"] != "Expired"), "expired is not listed: {rows:?}");

    // The same on the socket: garbage is counted, and the next good one arrives.
    for garbage in [json!("text"), json!([1]), json!({"MessageId": {"a": 1}, "Title": 5}), json!(null)] {
        scene.sockudo.publish(&scene.fasttrack.channel(), "message", &garbage).await.unwrap();
    }
    scene.sockudo.publish(&scene.fasttrack.channel(), "unheard-of", &json!({"Title": "Other event"})).await.unwrap();
    scene.send(&Message::new("message", "After the garbage")).await;
    scene.notifications().await_titled("After the garbage").await;
    let status = app::status(&scene.desktop).await.unwrap();
    assert!(status["counters"]["skipped"].as_u64() >= Some(1), "what was skipped is counted: {status}");
    assert!(scene.notifications().titled("Other event").is_empty(), "an event nobody asked for is dropped");
}

#[tokio::test]
async fn a_vendor_that_authorizes_by_get_alone_is_understood() {
    let mut scene = Scene::set().await;
    scene.fasttrack.authorize_by_get_only();
    let _app = scene.signed_in_app().await;
    scene.send(&Message::new("shoutout", "By GET")).await;
    scene.notifications().await_titled("By GET").await;
    let calls = scene.fasttrack.calls(Endpoint::Authorization);
    assert_eq!(calls.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), ["POST", "GET"]);
}
