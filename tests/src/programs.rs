//! Where the programs under test and the real servers they meet are found. A program that is missing is a failure with
//! the command that builds it, never a skipped test.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::sockudo::Release;

/// The app that a program of this package was told to use.
static CHOSEN: OnceLock<PathBuf> = OnceLock::new();

/// Uses this app from now on, whatever the environment says.
pub fn use_traybell(path: PathBuf) {
    // The first choice stands: nobody changes the app under a running session.
    let _ = CHOSEN.set(path);
}

/// The app. `TRAYBELL_BIN`, else beside the running test in the target folder.
pub fn traybell() -> PathBuf {
    if let Some(chosen) = CHOSEN.get() {
        return chosen.clone();
    }
    found("traybell", &["TRAYBELL_BIN"], built("traybell"))
}

/// The relay. `TRAYBELL_RELAY_BIN` or `RELAY_BIN`, else beside the running test in the target folder.
pub fn relay() -> PathBuf {
    found("traybell-relay", &["TRAYBELL_RELAY_BIN", "RELAY_BIN"], built("traybell-relay"))
}

/// The Pusher server. `SOCKUDO_BIN` or `SOCKUDO_V2_BIN`, else the developer cache.
pub fn sockudo(release: Release) -> PathBuf {
    match release {
        Release::V5 => found("sockudo 5.2.0", &["SOCKUDO_BIN"], cached("sockudo-5.2.0/bin/sockudo")),
        Release::V2 => found("sockudo 2.9.2", &["SOCKUDO_V2_BIN"], cached("sockudo-2.9.2/bin/sockudo")),
    }
}

/// What npm installed: the parts of other people that speak the same protocol.
pub fn node_modules() -> PathBuf {
    repository().join("node_modules")
}

/// What stands between `WebDriver` and the window. `TAURI_DRIVER_BIN`, else the developer cache.
pub fn tauri_driver() -> PathBuf {
    found("tauri-driver 2.1.0", &["TAURI_DRIVER_BIN"], cached("tauri-driver-2.1.0/bin/tauri-driver"))
}

/// The accessibility rules that are run in the driven window.
pub fn axe() -> PathBuf {
    found("axe-core (npm)", &["AXE_CORE_JS"], repository().join("node_modules/axe-core/axe.min.js"))
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from(".."), Path::to_path_buf)
}

fn found(name: &str, variables: &[&str], default: PathBuf) -> PathBuf {
    let path = variables.iter().find_map(std::env::var_os).map_or(default, PathBuf::from);
    assert!(
        path.is_file(),
        "{name} is not at {}: `cargo xtask test` builds and installs what these tests need (or set {})",
        path.display(),
        variables.join(" or ")
    );
    path.canonicalize().unwrap_or(path)
}

/// `target/debug/{name}`, seen from `target/debug/deps/{test}` or `target/debug/{binary}`.
fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("."));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    folder.join(name)
}

fn cached(path: &str) -> PathBuf {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    cache.join("traybell-dev").join(path)
}
