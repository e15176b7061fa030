//! The one window: made when it is needed, destroyed when it is closed, so that an idle Traybell has no webview. It must
//! never lead anywhere but to the app's own page.

#[cfg(target_os = "linux")]
mod leftover;
mod picture;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use inbox::{Code, MessageId, Problem};
use serde::Serialize;
use tauri::{
    AppHandle, Emitter as _, Manager as _, Url, WebviewUrl, WebviewWindowBuilder, WindowEvent,
    webview::NewWindowResponse,
};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot},
    time::timeout,
};

pub use self::picture::serve as serve_picture;
use crate::{app::Shell, folder::Folder, link::SignInLink};

/// The window's label, the one that `capabilities/main.json` names.
pub const LABEL: &str = "main";

/// Opens the window and knows what its page is to show.
#[derive(Clone)]
pub struct Window(Arc<Inner>);

struct Inner {
    app: AppHandle,
    folder: Folder,
    /// Making a window and ending what the last one left take turns.
    turn: AsyncMutex<()>,
    page: Mutex<Page>,
    /// Told when a window is gone.
    gone: Notify,
    /// What is seen of the window, in the order in which it happened.
    sight: mpsc::UnboundedSender<Sight>,
}

/// What the controller is told of the window: no notification is raised for what is seen as it comes.
#[derive(Debug, Clone, Copy)]
enum Sight {
    /// It has the focus, or has it no more.
    Focused(bool),
    /// Its page shows new messages as they come, or no more.
    ListShown(bool),
}

/// What is known of the page in the window.
#[derive(Default)]
struct Page {
    /// It listens to events.
    ready: bool,
    /// Its window was closed and is about to be gone.
    closing: bool,
    /// What it is to open once it does.
    focus: Option<MessageId>,
    /// The page of its own that it is to turn to once it does.
    place: Option<Place>,
}

/// A page of the window's beside the list.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "page", rename_all = "snake_case")]
pub enum Place {
    /// The settings.
    Settings,
    /// The form to sign in, with what a link fills in once the person agrees.
    SignIn(SignInLink),
}

/// What the page is to open: a message, or the list.
#[derive(Debug, Clone, Serialize)]
pub struct Focus {
    id: Option<MessageId>,
}

impl Window {
    /// No window is made yet.
    pub fn new(app: AppHandle, folder: Folder) -> Self {
        let (sight, seen) = mpsc::unbounded_channel();
        tauri::async_runtime::spawn(pass_on(app.clone(), seen));
        Self(Arc::new(Inner {
            app,
            folder,
            turn: AsyncMutex::new(()),
            page: Mutex::default(),
            gone: Notify::new(),
            sight,
        }))
    }

    /// The page shows new messages as they come, or no more.
    pub fn list_shown(&self, shown: bool) {
        self.tell(Sight::ListShown(shown));
    }

    fn tell(&self, sight: Sight) {
        // An error says that the program is ending.
        let _ = self.0.sight.send(sight);
    }

    /// Shows the window, at this message if given.
    pub fn show(&self, message: Option<MessageId>) {
        let window = self.clone();
        tauri::async_runtime::spawn(async move {
            if let Err(problem) = window.open(message).await {
                tracing::error!(%problem, "the window could not be shown");
            }
        });
    }

    /// Shows the window, turned to this page of it.
    pub fn show_at(&self, place: Place) {
        let window = self.clone();
        tauri::async_runtime::spawn(async move {
            let shown = match window.open(None).await {
                Ok(()) => window.turn_to(place),
                Err(problem) => Err(problem),
            };
            if let Err(problem) = shown {
                tracing::error!(%problem, "the window could not be shown");
            }
        });
    }

    /// Turns the page there, at once or when it is ready.
    fn turn_to(&self, place: Place) -> Result<(), Problem> {
        let mut page = self.page();
        if !page.ready {
            page.place = Some(place);
            return Ok(());
        }
        drop(page);
        self.0.app.emit_to(LABEL, "show", place).map_err(|error| failed(&error.to_string()))
    }

    async fn open(&self, message: Option<MessageId>) -> Result<(), Problem> {
        let turn = self.0.turn.lock().await;
        self.await_closed().await;
        let (done, wait) = oneshot::channel();
        let window = self.clone();
        self.0
            .app
            .run_on_main_thread(move || {
                // The receiver waits: it is gone only when the program ends.
                let _ = done.send(window.present());
            })
            .map_err(|error| failed(&error.to_string()))?;
        wait.await.map_err(|_| failed("the program is ending"))?.map_err(|error| failed(&error.to_string()))?;
        // Only now is it known which page this is for: the one before may have gone in between.
        let ready = {
            let mut page = self.page();
            if !page.ready && message.is_some() {
                page.focus.clone_from(&message);
            }
            page.ready
        };
        drop(turn);
        if ready {
            self.0.app.emit_to(LABEL, "focus", Focus { id: message }).map_err(|error| failed(&error.to_string()))?;
        }
        Ok(())
    }

    /// Waits for a window that is closing to be gone: to show that one would lose the click with it.
    async fn await_closed(&self) {
        /// A window that takes longer is not going.
        const LIMIT: Duration = Duration::from_secs(5);
        let gone = self.0.gone.notified();
        // What is told from here on is not missed.
        if self.page().closing && timeout(LIMIT, gone).await.is_err() {
            tracing::warn!("the window was closed and is still there");
            self.page().closing = false;
        }
    }

    /// Brings the window up, or makes it. On the main thread.
    fn present(&self) -> tauri::Result<()> {
        if let Some(window) = self.0.app.get_webview_window(LABEL) {
            window.unminimize()?;
            window.show()?;
            return window.set_focus();
        }
        let window = WebviewWindowBuilder::new(&self.0.app, LABEL, WebviewUrl::App("index.html".into()))
            .title("Traybell")
            .inner_size(420.0, 640.0)
            .min_inner_size(360.0, 400.0)
            .data_directory(self.0.folder.webview())
            .on_navigation(is_own_page)
            .on_new_window(|_, _| NewWindowResponse::Deny)
            .on_download(|_, _| false)
            .build()?;
        let this = self.clone();
        window.on_window_event(move |event| match event {
            WindowEvent::CloseRequested { .. } => this.page().closing = true,
            WindowEvent::Destroyed => this.closed(),
            WindowEvent::Focused(focused) => this.tell(Sight::Focused(*focused)),
            _ => {}
        });
        Ok(())
    }

    /// The page has loaded and listens. Answers what it is to open.
    pub fn ready(&self) -> Option<MessageId> {
        let mut page = self.page();
        page.ready = true;
        let (focus, place) = (page.focus.take(), page.place.take());
        drop(page);
        if let Some(place) = place
            && let Err(problem) = self.turn_to(place)
        {
            tracing::warn!(%problem, "the page was not turned");
        }
        focus
    }

    /// Closes the window, as the program ends.
    pub fn close(&self) {
        if let Some(window) = self.0.app.get_webview_window(LABEL)
            && let Err(error) = window.destroy()
        {
            tracing::debug!(%error, "the window could not be closed");
        }
    }

    fn closed(&self) {
        *self.page() = Page::default();
        self.tell(Sight::Focused(false));
        self.tell(Sight::ListShown(false));
        self.0.gone.notify_waiters();
        #[cfg(target_os = "linux")]
        {
            let window = self.clone();
            tauri::async_runtime::spawn(async move {
                let _turn = window.0.turn.lock().await;
                if window.0.app.get_webview_window(LABEL).is_none() {
                    leftover::end().await;
                }
            });
        }
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.0.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass_on(app: AppHandle, mut seen: mpsc::UnboundedReceiver<Sight>) {
    while let Some(sight) = seen.recv().await {
        // There is no window before the shell is there.
        let Some(shell) = app.try_state::<Shell>() else { continue };
        match sight {
            Sight::Focused(focused) => shell.handle.focused(focused).await,
            Sight::ListShown(shown) => shell.handle.list_shown(shown).await,
        }
    }
}

/// Whether an address is the app's own page: nothing else is ever shown in the window.
fn is_own_page(url: &Url) -> bool {
    let (scheme, host) = if cfg!(windows) { ("http", "tauri.localhost") } else { ("tauri", "localhost") };
    url.scheme() == scheme && url.host_str() == Some(host)
}

fn failed(why: &str) -> Problem {
    Problem::new(Code::Internal, format!("The window could not be shown: {why}."), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_leads_nowhere_but_to_its_own_page() {
        let own = if cfg!(windows) { "http://tauri.localhost/index.html" } else { "tauri://localhost/index.html" };
        assert!(is_own_page(&own.parse().unwrap()));
        for other in [
            "https://example.com/",
            "http://localhost/",
            "tauri://example.com/",
            "tauri://localhost.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "about:blank",
            "picture://localhost/1",
        ] {
            assert!(!is_own_page(&other.parse().unwrap()), "{other}");
        }
    }
}
