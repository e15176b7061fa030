//! `cargo xtask icons`: every icon file from the one drawing, `icons/traybell.svg`. What it makes is committed, so that
//! building the app needs neither Node nor librsvg.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::command::Call;
use crate::packages::{self, Consent, Group};
use crate::{tools, workspace};

/// What the bundles and the window use, of the many that Tauri's generator makes.
const APP: [&str; 6] = ["32x32.png", "128x128.png", "128x128@2x.png", "icon.png", "icon.icns", "icon.ico"];
/// The tray's: the glyph alone in one colour, named after the colour of the glyph, not of the panel behind it.
const TRAY: [(&str, &str); 2] = [("tray-light.png", "#ffffff"), ("tray-dark.png", "#1b1d22")];
/// Twice the largest size that tray hosts commonly draw.
const TRAY_SIZE: &str = "64";

/// Makes them anew.
pub fn generate(consent: Consent) -> Result<()> {
    packages::ensure(&[Group::Icons], consent)?;
    let icons = workspace::root().join("icons");
    let source = icons.join("traybell.svg");
    let work = tempfile::tempdir().context("cannot create a temporary folder")?;

    let drawn = work.path().join("drawn.png");
    Call::new("rsvg-convert").args(["-w", "1024", "-h", "1024", "-o"]).arg(&drawn).arg(&source).run()?;
    Call::new("node").arg(tools::tauri_cli()?).arg("icon").arg(&drawn).arg("-o").arg(work.path()).run()?;
    for name in APP {
        copy(&work.path().join(name), &icons.join(name))?;
    }

    let style = work.path().join("colour.css");
    for (name, colour) in TRAY {
        fs::write(&style, format!("#glyph {{ color: {colour} }}\n")).context("cannot write the style sheet")?;
        Call::new("rsvg-convert")
            .args(["--export-id", "glyph", "-w", TRAY_SIZE, "-h", TRAY_SIZE, "--stylesheet"])
            .arg(&style)
            .arg("-o")
            .arg(icons.join(name))
            .arg(&source)
            .run()?;
    }
    println!("Made in {}: {} and {}", icons.display(), APP.join(", "), TRAY.map(|(name, _)| name).join(", "));
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
