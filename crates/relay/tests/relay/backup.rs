//! Backup and restore as an operator does them: while the relay is used, and onto another machine.

use std::path::Path;

use relay::SecretsPlace;
use rusqlite::Connection;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    serving::{after, folder, log_in, run, serve, signed, succeed, titles},
    world::{LIMIT, answer, http},
};

/// A folder with a user, and the session id.
async fn with_user(folder: &Path) -> String {
    let added = succeed(folder, &["user", "add", "maya", "--brand", "acme", "--group", "dispatch"]).await;
    succeed(folder, &["callouts", "new-secret", "new-employees"]).await;
    after("Session id", &added).to_owned()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

async fn refused(folder: &Path, arguments: &[&str], expected: &str) {
    let (status, said, error) = run(folder, arguments).await;
    assert_eq!((status, said.as_str()), (1, ""), "{arguments:?}");
    assert!(error.contains(expected), "{arguments:?}: {error:?} should say {expected:?}");
}

#[tokio::test]
async fn a_backup_under_load_is_whole_and_its_sessions_and_messages_are_good_elsewhere() {
    let folders = [folder(), folder()];
    let [here, there] = [folders[0].path(), folders[1].path()];
    let sid = with_user(here).await;
    let (mut server, url) = serve(here).await;
    let secrets = SecretsPlace::File(here.join("relay-secrets.json")).read().unwrap();
    let address = secrets.address("new-employees", &url).unwrap().expose_secret().to_owned();
    let secret = secrets.of("new-employees").unwrap().1[0].expose_secret().to_owned();
    let call_out = async |number: u32| {
        let body = format!(r#"{{"id":{number},"firstName":"Ada","lastName":"{number}"}}"#);
        let request = http().post(&address).header("TrackTik-Subscription-Secret", signed(&secret, &body));
        let answered = answer(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(answered, (200, json!({ "accepted": true })));
    };
    call_out(0).await;
    tokio::time::timeout(LIMIT, async {
        while titles(&url, &sid).await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the first message should come");

    let copy = path(here, "copy.sqlite");
    let load = async {
        for number in 1..=100 {
            call_out(number).await;
        }
    };
    let arguments = ["backup", copy.as_str()];
    let (told, ()) = tokio::join!(succeed(here, &arguments), load);
    assert!(told.contains("Not in it") && told.contains("relay-secrets.json"), "{told}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    refused(here, &["backup", &copy], "there already").await;
    refused(here, &["restore", &copy, "--force"], "another relay runs").await;
    server.kill().await.unwrap();

    std::fs::copy(here.join("relay-secrets.json"), there.join("relay-secrets.json")).unwrap();
    succeed(there, &["restore", &copy]).await;
    refused(there, &["restore", &copy], "--force").await;
    let (_server, url) = serve(there).await;
    assert_eq!(log_in(&url, &sid).await.0, 200);
    let restored = titles(&url, &sid).await;
    assert!(restored.contains(&"New employee: Ada 0".to_owned()), "{restored:?}");
    let events = succeed(there, &["events", "list", "--json", "--limit", "1000"]).await;
    let events: serde_json::Value = serde_json::from_str(&events).unwrap();
    let states = events.as_array().unwrap().iter().map(|event| event["state"].as_str().unwrap());
    assert!(states.clone().all(|state| state == "delivered" || state == "waiting"), "{events}");
    assert!(states.count() >= 1);
}

#[tokio::test]
async fn what_is_no_sound_backup_changes_nothing() {
    let folder = folder();
    let folder = folder.path();
    let sid = with_user(folder).await;
    let good = path(folder, "good.sqlite");
    succeed(folder, &["backup", &good]).await;
    let whole = std::fs::read(&good).unwrap();
    let spoiled = |name: &str, change: &dyn Fn(&Connection)| {
        let copy = path(folder, name);
        std::fs::copy(&good, &copy).unwrap();
        change(&Connection::open(&copy).unwrap());
        copy
    };
    let garbage = path(folder, "garbage");
    std::fs::write(&garbage, "garbage ".repeat(1000)).unwrap();
    let empty = path(folder, "empty");
    std::fs::write(&empty, "").unwrap();
    let cut = path(folder, "cut");
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let newer = spoiled("newer", &|database| database.pragma_update(None, "user_version", 1000).unwrap());
    let others = spoiled("others", &|database| database.execute_batch("DROP TABLE settings").unwrap());
    let orphans = spoiled("orphans", &|database| {
        database.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM brands").unwrap();
    });
    let cases = [
        (garbage, "no database"),
        (empty, "no database of a relay"),
        (cut, "cannot be restored"),
        (newer, "newer relay"),
        (others, "no database of a relay"),
        (orphans, "rows refer to others"),
        (path(folder, "nothing-there"), "nothing-there"),
    ];
    for (file, expected) in cases {
        refused(folder, &["restore", &file, "--force"], expected).await;
    }
    refused(folder, &["restore", &good], "--force").await;
    let (_server, url) = serve(folder).await;
    assert_eq!(log_in(&url, &sid).await.0, 200, "the database is as it was");
}

#[tokio::test]
async fn a_forced_restore_brings_back_what_was_and_nothing_of_after() {
    let folder = folder();
    let folder = folder.path();
    let sid = with_user(folder).await;
    let copy = path(folder, "copy.sqlite");
    succeed(folder, &["backup", &copy]).await;
    succeed(folder, &["user", "remove", "maya", "--brand", "acme"]).await;
    let added = succeed(folder, &["user", "add", "tom", "--brand", "acme"]).await;
    let tom = after("Session id", &added).to_owned();
    succeed(folder, &["restore", &copy, "--force"]).await;
    let (_server, url) = serve(folder).await;
    assert_eq!(log_in(&url, &sid).await.0, 200);
    assert_eq!(log_in(&url, &tom).await.0, 401);
}
