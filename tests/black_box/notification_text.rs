//! Text that looks like markup arrives in the notification as the text it is.

use traybell_tests::desktop::{NotificationDaemon, Parts};
use traybell_tests::message::Message;
use traybell_tests::notifications::shown_text;
use traybell_tests::scene::Scene;
use traybell_tests::{dunst, rendered, screen, wait};

/// Plain texts, as a campaign may have them. The title names each.
const TEXTS: [(&str, &str); 7] = [
    ("tag", "<b>not bold</b> <img src='https://example.invalid/x.png'> <a href=\"x\">no link</a>"),
    ("entity", "&lt;a href=\"https://example.invalid\"&gt;no link&lt;/a&gt; &amp;amp;"),
    ("percent", "100 %s %d %n %% ${x} $(x) `x` \\n"),
    ("half", "1 < 2 & 3 > 2 </b> <unclosed"),
    ("right to left", "שלום עולם مرحبا بالعالم"),
    ("emoji", "Party 🎉👩‍👩‍👧‍👦🏳️‍🌈 now"),
    ("quotes", "\"double\" 'single' \u{201c}typographic\u{201d}"),
];

#[tokio::test]
async fn text_that_looks_like_markup_is_rendered_as_text_by_xfce4_notifyd() {
    let mut scene = Scene::with(Parts { accessibility: true, ..Parts::default() }).await;
    let _app = scene.signed_in_app().await;
    for (name, text) in TEXTS {
        let shown = send_and_see(&mut scene, name, text).await;
        wait::until(&format!("{shown:?} on the screen"), || async {
            let texts = rendered::texts(&scene.desktop, "notifyd").await?;
            let titled = texts.iter().any(|text| text == &title(name));
            if titled && texts.iter().any(|text| text == &shown) { Ok(()) } else { Err(format!("{texts:?}")) }
        })
        .await;
    }
    a_long_text_is_cut_and_still_shown(&mut scene).await;
}

#[tokio::test]
async fn text_that_looks_like_markup_is_shown_as_text_by_dunst() {
    let parts = Parts { notifications: NotificationDaemon::Dunst, ..Parts::default() };
    let mut scene = Scene::with(parts).await;
    let _app = scene.signed_in_app().await;
    for (name, text) in TEXTS {
        let shown = send_and_see(&mut scene, name, text).await;
        wait::until("a bubble of dunst", || async {
            if dunst::displayed(&scene.desktop).await? > 0 { Ok(()) } else { Err("none displayed".to_owned()) }
        })
        .await;
        scene.desktop.output("dunstctl", &["close-all"]).await.unwrap();
        wait::until(&format!("{shown:?} in dunst's history"), || async {
            let history = dunst::history(&scene.desktop).await?;
            match history.iter().find(|entry| entry.summary == title(name)) {
                // dunst lays the body out with Pango's markup: what that shows is the text.
                Some(entry) if shown_text(&entry.message).contains(&shown) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
    a_long_text_is_cut_and_still_shown(&mut scene).await;
}

#[tokio::test]
async fn the_action_of_dunst_opens_the_message_in_a_new_window() {
    let parts = Parts { notifications: NotificationDaemon::Dunst, ..Parts::default() };
    let mut scene = Scene::with(parts).await;
    let _app = scene.signed_in_app().await;
    let id = scene.send(&Message::new("message", "Open me")).await;
    scene.notifications().await_titled("Open me").await;
    wait::until("one bubble of dunst", || async {
        let count = dunst::displayed(&scene.desktop).await?;
        if count == 1 { Ok(()) } else { Err(count.to_string()) }
    })
    .await;
    scene.desktop.output("dunstctl", &["action", "0"]).await.unwrap();
    screen::await_window(&scene.desktop).await;
    // The page that was made opens the message, and with that marks it as read.
    scene.fasttrack.await_read_marks(&[id]).await;
}

#[tokio::test]
async fn a_body_of_html_without_a_preview_arrives_as_its_words() {
    let mut scene = Scene::set().await;
    let _app = scene.signed_in_app().await;
    let html = "<style>p{}</style><p>Hello &amp; <b>welcome</b></p><script>alert(1)</script>&lt;i&gt;done&lt;/i&gt;";
    scene.send(&Message::new("message", "From HTML").html(html)).await;
    let told = scene.notifications().await_titled("From HTML").await;
    let shown = shown_text(&told.body);
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words, ["Hello", "&", "welcome", "<i>done</i>"], "{told:?}");
    assert!(!told.body.contains("<i>"), "decoded text is escaped again: {told:?}");
}

fn title(name: &str) -> String {
    format!("About {name} <b>&lt;")
}

/// Sends it as preview; answers the text that must be shown.
async fn send_and_see(scene: &mut Scene, name: &str, text: &str) -> String {
    scene.send(&Message::new("message", &title(name)).preview(text)).await;
    let told = scene.notifications().await_titled(&title(name)).await;
    assert_eq!(told.title, title(name), "titles are never markup");
    assert_eq!(shown_text(&told.body), text, "what the daemon was called with: {told:?}");
    scene.notifications().close_all_but(told.id.unwrap()).await;
    text.to_owned()
}

async fn a_long_text_is_cut_and_still_shown(scene: &mut Scene) {
    let long = "<long> & ".repeat(1112);
    assert!(long.len() > 10_000);
    scene.send(&Message::new("message", "Ten thousand").preview(&long)).await;
    let told = scene.notifications().await_titled("Ten thousand").await;
    let shown = shown_text(&told.body);
    assert!(shown.starts_with("<long> & <long>"), "{told:?}");
    assert!((100..2000).contains(&shown.chars().count()), "{} characters", shown.chars().count());
    assert!(!told.body.contains("<long>"), "it is cut before it is escaped, so that no entity is halved: {told:?}");
}
