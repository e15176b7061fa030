//! A data folder that cannot be written, and two starts on one data folder.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use traybell_tests::desktop::{Desktop, Parts};
use traybell_tests::fasttrack_fake::{BRAND, SID};
use traybell_tests::message::Message;
use traybell_tests::notifications::Notifications;
use traybell_tests::scene::Scene;
use traybell_tests::tray::{TrayItem, registered};
use traybell_tests::{app, memory, programs, screen, wait};

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// `program` with a file system of its own mounted on `folder`: modes do not bind root. Everybody else may mount in a
/// namespace where they are root.
fn with_mount(desktop: &Desktop, folder: &Path, options: &str, arguments: &[&str]) -> Command {
    std::fs::create_dir_all(folder).unwrap();
    let mut command = desktop.command("unshare");
    command
        .arg(if is_root() { "-m" } else { "-rm" })
        .args(["sh", "-c", "mount -t tmpfs -o \"$0\" tmpfs \"$1\" && shift && exec \"$@\"", options])
        .arg(folder)
        .arg(programs::traybell())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A command among the mounts of the process `inside`.
fn among_mounts_of(desktop: &Desktop, inside: u32) -> Command {
    let mut command = desktop.command("nsenter");
    command.args(["-t", &inside.to_string(), "-m"]);
    if !is_root() {
        command.args(["-U", "--preserve-credentials"]);
    }
    command
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_named_and_the_app_ends() {
    let desktop = Desktop::with(Parts { tray: false, ..Parts::default() }).await;
    let notifications = Notifications::watch(&desktop).await;
    let folder = desktop.folders.data.clone();
    let place = folder.display().to_string();
    for arguments in [vec!["--hidden"], vec![], vec!["status", "--json"], vec!["list"]] {
        let answer =
            app::finish(with_mount(&desktop, &folder, "ro,size=64k", &arguments), "", &format!("{arguments:?}")).await;
        assert_eq!(answer.code, Some(1), "{arguments:?}: {answer:?}");
        assert!(answer.err.contains(&place), "{arguments:?} names the folder: {answer:?}");
        assert!(!answer.err.contains("panicked"), "{arguments:?}: {answer:?}");
    }
    // Nobody reads stderr of what is started from a menu.
    let told = notifications.await_one("a notification of why it does not start", |call| call.body.contains(&place));
    assert!(told.await.title.contains("could not start"));
}

#[tokio::test]
async fn a_full_disk_is_said_and_the_session_goes_on_when_there_is_room() {
    let mut scene = Scene::set().await;
    scene.fasttrack.add(&Message::new("inbox", "Small one").read());
    let folder = scene.desktop.folders.data.clone();
    let _app = scene.desktop.run("traybell", {
        let mut command = with_mount(&scene.desktop, &folder, "size=1m", &["--hidden"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    });
    // The folder is seen from within the app's own mounts: its commands go there too.
    let inside = wait::until("the app within its mounts", || async {
        let found = memory::of_app(&scene.desktop);
        found.first().map(|process| process.id).ok_or_else(|| "no app".to_owned())
    })
    .await;
    let run = |arguments: Vec<String>| {
        let mut command = among_mounts_of(&scene.desktop, inside);
        command.arg(programs::traybell()).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    wait::until("an answer of the running app", || async {
        let answer = app::finish(run(text(&["status", "--json"])), "", "status").await;
        if answer.code == Some(0) { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    let sign_in = text(&["sign-in", "--environment", &scene.fasttrack.url(), "--brand", BRAND]);
    app::finish(run(sign_in), &format!("{SID}\n"), "sign-in").await.succeeded();
    scene.sockudo.await_subscriber(&scene.fasttrack.channel()).await;

    let shell = |script: String| {
        let mut command = among_mounts_of(&scene.desktop, inside);
        command.args(["sh", "-c", &script]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let filler = folder.join("filler").display().to_string();
    // `dd` fails when nothing is left, which is what it is for.
    app::finish(shell(format!("dd if=/dev/zero of='{filler}' bs=1k")), "", "dd").await;
    let large = "<p>words and words</p>".repeat(5_000);
    for number in 1..=20 {
        scene.fasttrack.add(&Message::new("inbox", &format!("No room {number}")).html(&large).read());
    }
    let status = wait::until("a word about the full disk", || async {
        // Each new subscription asks for the list.
        let answer = app::finish(run(text(&["status"])), "", "status").await;
        let said = format!("{} {}", answer.out, answer.err).to_lowercase();
        if said.contains("full") || said.contains("room") || said.contains("space") { Ok(said) } else { Err(said) }
    });
    let refresh = scene.sockudo.restart();
    let ((), said) = tokio::join!(refresh, status);
    println!("{said}");
    let listed = app::finish(run(text(&["list", "--json"])), "", "list").await;
    assert!(listed.out.contains("Small one"), "what was there stays: {listed:?}");

    app::finish(
        shell(format!("rm '{filler}'; mount -t tmpfs -o remount,size=64m tmpfs '{}'", folder.display())),
        "",
        "rm",
    )
    .await
    .succeeded();
    scene.sockudo.restart().await;
    wait::until("the messages that had no room", || async {
        let listed = app::finish(run(text(&["list", "--json"])), "", "list").await;
        if listed.out.contains("No room 20") { Ok(()) } else { Err(format!("{listed:?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_second_start_shows_the_window_of_the_first_and_ends() {
    let mut scene = Scene::set().await;
    let mut first = scene.signed_in_app().await;
    TrayItem::find(&scene.desktop).await;
    for _ in 0..2 {
        let answer = app::run(&scene.desktop, &[]).await;
        assert_eq!(answer.code, Some(0), "{answer:?}");
    }
    let window = screen::await_window(&scene.desktop).await;
    let owner = scene.desktop.output("xdotool", &["getwindowpid", &window]).await.unwrap();
    assert_eq!(owner.trim(), first.id().to_string(), "it is the first one's");
    assert_eq!(registered(&scene.desktop).await.unwrap().len(), 1, "one tray item");
    assert!(first.ended().is_none(), "the first runs on");
    let running = memory::of_app(&scene.desktop).iter().filter(|process| process.name == "traybell").count();
    assert_eq!(running, 1, "one app");

    // One that is quitting is waited for, and the folder is taken over.
    scene.sockudo.freeze();
    // It alone: WebKit's processes are its own to end.
    scene.desktop.output("kill", &["-s", "TERM", &first.id().to_string()]).await.unwrap();
    let mut over = app::hidden(&scene.desktop);
    wait::until("the end of the first", || {
        let ended = first.ended();
        async move { ended.ok_or_else(|| "it runs".to_owned()) }
    })
    .await;
    scene.sockudo.restart().await;
    app::await_status(&scene.desktop, "answered by the second", |status| status["version"] == 1).await;
    assert!(over.ended().is_none(), "the second start runs");
    TrayItem::find(&scene.desktop).await;
    let mut first = over;

    // After a crash the lock is free again.
    first.kill();
    let mut again = app::hidden(&scene.desktop);
    app::await_status(&scene.desktop, "answered", |status| status["version"] == 1).await;
    assert!(again.ended().is_none(), "a crash leaves no lock behind");
}

#[tokio::test]
async fn an_app_whose_folder_was_removed_says_so_and_ends_and_leaves_the_next_one_alone() {
    let scene = Scene::set().await;
    let mut first = scene.signed_in_app().await;
    let folder = scene.desktop.folders.data.clone();
    // SQLite may put a file there meanwhile.
    wait::until("the folder's end", || async {
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
        if folder.exists() { Err("it is there again".to_owned()) } else { Ok(()) }
    })
    .await;
    let _second = app::hidden(&scene.desktop);
    wait::until("the end of the first", || {
        let ended = first.ended();
        async move { ended.ok_or_else(|| "it goes on".to_owned()) }
    })
    .await;
    let told = scene.notifications().await_one("why it ended", |call| call.title == "Traybell ended");
    assert!(told.await.body.contains("data folder was removed"));
    let status = app::status(&scene.desktop).await.unwrap();
    assert_eq!(status["state"], "signed_out", "{status}");
    assert!(folder.join("traybell.sock").exists(), "the second one's socket");
}
