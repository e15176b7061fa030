//! The command line while the app does not run: each command brings its own controller, and none works on what was known
//! before it.

use traybell_tests::fasttrack_fake::{BRAND, SID};
use traybell_tests::message::Message;
use traybell_tests::scene::Scene;
use traybell_tests::{app, wait};

/// Signed in, in step with the server, and no app.
async fn signed_in() -> Scene {
    let scene = Scene::set().await;
    app::sign_in(&scene.desktop, &scene.fasttrack.url(), BRAND, SID).await.succeeded();
    let status = app::status(&scene.desktop).await.unwrap();
    assert_eq!((&status["state"], &status["total"]), (&"online".into(), &0.into()), "{status}");
    scene
}

#[tokio::test]
async fn each_command_knows_what_came_since_the_one_before() {
    let mut scene = signed_in().await;
    let silent = |title| Message::new("message", title).silent();
    for round in 1..=3_i64 {
        scene.fasttrack.add(&silent("For the status"));
        let status = app::status(&scene.desktop).await.unwrap();
        assert_eq!(status["unread"], round, "{status}");
    }
    scene.fasttrack.add(&silent("For the list"));
    assert_eq!(app::list(&scene.desktop).await.unwrap().len(), 4);
    let id = scene.fasttrack.add(&silent("For the mark"));
    app::run(&scene.desktop, &["read", &id.to_string()]).await.succeeded();
    scene.fasttrack.await_read_marks(&[id]).await;
}

#[tokio::test]
async fn a_sign_out_first_sends_the_marks_that_wait() {
    let mut scene = signed_in().await;
    let id = scene.fasttrack.add(&Message::new("message", "Marked while the server was away").silent());
    app::status(&scene.desktop).await.unwrap();
    scene.fasttrack.stop();
    let read = app::run(&scene.desktop, &["read", &id.to_string()]).await;
    assert_eq!(read.code, Some(1), "{read:?}");
    let refused = app::run(&scene.desktop, &["sign-out"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("--discard") && refused.err.contains("1 read mark has"), "{refused:?}");
    scene.fasttrack.restart().await;
    app::run(&scene.desktop, &["sign-out"]).await.succeeded();
    scene.fasttrack.await_read_marks(&[id]).await;
}

#[tokio::test]
async fn an_unknown_id_stops_none_of_the_others() {
    let mut scene = signed_in().await;
    let ids = ["One", "Two", "Three"].map(|title| scene.fasttrack.add(&Message::new("inbox", title).silent()));
    let [one, two, three] = ids.map(|id| id.to_string());
    let read = app::run(&scene.desktop, &["read", &one, "nope", &two, "nor-this", &three]).await;
    assert_eq!(read.code, Some(1), "{read:?}");
    assert!(read.err.contains("nope: ") && read.err.contains("nor-this: "), "each is named: {read:?}");
    assert!(read.out.contains("3 messages marked"), "{read:?}");
    scene.fasttrack.await_read_marks(&ids).await;
}

#[tokio::test]
async fn any_number_of_commands_at_once_are_answered() {
    let mut scene = signed_in().await;
    scene.fasttrack.add(&Message::new("message", "For all").silent());
    let answers = futures_util::future::join_all((0..40).map(|_| app::status(&scene.desktop))).await;
    for answer in answers {
        let status = answer.unwrap();
        assert_eq!((&status["state"], &status["unread"]), (&"online".into(), &1.into()), "{status}");
    }
}

#[tokio::test]
async fn those_who_watch_keep_nobody_from_being_answered() {
    let scene = signed_in().await;
    let program = app::hidden(&scene.desktop);
    app::await_status(&scene.desktop, "answered", |status| status["state"] == "online").await;
    let watching: Vec<_> = (0..24)
        .map(|number| {
            let mut command = scene.desktop.command(traybell_tests::programs::traybell());
            command.args(["status", "--json", "--watch"]);
            scene.desktop.run(&format!("watching-{number}"), command)
        })
        .collect();
    for one in &watching {
        wait::until("a first line of each", || async {
            let output = one.output();
            if output.contains("\"online\"") { Ok(()) } else { Err(output) }
        })
        .await;
    }
    let status = app::status(&scene.desktop).await.unwrap();
    assert_eq!(status["state"], "online", "{status}");
    drop(program);
}
