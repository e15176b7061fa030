//! `cargo xtask check-windows`: the Windows program is built on Linux, and the crates' own tests run as Windows programs
//! under wine, with a prefix of their own. Never touches the developer's wine prefix.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::Call;
use crate::cross::Compiler;
use crate::packages::{self, Consent, Group};
use crate::{programs, workspace};

const TARGET: &str = "x86_64-pc-windows-gnu";
/// What ships to Windows, and the crates whose tests need no webview.
const PACKAGES: [&str; 7] =
    ["traybell", "http-guard", "pusher-client", "fasttrack-client", "tracktik-client", "inbox", "relay"];

/// Where everything of the Windows check is.
pub fn folder() -> PathBuf {
    workspace::target().join("windows")
}

/// Builds, then runs the tests whose names hold `filter`.
pub fn check(consent: Consent, filter: Option<&str>) -> Result<()> {
    if cfg!(windows) {
        bail!("on Windows itself `cargo xtask test unit` is this check");
    }
    packages::ensure(&[Group::Build, Group::Cross, Group::Windows], consent)?;
    let dir = folder();
    let mut call = Compiler::find(TARGET)?.cargo("build", TARGET, &dir).args(["--bins", "--tests"]);
    for package in PACKAGES {
        call = call.args(["--package", package]);
    }
    let tests = programs::build(call)?;
    let built = dir.join(TARGET).join("debug");
    for program in ["traybell.exe", "traybell-relay.exe"] {
        println!("{}", describe(&built.join(program))?);
    }

    let wine = Wine::start(dir.join("wine"))?;
    random_numbers(&built.join("deps"))?;
    random_numbers(&built)?;
    wine.run(&built.join("traybell.exe")).arg("--version").run()?;
    // The app's own tests need WebView2, which wine has not; its crates' tests do not.
    let tests: Vec<_> = tests.iter().filter(|test| test.package != "traybell").collect();
    programs::run_all(&tests, filter, |test| wine.run(&test.path))
}

/// A wine of our own, ended when dropped.
struct Wine {
    prefix: PathBuf,
}

impl Wine {
    fn start(prefix: PathBuf) -> Result<Self> {
        fs::create_dir_all(&prefix).with_context(|| format!("cannot create {}", prefix.display()))?;
        let wine = Self { prefix };
        wine.call("wineboot").arg("--init").run()?;
        Ok(wine)
    }

    fn run(&self, program: &Path) -> Call {
        self.call("wine").arg(program)
    }

    fn call(&self, program: &str) -> Call {
        Call::new(program)
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            // Neither .NET nor a browser engine: wine would offer to download them.
            .env("WINEDLLOVERRIDES", "mscoree=;mshtml=")
            // The many random sequences have been played on this system; what they are after is not the system's.
            .env("TRAYBELL_SEQUENCES", "200")
            .without("DISPLAY")
            .without("WAYLAND_DISPLAY")
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Ends the wine server of our own prefix alone; it has ended by itself when this fails.
        self.call("wineserver").arg("--kill").succeeds();
    }
}

/// Puts the library that wine lacks beside the programs in this folder.
fn random_numbers(beside: &Path) -> Result<()> {
    let library = beside.join("bcryptprimitives.dll");
    let source = workspace::root().join("crates/xtask/stand-in/bcryptprimitives.c");
    Call::new("x86_64-w64-mingw32-gcc").args(["-O2", "-shared", "-o"]).arg(library).arg(source).arg("-ladvapi32").run()
}

/// Name and size of a Windows program; an error when it is none.
fn describe(program: &Path) -> Result<String> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    // The DOS header names, at 0x3c, where the header of a Windows program stands.
    let header = bytes.get(0x3c..0x40).and_then(|at| at.try_into().ok()).map(u32::from_le_bytes);
    let header = header.and_then(|at| bytes.get(usize::try_from(at).ok()?..)).unwrap_or_default();
    if !header.starts_with(b"PE\0\0") {
        bail!("{} is no Windows program", program.display());
    }
    Ok(format!("{}: a Windows program of {} MiB (debug)", program.display(), bytes.len() >> 20))
}
