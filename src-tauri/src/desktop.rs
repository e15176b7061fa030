//! [`Desktop`]: what the controller asks of the desktop, over Tauri and notify-rust. It must never decide anything: each
//! method does what it was asked.

use std::sync::Arc;

use inbox::{Alert, AlertTarget, Code, Handover, Host, MessageId, Problem, TrayView, Withdrawal};
use tauri::AppHandle;

use crate::{alert::Alerts, tray::Tray, window::Window};

/// The desktop this program runs in.
pub struct Desktop {
    /// The app.
    pub app: AppHandle,
    /// Native notifications.
    pub alerts: Alerts,
    /// The tray icon, where there can be one.
    pub tray: Option<Arc<Tray>>,
    /// The window.
    pub window: Window,
}

impl Host for Desktop {
    async fn alert(&self, alert: Alert) -> Handover {
        self.alerts.show(alert).await
    }

    async fn withdraw_alert(&self, target: AlertTarget) -> Withdrawal {
        self.alerts.withdraw(&target).await
    }

    fn set_tray(&self, view: TrayView) {
        let Some(tray) = self.tray.clone() else { return };
        let app = self.app.clone();
        // An error says that the program is ending.
        let _ = self.app.run_on_main_thread(move || tray.draw(&app, view));
    }

    fn show_window(&self, message: Option<MessageId>) {
        self.window.show(message);
    }

    fn open_url(&self, url: url::Url) -> Result<(), Problem> {
        open::that_detached(url.as_str()).map_err(|error| {
            Problem::new(
                Code::Internal,
                format!("The link could not be opened: {error}."),
                "Choose a default browser in the system's settings.",
            )
        })
    }
}
