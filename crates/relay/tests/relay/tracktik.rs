//! The subscriptions of a TrackTik account, brought to what `relay.toml` says by the real program, at the stand-in that
//! knows the schema; and its call-outs, taken by the running relay.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    tracktik_fake::{self, Fault, Standing, TracktikFake},
    world::{LIMIT, http},
};

const SUBSCRIPTION: &str = r#"
[[subscriptions]]
custom_id = "new-employees"
events = ["entity:employees:created"]
regions = { within = [3] }
[subscriptions.message]
title = "New employee: {{ entity.firstName }} {{ entity.lastName }}"
[subscriptions.recipients]
groups = ["dispatch"]
"#;

/// An operator's folder, and the account.
struct Place {
    folder: TempDir,
    port: u16,
    tracktik: TracktikFake,
}

/// What a command said.
struct Said {
    status: i32,
    out: String,
    error: String,
}

impl Place {
    async fn new() -> Self {
        let tracktik = TracktikFake::start().await;
        tracktik.put_region_below(31, 3);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = Self { folder: tempfile::tempdir().unwrap(), port, tracktik };
        place.secret("client.secret", tracktik_fake::CLIENT_SECRET);
        place.secret("password.secret", tracktik_fake::PASSWORD);
        place.write(SUBSCRIPTION);
        place
    }

    fn secret(&self, name: &str, text: &str) {
        let mut options = std::fs::File::options();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        std::io::Write::write_all(&mut options.open(self.path().join(name)).unwrap(), text.as_bytes()).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, subscriptions: &str) {
        let (port, domain) = (self.port, &self.tracktik.url);
        let (client_id, username) = (tracktik_fake::CLIENT_ID, tracktik_fake::USERNAME);
        let text = format!(
            r#"
            listen = "127.0.0.1:{port}"
            callout_window_seconds = 0
            [tracktik]
            domain = "{domain}"
            client_id = "{client_id}"
            client_secret_file = "client.secret"
            username = "{username}"
            password_file = "password.secret"
            {subscriptions}"#
        );
        std::fs::write(self.path().join("relay.toml"), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_traybell-relay"));
        command.args(arguments).arg("--config").arg(self.path().join("relay.toml"));
        command.kill_on_drop(true).stdin(Stdio::null());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output();
        let output = tokio::time::timeout(2 * LIMIT, output).await.expect("it ends").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = Said { status: output.status.code().unwrap(), out: text(output.stdout), error: text(output.stderr) };
        for secret in [tracktik_fake::CLIENT_SECRET, tracktik_fake::PASSWORD, tracktik_fake::TOKEN] {
            assert!(!said.out.contains(secret) && !said.error.contains(secret), "{arguments:?} shows a secret");
        }
        said
    }

    async fn done(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments).await;
        assert_eq!(said.status, 0, "{arguments:?}: {}{}", said.out, said.error);
        said.out
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(arguments).await).unwrap()
    }

    /// What `plan` would do: `action custom-id` each.
    async fn planned(&self) -> Vec<String> {
        let plan = self.json(&["tracktik", "plan", "--json"]).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let steps = plan["steps"].as_array().unwrap().iter();
        steps.map(|step| format!("{} {}", text(&step["action"]), text(&step["custom_id"]))).collect()
    }

    async fn apply(&self) -> String {
        self.done(&["tracktik", "apply", "--yes"]).await
    }

    /// What the one subscription was given.
    fn stored(&self) -> (u64, Value, Standing) {
        let ids = self.tracktik.ids();
        let id = *ids.last().expect("there is one");
        let (body, standing) = self.tracktik.stored(id).unwrap();
        (id, body, standing)
    }

    async fn serve(&self) -> Child {
        let mut serving = self.command(&["serve"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(serving.stdout.take().unwrap());
        tokio::time::timeout(LIMIT, output.read_line(&mut line)).await.expect("it says where").unwrap();
        serving
    }

    async fn employs(&self, region: u64, first: &str) -> Vec<Option<u16>> {
        let employee = json!({"firstName": first, "lastName": "Lovelace", "region": {"id": region, "name": "North"}});
        let called = self.tracktik.create_entity("employees", region, employee).await.1;
        called.into_iter().flat_map(|one| one.tries).collect()
    }

    /// The titles that the user of this session id has.
    async fn titles(&self, sid: &str) -> Vec<String> {
        let url = format!("http://127.0.0.1:{}/integration-api/Notifications/v2/user-notifications", self.port);
        let answer = http().get(url).header("authtoken", sid).send().await.unwrap();
        let list: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        list["Data"].as_array().unwrap().iter().map(|one| one["Title"].as_str().unwrap().to_owned()).collect()
    }

    async fn await_titles(&self, sid: &str, expected: &[&str]) {
        let begin = tokio::time::Instant::now();
        while self.titles(sid).await != expected {
            assert!(begin.elapsed() < LIMIT, "{:?} should be {expected:?}", self.titles(sid).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn user(&self) -> String {
        let added = self.done(&["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
        added.lines().find_map(|line| line.strip_prefix("Session id")).unwrap().trim().to_owned()
    }

    /// The account, as another program uses it.
    fn client(&self) -> tracktik_client::Client {
        let credentials = tracktik_client::Credentials {
            client_id: tracktik_fake::CLIENT_ID.into(),
            client_secret: tracktik_fake::CLIENT_SECRET.into(),
            username: tracktik_fake::USERNAME.into(),
            password: tracktik_fake::PASSWORD.into(),
        };
        tracktik_client::Client::new(&self.tracktik.url, credentials, tracktik_client::Limits::default()).unwrap()
    }

    fn secrets(&self) -> PathBuf {
        self.path().join("relay-secrets.json")
    }
}

/// Another program's subscription.
fn foreign(custom_id: &str) -> tracktik_client::NewSubscription {
    tracktik_client::NewSubscription::new(tracktik_client::Essentials {
        custom_id: custom_id.into(),
        name: "Another program's".into(),
        events: vec!["entity:employees:created".parse().unwrap()],
        regions: tracktik_client::Regions::All,
        url: "https://elsewhere.example/hook".into(),
        secret: "a secret of somebody else".into(),
    })
    .unwrap()
}

#[tokio::test]
async fn a_plan_changes_nothing_an_apply_does_it_and_the_next_has_nothing_to_do() {
    let place = Place::new().await;
    assert_eq!(place.planned().await, ["create new-employees"]);
    assert!(place.tracktik.ids().is_empty() && !place.secrets().exists(), "a plan changes nothing");
    assert_eq!(place.run(&["tracktik", "plan", "--check"]).await.status, 3);

    let refused = place.run(&["tracktik", "apply"]).await;
    assert!(refused.status == 1 && refused.error.contains("--yes"), "{}", refused.error);
    assert!(place.tracktik.ids().is_empty());

    place.apply().await;
    let (_, body, standing) = place.stored();
    assert_eq!((body["customId"].as_str(), standing), (Some("new-employees"), Standing::Enabled));
    assert_eq!(body["events"], json!(["entity:employees:created"]));
    assert_eq!(body["contextFilters"]["filters"], json!([{"tag": "context.region.3", "includeChildren": true}]));
    assert!(body["url"].as_str().unwrap().starts_with(&format!("http://127.0.0.1:{}/callouts/tracktik/", place.port)));

    assert_eq!(place.planned().await, [""; 0]);
    assert!(place.apply().await.contains("Nothing to do"));
    assert_eq!(place.run(&["tracktik", "plan", "--check"]).await.status, 0);
    assert_eq!(place.tracktik.ids().len(), 1);
}

#[tokio::test]
async fn every_part_is_brought_to_what_the_file_says() {
    let place = Place::new().await;
    place.apply().await;
    let changes = [
        ("custom_id = \"new-employees\"", "custom_id = \"new-employees\"\nname = \"Employees\"", "name"),
        ("created\"]", "created\", \"entity:employees:updated\"]", "events"),
        ("regions = { within = [3] }", "regions = { within = [3], except = [31] }", "contextFilters"),
        ("regions", "filter = [\"status=ACTIVE\"]\nregions", "userDefinedFilters"),
        ("regions", "include = [\"region\"]\nregions", "entityResponse"),
        ("regions", "failure_email = \"ops@acme.example\"\nregions", "failureEmail"),
    ];
    let mut text = SUBSCRIPTION.to_owned();
    for (before, after, part) in changes {
        text = text.replacen(before, after, 1);
        place.write(&text);
        let plan = place.json(&["tracktik", "plan", "--json"]).await;
        let differences = plan["steps"][0]["differences"].as_array().unwrap();
        assert_eq!(differences.iter().map(|one| one["part"].as_str().unwrap()).collect::<Vec<_>>(), [part]);
        assert_eq!(plan["steps"][0]["secret"], false);
        let secret = place.stored().1["secret"].clone();
        place.apply().await;
        assert_eq!(place.planned().await, [""; 0], "{part} holds");
        assert_eq!(place.stored().1["secret"], secret, "the secret stays");
    }
    let (_, body, _) = place.stored();
    assert_eq!(body["userDefinedFilters"], json!({"status": "ACTIVE"}));
    assert_eq!(body["contextFilters"]["exclusions"], json!(["context.region.31"]));
    place.write("");
    assert_eq!(place.planned().await, ["archive new-employees"]);
    place.apply().await;
    assert_eq!(place.stored().2, Standing::Archived);
    assert_eq!(place.planned().await, [""; 0]);
    assert!(!std::fs::read_to_string(place.secrets()).unwrap().contains("new-employees"), "its key is void");
}

#[tokio::test]
async fn a_subscription_of_somebody_else_is_never_touched() {
    let place = Place::new().await;
    let client = place.client();
    client.create(&foreign("payroll")).await.unwrap();
    let twin = client.create(&foreign("new-employees")).await.unwrap();

    let refused = place.run(&["tracktik", "apply", "--yes"]).await;
    assert_eq!(refused.status, 1);
    assert!(refused.error.contains("is not this relay's"), "{}", refused.error);
    assert_eq!(place.tracktik.ids().len(), 2, "nothing was done");
    for arguments in [
        &["subscriptions", "suspend", "payroll", "--reason", "a test"][..],
        &["subscriptions", "enable", "payroll"],
        &["subscriptions", "archive", "payroll", "--yes"],
    ] {
        let refused = place.run(arguments).await;
        assert!(refused.status == 1 && refused.error.contains("--any"), "{}", refused.error);
    }

    client.archive(&twin.id).await.unwrap();
    place.apply().await;
    place.write("");
    assert_eq!(place.planned().await, ["archive new-employees"]);
    place.apply().await;
    let listed = place.json(&["subscriptions", "list", "--json"]).await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["custom_id"], &listed[0]["ours"]), (&json!("payroll"), &json!(false)));
}

#[tokio::test]
async fn what_is_done_to_a_foreign_one_by_hand_does_not_make_it_ours() {
    let place = Place::new().await;
    place.apply().await;
    let (ours, ..) = place.stored();
    let twin = place.client().create(&foreign("new-employees")).await.unwrap();
    let shown = place.done(&["subscriptions", "show", twin.id.as_str()]).await;
    assert!(shown.contains("https://elsewhere.example/…") && !shown.contains("hook"), "{shown}");
    place.done(&["subscriptions", "suspend", twin.id.as_str(), "--reason", "a test", "--any"]).await;
    place.done(&["subscriptions", "enable", twin.id.as_str(), "--any"]).await;
    let refused = place.run(&["tracktik", "apply", "--yes"]).await;
    assert!(refused.status == 1 && refused.error.contains("is not this relay's"), "{}", refused.error);
    assert_eq!(place.tracktik.stored(ours).unwrap().1, Standing::Enabled);
    place.done(&["subscriptions", "archive", twin.id.as_str(), "--any", "--yes"]).await;
    assert_eq!(place.planned().await, [""; 0], "ours is as it was");
}

#[tokio::test]
async fn a_change_of_the_header_loses_nothing() {
    let place = Place::new().await;
    let _sid = place.user().await;
    place.apply().await;
    let _serving = place.serve().await;
    place.write(&SUBSCRIPTION.replace("regions", "header = \"X-Signature\"\nregions"));
    assert_eq!(place.planned().await, ["update new-employees"]);
    assert_eq!(place.employs(3, "Ada").await, [Some(200)], "TrackTik does not know it yet");
    place.apply().await;
    assert_eq!(place.stored().1["secretHeaderName"], "X-Signature");
    assert_eq!(place.employs(3, "Grace").await, [Some(200)]);
    assert_eq!(place.planned().await, [""; 0]);
}

#[tokio::test]
async fn a_template_that_cannot_work_never_comes_to_tracktik() {
    let place = Place::new().await;
    place.write(&SUBSCRIPTION.replace("{{ entity.firstName }}", "{{ entity."));
    let refused = place.run(&["tracktik", "apply", "--yes"]).await;
    assert!(refused.status == 1 && refused.error.contains("title"), "{}", refused.error);
    assert!(place.tracktik.ids().is_empty());
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_again_and_not_done_twice() {
    let place = Place::new().await;
    place.tracktik.fault("POST /rest/v1/events-subscriptions", 1, Fault::TooLate);
    let failed = place.run(&["tracktik", "apply", "--yes"]).await;
    assert!(failed.status == 1 && failed.error.contains("0 of 1 steps were done"), "{}", failed.error);
    assert_eq!(place.tracktik.ids().len(), 1, "it was made all the same");
    assert_eq!(place.planned().await, ["update new-employees"]);
    place.apply().await;
    assert_eq!((place.tracktik.ids().len(), place.planned().await.len()), (1, 0));
}

#[tokio::test]
async fn what_has_ended_is_left_alone_although_it_is_listed() {
    let place = Place::new().await;
    place.tracktik.list_archived();
    place.apply().await;
    let (first, ..) = place.stored();
    place.done(&["subscriptions", "archive", "new-employees", "--yes"]).await;
    assert_eq!(place.planned().await, ["create new-employees"], "an ended one cannot be brought back");
    place.apply().await;
    assert_eq!(place.planned().await, [""; 0]);
    let listed = place.json(&["subscriptions", "list", "--json"]).await;
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["archived"], &listed[1]["archived"]),
        (2, &true.into(), &false.into())
    );
    let shown = place.json(&["subscriptions", "show", "new-employees", "--json"]).await;
    assert_ne!(shown["id"], json!(first.to_string()), "the name is that of the one that goes on");
    place.write("");
    assert_eq!(place.planned().await, ["archive new-employees"]);
    place.apply().await;
    assert_eq!(place.planned().await, [""; 0]);
}

#[tokio::test]
async fn a_first_secret_is_said_to_be_one_and_a_second_to_be_beside_it() {
    let place = Place::new().await;
    for expected in ["has a key and a secret now", "Both secrets verify now"] {
        let said = place.done(&["callouts", "new-secret", "new-employees"]).await;
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn a_language_that_is_sent_is_told_when_it_changes() {
    let place = Place::new().await;
    place.apply().await;
    let with = |language: &str| {
        let text = std::fs::read_to_string(place.path().join("relay.toml")).unwrap();
        let mut lines: Vec<_> = text.lines().filter(|line| !line.contains("language")).collect();
        let language = format!("language = {language:?}\nsend_language = true");
        let table = lines.iter().position(|line| line.contains("[tracktik]")).unwrap();
        lines.insert(table + 1, &language);
        std::fs::write(place.path().join("relay.toml"), lines.join("\n")).unwrap();
    };
    for language in ["fr", "es"] {
        with(language);
        assert_eq!(place.planned().await, ["update new-employees"], "{language}");
        place.apply().await;
        assert_eq!(place.stored().1["language"], language);
        assert_eq!(place.planned().await, [""; 0]);
    }
}

#[tokio::test]
async fn an_apply_that_fails_half_way_says_as_json_what_was_done() {
    let place = Place::new().await;
    let another = SUBSCRIPTION.replace("new-employees", "other-employees");
    place.write(&format!("{SUBSCRIPTION}{another}"));
    place.apply().await;
    place.write(&format!("{SUBSCRIPTION}{another}").replace("created\"]", "updated\"]"));
    let (last, ..) = place.stored();
    place.tracktik.fault(&format!("/rest/v1/events-subscriptions/{last}"), 9, Fault::status(403));
    let failed = place.run(&["tracktik", "apply", "--yes", "--json"]).await;
    assert_eq!(failed.status, 1, "{}", failed.error);
    let said: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!((said["done"].as_array().unwrap().len(), &said["done"][0]["custom_id"]), (1, &json!("new-employees")));
    assert_eq!(said["failed"]["custom_id"], "other-employees");
    assert!(failed.error.contains("1 of 2 steps were done"), "{}", failed.error);
}

#[tokio::test]
async fn the_doctor_says_how_the_account_is() {
    let place = Place::new().await;
    let finding = async || {
        let said = place.run(&["doctor", "--json"]).await;
        let findings: Vec<Value> = serde_json::from_str(&said.out).unwrap();
        findings.into_iter().find(|finding| finding["check"] == "tracktik").expect("it is checked")
    };
    let found = finding().await;
    assert!(found["ok"] == false && found["detail"].as_str().unwrap().contains("create new-employees"), "{found}");
    assert!(place.tracktik.ids().is_empty(), "it only looks");
    place.apply().await;
    let found = finding().await;
    assert!(found["ok"] == true && found["detail"].as_str().unwrap().starts_with("1 subscription"), "{found}");
    place.secret("password.secret", "not the password");
    let found = finding().await;
    assert!(found["ok"] == false && found["detail"].as_str().unwrap().contains("refused the log-in"), "{found}");
    assert!(!found.to_string().contains("not the password"));
}

#[tokio::test]
async fn a_refused_log_in_is_said_once_and_tried_once() {
    let place = Place::new().await;
    place.secret("password.secret", "not the password");
    let refused = place.run(&["tracktik", "plan"]).await;
    assert!(refused.status == 1 && refused.error.contains("TrackTik refused the log-in"), "{}", refused.error);
    assert!(!refused.error.contains("not the password"));
    assert_eq!(place.tracktik.log_ins("password"), 1);
    place.secret("password.secret", tracktik_fake::PASSWORD);
    place.tracktik.fault("GET /rest/v1/events-subscriptions", 1, Fault::with(429, "retry-after", "0"));
    assert_eq!(place.planned().await, ["create new-employees"]);
}

/// What the relay was asked for, without a screen.
#[tokio::test]
async fn an_employee_below_region_3_is_a_message_until_the_subscription_is_suspended_or_archived() {
    let place = Place::new().await;
    let sid = place.user().await;
    let applied = place.run(&["tracktik", "apply", "--yes"]).await;
    assert!(applied.status == 0 && applied.error.contains("no relay answers"), "{}", applied.error);
    let _serving = place.serve().await;

    assert_eq!(place.employs(31, "Ada").await, [Some(200)]);
    place.await_titles(&sid, &["New employee: Ada Lovelace"]).await;
    assert!(place.employs(4, "Grace").await.is_empty(), "another region");
    let logs = place.json(&["subscriptions", "logs", "new-employees", "--json"]).await;
    assert_eq!(logs.as_array().unwrap().len(), 1);
    assert_eq!(logs[0]["event_data"]["event"], "entity:employees:created");

    place.done(&["subscriptions", "suspend", "new-employees", "--reason", "a test"]).await;
    assert!(place.employs(31, "Edsger").await.is_empty());
    let listed = place.done(&["subscriptions", "list"]).await;
    assert!(listed.contains("suspended"), "{listed}");
    assert_eq!(place.planned().await, ["enable new-employees"]);
    place.done(&["subscriptions", "enable", "new-employees"]).await;
    assert_eq!(place.planned().await, [""; 0]);
    assert_eq!(place.employs(3, "Barbara").await, [Some(200)]);

    place.write(&SUBSCRIPTION.replace("regions", "suspended = \"a quiet week\"\nregions"));
    assert_eq!(place.planned().await, ["suspend new-employees"]);
    place.apply().await;
    assert_eq!(place.stored().2, Standing::Suspended);
    assert_eq!(place.planned().await, [""; 0]);
    place.write(SUBSCRIPTION);
    place.apply().await;
    assert_eq!(place.employs(3, "Radia").await, [Some(200)]);

    let grace = r#"{"firstName": "Grace", "lastName": "Lovelace"}"#;
    place.done(&["callouts", "try", "new-employees", "--entity", grace]).await;
    let refused = place.run(&["callouts", "try", "new-employees", "--entity", "5"]).await;
    assert!(refused.status == 1 && refused.error.contains("one JSON object"), "{}", refused.error);
    place.done(&["subscriptions", "archive", "new-employees", "--yes"]).await;
    assert!(place.employs(31, "Alan").await.is_empty());
    let expected = [
        "New employee: Grace Lovelace",
        "New employee: Radia Lovelace",
        "New employee: Barbara Lovelace",
        "New employee: Ada Lovelace",
    ];
    place.await_titles(&sid, &expected).await;
    let shown = place.run(&["subscriptions", "show", "new-employees"]).await;
    assert!(shown.status == 1 && shown.error.contains("shows no subscription"), "{}", shown.error);
    assert_eq!(place.planned().await, ["create new-employees"], "the file still wants it");
}

#[tokio::test]
async fn a_secret_rotates_and_a_subscription_is_added_without_a_start_anew_and_without_a_lost_call_out() {
    let place = Place::new().await;
    let sid = place.user().await;
    place.apply().await;
    let _serving = place.serve().await;
    assert_eq!(place.employs(3, "0").await, [Some(200)]);
    let first = place.stored().1["secret"].clone();

    place.done(&["callouts", "new-secret", "new-employees"]).await;
    let refused = place.run(&["callouts", "finish", "new-employees"]).await;
    assert!(refused.status == 1 && refused.error.contains("tracktik apply"), "{}", refused.error);
    assert_eq!(place.employs(3, "1").await, [Some(200)], "TrackTik signs with the older one still");
    assert_eq!(place.planned().await, ["update new-employees"]);
    place.apply().await;
    assert_ne!(place.stored().1["secret"], first);
    assert_eq!(place.employs(3, "2").await, [Some(200)]);
    place.done(&["callouts", "finish", "new-employees"]).await;
    assert_eq!(place.employs(3, "3").await, [Some(200)]);
    assert_eq!(place.planned().await, [""; 0]);

    let refused = place.run(&["callouts", "new-secret", "new-employees"]).await;
    assert_eq!(refused.status, 0, "{}", refused.error);
    let refused = place.run(&["callouts", "new-secret", "new-employees"]).await;
    assert!(refused.status == 1 && refused.error.contains("has a new secret already"), "{}", refused.error);

    // Two at once: the running relay takes in a file whole or not at all.
    let another = |name: &str| SUBSCRIPTION.replace("new-employees", &format!("new-{name}")).replace("employees", name);
    place.write(&format!("{SUBSCRIPTION}{}{}", another("shifts"), another("clients")));
    place.apply().await;
    let shift = json!({"firstName": "A", "lastName": "Shift"});
    let called = place.tracktik.create_entity("shifts", 3, shift).await.1;
    assert_eq!(called[0].tries, [Some(200)], "the running relay knows it since before TrackTik did");
    let titles: Vec<String> = (0..4).rev().map(|number| format!("New employee: {number} Lovelace")).collect();
    let mut expected = vec!["New employee: A Shift"];
    expected.extend(titles.iter().map(String::as_str));
    place.await_titles(&sid, &expected).await;

    std::fs::write(place.path().join("relay.toml"), "listen = nonsense").unwrap();
    assert_eq!(place.employs(3, "4").await, [Some(200)], "what makes no sense changes nothing");
}

#[tokio::test]
async fn where_relays_share_a_database_tracktik_is_told_no_secret_that_only_one_of_them_knows() {
    let place = Place::new().await;
    let configuration = place.path().join("relay.toml");
    let text = std::fs::read_to_string(&configuration).unwrap();
    let channels = "[channels]\napp_id = \"a\"\nkey = \"k\"\nsecret_file = \"c\"\ncluster = \"eu\"\n[tracktik]";
    let server = "database = \"postgres://relay@db.invalid/relay\"\ncallout_window_seconds";
    let text = text.replace("[tracktik]", channels).replace("callout_window_seconds", server);
    std::fs::write(&configuration, text).unwrap();

    let refused = place.run(&["tracktik", "apply", "--yes"]).await;
    assert_eq!(refused.status, 1, "{}", refused.out);
    let told = ["new-employees", "Copy ", "relay-secrets.json to every one; the next `tracktik apply`"];
    assert!(told.iter().all(|text| refused.error.contains(text)), "{}", refused.error);
    assert!(place.tracktik.ids().is_empty(), "TrackTik was not told");
    assert_eq!(place.planned().await, ["create new-employees"]);
    place.apply().await;
    assert_eq!(place.planned().await, [""; 0]);
}
