//! A message of hostile HTML in the real window: nothing runs, nothing remote is loaded, nothing leads away.

use serde_json::json;
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::wait;

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
