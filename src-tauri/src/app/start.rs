//! How the app starts: display, data folder, single instance, log; then tray, controller, socket and window. It must
//! never fail without saying why, on stderr and, where there is a desktop, as a notification.

use std::{
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use inbox::{AlertTarget, Code, Dot, Handle, KeyringSecrets, Options, Problem, TrayAction, TrayItem, TrayView};
use tauri::{App, AppHandle, Emitter as _, Manager as _};
use tokio::sync::mpsc;

use super::{Shell, act, quit};
use crate::{
    alert::{self, Alerts},
    control::{self, Entry, Request},
    desktop::Desktop,
    folder::{Folder, private_dir},
    link::SignInLink,
    log, system,
    tray::Tray,
    window::{self, Place, Window},
};

/// How long a command that has the folder, or an app that is starting or ending, is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Showing the window waits for nothing; whoever starts the app looks at the screen meanwhile.
const SHOW_LIMIT: Duration = Duration::from_secs(10);
/// How often the data folder is looked for.
const LOOK_AT_FOLDER: Duration = Duration::from_secs(5);

/// What a start needs before there is an app.
pub struct Prepared {
    folder: Folder,
    lock: control::Lock,
}

/// Finds the display and takes the data folder. `None` when the app runs already: its window has been shown.
pub fn prepare(link: Option<&SignInLink>) -> Result<Option<Prepared>, Problem> {
    need_display()?;
    let folder = Folder::locate()?;
    let Some(lock) = tauri::async_runtime::block_on(take_or_show(&folder, link))? else { return Ok(None) };
    log::start(&folder);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), folder = %folder.path().display(), "starting");
    Ok(Some(Prepared { folder, lock }))
}

async fn take_or_show(folder: &Folder, link: Option<&SignInLink>) -> Result<Option<control::Lock>, Problem> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(tokio::time::Instant::now());
        match control::enter(folder, left).await? {
            Entry::Owner(lock) => return Ok(Some(lock)),
            Entry::Running(mut client) => {
                match tokio::time::timeout(SHOW_LIMIT, client.ask::<()>(&Request::Show { link: link.cloned() })).await {
                    Ok(Ok(())) => return Ok(None),
                    // A command of the command line has the folder and makes way, or the app was ending.
                    Ok(Err(problem)) if left.is_zero() => return Err(problem),
                    Ok(Err(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                    Err(_) => {
                        return Err(Problem::new(
                            Code::Internal,
                            "Traybell runs already and does not show its window.",
                            "Look at its log, or end it and start it again.",
                        ));
                    }
                }
            }
        }
    }
}

/// GTK ends the program without a display; this says why first.
fn need_display() -> Result<(), Problem> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") {
        return Err(no_display("Neither DISPLAY nor WAYLAND_DISPLAY is set."));
    }
    Ok(())
}

fn no_display(why: &str) -> Problem {
    Problem::new(
        Code::Internal,
        format!("Traybell needs a desktop to show itself in. {why}"),
        "Start it within a desktop session. The commands work without one: see traybell --help.",
    )
}

/// Builds the app. The toolkit panics where the display does not answer.
pub fn build(builder: tauri::Builder<tauri::Wry>) -> Result<App, Problem> {
    let hook = panic::take_hook();
    // That panic is no defect of ours, and is told below in words that help.
    panic::set_hook(Box::new(|panic| tracing::info!("the toolkit: {}", panic.payload_as_str().unwrap_or_default())));
    let built = catch_unwind(AssertUnwindSafe(|| builder.build(tauri::generate_context!())));
    panic::set_hook(hook);
    match built {
        Ok(Ok(app)) => Ok(app),
        Ok(Err(error)) => Err(no_display(&format!("{error}."))),
        Err(_) => Err(no_display("The display does not answer.")),
    }
}

/// Says why the app did not start.
pub fn say_failed(problem: &Problem) {
    eprintln!("traybell: {}", problem.message);
    if !problem.hint.is_empty() {
        eprintln!("traybell: {}", problem.hint);
    }
    tracing::error!(%problem, "not started");
    alert::say_alone("Traybell could not start", problem);
}

/// Says why a link does nothing: whoever clicked it sees no terminal.
pub fn say_link_refused(problem: &Problem) {
    eprintln!("traybell: {}", problem.message);
    eprintln!("traybell: {}", problem.hint);
    alert::say_alone("The link could not be opened", problem);
}

/// Brings the parts up. On the main thread, once Tauri runs.
pub fn set_up(app: &mut App, prepared: Prepared, hidden: bool, link: Option<SignInLink>) -> Result<(), Problem> {
    #[cfg(target_os = "macos")]
    app.set_activation_policy(tauri::ActivationPolicy::Accessory);
    let app = app.handle();
    let Prepared { folder, lock } = prepared;
    for inside in [folder.webview(), folder.tray()] {
        private_dir(&inside).map_err(|error| folder.unwritable(&error))?;
    }
    let (clicks, clicked) = mpsc::channel(16);
    let alerts = Alerts::new(clicks, alert::write_icon(folder.icon()));
    let window = Window::new(app.clone(), folder.clone());
    let (tray, no_tray) = match catch_unwind(AssertUnwindSafe(|| Tray::new(app, &folder, &starting(), act))) {
        Ok(Ok(tray)) => (Some(Arc::new(tray)), None),
        Ok(Err(problem)) => (None, Some(problem)),
        // The library is there and too old to be used.
        Err(_) => (None, Some(crate::tray::no_tray("The library that draws the tray icon cannot be used.", ""))),
    };
    let desktop =
        Arc::new(Desktop { app: app.clone(), alerts: alerts.clone(), tray: tray.clone(), window: window.clone() });
    let options = Options::new(folder.path().to_owned(), Arc::new(KeyringSecrets::new()));
    let handle = tauri::async_runtime::block_on(async {
        // Before the controller can show the first. A bus that hangs must not hold up the start.
        if tokio::time::timeout(Duration::from_secs(2), alerts.listen()).await.is_err() {
            tracing::info!("clicks on notifications are listened for with the first");
        }
        inbox::start(options, desktop).await
    })?;
    let ending = Arc::new(AtomicBool::new(false));
    let on_show = on_show(window.clone(), Arc::clone(&ending));
    let lock = Arc::new(lock);
    let server = tauri::async_runtime::block_on(async {
        control::Server::start(&folder, Arc::clone(&lock), handle.clone(), on_show)
    })?;
    app.manage(Arc::clone(&lock));
    app.manage(Shell {
        handle: handle.clone(),
        window: window.clone(),
        folder,
        alerts: alerts.clone(),
        server: Mutex::new(Some(server)),
        ending,
    });
    system::watch(&handle);
    tauri::async_runtime::spawn(pass_clicks_on(handle.clone(), clicked));
    tauri::async_runtime::spawn(pass_views_on(app.clone(), handle.clone()));
    tauri::async_runtime::spawn(quit_on_signal(app.clone()));
    tauri::async_runtime::spawn(quit_without_folder(app.clone(), lock));
    #[cfg(target_os = "linux")]
    tauri::async_runtime::spawn(follow_notification_service(handle.clone(), alerts));
    tauri::async_runtime::spawn(follow_panel(app.clone(), handle, tray, no_tray));
    match link {
        Some(link) => window.show_at(Place::SignIn(link)),
        None if hidden => {}
        None => window.show(None),
    }
    Ok(())
}

/// What a second start leads to. One that asked on a connection from before the end is sent away too: it tries again, and
/// has the folder once this program is gone.
fn on_show(window: Window, ending: Arc<AtomicBool>) -> control::OnShow {
    Arc::new(move |link| {
        if ending.load(Ordering::SeqCst) {
            return Err(Problem::new(Code::Internal, "Traybell is quitting.", "Start it again in a moment."));
        }
        match link {
            Some(link) => window.show_at(Place::SignIn(link)),
            None => window.show(None),
        }
        Ok(())
    })
}

/// What the tray shows until the controller says more.
fn starting() -> TrayView {
    let action = |action, label: &str| TrayItem::Action { action, label: label.to_owned(), enabled: true };
    TrayView {
        dot: Dot::Connecting,
        badge: 0,
        paused: false,
        tooltip: "Traybell".to_owned(),
        menu: vec![action(TrayAction::Open, "Open Traybell"), TrayItem::Separator, action(TrayAction::Quit, "Quit")],
    }
}

async fn pass_clicks_on(handle: Handle, mut clicked: mpsc::Receiver<AlertTarget>) {
    while let Some(target) = clicked.recv().await {
        handle.alert_activated(target).await;
    }
}

async fn pass_views_on(app: AppHandle, handle: Handle) {
    let mut view = handle.view();
    while view.changed().await.is_ok() {
        let now = view.borrow_and_update().clone();
        if let Err(error) = app.emit_to(window::LABEL, "view", now) {
            tracing::debug!(%error, "the page was not told of a change");
        }
    }
}

/// What waits for a notification service is told once there is one.
#[cfg(target_os = "linux")]
async fn follow_notification_service(handle: Handle, alerts: Alerts) {
    loop {
        alerts.service_appeared().await;
        handle.notice(alert::no_service("the service was not there"), false).await;
    }
}

/// Says so while no panel shows the icon, and suits the icon to the panel.
async fn follow_panel(app: AppHandle, handle: Handle, tray: Option<Arc<Tray>>, no_tray: Option<Problem>) {
    if let Some(problem) = no_tray {
        tracing::warn!(%problem, "no tray icon");
        handle.notice(problem, true).await;
        return;
    }
    #[cfg(target_os = "linux")]
    {
        use crate::tray::panel;
        if let (Some(tray), Some(is_dark)) = (tray, panel::prefers_dark().await) {
            // An error says that the program is ending.
            let _ = app.run_on_main_thread(move || tray.suit_panel(is_dark));
        }
        let (reports, mut reported) = mpsc::channel(4);
        tauri::async_runtime::spawn(panel::watch_host(reports));
        let mut standing: Option<Problem> = None;
        while let Some(report) = reported.recv().await {
            if let Some(over) = standing.take() {
                handle.notice(over, false).await;
            }
            if let Err(problem) = report {
                tracing::warn!(%problem, "no tray icon");
                handle.notice(problem.clone(), true).await;
                standing = Some(problem);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    drop((app, tray));
}

/// Somebody removed the data folder. Going on would mean to write where nothing is kept, beside a second Traybell that
/// somebody starts.
async fn quit_without_folder(app: AppHandle, lock: Arc<control::Lock>) {
    let mut gone = 0;
    while gone < 2 {
        tokio::time::sleep(LOOK_AT_FOLDER).await;
        gone = if lock.is_ours() { 0 } else { gone + 1 };
    }
    let problem = Problem::new(
        Code::StoreFailed,
        "Traybell's data folder was removed while Traybell was running.",
        "Start Traybell again and sign in.",
    );
    tracing::error!(%problem, "ending");
    app.state::<Shell>().tell("Traybell ended", &problem).await;
    quit(&app);
}

/// A session that ends, or a service manager, asks by signal.
async fn quit_on_signal(app: AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
            tracing::warn!("signals cannot be listened to");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        tracing::warn!("Ctrl+C cannot be listened to");
        return;
    }
    tracing::info!("asked to end by a signal");
    quit(&app);
}
