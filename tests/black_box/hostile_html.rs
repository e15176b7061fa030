//! Messages of hostile HTML in the real window: nothing runs, nothing remote is loaded, nothing leads away, and nothing
//! outside the message's own container is other than with a harmless message.

use std::time::Duration;

use serde_json::{Value, json};
use traybell_tests::app;
use traybell_tests::attacks::{self, Leads};
use traybell_tests::driver::Window;
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::{screen, wait};

/// What the tests look at in the window.
const LOOK: &str = include_str!("hostile_html.js");
/// What may stand in a message, and nothing else.
const ELEMENTS: [&str; 36] = [
    "p",
    "br",
    "div",
    "span",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "del",
    "ins",
    "small",
    "sub",
    "sup",
    "ul",
    "ol",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "code",
    "pre",
    "hr",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "caption",
];

fn hostile(elsewhere: &str) -> String {
    format!(
        r#"<p>Visible text</p>
        <script>window.ran = 'script'</script>
        <script src="{elsewhere}/script.js"></script>
        <img src="{elsewhere}/image.png" onerror="window.ran = 'onerror'" onload="window.ran = 'onload'">
        <img src=x onerror=window.ran='short'>
        <svg onload="window.ran = 'svg'"><script>window.ran = 'svg script'</script></svg>
        <svg><animate onbegin="window.ran='animate'" attributeName="x" dur="1s"/></svg>
        <iframe src="{elsewhere}/frame"></iframe><iframe srcdoc="<script>parent.ran='srcdoc'</script>"></iframe>
        <object data="{elsewhere}/object"></object><embed src="{elsewhere}/embed">
        <link rel="stylesheet" href="{elsewhere}/style.css">
        <style>@import url({elsewhere}/import.css); * {{ background: url({elsewhere}/background.png) }}</style>
        <div style="background: url({elsewhere}/inline.png); position: fixed; inset: 0">Styled</div>
        <video src="{elsewhere}/video" autoplay onplay="window.ran='video'"></video>
        <audio src="{elsewhere}/audio" autoplay></audio>
        <form action="{elsewhere}/form"><input name="a" autofocus onfocus="window.ran = 'focus'"><button>Send</button></form>
        <details open ontoggle="window.ran = 'toggle'"><summary>More</summary>Text</details>
        <a href="javascript:window.ran='link'">A script link</a>
        <a href="{elsewhere}/away" target="_top" ping="{elsewhere}/ping">A link away</a>
        <a href="data:text/html,<script>window.ran='data'</script>">A data link</a>
        <base href="{elsewhere}/"><meta http-equiv="refresh" content="0;url={elsewhere}/refresh">
        <template><script>window.ran='template'</script></template>
        <noscript><p title="</noscript><img src=x onerror=window.ran='mutation'>"></noscript>
        <math><mtext><table><mglyph><style><img src=x onerror=window.ran='mxss'></style></mglyph></table></mtext></math>
        <p>Last words</p>"#
    )
}

#[tokio::test]
async fn hostile_html_neither_runs_nor_loads_nor_leads_anywhere() {
    let mut scene = Scene::set().await;
    let elsewhere = scene.fasttrack.other_host().url();
    let title = "<img src=x onerror=\"window.ran='title'\"> a title";
    let message = Message::new("message", title)
        .html(&hostile(&elsewhere))
        .with("FooterText", format!("<b>Footer</b><img src='{elsewhere}/footer.png' onerror=\"window.ran='footer'\">"))
        .with("CTAButtonText", "<b>Press</b>")
        .with("CTAButtonLink", "javascript:window.ran='button'");
    let window = scene.signed_in_window().await;
    scene.send(&message).await;
    window.open_row("a title").await;
    assert_eq!(window.text("detail-title").await, title, "a title is text");
    let html = wait::until("the whole body", || async {
        let html = window.body_html().await?;
        if html.contains("Last words") { Ok(html) } else { Err(html) }
    })
    .await;
    assert!(html.contains("Visible text"), "what is harmless stays: {html}");
    let lower = html.to_lowercase();
    for gone in [
        "<script",
        "<img",
        "<svg",
        "<iframe",
        "<object",
        "<embed",
        "<link",
        "<style",
        "<form",
        "<input",
        "<base",
        "<meta",
        "<video",
        "<audio",
        " on",
        "style=",
        "javascript:",
        "data:",
        "srcdoc",
        "ping=",
    ] {
        assert!(!lower.contains(gone), "{gone:?} is in the body: {html}");
    }

    // Every link and button is pressed: nothing opens, nothing leads away.
    let press = "const host = document.querySelector('[data-testid=\"detail-body\"]');
        for (const link of host.shadowRoot.querySelectorAll('a, summary, button')) link.click();
        document.querySelector('[data-testid=\"cta-0\"]')?.click();
        return location.href";
    let address = window.run(press, vec![]).await.unwrap();
    let address = address.as_str().unwrap_or_default();
    assert!(address.starts_with("tauri://localhost"), "the page is still ours: {address:?}");

    // The page itself may not fetch, load or run either, whoever asks. Each try ends with an event, so that nothing is
    // still under way when the other host's book is read.
    let tries = "const done = arguments[arguments.length - 1], at = arguments[0];
        const ends = (make) => new Promise(resolve => {
            const element = make();
            element.onload = () => resolve('loaded');
            element.onerror = () => resolve('refused');
        });
        Promise.all([
            fetch(at + '/fetch').then(() => 'loaded', () => 'refused'),
            ends(() => Object.assign(new Image(), {src: at + '/new-image.png'})),
            ends(() => document.head.appendChild(Object.assign(document.createElement('script'), {src: at + '/new.js'}))),
            ends(() => document.head.appendChild(
                Object.assign(document.createElement('link'), {rel: 'stylesheet', href: at + '/new.css'}))),
            new Promise(resolve => {
                try {
                    const socket = new WebSocket(at.replace('http', 'ws') + '/socket');
                    socket.onopen = () => resolve('loaded');
                    socket.onerror = () => resolve('refused');
                } catch { resolve('refused') }
            }),
        ]).then(done)";
    let ended = window.client().execute_async(tries, vec![json!(elsewhere)]).await.unwrap();
    assert_eq!(ended, json!(["refused", "refused", "refused", "refused", "refused"]));

    let inline = "const script = document.createElement('script');
        script.textContent = \"window.ran = 'inline'\";
        document.head.append(script);
        try { document.body.setAttribute('onclick', \"window.ran = 'attribute'\"); document.body.click() } catch {}
        return window.ran ?? null";
    assert_eq!(window.run(inline, vec![]).await.unwrap(), json!(null), "something ran");
    assert_eq!(scene.fasttrack.other_host().requests(), [] as [&str; 0], "something was loaded");
    assert_eq!(scene.desktop.opened_links(), [] as [&str; 0], "nothing went to the browser");
    window.await_pill("Online").await;
    window.end().await;
}

/// Runs `script` in the window, after the functions of [`LOOK`], until it calls `done`.
async fn look(window: &Window, script: &str, arguments: Vec<Value>) -> Value {
    let script = format!(
        "{LOOK}\nconst done = arguments[arguments.length - 1], given = arguments;\n(async () => {{ {script} }})().then(done, error => done({{failed: String(error)}}))"
    );
    window.client().execute_async(&script, arguments).await.unwrap()
}

/// Opens the message, provokes it, and answers what can be seen outside it.
async fn provoked(window: &Window, id: u64, name: &str) -> Value {
    let script = "if (!(await open(given[0]))) return {failed: 'it was never shown whole'};
        provoke(); await settled(); return outside()";
    let seen = look(window, script, vec![json!(id.to_string())]).await;
    assert!(seen["failed"].is_null(), "{name}: {seen}; {}", window.summary().await);
    seen
}

/// A message that holds `attack` in every field that takes text. Silent: what a notification shows is not this matter.
fn attacking(attack: &str, seconds_ago: i64) -> Message {
    Message::new("message", attack)
        .silent()
        .sent_ago(seconds_ago)
        .html(attack)
        .with("PreviewText", attack)
        .with("FooterText", attack)
        .button(attack, attack)
        .with("CTAButton2Text", attack)
        .with("CTAButton2Link", attack)
        .with("ImageUrl", attack)
}

#[tokio::test]
async fn no_known_attack_runs_loads_or_changes_anything_outside_its_container() {
    let mut scene = Scene::set().await;
    let away = scene.fasttrack.other_host().url();
    let constant = attacks::ATTACKS.iter().map(|&(name, attack)| (name, attack.to_owned()));
    let mut opened = Vec::new();
    for ((name, attack), seconds_ago) in constant.chain(attacks::large()).zip(10..) {
        let attack = attacks::aimed(&attack, &away);
        opened.push((name, scene.fasttrack.add(&attacking(&attack, seconds_ago))));
    }
    assert!(opened.len() >= 60, "{} attacks", opened.len());
    let harmless = scene.fasttrack.add(&attacking("harmless", 1));
    let window = scene.signed_in_window().await;
    // Megabytes of hostile HTML take an unoptimised build a while.
    wait::within(Duration::from_mins(2), "every attack in the list", || async {
        let listed = app::status(&scene.desktop).await?["total"].as_u64();
        let all = u64::try_from(opened.len() + 1).ok();
        if listed == all { Ok(()) } else { Err(format!("{listed:?} of {all:?}")) }
    })
    .await;

    let usual = provoked(&window, harmless, "harmless").await;
    assert_eq!((&usual["ran"], &usual["back"], &usual["bridge"]), (&json!(null), &json!(true), &json!("function")));
    for (name, id) in &opened {
        let seen = provoked(&window, *id, name).await;
        for (what, wanted) in usual.as_object().unwrap().iter().filter(|(what, _)| *what != "elements") {
            assert_eq!(&seen[what], wanted, "{what} is not as with a harmless message, with the attack {name:?}");
        }
        let elements: Vec<&str> = seen["elements"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(elements.iter().all(|element| ELEMENTS.contains(element)), "{name}: {elements:?}");
        assert_eq!(scene.fasttrack.other_host().requests(), [] as [&str; 0], "{name} loaded something");
    }
    let after = provoked(&window, harmless, "harmless again").await;
    assert_eq!(after, usual, "nothing stays behind");
    assert_eq!(window.client().windows().await.unwrap().len(), 1, "no window was opened");
    screen::await_window(&scene.desktop).await;
    assert_eq!(scene.desktop.opened_links(), [] as [&str; 0], "nothing went to the browser");
    assert_eq!(scene.fasttrack.other_host().requests(), [] as [&str; 0], "something was loaded");
    window.await_pill("Online").await;
    window.end().await;
}

#[tokio::test]
async fn a_button_leads_only_where_the_wire_document_lets_it() {
    let mut scene = Scene::set().await;
    let mut messages = Vec::new();
    for (pair, seconds_ago) in attacks::LINKS.chunks(2).zip(1..) {
        let mut message = Message::new("message", "Links").silent().sent_ago(seconds_ago);
        for ((link, _), number) in pair.iter().zip(["", "2"]) {
            message =
                message.with(&format!("CTAButton{number}Text"), "Go").with(&format!("CTAButton{number}Link"), *link);
        }
        messages.push((pair, scene.fasttrack.add(&message)));
    }
    let window = scene.signed_in_window().await;
    let mut opened: Vec<String> = Vec::new();
    for (pair, id) in messages {
        for (index, (link, leads)) in pair.iter().enumerate() {
            let script = "if (!(await open(given[0]))) return {failed: 'it was never shown whole'};
                const {invoke} = window.__TAURI__.core, [id, index] = given;
                const {allowed, confirm} = (await invoke('detail', {id})).buttons[index];
                // The core is asked directly too, as by a page that something else has taken over.
                const answer = (confirmed) => invoke('open_link', {id, index, confirmed}).then(() => 'opened', told => told.code);
                const asked = allowed && !confirm ? null : await answer(false);
                const forced = allowed ? null : await answer(true);
                // Found only now: while the core was asked, the page may have drawn the message anew.
                const button = tested(`cta-${index}`);
                const shown = button.getAttribute('aria-disabled') !== 'true';
                button.click();
                const dialog = confirm ? await found(() => tested('dialog-cancel')) : null;
                dialog?.click();
                if (dialog) await found(() => !tested('dialog'));
                return {shown, allowed, confirm, asked, forced, dialog: dialog !== null}";
            let seen = look(&window, script, vec![json!(id.to_string()), json!(index)]).await;
            let (allowed, confirm) = (*leads != Leads::Nowhere, *leads == Leads::AfterAQuestion);
            let asked = match leads {
                Leads::Away => json!(null),
                Leads::AfterAQuestion => json!("confirm_link"),
                Leads::Nowhere => json!("bad_link"),
            };
            let forced = if allowed { json!(null) } else { json!("bad_link") };
            let wanted = json!({"shown": allowed, "allowed": allowed, "confirm": confirm, "asked": asked, "forced": forced, "dialog": confirm});
            assert_eq!(seen, wanted, "{link:?}");
            if *leads == Leads::Away {
                opened.push(url::Url::parse(link).unwrap().to_string());
                wait::until(&format!("{link:?} in the browser"), || async {
                    let seen = scene.desktop.opened_links();
                    if seen == opened { Ok(()) } else { Err(format!("{seen:?}; {}", window.summary().await)) }
                })
                .await;
            }
        }
    }
    assert_eq!(scene.desktop.opened_links(), opened, "and nothing else was opened");
    window.end().await;
}
