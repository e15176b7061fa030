//! Pictures of the real app in a private desktop: sign-in, list with a notification's bubble, a message. It starts the
//! demo of the relay, signs the app in by its own command line, and saves what is on the screen when it is there.
//! Standard output has one saved file a line; progress goes to standard error.

#[cfg(target_os = "linux")]
mod pictures {
    use std::panic::AssertUnwindSafe;
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;

    use anyhow::{Context as _, anyhow};
    use clap::Parser;
    use futures_util::FutureExt as _;
    use serde_json::Value;
    use tokio::signal::unix::{SignalKind, signal};
    use traybell_tests::desktop::{Desktop, Parts};
    use traybell_tests::notifications::Notifications;
    use traybell_tests::process::Program;
    use traybell_tests::tray::TrayItem;
    use traybell_tests::{app, bubble, programs, screen, wait};

    /// Takes pictures of Traybell, signed in to the demo, in a private desktop.
    #[derive(Debug, Parser)]
    struct Arguments {
        /// The built app.
        #[arg(long)]
        app: PathBuf,
        /// The built relay.
        #[arg(long)]
        relay: PathBuf,
        /// Where the pictures go; made when it is missing.
        #[arg(long)]
        out: PathBuf,
        /// In dark colours.
        #[arg(long)]
        dark: bool,
        /// 2 draws everything twice as large.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
        scale: u8,
        /// Text alone twice as large.
        #[arg(long)]
        large_text: bool,
        /// The app's data folder, in place of one that is deleted.
        #[arg(long)]
        data: Option<PathBuf>,
    }

    pub fn run() -> ExitCode {
        let arguments = Arguments::parse();
        // What is waited for and does not come is a sentence, not a stack of frames.
        std::panic::set_hook(Box::new(|info| eprintln!("picture: {}", info.payload_as_str().unwrap_or("failed"))));
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("picture: {error}");
                return ExitCode::FAILURE;
            }
        };
        runtime.block_on(async {
            tokio::select! {
                // Whatever was started ends with the future, also when it is given up.
                done = AssertUnwindSafe(take(&arguments)).catch_unwind() => match done {
                    Ok(Ok(())) => ExitCode::SUCCESS,
                    Ok(Err(error)) => {
                        eprintln!("picture: {error:#}");
                        ExitCode::FAILURE
                    }
                    Err(_) => ExitCode::FAILURE,
                },
                () = asked_to_end() => {
                    eprintln!("picture: asked to end");
                    ExitCode::FAILURE
                }
            }
        })
    }

    async fn asked_to_end() {
        let [Ok(mut terminate), Ok(mut interrupt)] = [SignalKind::terminate(), SignalKind::interrupt()].map(signal)
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }

    async fn take(arguments: &Arguments) -> anyhow::Result<()> {
        std::fs::create_dir_all(&arguments.out).with_context(|| format!("{}", arguments.out.display()))?;
        let out = arguments.out.canonicalize()?;
        let app = arguments.app.canonicalize().with_context(|| format!("{}", arguments.app.display()))?;
        let relay = arguments.relay.canonicalize().with_context(|| format!("{}", arguments.relay.display()))?;
        programs::use_traybell(app);

        eprintln!("Starting a private desktop");
        let desktop = Desktop::with(parts(arguments)).await;
        let notifications = Notifications::watch(&desktop).await;
        screen::colour(&desktop, if arguments.dark { "#2e3440" } else { "#7f93b2" }).await;
        eprintln!("Starting the demo of the relay");
        let (_demo, demo) = start_demo(&desktop, &relay).await?;

        eprintln!("Starting the app into the tray");
        let _running = app::hidden(&desktop);
        let tray = TrayItem::find(&desktop).await;
        app::run(&desktop, &[]).await.succeeded();
        let window = screen::await_window(&desktop).await;
        // Beside the bubbles, not beneath them.
        let scale = u32::from(arguments.scale);
        screen::place(&desktop, &window, 140 * scale, 110 * scale).await;
        let form = screen::save_settled(&desktop, &window, "", &out.join("sign-in.png")).await;
        say(&out.join("sign-in.png"))?;

        eprintln!("Signing in to the demo by the command line");
        let text = |name: &str| demo[name].as_str().map(str::to_owned).with_context(|| format!("{name} in {demo}"));
        app::sign_in(&desktop, &text("url")?, &text("brand")?, &text("sid")?).await.succeeded();
        app::await_status(&desktop, "online with messages of the demo", |status| {
            status["state"] == "online" && status["total"].as_u64() >= Some(3)
        })
        .await;
        tray.await_menu("says online", |labels| labels.iter().any(|label| label == "(Online)")).await;
        eprintln!("Waiting for a notification's bubble");
        bubble::await_any(&desktop).await;
        screen::save_settled(&desktop, &window, &form, &out.join("window.png")).await;
        desktop.picture(&out.join("desktop.png")).await.map_err(|error| anyhow!(error))?;
        say(&out.join("desktop.png"))?;
        say(&out.join("window.png"))?;

        eprintln!("Opening a message by its bubble");
        let told = notifications.await_one("a notification of a message", |call| !call.title.is_empty()).await;
        bubble::click(&desktop, &notifications, &told).await;
        // The page marks what it has opened as read.
        wait::until("an opened message", || async {
            let rows = app::list(&desktop).await?;
            if rows.iter().any(|row| row["read"] == true) { Ok(()) } else { Err(format!("{} rows unread", rows.len())) }
        })
        .await;
        screen::save_settled(&desktop, &window, &form, &out.join("detail.png")).await;
        say(&out.join("detail.png"))
    }

    fn parts(arguments: &Arguments) -> Parts {
        let mut environment = Vec::new();
        let mut set = |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
        set("GTK_THEME", if arguments.dark { "Adwaita:dark" } else { "Adwaita" });
        if arguments.scale == 2 {
            set("GDK_SCALE", "2");
        }
        if arguments.large_text {
            set("GDK_DPI_SCALE", "2");
        }
        if let Some(data) = &arguments.data {
            set("TRAYBELL_DATA_DIR", &std::path::absolute(data).unwrap_or_else(|_| data.clone()).display().to_string());
        }
        let screen = if arguments.scale == 2 { "2560x1800" } else { "1280x900" };
        Parts { screen, environment, ..Parts::default() }
    }

    async fn start_demo(desktop: &Desktop, relay: &Path) -> anyhow::Result<(Program, Value)> {
        let mut command = desktop.command(relay);
        command.args(["demo", "--json", "--every", "3"]);
        let demo = desktop.run("relay", command);
        let described = wait::until("the address of the demo", || async {
            let output = demo.output();
            output
                .lines()
                .find_map(|line| serde_json::from_str::<Value>(line).ok().filter(Value::is_object))
                .ok_or_else(|| format!("the relay said {output:?}"))
        })
        .await;
        Ok((demo, described))
    }

    #[allow(clippy::print_stdout)] // the saved files are this program's answer
    fn say(path: &Path) -> anyhow::Result<()> {
        anyhow::ensure!(std::fs::metadata(path)?.len() > 0, "{} is empty", path.display());
        println!("{}", path.display());
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    pictures::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("picture: the private desktop is one of Linux");
}
