//! With the log at its most talkative, the app and the command line go through a whole story with every kind of failure;
//! then everything they wrote is searched for what they were trusted with.

use std::collections::BTreeSet;

use traybell_tests::app::{self, Answer};
use traybell_tests::desktop::Parts;
use traybell_tests::fasttrack_fake::{BRAND, Call, Endpoint, Fault, SID};
use traybell_tests::message::Message;
use traybell_tests::process::{self, Program};
use traybell_tests::scene::Scene;
use traybell_tests::{programs, screen, secrets, wait};

/// Stands in every session id and token that the fake takes or gives.
const IN_EVERY_SECRET: &str = "do-not-leak";
/// The sid that replaces the one that expires.
const SECOND_SID: &str = "sid-second-0b1d7c33-do-not-leak-9026";
/// Never accepted, and still a secret: it may be another brand's.
const WRONG_SID: &str = "sid-mistyped-55e1-do-not-leak-0003";

#[tokio::test]
async fn at_trace_level_nothing_secret_is_written_anywhere() {
    let environment = vec![("RUST_LOG".to_owned(), "trace".to_owned())];
    let mut scene = Scene::with(Parts { environment, ..Parts::default() }).await;
    let mut told = Vec::new();
    let mut program = on_a_terminal(&scene);
    app::await_status(&scene.desktop, "answered by the running app", |status| status["version"] == 1).await;

    sign_in_against_every_failure(&scene, &mut told).await;
    nothing_leaked(&scene, &told);
    read_messages_against_every_failure(&mut scene, &mut told).await;
    tokens_run_out_and_the_sid_is_replaced(&mut scene, &mut told).await;
    // A second start asks the first for its window, and with it come WebKit's processes and files.
    told.push(app::run(&scene.desktop, &[]).await);
    screen::await_window(&scene.desktop).await;
    told.push(app::run(&scene.desktop, &["list", "--json"]).await);
    told.push(app::run(&scene.desktop, &["doctor", "--json"]).await);
    told.push(app::run(&scene.desktop, &["status", "--json"]).await);
    nothing_leaked(&scene, &told);

    // Without the app a command has a controller of its own, and logs for itself.
    program.kill();
    end_the_app(&scene).await;
    scene.fasttrack.expire_tokens();
    told.push(app::run(&scene.desktop, &["list"]).await.succeeded().clone());
    told.push(app::run(&scene.desktop, &["read", "--all"]).await.succeeded().clone());
    told.push(app::run(&scene.desktop, &["sign-out", "--discard"]).await.succeeded().clone());
    told.push(app::sign_in(&scene.desktop, &scene.fasttrack.url(), BRAND, WRONG_SID).await);
    nothing_leaked(&scene, &told);

    // What was searched is what there is to say: the log is at its most talkative, and each failure stands in it.
    let log = app::log(&scene.desktop);
    let commands: String = told.iter().map(|answer| answer.err.as_str()).collect();
    for (what, text) in [("the app's log", &log), ("the commands' log", &commands)] {
        assert!(text.contains("DEBUG") || text.contains("TRACE"), "{what} was not at trace: {text}");
    }
    assert!(log.contains("a read mark did not reach the server"), "failures were logged: {log}");
    // The config may be somewhere else: nothing secret is needed to ask for it.
    let elsewhere = scene.fasttrack.other_host().requests();
    assert!(elsewhere.iter().all(|call| call.contains("/config/") && !call.contains("authtoken")), "{elsewhere:?}");
}

/// The app, its log going to a terminal as well: it writes none to a pipe.
fn on_a_terminal(scene: &Scene) -> Program {
    let mut command = scene.desktop.command("script");
    let program = format!("{} --hidden", programs::traybell().display());
    command.args(["--quiet", "--flush", "--return", "--command", &program]);
    command.arg(scene.desktop.folders.logs.join("terminal.log"));
    scene.desktop.run("traybell", command)
}

/// The terminal's program leaves the app to end by itself, and until it has, commands go through it.
async fn end_the_app(scene: &Scene) {
    let is_app = |id: &u32| {
        std::fs::read_link(format!("/proc/{id}/exe"))
            .is_ok_and(|program| program.file_name() == programs::traybell().file_name())
    };
    wait::until("the end of the app", || async {
        let left: Vec<u32> = process::marked(&scene.desktop.marker()).into_iter().filter(is_app).collect();
        process::kill_all(&left);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

fn failures(scene: &Scene) -> Vec<Fault> {
    vec![Fault::Busy(503, 1), Fault::NotJson, Fault::Cut, Fault::RedirectTo(scene.fasttrack.other_host().url())]
}

async fn sign_in_against_every_failure(scene: &Scene, told: &mut Vec<Answer>) {
    let url = scene.fasttrack.url();
    for endpoint in [Endpoint::Config, Endpoint::Login] {
        for fault in failures(scene) {
            scene.fasttrack.break_with(endpoint, fault.clone());
            let answer = app::sign_in(&scene.desktop, &url, BRAND, SID).await;
            assert_eq!(answer.code, Some(1), "{endpoint:?} {fault:?}: {answer:?}");
            told.push(answer);
            scene.fasttrack.mend(endpoint);
        }
    }
    told.push(app::sign_in(&scene.desktop, &url, BRAND, WRONG_SID).await);

    // While a sign-in is under way its sid is in no process list.
    scene.fasttrack.break_with(Endpoint::Login, Fault::Held);
    let before = scene.fasttrack.calls(Endpoint::Login).len();
    let looking = async {
        scene.fasttrack.await_calls(Endpoint::Login, before).await;
        nothing_leaked(scene, told);
        scene.fasttrack.mend(Endpoint::Login);
    };
    let (answer, ()) = tokio::join!(app::sign_in(&scene.desktop, &url, BRAND, SID), looking);
    answer.succeeded();
    told.push(answer);
    scene.await_live().await;
}

async fn read_messages_against_every_failure(scene: &mut Scene, told: &mut Vec<Answer>) {
    for fault in failures(scene) {
        let title = format!("Before {fault:?}");
        let id = scene.send(&Message::new("message", &title)).await;
        scene.notifications().await_titled(&title).await;
        for endpoint in [Endpoint::List, Endpoint::One, Endpoint::MarkRead, Endpoint::Authorization] {
            scene.fasttrack.break_with(endpoint, fault.clone());
        }
        let cut = Message::new("message", &format!("Cut at {fault:?}"));
        let fetched = scene.fasttrack.calls(Endpoint::One).len();
        scene.fasttrack.send_cut(&scene.sockudo, &cut).await;
        scene.fasttrack.await_calls(Endpoint::One, fetched).await;
        let answer = app::run(&scene.desktop, &["read", &id.to_string()]).await;
        assert_eq!(answer.code, Some(1), "{fault:?}: {answer:?}");
        told.push(answer);
        // A new connection asks for a new authorization, which fails as well.
        let asked = scene.fasttrack.calls(Endpoint::Authorization).len();
        scene.sockudo.restart().await;
        scene.fasttrack.await_calls(Endpoint::Authorization, asked).await;
        told.push(app::run(&scene.desktop, &["status", "--json"]).await);
        for endpoint in [Endpoint::List, Endpoint::One, Endpoint::MarkRead, Endpoint::Authorization] {
            scene.fasttrack.mend(endpoint);
        }
        // A connection that opens anew is not held by what the last refusal asked for.
        scene.sockudo.restart().await;
        scene.await_live().await;
        app::await_status(&scene.desktop, "online with every mark sent", |status| status["outbox"] == 0).await;
    }
}

async fn tokens_run_out_and_the_sid_is_replaced(scene: &mut Scene, told: &mut Vec<Answer>) {
    let id = scene.send(&Message::new("shoutout", "To be read with a new token")).await;
    scene.notifications().await_titled("To be read with a new token").await;
    scene.fasttrack.expire_tokens();
    let answer = app::run(&scene.desktop, &["read", &id.to_string()]).await;
    told.push(answer.succeeded().clone());

    scene.fasttrack.reject_sids();
    scene.sockudo.restart().await;
    app::await_status(&scene.desktop, "rejected", |status| status["state"] == "rejected").await;
    told.push(app::run(&scene.desktop, &["doctor", "--json"]).await);
    told.push(app::run(&scene.desktop, &["list"]).await);
    scene.fasttrack.accept(SECOND_SID);
    let url = scene.fasttrack.url();
    told.push(app::sign_in(&scene.desktop, &url, BRAND, SECOND_SID).await.succeeded().clone());
    scene.await_live().await;
}

/// Searches every file of the session, every process of it, and what the commands said.
fn nothing_leaked(scene: &Scene, told: &[Answer]) {
    let secrets = secrets_so_far(scene);
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let mut leaks = secrets::leaks(&scene.desktop, &secrets);
    for (number, Answer { out, err, .. }) in told.iter().enumerate() {
        for (pipe, text) in [("output", out), ("errors", err)] {
            leaks.extend(secrets::found_in(text.as_bytes(), &secrets, &format!("the {pipe} of command {number}")));
            leaks.extend(values_of_auth_token(text.as_bytes()));
        }
    }
    let keyrings = scene.desktop.folders.home.join(".local/share/keyrings");
    for file in secrets::files_below(&scene.desktop.folders.root) {
        if !file.starts_with(&keyrings) {
            let found = values_of_auth_token(&std::fs::read(&file).unwrap_or_default());
            leaks.extend(found.into_iter().map(|value| format!("{value} in {}", file.display())));
        }
    }
    assert_eq!(leaks, [] as [&str; 0], "a secret lies about");
}

/// What all session ids and tokens have in common, and the signatures of the channel.
fn secrets_so_far(scene: &Scene) -> BTreeSet<String> {
    let mut secrets = BTreeSet::from([IN_EVERY_SECRET.to_owned()]);
    for Call { endpoint, headers, target, body, .. } in scene.fasttrack.all_calls() {
        if let Some(sent) = headers.get("authtoken") {
            assert!(sent.contains(IN_EVERY_SECRET), "{endpoint:?} was called with another secret: {sent}");
        }
        if endpoint == Endpoint::Authorization {
            let fields = format!("{}&{body}", target.split_once('?').map_or("", |(_, query)| query));
            let field = |wanted: &str| {
                url::form_urlencoded::parse(fields.as_bytes())
                    .find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
                    .unwrap_or_default()
            };
            let signed = format!("{}:{}", field("socket_id"), field("channel_name"));
            secrets.insert(scene.sockudo.app.signature(&signed));
            assert!(field("authToken").contains(IN_EVERY_SECRET), "{target}");
        }
    }
    secrets
}

/// The places where `authToken` stands with a value of any kind, in a query or as a header.
fn values_of_auth_token(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    ["authtoken=", "authtoken: ", "authtoken\":\"", "authorization: bearer "]
        .iter()
        .flat_map(|name| text.match_indices(name).map(|(at, name)| text[at + name.len()..].chars()))
        .filter(|value| value.clone().next().is_some_and(|first| first.is_ascii_alphanumeric()))
        .map(|value| format!("authToken with the value {:?}", value.take(12).collect::<String>()))
        .collect()
}

#[test]
fn a_value_of_auth_token_is_found_and_its_name_alone_is_none() {
    assert_eq!(values_of_auth_token(b"GET /x?authToken=abc&y").len(), 1);
    assert_eq!(values_of_auth_token(b"authtoken: 123").len(), 1);
    assert_eq!(values_of_auth_token(b"authToken=\xE2\x80\xA6, authtoken, authToken=&").len(), 0);
    let wide: Vec<u8> = SID.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(secrets::found_in(&wide, &[SID], "UTF-16").len(), 1, "text as WebKit keeps it is searched too");
}
