//! `cargo xtask bundle`: the .deb and the .rpm, made by Tauri's own bundler; and the test that the .deb installs and what
//! it installed runs. A test never leaves a package behind that was not there before.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::{run, tools, workspace};

/// Makes them and tells their sizes; gives their paths.
pub fn make(consent: Consent) -> Result<Vec<PathBuf>> {
    packages::ensure(&[Group::Build], consent)?;
    if !cfg!(target_os = "linux") {
        bail!("the .deb and .rpm are made on Linux; the other installers by the release workflow (CONTRIBUTING.md)");
    }
    let folder = workspace::target().join("release/bundle");
    // What an earlier version left there would be measured and tested in the place of this one.
    for kind in ["deb", "rpm"] {
        let old = folder.join(kind);
        if old.exists() {
            fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    Call::new("node")
        .arg(tools::tauri_cli()?)
        .args(["build", "--ci", "--bundles", "deb,rpm", "--", "--locked"])
        .run()?;

    let mut made = Vec::new();
    for kind in ["deb", "rpm"] {
        let path = only_file(&folder.join(kind), kind)?;
        let size = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
        println!("{}: {}", path.display(), megabytes(size));
        made.push(path);
    }
    Ok(made)
}

/// The level `package`: makes, installs and starts what a user gets.
pub fn test(consent: Consent) -> Result<()> {
    packages::ensure(&[Group::Desktop], consent)?;
    let made = make(consent)?;
    let [deb, _rpm] = made.as_slice() else { bail!("a .deb and a .rpm were expected") };
    let unpacked = tempfile::tempdir().context("cannot create a temporary folder")?;
    Call::new("dpkg-deb").arg("--extract").arg(deb).arg(unpacked.path()).run()?;
    check_contents(unpacked.path())?;

    let name = Call::new("dpkg-deb").arg("--field").arg(deb).arg("Package").read()?.trim().to_owned();
    let present = Call::new("dpkg-query").args(["--status", &name]).succeeds();
    let out = workspace::target().join("demo/installed");
    if packages::is_root() && consent == Consent::Given && !present {
        let _installed = Installed::by_dpkg(deb, name)?;
        run::picture(Path::new("/usr/bin/traybell"), &out, &[])
    } else {
        println!(
            "Not installed into this system (that takes root, --yes, and no {name} of yours): run unpacked instead."
        );
        run::picture(&unpacked.path().join("usr/bin/traybell"), &out, &[])
    }
    .map(drop)
}

/// A package of ours in this system, removed when dropped.
struct Installed(String);

impl Installed {
    fn by_dpkg(deb: &Path, name: String) -> Result<Self> {
        // Made before the call: a package left half installed by a failure is to be removed as well.
        let installed = Self(name);
        Call::new("dpkg").arg("--install").arg(deb).run()?;
        Ok(installed)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if let Err(error) = Call::new("dpkg").args(["--purge", &self.0]).run() {
            eprintln!("xtask: the tested package stays installed: {error:#}");
        }
    }
}

/// What a desktop needs to show the app in its menu: entry, icon, and a program that the entry names.
fn check_contents(unpacked: &Path) -> Result<()> {
    if !unpacked.join("usr/bin/traybell").is_file() {
        bail!("the .deb holds no /usr/bin/traybell");
    }
    let entry = only_file(&unpacked.join("usr/share/applications"), "desktop")?;
    let text = fs::read_to_string(&entry).with_context(|| format!("cannot read {}", entry.display()))?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if field("Exec=").and_then(|call| call.split(' ').next()) != Some("traybell") {
        bail!("the desktop entry does not start traybell: {text}");
    }
    let (call, kinds) = (field("Exec=").unwrap_or_default(), field("MimeType=").unwrap_or_default());
    if !call.contains("%u") || !kinds.split(';').any(|kind| kind == "x-scheme-handler/traybell") {
        bail!("the desktop entry does not open traybell:// links: {text}");
    }
    let icon = field("Icon=").context("the desktop entry names no icon")?;
    let sizes = ["32x32", "128x128", "256x256@2"];
    for size in sizes {
        let path = unpacked.join(format!("usr/share/icons/hicolor/{size}/apps/{icon}.png"));
        if !path.is_file() {
            bail!("the .deb lacks the icon {}", path.display());
        }
    }
    Ok(())
}

fn only_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(path), true) => Ok(path),
        (None, _) => bail!("no .{extension} file in {}", folder.display()),
        (Some(_), false) => bail!("more than one .{extension} file in {}", folder.display()),
    }
}

/// Megabytes with two digits, without a float.
fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB ({bytes} bytes)", bytes / 1_000_000, bytes % 1_000_000 / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_megabytes_with_two_digits() {
        assert_eq!(megabytes(2_345_678), "2.34 MB (2345678 bytes)");
        assert_eq!(megabytes(4_000_001), "4.00 MB (4000001 bytes)");
        assert_eq!(megabytes(50_000), "0.05 MB (50000 bytes)");
    }

    #[test]
    fn the_only_file_of_a_kind_is_found_and_doubt_is_an_error() -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("a.deb"), "")?;
        fs::write(dir.path().join("a.txt"), "")?;
        assert_eq!(only_file(dir.path(), "deb")?, dir.path().join("a.deb"));
        assert!(only_file(dir.path(), "rpm").is_err(), "none is an error");
        fs::write(dir.path().join("b.deb"), "")?;
        assert!(only_file(dir.path(), "deb").is_err(), "two are an error");
        Ok(())
    }
}
