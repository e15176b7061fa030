//! The levels of `cargo xtask test`: each is one thing that can be right or wrong, in the order in which a full run tries
//! them, the quick ones first.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::programs::{self, TestProgram};
use crate::{api, bundle, cross, tools, windows, workspace};

/// The package of the tests that need more than their crate, and its two test programs.
const OUTER_TESTS: &str = "traybell-tests";
const BLACK_BOX: &str = "black_box";
const CHANNELS: &str = "channels";

/// One level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// rustfmt changes nothing
    Format,
    /// The page's type check and its tests under Node
    Page,
    /// Licences, sources and doubled dependencies (cargo-deny)
    Licences,
    /// Clippy, pedantic, without a warning
    Lint,
    /// Everything compiles for this system
    Build,
    /// The crates' unit and integration tests, and the examples in their documentation
    Unit,
    /// The documentation builds without a warning, and the crate that is to be published can be packed
    Docs,
    /// pusher-client against real servers: two releases of sockudo, with Pusher's own npm package
    Channels,
    /// The relay's API for messages against its own OpenAPI description (schemathesis)
    Api,
    /// The built programs in a private desktop session, on real parts
    BlackBox,
    /// Everything compiles for macOS
    CheckMacos,
    /// The Windows program builds, and the crates' tests pass under wine
    CheckWindows,
    /// The .deb installs, and what it installed starts into the tray
    Package,
}

impl Level {
    /// As the command line spells it.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What the summary says it is.
    pub fn about(self) -> String {
        self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    /// The system packages that it needs.
    pub fn packages(self) -> &'static [Group] {
        match self {
            Self::Format | Self::Page | Self::Licences => &[],
            Self::Channels if !tools::has_sockudo() => &[Group::Build, Group::Sockudo, Group::Database],
            Self::Channels => &[Group::Build, Group::Database],
            Self::Lint | Self::Build | Self::Docs | Self::Api => &[Group::Build],
            Self::BlackBox if !tools::has_sockudo() => &[Group::Build, Group::Desktop, Group::Sockudo],
            // The crates too are tested on a real keyring, on a bus of its own, and on a real database.
            Self::Unit => &[Group::Build, Group::Desktop, Group::Database],
            Self::BlackBox | Self::Package => &[Group::Build, Group::Desktop],
            Self::CheckMacos => &[Group::Build, Group::Cross],
            Self::CheckWindows => &[Group::Build, Group::Cross, Group::Windows],
        }
    }

    /// Removes what no other level uses: gigabytes each.
    pub fn tidy(self) -> Result<()> {
        let folder = match self {
            Self::CheckMacos => cross::folder(),
            Self::CheckWindows => windows::folder(),
            _ => return Ok(()),
        };
        println!("Removing {}", folder.display());
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
    }
}

/// What the levels of one run share.
pub struct Bench {
    consent: Consent,
    filter: Option<String>,
    programs: OnceCell<Vec<TestProgram>>,
}

impl Bench {
    /// A bench on which nothing is built yet.
    pub fn new(consent: Consent, filter: Option<String>) -> Self {
        Self { consent, filter, programs: OnceCell::new() }
    }

    /// Runs one level to its end.
    pub fn run(&self, level: Level) -> Result<()> {
        packages::ensure(level.packages(), self.consent)?;
        match level {
            Level::Format => Call::cargo("fmt").args(["--all", "--check"]).run(),
            Level::Page => self.page(),
            Level::Licences => licences(),
            Level::Lint => Call::cargo("clippy")
                .args(["--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"])
                .run(),
            Level::Build => self.programs().map(drop),
            Level::Unit => self.unit(),
            Level::Docs => docs(),
            Level::Channels => self.channels(),
            Level::Api => {
                self.programs()?;
                api::check(self.consent)
            }
            Level::BlackBox => self.black_box(),
            Level::CheckMacos => cross::check_macos(self.consent),
            Level::CheckWindows => windows::check(self.consent, self.filter.as_deref()),
            Level::Package => {
                // The picture tool and the demo server come from the workspace.
                self.programs()?;
                bundle::test(self.consent)
            }
        }
    }

    /// The test programs, built by the first level that asks.
    fn programs(&self) -> Result<&[TestProgram]> {
        if let Some(built) = self.programs.get() {
            return Ok(built);
        }
        let built = programs::build_workspace()?;
        Ok(self.programs.get_or_init(|| built))
    }

    fn page(&self) -> Result<()> {
        tools::require_node()?;
        node_modules()?;
        Call::new(tools::NPM).args(["run", "check"]).run()?;
        let call = Call::new(tools::NPM).arg("test");
        match &self.filter {
            Some(filter) => call.args(["--", "--test-name-pattern", filter]).run(),
            None => call.run(),
        }
    }

    fn unit(&self) -> Result<()> {
        let tests: Vec<_> = self.programs()?.iter().filter(|test| test.package != OUTER_TESTS).collect();
        programs::run_all(&tests, self.filter.as_deref(), |test| Call::new(&test.path))?;
        let doc = Call::cargo("test").args(["--locked", "--quiet", "--workspace", "--doc"]);
        match &self.filter {
            Some(filter) => doc.arg(filter).run(),
            None => doc.run(),
        }
    }

    fn channels(&self) -> Result<()> {
        let servers = tools::both_sockudos(self.consent)?;
        tools::require_node()?;
        node_modules()?;
        let tests: Vec<_> = self.programs()?.iter().filter(|test| test.target == CHANNELS).collect();
        programs::run_all(&tests, self.filter.as_deref(), |test| {
            Call::new(&test.path)
                .env("RELAY_BIN", workspace::built("traybell-relay"))
                .env("SOCKUDO_BIN", &servers.current)
                .env("SOCKUDO_V2_BIN", &servers.old)
        })
    }

    fn black_box(&self) -> Result<()> {
        let sockudo = tools::sockudo(self.consent)?;
        let driver = tools::tauri_driver()?;
        // The accessibility rules that run in the window come from npm.
        tools::require_node()?;
        node_modules()?;
        let tests: Vec<_> = self.programs()?.iter().filter(|test| test.target == BLACK_BOX).collect();
        programs::run_all(&tests, self.filter.as_deref(), |test| {
            Call::new(&test.path)
                .env("TRAYBELL_BIN", workspace::built("traybell"))
                .env("RELAY_BIN", workspace::built("traybell-relay"))
                .env("SOCKUDO_BIN", &sockudo)
                .env("TAURI_DRIVER_BIN", &driver)
        })
    }
}

/// The page's npm packages as the lock file has them, fetched only when it has changed.
pub fn node_modules() -> Result<()> {
    let lock = workspace::root().join("package-lock.json");
    // npm writes this file last.
    let installed = workspace::root().join("node_modules/.package-lock.json");
    let modified = |path: &std::path::Path| path.metadata().and_then(|data| data.modified());
    let wanted = modified(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if modified(&installed).is_ok_and(|done| done >= wanted) {
        return Ok(());
    }
    Call::new(tools::NPM).args(["ci", "--no-fund", "--no-audit"]).run()
}

fn licences() -> Result<()> {
    let deny = tools::cargo_deny()?;
    // `advisories` fetches a database, which a closed network refuses: the release workflow runs it.
    Call::new(deny).args(["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]).run()
}

fn docs() -> Result<()> {
    let flags = std::env::var_os("RUSTDOCFLAGS").unwrap_or_default();
    let flags = [flags.as_os_str(), OsStr::new("--deny warnings")].join(OsStr::new(" "));
    Call::cargo("doc").args(["--locked", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", flags).run()?;
    Call::cargo("package").args(["--locked", "--allow-dirty", "--package", "pusher-client"]).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_says_what_it_proves() {
        for level in Level::value_variants() {
            assert!(!level.about().is_empty(), "{} has no help", level.name());
        }
    }

    #[test]
    fn levels_that_only_read_need_no_system_package() {
        for level in [Level::Format, Level::Page, Level::Licences] {
            assert!(level.packages().is_empty(), "{} would install packages", level.name());
        }
    }
}
