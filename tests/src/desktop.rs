//! [`Desktop`]: a private desktop session for one test: D-Bus, a virtual display with a window manager, and, as asked
//! for, a keyring, a notification daemon and a tray host. All of it ends with the value, and its logs are printed when
//! the test fails.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::process::{self, Program, tied};
use crate::session_files::{self, Folders};
use crate::wait;

/// Two cores carry two sessions at a time.
static SESSIONS: Semaphore = Semaphore::const_new(2);

/// Names the session in the environment of everything that is started in it.
const MARKER: &str = "TRAYBELL_TEST_SESSION";

/// The password of the test's keyring.
const KEYRING_PASSWORD: &str = "keyring-password";

/// Which notification service the session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationDaemon {
    /// xfce4-notifyd.
    Xfce,
    /// dunst.
    Dunst,
    /// Nobody answers on `org.freedesktop.Notifications`.
    None,
}

/// What a session is to have.
#[derive(Debug, Clone)]
pub struct Parts {
    /// An unlocked gnome-keyring.
    pub keyring: bool,
    /// The notification service.
    pub notifications: NotificationDaemon,
    /// xfce4-panel with its status tray.
    pub tray: bool,
    /// The accessibility bus, by which rendered text can be read.
    pub accessibility: bool,
    /// `WIDTHxHEIGHT` of the screen.
    pub screen: &'static str,
    /// More environment for every program in the session.
    pub environment: Vec<(String, String)>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            keyring: true,
            notifications: NotificationDaemon::Xfce,
            tray: true,
            accessibility: false,
            screen: "1280x900",
            environment: Vec::new(),
        }
    }
}

/// A private desktop session. See the module's text.
pub struct Desktop {
    parts: Parts,
    /// Where everything of it is.
    pub folders: Folders,
    display: String,
    programs: Vec<Program>,
    // Last, so that the folder outlives the programs, and the next session starts when this one is gone.
    root: TempDir,
    _permit: SemaphorePermit<'static>,
}

impl Desktop {
    /// A session with everything: keyring, xfce4-notifyd, xfce4-panel.
    pub async fn start() -> Self {
        Self::with(Parts::default()).await
    }

    /// A session with these parts. Returns when each of them answers.
    pub async fn with(parts: Parts) -> Self {
        let permit = SESSIONS.acquire().await.expect("the semaphore is never closed");
        // Short: a socket's path may have 108 bytes.
        let root = tempfile::Builder::new().prefix("tb-").tempdir_in("/tmp").expect("/tmp can be written");
        let folders = Folders::lay_out(root.path(), parts.accessibility);
        let mut desktop =
            Self { parts: parts.clone(), folders, display: String::new(), programs: Vec::new(), root, _permit: permit };
        desktop.start_bus();
        desktop.start_display().await;
        desktop.await_bus().await;
        desktop.run_here("openbox", desktop.command("openbox"));
        if parts.keyring {
            desktop.launch_keyring();
        }
        desktop.launch_notifications(parts.notifications);
        if parts.tray {
            desktop.launch_tray();
        }
        if parts.keyring {
            desktop.await_name("org.freedesktop.secrets").await;
        }
        if parts.notifications != NotificationDaemon::None {
            desktop.await_name("org.freedesktop.Notifications").await;
        }
        if parts.tray {
            desktop.await_tray().await;
        }
        desktop
    }

    /// A command in this session: its environment and nothing of the caller's.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = tied(program);
        command.env_clear().envs(self.environment()).current_dir(&self.folders.home).stdin(Stdio::null());
        command
    }

    /// The environment of every program in the session.
    pub fn environment(&self) -> Vec<(String, String)> {
        let folders = &self.folders;
        let text = |path: &Path| path.display().to_string();
        let mut environment = vec![
            (MARKER.to_owned(), text(&folders.root)),
            ("PATH".to_owned(), format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", text(&folders.bin))),
            ("HOME".to_owned(), text(&folders.home)),
            ("USER".to_owned(), "tester".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("XDG_RUNTIME_DIR".to_owned(), text(&folders.run)),
            ("XDG_DATA_HOME".to_owned(), text(&folders.home.join(".local/share"))),
            ("XDG_CONFIG_HOME".to_owned(), text(&folders.home.join(".config"))),
            ("XDG_CACHE_HOME".to_owned(), text(&folders.home.join(".cache"))),
            ("XDG_CURRENT_DESKTOP".to_owned(), "XFCE".to_owned()),
            ("XDG_SESSION_TYPE".to_owned(), "x11".to_owned()),
            ("GDK_BACKEND".to_owned(), "x11".to_owned()),
            // Settings are not looked for on the bus, and nothing is kept.
            ("GSETTINGS_BACKEND".to_owned(), "memory".to_owned()),
            ("GIO_USE_VFS".to_owned(), "local".to_owned()),
            // There is no GPU behind a virtual display.
            ("LIBGL_ALWAYS_SOFTWARE".to_owned(), "1".to_owned()),
            ("WEBKIT_DISABLE_DMABUF_RENDERER".to_owned(), "1".to_owned()),
            ("DBUS_SESSION_BUS_ADDRESS".to_owned(), self.bus_address()),
            ("DBUS_SYSTEM_BUS_ADDRESS".to_owned(), self.system_bus_address()),
            ("TRAYBELL_DATA_DIR".to_owned(), text(&folders.data)),
        ];
        if !self.display.is_empty() {
            environment.push(("DISPLAY".to_owned(), self.display.clone()));
        }
        if !self.parts.accessibility {
            environment.push(("NO_AT_BRIDGE".to_owned(), "1".to_owned()));
        }
        environment.extend(self.parts.environment.iter().cloned());
        environment
    }

    /// Starts a program that lives as long as the session.
    pub fn run_here(&mut self, name: &str, command: Command) {
        let program = Program::start(name, command, &self.folders.logs);
        self.programs.push(program);
    }

    /// Starts a program that the caller owns.
    pub fn run(&self, name: &str, command: Command) -> Program {
        Program::start(name, command, &self.folders.logs)
    }

    /// Ends a part that [`Desktop::with`] or [`Desktop::run_here`] started.
    pub fn stop(&mut self, name: &str) {
        self.programs.retain_mut(|program| program.name() != name);
    }

    /// Sends one of the session's programs a signal, such as `STOP`: it is there, and answers nothing.
    pub fn signal(&mut self, name: &str, signal: &str) {
        let program = self.programs.iter_mut().find(|program| program.name() == name);
        program.unwrap_or_else(|| panic!("{name} was started")).signal(signal);
    }

    /// Starts the keyring, for a session that began without one.
    pub async fn start_keyring(&mut self) {
        self.launch_keyring();
        self.await_name("org.freedesktop.secrets").await;
    }

    /// Starts a notification service, for a session that began without one.
    pub async fn start_notifications(&mut self, daemon: NotificationDaemon) {
        self.launch_notifications(daemon);
        self.await_name("org.freedesktop.Notifications").await;
    }

    /// Starts the tray host, for a session that began without one.
    pub async fn start_tray(&mut self) {
        self.launch_tray();
        self.await_tray().await;
    }

    /// A new connection to the session's bus.
    pub async fn bus(&self) -> zbus::Connection {
        self.connect().await.expect("the session's bus takes connections")
    }

    /// The address of the session's bus.
    pub fn bus_address(&self) -> String {
        format!("unix:path={}/bus", self.folders.run.display())
    }

    /// Where the session looks for a system bus. Nobody is there unless [`crate::system_bus::SystemBus`] is started.
    pub fn system_bus_address(&self) -> String {
        format!("unix:path={}/system-bus", self.folders.run.display())
    }

    /// The addresses the browser was asked to open.
    pub fn opened_links(&self) -> Vec<String> {
        std::fs::read_to_string(self.folders.opened())
            .map_or_else(|_| Vec::new(), |text| text.lines().map(str::to_owned).collect())
    }

    /// What names this session in the environment of its processes.
    pub fn marker(&self) -> String {
        format!("{MARKER}={}", self.root.path().display())
    }

    /// Runs a small program of the system in the session and answers its standard output.
    pub async fn output(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let mut command = tokio::process::Command::from(self.command(program));
        let run = command.args(arguments).output();
        let output = tokio::time::timeout(wait::LIMIT, run)
            .await
            .map_err(|_| format!("{program} {arguments:?} did not end"))?
            .map_err(|error| format!("{program}: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(format!("{program} {arguments:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Saves a picture of the whole screen.
    pub async fn picture(&self, path: &Path) -> Result<(), String> {
        self.output("import", &["-window", "root", &path.display().to_string()]).await.map(drop)
    }

    /// What takes a picture of the screen for a test that failed, when `TRAYBELL_TEST_PICTURES` names a folder.
    pub fn camera(&self) -> Option<Command> {
        let folder = std::env::var_os("TRAYBELL_TEST_PICTURES")?;
        let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let mut command = self.command("import");
        command.args(["-window", "root"]).arg(Path::new(&folder).join(format!("{name}.png")));
        Some(command)
    }

    async fn connect(&self) -> zbus::Result<zbus::Connection> {
        zbus::connection::Builder::address(self.bus_address().as_str())
            .method_timeout(Duration::from_secs(20))
            .build()
            .await
    }

    fn start_bus(&mut self) {
        let mut command = self.command("dbus-daemon");
        command.arg(format!("--config-file={}", self.folders.root.join("bus.conf").display())).arg("--nofork");
        self.run_here("dbus-daemon", command);
    }

    async fn await_bus(&self) {
        wait::until("the private bus", || async { self.connect().await.map(drop).map_err(|error| error.to_string()) })
            .await;
    }

    async fn start_display(&mut self) {
        let number = self.folders.root.join("display");
        // The X server picks a free number itself and tells it by this file: two sessions never race for one.
        let mut command = self.command("sh");
        command.args(["-c", "exec Xvfb -displayfd 3 -screen 0 \"$0\" -nolisten tcp -noreset 3>\"$1\""]);
        command.arg(format!("{}x24", self.parts.screen)).arg(&number);
        self.run_here("Xvfb", command);
        let chosen = wait::until("the virtual display", || async {
            let text = std::fs::read_to_string(&number).unwrap_or_default();
            if text.ends_with('\n') { Ok(text.trim().to_owned()) } else { Err(format!("display number {text:?}")) }
        })
        .await;
        self.display = format!(":{chosen}");
    }

    fn launch_keyring(&mut self) {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped());
        let mut keyring = Program::start("gnome-keyring", command, &self.folders.logs);
        if let Some(mut input) = keyring.take_input() {
            input.write_all(KEYRING_PASSWORD.as_bytes()).expect("the keyring reads its password");
        }
        self.programs.push(keyring);
    }

    fn launch_notifications(&mut self, daemon: NotificationDaemon) {
        match daemon {
            NotificationDaemon::Xfce => {
                let command = self.command(session_files::xfce_notifyd());
                self.run_here("notifications", command);
            }
            NotificationDaemon::Dunst => {
                let mut command = self.command("dunst");
                command.arg("-config").arg(self.folders.root.join("dunstrc"));
                self.run_here("notifications", command);
            }
            NotificationDaemon::None => {}
        }
    }

    fn launch_tray(&mut self) {
        let mut command = self.command("xfce4-panel");
        command.arg("--disable-wm-check");
        self.run_here("xfce4-panel", command);
    }

    async fn await_name(&self, name: &str) {
        let bus = self.bus().await;
        let names = zbus::fdo::DBusProxy::new(&bus).await.expect("the bus describes itself");
        wait::until(&format!("{name} on the private bus"), || async {
            let owned = names.list_names().await.map_err(|error| error.to_string())?;
            if owned.iter().any(|owned| owned.as_str() == name) { Ok(()) } else { Err(format!("{owned:?}")) }
        })
        .await;
    }

    async fn await_tray(&self) {
        self.await_name("org.kde.StatusNotifierWatcher").await;
        let bus = self.bus().await;
        let watcher = crate::tray::watcher(&bus).await;
        wait::until("a tray host", || async {
            match watcher.get_property::<bool>("IsStatusNotifierHostRegistered").await {
                Ok(true) => Ok(()),
                other => Err(format!("IsStatusNotifierHostRegistered: {other:?}")),
            }
        })
        .await;
    }

    fn print_logs(&self) {
        let mut logs: Vec<PathBuf> = ["logs", "data/logs"]
            .iter()
            .filter_map(|folder| std::fs::read_dir(self.folders.root.join(folder)).ok())
            .flat_map(|folder| folder.flatten().map(|entry| entry.path()))
            .collect();
        logs.sort();
        for log in logs {
            let text = std::fs::read(&log).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            if lines.is_empty() {
                continue;
            }
            let shown = &lines[lines.len().saturating_sub(60)..];
            eprintln!("---- {} (last {} of {} lines)", log.display(), shown.len(), lines.len());
            for line in shown {
                eprintln!("{}", line.chars().take(400).collect::<String>());
            }
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
        }
        // Clients first, the display and the bus last, so that nobody complains about a lost connection.
        while let Some(mut program) = self.programs.pop() {
            program.kill();
        }
        // What the bus or WebKit started on their own carries the session's mark.
        process::kill_all(&process::marked(&self.marker()));
    }
}
