//! Compiling for other systems on this one, so that no code is Linux-only by accident; and the macOS check, which needs
//! nothing more. Must work where no rustup is: Debian's second compiler brings the source of its standard library.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::workspace;

/// A compiler that can compile for a target.
pub enum Compiler {
    /// The one that runs this task has the target's standard library (`rustup target add`).
    Own,
    /// Debian's `rustc-web`, `cargo-web` and `rust-web-src`: the standard library is built with the program.
    Debian,
}

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

impl Compiler {
    /// The compiler that can do it, or what to install.
    pub fn find(target: &str) -> Result<Self> {
        let own = Call::new("rustc").args(["--print", "sysroot"]).read()?;
        if Path::new(own.trim()).join("lib/rustlib").join(target).join("lib").is_dir() {
            return Ok(Self::Own);
        }
        if Path::new(DEBIAN_CARGO).is_file() && Path::new(DEBIAN_RUSTC).is_file() {
            let sysroot = Call::new(DEBIAN_RUSTC).args(["--print", "sysroot"]).read()?;
            if Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library").is_dir() {
                return Ok(Self::Debian);
            }
        }
        bail!(
            "no compiler for {target}: `rustup target add {target}`, or on Debian the packages rustc-web cargo-web rust-web-src"
        )
    }

    /// A cargo call that compiles for the target into a target folder of its own.
    pub fn cargo(&self, subcommand: &str, target: &str, dir: &Path) -> Call {
        let call = match self {
            Self::Own => Call::cargo(subcommand),
            Self::Debian => Call::new(DEBIAN_CARGO)
                .arg(subcommand)
                .arg("-Zbuild-std=std,test,panic_abort,panic_unwind")
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("PATH", path_with("/usr/bin")),
        };
        // `cargo run` puts the libraries of its own compiler first; the other compiler has its own.
        let call = call.without("LD_LIBRARY_PATH");
        call.args(["--locked", "--target", target])
            .env("CARGO_TARGET_DIR", dir)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            // Nobody edits and builds in turn here; incremental state would double the folder.
            .env("CARGO_INCREMENTAL", "0")
    }
}

fn path_with(first: &str) -> std::ffi::OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(PathBuf::from(first)).chain(std::env::split_paths(&rest));
    // Fails only for a folder with a colon in its name, and these come from a list split at colons.
    std::env::join_paths(all).unwrap_or(rest)
}

/// Where everything of the macOS check is.
pub fn folder() -> PathBuf {
    workspace::target().join("macos")
}

/// `cargo xtask check-macos`: compiler errors of all crates but the black-box tests, which drive a Linux desktop.
pub fn check_macos(consent: Consent) -> Result<()> {
    packages::ensure(&[Group::Build, Group::Cross], consent)?;
    let target = "aarch64-apple-darwin";
    let dir = folder();
    let sdk = dir.join("sdk");
    fs::create_dir_all(&sdk).with_context(|| format!("cannot create {}", sdk.display()))?;
    let stand_ins = workspace::root().join("crates/xtask/stand-in");
    let mut call = Compiler::find(target)?.cargo("check", target, &dir).args([
        "--workspace",
        "--exclude",
        "traybell-tests",
        "--all-targets",
    ]);
    if !cfg!(target_os = "macos") {
        // `check` runs build scripts and never links: programs that only make their output file do for them.
        call = call
            .env("CC_aarch64_apple_darwin", stand_ins.join("cc"))
            .env("AR_aarch64_apple_darwin", stand_ins.join("ar"))
            .env("SDKROOT", &sdk);
    }
    call.run()
}
