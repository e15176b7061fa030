//! The page by the rules of axe-core, in the real window: sign-in, list, message, menu, the pages over the list.

use serde_json::Value;
use traybell_tests::driver::Window;
use traybell_tests::fasttrack_fake::{BRAND, SID};
use traybell_tests::message::Message;
use traybell_tests::programs;
use traybell_tests::scene::Scene;

#[tokio::test]
async fn every_screen_keeps_the_rules_of_axe() {
    let mut scene = Scene::set().await;
    let window = Window::open(&scene.desktop).await;
    window.shown("sign-in").await;
    keeps_the_rules(&window, "sign-in").await;

    window.sign_in(&scene.fasttrack.url(), BRAND, "wrong").await;
    window.shown("sign-in-error").await;
    keeps_the_rules(&window, "refused sign-in").await;

    window.fill("sid", SID).await;
    window.click("sign-in").await;
    window.await_pill("Online").await;
    keeps_the_rules(&window, "empty list").await;

    scene.sockudo.await_subscriber(&scene.fasttrack.channel()).await;
    scene.send(&Message::new("message", "With a body").html("<h1>Head</h1><p>Text</p><ul><li>One</li></ul>")).await;
    scene.send(&Message::new("shoutout", "Another").button("Open", "https://example.invalid/")).await;
    window.row("Another").await;
    keeps_the_rules(&window, "list").await;
    window.open_row("Another").await;
    keeps_the_rules(&window, "message").await;
    window.click("back").await;
    window.click("menu").await;
    keeps_the_rules(&window, "menu").await;

    window.click("open-settings").await;
    window.click("pause-hour").await;
    window.shown("pause-resume").await;
    keeps_the_rules(&window, "paused").await;
    // What is added may hold at this very hour, and then no pause is shown.
    window.click("quiet-add").await;
    window.shown("quiet-row").await;
    keeps_the_rules(&window, "settings").await;
    window.click("page-back").await;
    window.click("menu").await;
    window.click("open-diagnostics").await;
    window.shown("diagnostics-report").await;
    keeps_the_rules(&window, "diagnostics").await;
    window.click("page-back").await;
    window.click("search-filter").await;
    window.fill("search", "xyzzy").await;
    window.shown("empty-clear").await;
    keeps_the_rules(&window, "search without result").await;
    window.click("empty-clear").await;
    window.click("menu").await;
    window.click("sign-out").await;
    window.shown("dialog-choice").await;
    keeps_the_rules(&window, "sign-out").await;
    window.end().await;
}

async fn keeps_the_rules(window: &Window, screen: &str) {
    let rules = std::fs::read_to_string(programs::axe()).expect("axe-core can be read");
    // As a function's body, so that the page's policy against inline scripts stays as it is.
    let script = format!(
        "const done = arguments[arguments.length - 1];
        if (!window.axe) {{ const module = undefined, exports = undefined, define = undefined; {rules} }}
        window.axe.run(document).then(
            found => done([
                found.violations.map(one => [one.id, one.help, one.nodes.map(node => node.html)]),
                found.passes.length]),
            error => done([String(error), 0]))"
    );
    let found = window.client().execute_async(&script, vec![]).await.expect("axe runs in the window");
    assert_eq!(found[0], Value::Array(vec![]), "{screen}: {found:#}");
    assert!(found[1].as_u64() > Some(10), "{screen}: the rules were run: {found}");
}
