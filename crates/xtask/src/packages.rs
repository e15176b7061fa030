//! The system packages that tasks need, by group, for apt, dnf and pacman. Installs after asking (or with `--yes`, or in
//! CI) and says what; on macOS and Windows nothing is needed.

use std::collections::HashSet;
use std::io::{IsTerminal, Write, stdin, stdout};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::command::{Call, available};

/// What a set of packages is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Compiling and linking the app
    Build,
    /// A private desktop session without a screen: for `run` on a server and for the black-box tests
    Desktop,
    /// Building sockudo, the Pusher server that the black-box tests use
    Sockudo,
    /// PostgreSQL, on which the relay is tested; nothing of it is started by the system's own means
    Database,
    /// Fetching programs from PyPI
    Python,
    /// Building for other systems: a compiler whose standard library can be built for them
    Cross,
    /// Linking and running Windows programs
    Windows,
    /// Building libFuzzer, which is C++
    Fuzz,
    /// Drawing the icons
    Icons,
}

/// Whether missing packages may be installed without asking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Given by `--yes` or by `CI`
    Given,
    /// To be asked for
    Ask,
}

impl Consent {
    /// Consent as the command line and the environment have it.
    pub fn from_flag(yes: bool) -> Self {
        let ci = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
        if yes || ci { Self::Given } else { Self::Ask }
    }
}

/// The package programs that we speak to.
#[derive(Clone, Copy)]
enum System {
    Apt,
    Dnf,
    Pacman,
}

impl System {
    fn find() -> Option<Self> {
        [("apt-get", Self::Apt), ("dnf", Self::Dnf), ("pacman", Self::Pacman)]
            .into_iter()
            .find_map(|(program, system)| available(program).then_some(system))
    }

    /// The names of a group's packages; the apt list is the one that the tests run on (Debian 12).
    fn packages(self, group: Group) -> &'static str {
        match (group, self) {
            (Group::Build, Self::Apt) => {
                "libwebkit2gtk-4.1-dev libayatana-appindicator3-dev librsvg2-dev libdbus-1-dev libssl-dev pkg-config \
                 file patchelf gcc libc6-dev xdg-utils"
            }
            (Group::Build, Self::Dnf) => {
                "webkit2gtk4.1-devel libayatana-appindicator-gtk3-devel librsvg2-devel dbus-devel openssl-devel \
                 pkgconf-pkg-config file patchelf gcc xdg-utils"
            }
            (Group::Build, Self::Pacman) => {
                "webkit2gtk-4.1 libayatana-appindicator librsvg dbus openssl pkgconf file patchelf gcc xdg-utils"
            }
            // systemd for busctl, by which dunst's own tool reads its history; nothing of it is started.
            (Group::Desktop, Self::Apt) => {
                "xvfb dbus dbus-x11 gnome-keyring libsecret-tools xfce4-notifyd xfce4-panel openbox dunst xdotool \
                 imagemagick webkit2gtk-driver at-spi2-core libglib2.0-bin fonts-dejavu-core fonts-noto-color-emoji \
                 adwaita-icon-theme util-linux procps x11-utils x11-xserver-utils systemd tinyproxy-bin \
                 python3-dbusmock"
            }
            (Group::Desktop, Self::Dnf) => {
                "xorg-x11-server-Xvfb dbus-daemon dbus-x11 gnome-keyring libsecret xfce4-notifyd xfce4-panel openbox \
                 dunst xdotool ImageMagick webkit2gtk-driver at-spi2-core glib2 dejavu-sans-fonts \
                 google-noto-color-emoji-fonts adwaita-icon-theme util-linux procps-ng xprop xrdb xsetroot tinyproxy \
                 python3-dbusmock"
            }
            (Group::Desktop, Self::Pacman) => {
                "xorg-server-xvfb dbus gnome-keyring libsecret xfce4-notifyd xfce4-panel openbox dunst xdotool \
                 imagemagick at-spi2-core glib2 ttf-dejavu noto-fonts-emoji adwaita-icon-theme util-linux procps-ng xorg-xprop xorg-xrdb xorg-xsetroot tinyproxy \
                 python-dbusmock"
            }
            (Group::Sockudo, Self::Apt) => "protobuf-compiler libprotobuf-dev",
            (Group::Sockudo, Self::Dnf) => "protobuf-compiler protobuf-devel",
            (Group::Sockudo, Self::Pacman) => "protobuf",
            (Group::Database, Self::Apt | Self::Pacman) => "postgresql",
            (Group::Database, Self::Dnf) => "postgresql-server",
            (Group::Python, Self::Apt) => "python3 python3-venv",
            (Group::Python, Self::Dnf) => "python3 python3-pip",
            (Group::Python, Self::Pacman) => "python python-pip",
            (Group::Cross, Self::Apt) => "rustc-web cargo-web rust-web-src",
            // Elsewhere the standard libraries come with rustup (`rustup target add`), see `cross.rs`.
            (Group::Cross, Self::Dnf | Self::Pacman) => "",
            (Group::Windows, Self::Apt) => "gcc-mingw-w64-x86-64 binutils-mingw-w64-x86-64 wine wine64",
            (Group::Windows, Self::Dnf) => "mingw64-gcc mingw64-winpthreads-static wine-core",
            (Group::Windows, Self::Pacman) => "mingw-w64-gcc wine",
            (Group::Fuzz, Self::Apt) => "g++",
            (Group::Fuzz, Self::Dnf) => "gcc-c++",
            (Group::Fuzz, Self::Pacman) => "gcc",
            (Group::Icons, Self::Apt) => "librsvg2-bin",
            (Group::Icons, Self::Dnf) => "librsvg2-tools",
            (Group::Icons, Self::Pacman) => "librsvg",
        }
    }

    /// Of these, the ones that are not installed.
    fn missing(self, names: &[&'static str]) -> Result<Vec<&'static str>> {
        let installed = match self {
            Self::Apt => Call::new("dpkg-query").args(["-W", "-f", "${db:Status-Status} ${Package}\n"]).read()?,
            Self::Dnf => Call::new("rpm").args(["-qa", "--qf", "installed %{NAME}\n"]).read()?,
            Self::Pacman => Call::new("pacman").arg("-Q").read()?,
        };
        // dpkg also lists what was removed, so it says what is there; pacman says the version after the name.
        let name = |line: &'_ str| match self {
            Self::Apt | Self::Dnf => line.strip_prefix("installed ").map(str::to_owned),
            Self::Pacman => line.split(' ').next().map(str::to_owned),
        };
        let installed: HashSet<String> = installed.lines().filter_map(name).collect();
        let is_there = |name: &str| installed.contains(name);
        Ok(names.iter().copied().filter(|name| !is_there(name)).collect())
    }

    /// The calls that install these packages.
    fn install(self, names: &[&str]) -> Vec<Vec<String>> {
        let call = |head: &str| head.split(' ').chain(names.iter().copied()).map(String::from).collect::<Vec<_>>();
        match self {
            Self::Apt => vec![
                vec!["apt-get".into(), "update".into()],
                call("env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends"),
            ],
            Self::Dnf => vec![call("dnf install --assumeyes")],
            Self::Pacman => vec![call("pacman --sync --refresh --needed --noconfirm")],
        }
    }
}

/// Installs what is missing of these groups, after asking; does nothing when all is there.
pub fn ensure(groups: &[Group], consent: Consent) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let Some(system) = System::find() else {
        println!(
            "No apt-get, dnf or pacman here: install by yourself what Tauri 2 and these tasks need (CONTRIBUTING.md)."
        );
        return Ok(());
    };
    let wanted: Vec<&str> = groups.iter().flat_map(|group| system.packages(*group).split_whitespace()).collect();
    let missing = system.missing(&wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("Missing system packages: {}", missing.join(" "));
    let calls = system.install(&missing);
    if consent == Consent::Ask && !ask()? {
        let by_hand: Vec<String> = calls.iter().map(|call| call.join(" ")).collect();
        bail!("not installed. Run again with --yes, or as root: {}", by_hand.join(" && "));
    }
    let (install, before) = calls.split_last().context("nothing to run")?;
    for call in before {
        // A list of one dead source must not keep us from what the others offer; the installation will tell.
        if let Err(error) = as_root(call)?.run() {
            println!("{error:#}; going on with the lists of before");
        }
    }
    as_root(install)?.run()?;
    let still = system.missing(&wanted)?;
    if still.is_empty() { Ok(()) } else { bail!("still missing after the installation: {}", still.join(" ")) }
}

/// `cargo xtask setup`: the named groups, or all that `run` and `test` use.
pub fn set_up(groups: &[Group], consent: Consent) -> Result<()> {
    let all =
        [Group::Build, Group::Desktop, Group::Sockudo, Group::Database, Group::Python, Group::Cross, Group::Windows];
    ensure(if groups.is_empty() { &all } else { groups }, consent)?;
    println!("All system packages are there.");
    Ok(())
}

fn ask() -> Result<bool> {
    print!("Install them now? [y/N] ");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if !stdin().is_terminal() {
        println!();
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The call as root: by itself when we are, through sudo when not.
fn as_root(call: &[String]) -> Result<Call> {
    let [program, rest @ ..] = call else { bail!("nothing to run") };
    if is_root() {
        return Ok(Call::new(program).args(rest));
    }
    if !available("sudo") {
        bail!("installing packages needs root: run as root `{}`", call.join(" "));
    }
    Ok(Call::new("sudo").args(call))
}

/// Whether we are root, read from where Linux says so.
pub fn is_root() -> bool {
    fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| status.lines().find_map(|line| line.strip_prefix("Uid:").map(str::to_owned)))
        .is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_its_own_packages_on_debian() {
        for group in Group::value_variants() {
            assert!(!System::Apt.packages(*group).is_empty(), "{group:?} names no package");
        }
    }

    #[test]
    fn no_package_list_holds_a_stray_separator() {
        for system in [System::Apt, System::Dnf, System::Pacman] {
            for name in Group::value_variants().iter().flat_map(|group| system.packages(*group).split_whitespace()) {
                let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-+.".contains(c));
                assert!(plain, "{name} is no package name");
            }
        }
    }

    #[test]
    fn apt_installs_without_recommended_packages_and_without_questions() {
        let calls = System::Apt.install(&["xvfb"]);
        assert_eq!(calls[0], ["apt-get", "update"]);
        assert_eq!(
            calls[1].join(" "),
            "env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends xvfb"
        );
    }
}
