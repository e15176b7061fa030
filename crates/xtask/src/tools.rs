//! Programs that tests and bundles need and no package system has, each in its pinned version, built or fetched once per
//! user into the cache. Never into the developer's own `~/.cargo/bin`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::workspace;

const SOCKUDO: &str = "5.2.0";
const OLD_SOCKUDO: &str = "2.9.2";
const TAURI_DRIVER: &str = "2.1.0";
const TAURI_CLI: &str = "2.12.5";
const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";
const SCHEMATHESIS: &str = "4.32.5";

/// The Pusher server of the tests.
pub fn sockudo(consent: Consent) -> Result<PathBuf> {
    let flags = ["--no-default-features", "--features", "local", "--debug"];
    from_crates_io("sockudo", SOCKUDO, &flags, || packages::ensure(&[Group::Sockudo], consent))
}

/// The Pusher servers that pusher-client is tried against.
pub struct Sockudos {
    /// 5.2.0
    pub current: PathBuf,
    /// 2.9.2, which closes the socket on a wrong signature
    pub old: PathBuf,
}

/// Both of them.
pub fn both_sockudos(consent: Consent) -> Result<Sockudos> {
    let old = from_crates_io("sockudo", OLD_SOCKUDO, &["--no-default-features", "--debug"], || Ok(()))?;
    Ok(Sockudos { current: sockudo(consent)?, old })
}

/// Whether that server needs not be built any more.
pub fn has_sockudo() -> bool {
    program("sockudo", SOCKUDO).is_file()
}

/// Drives the app's window in the black-box tests.
pub fn tauri_driver() -> Result<PathBuf> {
    from_crates_io("tauri-driver", TAURI_DRIVER, &[], || Ok(()))
}

/// Checks licences, sources and doubled dependencies.
pub fn cargo_deny() -> Result<PathBuf> {
    from_crates_io("cargo-deny", CARGO_DENY, &["--debug"], || Ok(()))
}

/// Builds and runs the fuzz targets.
pub fn cargo_fuzz() -> Result<PathBuf> {
    from_crates_io("cargo-fuzz", CARGO_FUZZ, &["--debug"], || Ok(()))
}

/// Tauri's bundler: npm has it ready-made, from crates.io it takes ten minutes.
pub fn tauri_cli() -> Result<PathBuf> {
    let home = home("tauri-cli", TAURI_CLI);
    let program = home.join("node_modules/@tauri-apps/cli/tauri.js");
    if !program.is_file() {
        require_node()?;
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        let package = format!("@tauri-apps/cli@{TAURI_CLI}");
        Call::new(NPM)
            .args(["install", "--no-save", "--no-fund", "--no-audit", "--prefix"])
            .arg(&home)
            .arg(package)
            .run()?;
    }
    Ok(program)
}

/// Tries an HTTP API against its OpenAPI description; from PyPI, into a virtual environment of its own.
pub fn schemathesis(consent: Consent) -> Result<PathBuf> {
    let program = program("schemathesis", SCHEMATHESIS);
    if !program.is_file() {
        packages::ensure(&[Group::Python], consent)?;
        let home = home("schemathesis", SCHEMATHESIS);
        println!("Fetching schemathesis {SCHEMATHESIS}, once, into {}", home.display());
        Call::new("python3").args(["-m", "venv"]).arg(&home).run()?;
        let package = format!("schemathesis=={SCHEMATHESIS}");
        Call::new(home.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", &package]).run()?;
    }
    Ok(program)
}

/// npm's program; on Windows it is a script of another name.
pub const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Refuses to go on without the Node that the tools need.
pub fn require_node() -> Result<()> {
    let version = Call::new("node").arg("--version").read().context("Node.js 20 or newer is needed")?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(20..) => Ok(()),
        _ => bail!("Node.js 20 or newer is needed, here is {}", version.trim()),
    }
}

fn home(name: &str, version: &str) -> PathBuf {
    workspace::cache().join(format!("{name}-{version}"))
}

fn program(name: &str, version: &str) -> PathBuf {
    home(name, version).join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A program from crates.io, built once. `before` makes ready what its build needs.
fn from_crates_io(name: &str, version: &str, flags: &[&str], before: impl FnOnce() -> Result<()>) -> Result<PathBuf> {
    let program = program(name, version);
    if program.is_file() {
        return Ok(program);
    }
    let home = home(name, version);
    before()?;
    println!("Building {name} {version}, once, into {}", home.display());
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    let objects = home.join("build");
    Call::cargo("install")
        .args([name, "--version", version, "--locked"])
        .args(flags)
        .arg("--root")
        .arg(&home)
        .env("CARGO_TARGET_DIR", &objects)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // Its own folder: the workspace's settings are not meant for other people's programs.
        .dir(&home)
        .run()?;
    fs::remove_dir_all(&objects).with_context(|| format!("cannot remove {}", objects.display()))?;
    Ok(program)
}
