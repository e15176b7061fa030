//! The doctor beside a relay that is well, and beside ones that are not.

use std::path::Path;
#[cfg(target_os = "linux")]
use std::process::Stdio;

use serde_json::Value;
#[cfg(target_os = "linux")]
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::serving::{folder, run, serve, succeed};
#[cfg(target_os = "linux")]
use crate::{serving::command, world::LIMIT};

/// A relay that is served, and known in its configuration by the port it got.
async fn served(folder: &Path) -> (Child, String) {
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    succeed(folder, &["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
    let (server, url) = serve(folder).await;
    let listen = url.strip_prefix("http://").unwrap();
    replace(folder, "listen = \"127.0.0.1:0\"", &format!("listen = \"{listen}\""));
    (server, url)
}

fn replace(folder: &Path, from: &str, to: &str) {
    let path = folder.join("relay.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

/// The exit status, and the findings by their JSON.
async fn examined(folder: &Path) -> (i32, Vec<Value>) {
    let (status, said, error) = run(folder, &["doctor", "--json"]).await;
    let findings: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said:?} {error:?}"));
    for finding in &findings {
        let object = finding.as_object().unwrap();
        assert_eq!(object.keys().collect::<Vec<_>>(), ["check", "detail", "hint", "ok"], "{finding}");
        assert_eq!(finding["ok"] == true, finding["hint"] == "", "what failed has a hint: {finding}");
    }
    let all_well = findings.iter().all(|finding| finding["ok"] == true);
    assert_eq!(status, i32::from(!all_well), "{findings:?}");
    (status, findings)
}

fn failed(findings: &[Value]) -> Vec<&str> {
    findings.iter().filter(|finding| finding["ok"] == false).map(|finding| finding["check"].as_str().unwrap()).collect()
}

fn detail<'a>(findings: &'a [Value], check: &str) -> &'a str {
    let finding = findings.iter().find(|finding| finding["check"] == check);
    finding.unwrap_or_else(|| panic!("{check} is in {findings:?}"))["detail"].as_str().unwrap()
}

#[tokio::test]
async fn a_relay_that_is_well_passes_every_check() {
    let folder = folder();
    let folder = folder.path();
    let (_server, url) = served(folder).await;
    let (status, findings) = examined(folder).await;
    assert_eq!((status, failed(&findings)), (0, vec![]), "{findings:#?}");
    let checks: Vec<_> = findings.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    let local = ["configuration", "secrets", "database", "disk", "recipients"];
    assert_eq!(checks, [&local[..], &["address", "ready", "clock", "channels", "callouts"]].concat());
    assert!(detail(&findings, "address").contains(&url));
    let said = succeed(folder, &["doctor"]).await;
    assert!(said.lines().all(|line| line.starts_with("ok ")) && said.lines().count() == checks.len(), "{said}");
    let secrets = std::fs::read_to_string(folder.join("relay-secrets.json")).unwrap();
    let secrets: Value = serde_json::from_str(&secrets).unwrap();
    let key = secrets["subscriptions"]["new-employees"]["key"].as_str().unwrap();
    assert!(!said.contains(key) && !findings.iter().any(|finding| finding.to_string().contains(key)));
    assert_eq!(succeed(folder, &["doctor", "--live"]).await, "live\n");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_relay_on_postgresql_that_is_well_passes_every_check() {
    let cluster = crate::postgres::Cluster::start().await;
    let database = cluster.new_database("examined");
    let folder = folder();
    let folder = folder.path();
    replace(folder, "listen =", &format!("database = \"{database}\"\nsingle_relay = true\nlisten ="));
    let (_, findings) = examined(folder).await;
    assert!(detail(&findings, "database").contains("is empty"), "{findings:#?}");
    let (_server, _) = served(folder).await;
    let (status, findings) = examined(folder).await;
    assert_eq!((status, failed(&findings)), (0, vec![]), "{findings:#?}");
}

#[tokio::test]
async fn a_group_that_nobody_is_in_is_found() {
    let folder = folder();
    let folder = folder.path();
    let (_server, _) = served(folder).await;
    let names = "groups = [\"dispatch\", \"dispach\", \"region-{{ entity.region.id }}\"]\nusers = [\"maja\", \"maya\"]";
    replace(folder, "groups = [\"dispatch\"]", names);
    let (_, findings) = examined(folder).await;
    assert_eq!(failed(&findings), ["recipients"], "{findings:#?}");
    let said = detail(&findings, "recipients");
    assert!(said.contains("no user \"maja\", no group \"dispach\"") && !said.contains("maya"), "{said}");
}

#[tokio::test]
async fn a_relay_that_is_down_is_told_from_a_wrong_configuration() {
    let folder = folder();
    let folder = folder.path();
    let (mut server, _) = served(folder).await;
    server.kill().await.unwrap();
    let (_, findings) = examined(folder).await;
    assert_eq!(failed(&findings), ["address", "ready", "clock", "channels", "callouts"], "{findings:#?}");
    let (status, _, error) = run(folder, &["doctor", "--live"]).await;
    assert!(status == 1 && error.contains("does not answer"), "{error}");

    replace(folder, "entity:employees:created", "entity:no such:created");
    let (_, findings) = examined(folder).await;
    assert_eq!(failed(&findings), ["configuration"]);
    assert_eq!(findings.len(), 1, "there is nothing to check the rest by");
}

#[tokio::test]
async fn another_relay_or_another_server_at_the_address_is_no_relay_of_ours() {
    let [ours, others] = [folder(), folder()];
    let (_ours, _) = served(ours.path()).await;
    let (_others, url) = served(others.path()).await;
    replace(ours.path(), "listen =", &format!("public_url = \"{url}\"\nlisten ="));
    let (_, findings) = examined(ours.path()).await;
    assert!(detail(&findings, "address").contains("another database"), "{findings:#?}");
    assert!(detail(&findings, "callouts").contains("does not know its key"), "{findings:#?}");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let other = axum::Router::new().fallback(async || "<html>");
    tokio::spawn(async move { axum::serve(listener, other).await });
    let old = std::fs::read_to_string(ours.path().join("relay.toml")).unwrap();
    let line = old.lines().find(|line| line.starts_with("public_url")).unwrap();
    replace(ours.path(), line, &format!("public_url = \"{url}\""));
    let (_, findings) = examined(ours.path()).await;
    assert!(detail(&findings, "address").contains("not as a relay does"), "{findings:#?}");
    assert!(detail(&findings, "callouts").contains("without a signature is accepted"), "{findings:#?}");
    assert_eq!(detail(&findings, "channels"), "A WebSocket is answered 200.");
}

#[cfg(unix)]
#[tokio::test]
async fn files_that_others_may_read_are_found() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let folder = folder.path();
    let (_server, _) = served(folder).await;
    for (file, check) in [("relay-secrets.json", "secrets"), ("relay.sqlite", "database")] {
        let mode = |mode| std::fs::set_permissions(folder.join(file), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let (_, findings) = examined(folder).await;
        assert!(detail(&findings, check).contains("chmod 600"), "{findings:#?}");
        mode(0o600);
    }
}

/// Where the system's trusted certificates can be named to a program.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_relay_with_tls_of_its_own_is_checked_by_its_name() {
    let folder = folder();
    let folder = folder.path();
    crate::tls::renew(folder);
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    succeed(folder, &["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
    let tls = "[tls]\ncertificate = \"fullchain.pem\"\nkey = \"privkey.pem\"\n\n[[subscriptions]]";
    replace(folder, "[[subscriptions]]", tls);
    let mut server = command(folder, &["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(LIMIT, lines.next_line()).await.expect("it should start").unwrap().unwrap();
    let port = line.rsplit(':').next().unwrap();
    let addresses = format!("public_url = \"https://localhost:{port}\"\nlisten = \"127.0.0.1:{port}\"");
    replace(folder, "listen = \"127.0.0.1:0\"", &addresses);

    let trusted = folder.join("fullchain.pem");
    let output = command(folder, &["doctor", "--json"]).env("SSL_CERT_FILE", &trusted).output().await.unwrap();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), failed(&findings)), (Some(0), vec![]), "{findings:#?}");
    assert!(detail(&findings, "certificate").contains("It is for localhost"), "{findings:#?}");
    let alive = command(folder, &["doctor", "--live"]).env("SSL_CERT_FILE", &trusted).output().await.unwrap();
    assert!(alive.status.success(), "{}", String::from_utf8_lossy(&alive.stderr));

    let (_, untrusted) = examined(folder).await;
    assert!(failed(&untrusted).contains(&"address"), "a certificate nobody vouches for is not accepted");
    replace(folder, "https://localhost:", "https://relay.invalid:");
    let (_, findings) = examined(folder).await;
    assert!(detail(&findings, "certificate").contains("not for relay.invalid"), "{findings:#?}");
}
