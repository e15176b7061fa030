//! The OS keyring for real: a bus of its own, with no Secret Service at first and gnome-keyring later.
//!
//! Needs `dbus-daemon`, `gnome-keyring-daemon` and `secret-tool`, which `cargo xtask test` installs.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test says where it stopped")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use inbox::{AccountId, Code, KeyringSecrets, Secrets as _};
use secrecy::{ExposeSecret as _, SecretString};

/// Set in the process that runs on the bus of its own: the bus is found by the environment, which a process cannot
/// safely change for itself.
const ON_OWN_BUS: &str = "TRAYBELL_TEST_ON_OWN_BUS";

/// Nothing is started on demand on this bus: a service is there when the test starts it.
const BUS: &str = "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"
 \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context=\"default\">
<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(command: &mut Command) -> Running {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.spawn() {
        Ok(child) => Running(child),
        Err(error) => panic!("{program} cannot be started ({error}): `cargo xtask test` installs it"),
    }
}

#[test]
fn a_sid_is_kept_found_replaced_and_forgotten_by_a_keyring_that_started_late() {
    if env::var_os(ON_OWN_BUS).is_some() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("bus.conf");
    fs::write(&config, BUS).unwrap();
    let mut bus = started(
        Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped()),
    );
    let mut address = String::new();
    BufReader::new(bus.0.stdout.take().unwrap()).read_line(&mut address).unwrap();

    let done = Command::new(env::current_exe().unwrap())
        .args(["--exact", "on_its_own_bus", "--nocapture"])
        .env(ON_OWN_BUS, "1")
        .env("DBUS_SESSION_BUS_ADDRESS", address.trim())
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("GNOME_KEYRING_CONTROL")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

/// The second half of the test above: it has nothing to do where that did not start it.
#[test]
fn on_its_own_bus() {
    if env::var_os(ON_OWN_BUS).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(late_keyring(&env::var("HOME").unwrap()));
}

fn gnome_keyring(more: &[&str]) -> Running {
    started(
        Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )
}

async fn late_keyring(home: &str) {
    let account = AccountId { environment: "staging".into(), brand: "demo".into(), user: "7".into() };
    let other = AccountId { user: "8".into(), ..account.clone() };
    let secrets = KeyringSecrets::new();

    let missing = secrets.get(&account).await.unwrap_err();
    assert_eq!(missing.code, Code::NoKeyring);
    assert!(missing.hint.contains("gnome-keyring"), "it says what to install: {}", missing.hint);

    fs::create_dir_all(Path::new(home).join("data/keyrings")).unwrap();
    let mut keyring = gnome_keyring(&["--unlock"]);
    keyring.0.stdin.take().unwrap().write_all(b"password").unwrap();

    // The same `secrets` that found none: it looks again.
    let sid = SecretString::from("the-sid");
    let limit = Instant::now() + Duration::from_secs(30);
    while let Err(problem) = secrets.set(&account, &sid).await {
        assert!(Instant::now() < limit, "{problem:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(secrets.get(&account).await.unwrap().unwrap().expose_secret(), "the-sid");
    assert!(secrets.get(&other).await.unwrap().is_none());

    let found = Command::new("secret-tool").args(["search", "--all", "service", "Traybell"]).output().unwrap();
    let found = format!("{}{}", String::from_utf8_lossy(&found.stdout), String::from_utf8_lossy(&found.stderr));
    for part in ["label = Traybell: 7 at demo", "secret = the-sid", "attribute.username = staging|demo|7"] {
        assert!(found.contains(part), "{part:?} not in {found}");
    }

    secrets.set(&account, &SecretString::from("another")).await.unwrap();
    assert_eq!(secrets.get(&account).await.unwrap().unwrap().expose_secret(), "another");
    secrets.delete(&account).await.unwrap();
    assert!(secrets.get(&account).await.unwrap().is_none());
    secrets.delete(&account).await.unwrap();

    // The keyring goes away and says so.
    secrets.set(&account, &sid).await.unwrap();
    drop(keyring);
    let gone = secrets.get(&account).await.unwrap_err();
    assert_eq!((gone.code, gone.asks_person), (Code::NoKeyring, false), "{gone:?}");

    // It comes back locked. Nothing on this bus can show its dialog, which is to it as if that was dismissed.
    let _keyring = gnome_keyring(&[]);
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        let locked = secrets.get(&account).await.unwrap_err();
        if locked.asks_person {
            assert!(locked.hint.contains("Unlock"), "{locked:?}");
            break;
        }
        assert!(Instant::now() < limit, "a locked keyring is told apart from one that is missing: {locked:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
