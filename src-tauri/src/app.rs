//! The app: one instance for a data folder, tray, window on demand, and the rules of when it ends. It must never end
//! because a window was closed, or because the desktop lacks a tray.

mod start;

use std::{
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use inbox::{Alert, AlertTarget, Handle, Handover, Problem, SignOut, TrayAction};
use tauri::{AppHandle, Manager as _, RunEvent};

use crate::{
    alert::Alerts,
    commands, control,
    folder::Folder,
    link::SignInLink,
    window::{self, Place, Window},
};

/// What commands, tray and socket need of the running app.
pub struct Shell {
    /// The way to the controller.
    pub handle: Handle,
    /// The window.
    pub window: Window,
    /// Where the app's files are.
    pub folder: Folder,
    alerts: Alerts,
    server: Mutex<Option<control::Server>>,
    /// The app is quitting. Shared with whatever must not begin anything then.
    ending: Arc<AtomicBool>,
}

/// Runs the app until it is quit, or leads to the one that runs. `hidden` starts it into the tray, without its window; a
/// link is offered in the window.
pub fn run(hidden: bool, link: Option<SignInLink>) -> ExitCode {
    let outcome = start::prepare(link.as_ref()).and_then(|prepared| match prepared {
        Some(prepared) => run_prepared(prepared, hidden, link),
        None => Ok(0),
    });
    match outcome {
        Ok(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(problem) => {
            start::say_failed(&problem);
            ExitCode::FAILURE
        }
    }
}

/// The same, started by a link that was opened elsewhere.
pub fn run_link(link: &str) -> ExitCode {
    match SignInLink::read(link) {
        Ok(link) => run(false, Some(link)),
        Err(problem) => {
            start::say_link_refused(&problem);
            ExitCode::FAILURE
        }
    }
}

fn run_prepared(prepared: start::Prepared, hidden: bool, link: Option<SignInLink>) -> Result<i32, Problem> {
    let builder = tauri::Builder::default()
        .register_asynchronous_uri_scheme_protocol("picture", window::serve_picture)
        .invoke_handler(tauri::generate_handler![
            commands::view,
            commands::page,
            commands::detail,
            commands::sign_in,
            commands::sign_out,
            commands::settings,
            commands::save_settings,
            commands::pause,
            commands::resume,
            commands::diagnostics,
            commands::export_diagnostics,
            commands::list_shown,
            commands::show_image,
            commands::mark_read,
            commands::mark_unread,
            commands::mark_all_read,
            commands::delete_message,
            commands::refresh,
            commands::open_link,
            commands::window_ready,
        ])
        .setup(move |app| {
            if let Err(problem) = start::set_up(app, prepared, hidden, link) {
                start::say_failed(&problem);
                // Tauri would take an error for a defect of ours and panic.
                std::process::exit(1);
            }
            Ok(())
        });
    let app = start::build(builder)?;
    #[cfg(target_os = "macos")]
    let mut opened = None;
    Ok(app.run_return(move |app, event| match event {
        // The last window was closed: the tray stays. Only `quit` names a code.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => app.state::<Shell>().window.show(None),
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => {
            for url in urls {
                match SignInLink::read(url.as_str()) {
                    Ok(link) => opened = Some(link),
                    Err(problem) => start::say_link_refused(&problem),
                }
            }
            offer(app, &mut opened);
        }
        // The link that started the app may come before the app is set up.
        #[cfg(target_os = "macos")]
        RunEvent::Ready => offer(app, &mut opened),
        _ => {
            let _ = app;
        }
    }))
}

/// Offers a link that the system has opened, once there is a window to offer it in.
#[cfg(target_os = "macos")]
fn offer(app: &AppHandle, opened: &mut Option<SignInLink>) {
    let Some(shell) = app.try_state::<Shell>() else { return };
    if let Some(link) = opened.take() {
        shell.window.show_at(Place::SignIn(link));
    }
}

/// Ends the app: the controller closes socket and store first.
pub fn quit(app: &AppHandle) {
    /// A controller that takes longer is ended with the program; its store survives that.
    const LIMIT: Duration = Duration::from_secs(5);
    let app = app.clone();
    if app.state::<Shell>().ending.swap(true, Ordering::SeqCst) {
        return;
    }
    tauri::async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        shell.window.close();
        // Before anything that takes time: whoever starts Traybell now waits for the folder and takes over.
        let server = shell.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.close().await;
        }
        if tokio::time::timeout(LIMIT, shell.handle.shutdown()).await.is_err() {
            tracing::warn!("the controller did not end in time");
        }
        tracing::info!("ended");
        app.exit(0);
    });
}

/// Does what was clicked in the tray's menu.
fn act(app: &AppHandle, action: TrayAction) {
    match action {
        TrayAction::Open => app.state::<Shell>().window.show(None),
        TrayAction::Quit => quit(app),
        TrayAction::Settings => app.state::<Shell>().window.show_at(Place::Settings),
        TrayAction::MarkAllRead | TrayAction::SignOut | TrayAction::Pause(_) | TrayAction::Resume => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                let shell = app.state::<Shell>();
                let (done, title) = match action {
                    TrayAction::MarkAllRead => (shell.handle.mark_all_read().await.map(drop), "Not marked as read"),
                    TrayAction::SignOut => (shell.handle.sign_out(SignOut::default()).await, "Not signed out"),
                    TrayAction::Pause(length) => (shell.handle.pause(length).await.map(drop), "Not paused"),
                    TrayAction::Resume => (shell.handle.resume().await.map(drop), "Still paused"),
                    TrayAction::Open | TrayAction::Settings | TrayAction::Quit => return,
                };
                if let Err(problem) = done {
                    shell.tell(title, &problem).await;
                }
            });
        }
    }
}

impl Shell {
    /// Tells what went wrong with something that was clicked outside the window, which may not be there to tell it.
    async fn tell(&self, title: &str, problem: &Problem) {
        let body = [problem.message.as_str(), problem.hint.as_str()].join(" ").trim_end().to_owned();
        let alert = Alert { target: AlertTarget::Summary, title: title.to_owned(), body, sound: false };
        if let Handover::NotTaken(unheard) | Handover::Unknown(unheard) = self.alerts.show(alert).await {
            tracing::warn!(%problem, %unheard, "a click in the tray failed");
            self.window.show(None);
        }
    }
}
