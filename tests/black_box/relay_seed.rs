//! The example that Traybell Relay was asked for, whole: a subscription for new employees in region 3 and below is
//! brought to TrackTik, and an employee created there is a notification on a desk, through a Pusher server of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use traybell_tests::app;
use traybell_tests::desktop::Desktop;
use traybell_tests::notifications::Notifications;
use traybell_tests::sockudo::{self, Sockudo};
use traybell_tests::tracktik_fake::{self, TracktikFake};
use traybell_tests::{process, programs, wait};

/// Region 3 is above 31, which is above 311; 4 is elsewhere.
const HERE: u64 = 311;
const ELSEWHERE: u64 = 4;

struct Relay<'a> {
    desktop: &'a Desktop,
    folder: PathBuf,
}

impl Relay<'_> {
    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.desktop.command(programs::relay());
        command.args(arguments).arg("--config").arg(self.folder.join("relay.toml"));
        command
    }

    async fn says(&self, arguments: &[&str]) -> String {
        let mut command = self.command(arguments);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        app::finish(command, "", "traybell-relay").await.succeeded().out.clone()
    }
}

/// A file for its owner alone.
fn secret(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn after(label: &str, text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(label)).map(|rest| rest.trim().to_owned());
    line.unwrap_or_else(|| panic!("{label:?} is in {text:?}"))
}

#[tokio::test]
async fn an_employee_created_below_region_3_is_a_notification_on_a_desk() {
    let desktop = Desktop::start().await;
    let notifications = Notifications::watch(&desktop).await;
    let channels = Sockudo::start(&desktop).await;
    let tracktik = TracktikFake::start().await;
    tracktik.put_region_below(31, 3);
    tracktik.put_region_below(HERE, 31);

    let folder = tempfile::tempdir().unwrap();
    secret(folder.path(), "client.secret", tracktik_fake::CLIENT_SECRET);
    secret(folder.path(), "password.secret", tracktik_fake::PASSWORD);
    secret(folder.path(), "channels.secret", &channels.app.secret);
    let (port, channels_port, key) = (process::free_port(), channels.port, &channels.app.key);
    let (domain, client_id, username) = (&tracktik.url, tracktik_fake::CLIENT_ID, tracktik_fake::USERNAME);
    let app_id = sockudo::APP_ID;
    let text = format!(
        r#"
        listen = "127.0.0.1:{port}"

        [channels]
        url = "http://127.0.0.1:{channels_port}"
        app_id = "{app_id}"
        key = "{key}"
        secret_file = "channels.secret"

        [tracktik]
        domain = "{domain}"
        client_id = "{client_id}"
        client_secret_file = "client.secret"
        username = "{username}"
        password_file = "password.secret"

        [[subscriptions]]
        custom_id = "new-employees"
        events = ["entity:employees:created"]
        regions = {{ within = [3], children = true }}
        [subscriptions.message]
        title = "New employee: {{{{ entity.firstName }}}} {{{{ entity.lastName }}}}"
        [subscriptions.recipients]
        groups = ["dispatch"]
        "#
    );
    std::fs::write(folder.path().join("relay.toml"), text).unwrap();
    let relay = Relay { desktop: &desktop, folder: folder.path().to_owned() };

    let added = relay.says(&["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
    let planned = relay.says(&["tracktik", "plan"]).await;
    assert!(planned.contains("create") && planned.contains("new-employees"), "{planned}");
    relay.says(&["tracktik", "apply", "--yes"]).await;
    assert_eq!(tracktik.ids().len(), 1);
    let _serving = desktop.run("relay", relay.command(&["serve"]));
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

    let employs = async |region: u64, first: &str, last: &str| {
        let employee = json!({"firstName": first, "lastName": last, "region": {"id": region, "name": "A region"}});
        tracktik.create_entity("employees", region, employee).await.1
    };
    let called = employs(HERE, "Ada", "Lovelace").await;
    assert_eq!(called[0].tries, [Some(200)]);
    notifications.await_titled("New employee: Ada Lovelace").await;

    // Elsewhere: nothing is called out. What is called out next comes alone.
    assert!(employs(ELSEWHERE, "Grace", "Hopper").await.is_empty());
    let logged = relay.says(&["subscriptions", "logs", "new-employees", "--json"]).await;
    let logged: serde_json::Value = serde_json::from_str(&logged).unwrap();
    assert_eq!(logged.as_array().map(Vec::len), Some(1), "{logged}");

    relay.says(&["subscriptions", "suspend", "new-employees", "--reason", "a test of it"]).await;
    assert!(employs(HERE, "Edsger", "Dijkstra").await.is_empty());
    relay.says(&["subscriptions", "enable", "new-employees"]).await;
    assert_eq!(employs(HERE, "Barbara", "Liskov").await[0].tries, [Some(200)]);
    notifications.await_titled("New employee: Barbara Liskov").await;
    relay.says(&["subscriptions", "archive", "new-employees", "--yes"]).await;
    assert!(employs(HERE, "Alan", "Turing").await.is_empty());

    let titles = ["New employee: Barbara Liskov", "New employee: Ada Lovelace"];
    let rows = app::await_listed(&desktop, &titles).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    let raised = notifications.all();
    assert!(raised.iter().all(|one| titles.contains(&one.title.as_str())), "{raised:?}");
}
