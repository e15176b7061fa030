//! From TrackTik's POST to a notification on a desk, through the relay as an operator sets it up, its secrets in the
//! session's real keyring.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use traybell_tests::app;
use traybell_tests::desktop::Desktop;
use traybell_tests::notifications::Notifications;
use traybell_tests::{process, programs, sockudo, wait};

const TITLE: &str = "New employee: Ada Lovelace";

#[tokio::test]
async fn a_signed_call_out_raises_a_notification_with_the_names_of_the_entity() {
    let desktop = Desktop::start().await;
    let notifications = Notifications::watch(&desktop).await;
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("relay.toml");
    let port = process::free_port();
    let text = format!(
        r#"
        listen = "127.0.0.1:{port}"
        secrets = "keyring"
        [[subscriptions]]
        custom_id = "new-employees"
        events = ["entity:employees:created"]
        regions = "all"
        [subscriptions.message]
        title = "New employee: {{{{ entity.firstName }}}} {{{{ entity.lastName }}}}"
        preview = "Starts in {{{{ entity.region.name }}}}"
        [subscriptions.recipients]
        groups = ["dispatch"]
        "#
    );
    std::fs::write(&configuration, text).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = desktop.command(programs::relay());
        command.args(arguments).arg("--config").arg(&configuration);
        command
    };
    let said = async |arguments: &[&str]| {
        let mut command = command(arguments);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        app::finish(command, "", "traybell-relay").await.succeeded().out.clone()
    };
    let after = |label: &str, text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(label)).map(|rest| rest.trim().to_owned());
        line.unwrap_or_else(|| panic!("{label:?} is in {text:?}"))
    };

    let added = said(&["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
    let subscription = said(&["callouts", "new-secret", "new-employees"]).await;
    assert!(!folder.path().join("relay-secrets.json").exists(), "they are in the keyring");
    let _relay = desktop.run("relay", command(&["serve"]));
    let environment = after("Environment", &added);
    let client = sockudo::plain_client();
    wait::until("the relay", || async {
        let config = client.get(format!("{environment}/api/v1/config/acme")).send().await;
        config.map(drop).map_err(|error| error.to_string())
    })
    .await;

    let _app = app::hidden(&desktop);
    app::await_status(&desktop, "answered by the running app", |status| status["state"].is_string()).await;
    app::sign_in(&desktop, &environment, "acme", &after("Session id", &added)).await.succeeded();
    app::await_status(&desktop, "online", |status| status["state"] == "online").await;

    let body = r#"{"id":7,"firstName":"Ada","lastName":"Lovelace","region":{"id":31,"name":"North"}}"#;
    let send = async |secret: &str| {
        let mut signature = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).unwrap();
        signature.update(body.as_bytes());
        let callout = client
            .post(after("URL", &subscription))
            .header("content-type", "application/json")
            .header(after("Secret header name", &subscription), hex::encode(signature.finalize().into_bytes()))
            .body(body);
        callout.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("not the secret").await, 401);
    assert_eq!(send(&after("Secret  ", &subscription)).await, 200);

    let raised = notifications.await_titled(TITLE).await;
    assert!(raised.body.contains("Starts in North"), "{raised:?}");
    let rows = app::await_listed(&desktop, &[TITLE]).await;
    assert_eq!(rows.len(), 1, "the forged one is nowhere: {rows:?}");
}

#[tokio::test]
async fn a_keyring_that_does_not_answer_holds_up_no_stop() {
    let mut desktop = Desktop::start().await;
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("relay.toml");
    std::fs::write(&configuration, "listen = \"127.0.0.1:0\"\nsecrets = \"keyring\"\n").unwrap();
    let mut serve = desktop.command(programs::relay());
    serve.args(["serve", "--config"]).arg(&configuration).env("RUST_LOG", "relay=debug");
    let mut relay = desktop.run("relay", serve);
    let looks = |relay: &process::Program| relay.output().matches("the secrets are looked at").count();
    wait::until("the relay", || async {
        let output = relay.output();
        if output.contains("Serving on") { Ok(()) } else { Err(output) }
    })
    .await;
    desktop.signal("gnome-keyring", "STOP");
    let before = looks(&relay);
    wait::until("a look at the keyring", || async {
        if looks(&relay) > before { Ok(()) } else { Err(relay.output()) }
    })
    .await;
    let ended = relay.terminate(Duration::from_secs(10));
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}: {}", relay.output());
}
