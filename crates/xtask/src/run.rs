//! `cargo xtask run`: the app signed in to a demo server on loopback, beside whatever the developer has: data folder and
//! port are its own. Without a display the same on a virtual one, where a picture is taken. Never touches a real account.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{Call, Running};
use crate::packages::{self, Consent, Group};
use crate::workspace;

/// The demo's port when it is free. The account, and with it the keyring entry, is named after the address: a fixed port
/// leaves one entry however often the demo is run.
const PORT: u16 = 47_801;

/// Builds and starts everything; on a display it ends when the app is quit.
pub fn run(consent: Consent, headless: bool, out: Option<PathBuf>) -> Result<()> {
    if headless || !has_display() {
        packages::ensure(&[Group::Build, Group::Desktop], consent)?;
        build()?;
        let out = out.unwrap_or_else(|| workspace::target().join("demo/pictures"));
        let pictures = picture(&workspace::built("traybell"), &out, &[])?;
        println!("\nThe app ran on a virtual display, signed in to the demo. Pictures:");
        for picture in pictures {
            println!("  {}", picture.display());
        }
        return Ok(());
    }
    packages::ensure(&[Group::Build], consent)?;
    build()?;
    show()
}

/// `cargo xtask screenshot`: the pictures of the README, light and dark.
pub fn screenshot(consent: Consent, out: Option<PathBuf>, scale: u8) -> Result<()> {
    packages::ensure(&[Group::Build, Group::Desktop], consent)?;
    build()?;
    let out = out.unwrap_or_else(|| workspace::target().join("screenshots"));
    let scale = scale.to_string();
    for (name, dark) in [("light", None), ("dark", Some("--dark"))] {
        let options: Vec<&str> = ["--scale", &scale].into_iter().chain(dark).collect();
        for picture in picture(&workspace::built("traybell"), &out.join(name), &options)? {
            println!("{}", picture.display());
        }
    }
    Ok(())
}

/// Starts an app in a private desktop session with the demo and gives the pictures taken of it.
pub fn picture(app: &Path, out: &Path, options: &[&str]) -> Result<Vec<PathBuf>> {
    let taken = Call::new(workspace::built("picture"))
        .arg("--app")
        .arg(app)
        .arg("--relay")
        .arg(workspace::built("traybell-relay"))
        .arg("--out")
        .arg(out)
        .args(options)
        .read()?;
    let pictures: Vec<PathBuf> = taken.lines().map(PathBuf::from).collect();
    match pictures.iter().find(|picture| !picture.is_file()) {
        None if !pictures.is_empty() => Ok(pictures),
        None => bail!("no picture was taken"),
        Some(missing) => bail!("the picture {} was not saved", missing.display()),
    }
}

/// The programs alone, with the same features as the tests build them: whichever comes first, the other reuses it.
fn build() -> Result<()> {
    Call::cargo("build").args(["--locked", "--workspace", "--bins"]).run()
}

fn has_display() -> bool {
    let named = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || named("DISPLAY") || named("WAYLAND_DISPLAY")
}

/// On the developer's own desktop.
fn show() -> Result<()> {
    let temporary = tempfile::tempdir().context("cannot create a temporary folder")?;
    // Where the port is taken, a demo is running already, and its files are in use.
    let (port, home) = match TcpListener::bind(("127.0.0.1", PORT)) {
        Ok(_) => (PORT, workspace::target().join("demo")),
        Err(_) => (0, temporary.path().to_path_buf()),
    };
    // The demo server makes a new user each time: what an earlier run kept belongs to no one.
    for dir in ["app", "relay"].map(|name| home.join(name)) {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    let data = home.join("app");
    let (_relay, demo) = Demo::start(&home.join("relay"), port)?;
    println!("The demo server answers at {}", demo.url);

    // The terminal tells all of us, and the app ends by it. We stay, for what is left to do afterwards.
    ctrlc::set_handler(|| {}).context("cannot listen to Ctrl-C")?;
    let app = App { data };
    let status = app.run(&demo);
    // The demo's sid is of no use any more: nothing of it stays in the keyring. Nor do its read marks matter.
    app.call(&["sign-out", "--discard"]).succeeds();
    match status? {
        status if status.success() => Ok(()),
        status => bail!("the app ended with {status}"),
    }
}

/// The app with a data folder of its own.
struct App {
    data: PathBuf,
}

impl App {
    fn call(&self, args: &[&str]) -> Call {
        Call::new(workspace::built("traybell")).args(args).env("TRAYBELL_DATA_DIR", &self.data)
    }

    /// Signs in and runs until it is quit.
    fn run(&self, demo: &Demo) -> Result<ExitStatus> {
        let is_kept = self.sign_in(demo, &[])?;
        if !is_kept {
            println!("Without a keyring the demo is signed in to for this session only.");
        }
        let mut running = self.call(&[]).start(Stdio::null(), Stdio::inherit())?;
        if !is_kept {
            self.sign_in_for_session(demo, &mut running)?;
        }
        println!(
            "The app is in the tray; a message arrives every few seconds. Quit it from its menu, or press Ctrl-C here."
        );
        Ok(running.0.wait()?)
    }

    /// Whether the sign-in succeeded; what it said tells why not.
    fn sign_in(&self, demo: &Demo, more: &[&str]) -> Result<bool> {
        let args = ["sign-in", "--environment", &demo.url, "--brand", &demo.brand];
        let mut sign_in = self.call(&args).args(more).start(Stdio::piped(), Stdio::inherit())?;
        // Dropped at the end of the statement, so that the app sees the end of its input. One that has ended before it
        // read has said why.
        let _ = sign_in.0.stdin.take().context("no standard input")?.write_all(format!("{}\n", demo.sid).as_bytes());
        Ok(sign_in.0.wait()?.success())
    }

    /// Only an app that runs can keep the sid in memory: tried again while it starts.
    fn sign_in_for_session(&self, demo: &Demo, running: &mut Running) -> Result<()> {
        const LIMIT: Duration = Duration::from_secs(20);
        let started = Instant::now();
        while !self.sign_in(demo, &["--session-only"])? {
            if started.elapsed() > LIMIT || running.0.try_wait()?.is_some() {
                bail!("the app could not sign in to the demo; what it said above tells why");
            }
            thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }
}

/// Where the demo server is, and who may sign in to it.
struct Demo {
    url: String,
    brand: String,
    sid: String,
}

impl Demo {
    /// Starts the server; it runs as long as the first of the two is kept.
    fn start(data: &Path, port: u16) -> Result<(Running, Self)> {
        let mut relay = Call::new(workspace::built("traybell-relay"))
            .args(["demo", "--json", "--port", &port.to_string(), "--data"])
            .arg(data)
            .start(Stdio::null(), Stdio::piped())?;
        let mut line = String::new();
        let mut output = BufReader::new(relay.0.stdout.take().context("no standard output")?);
        output.read_line(&mut line).context("the demo server said nothing")?;
        // Read on, so that it never blocks on a full pipe.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok((relay, Self::read(&line)?))
    }

    fn read(line: &str) -> Result<Self> {
        let told: Value = serde_json::from_str(line).with_context(|| format!("the demo server said {line:?}"))?;
        let field = |name: &str| {
            told.get(name)
                .and_then(Value::as_str)
                .map(String::from)
                .with_context(|| format!("the demo server told no {name}"))
        };
        Ok(Self { url: field("url")?, brand: field("brand")?, sid: field("sid")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_server_tells_where_it_is_and_who_may_sign_in() -> Result<()> {
        let demo = Demo::read(r#"{"url":"http://127.0.0.1:1","brand":"demo","sid":"s","pusher_key":"k"}"#)?;
        assert_eq!((demo.url.as_str(), demo.brand.as_str(), demo.sid.as_str()), ("http://127.0.0.1:1", "demo", "s"));
        Ok(())
    }

    #[test]
    fn a_demo_server_that_failed_is_reported_with_what_it_said() {
        let error = Demo::read("address in use").err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(error.contains("address in use"), "{error}");
        let error = Demo::read("{}").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("url"), "{error}");
    }
}
