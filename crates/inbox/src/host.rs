//! [`Host`]: what the controller asks of the desktop around it. `src-tauri` implements it over Tauri and notify-rust;
//! tests with a recording one.

use std::future::Future;

use crate::{MessageId, Problem, TrayView};

/// What to tell the person by a native notification. Plain text: the host escapes it where its service reads markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What a click opens; a summary opens the list.
    pub target: AlertTarget,
    /// Plain text, bounded.
    pub title: String,
    /// Plain text, bounded.
    pub body: String,
    /// With the system's sound; otherwise silent, where the system can.
    pub sound: bool,
}

/// What a click on an alert opens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AlertTarget {
    /// This message.
    Message(MessageId),
    /// The list: one alert for several messages.
    Summary,
    /// The sign-in form: the session needs the person.
    SignIn,
}

/// How handing an alert to the notification service ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handover {
    /// The service has taken it.
    Taken,
    /// The service has definitely not taken it: it may be handed over again.
    NotTaken(Problem),
    /// Nobody knows, since the service did not answer in time: it must never be handed over singly again.
    Unknown(Problem),
}

/// Whether an alert could be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    /// It is gone.
    Withdrawn,
    /// This system cannot (Windows, macOS), or it was gone already.
    Unsupported,
}

/// The desktop around the controller.
pub trait Host: Send + Sync + 'static {
    /// Shows a native notification, and answers once the notification service has.
    fn alert(&self, alert: Alert) -> impl Future<Output = Handover> + Send;
    /// Takes back the alert of this target, if it still stands.
    fn withdraw_alert(&self, target: AlertTarget) -> impl Future<Output = Withdrawal> + Send;
    /// Draws the tray. Called only when it changed.
    fn set_tray(&self, tray: TrayView);
    /// Shows the window, at this message if given.
    fn show_window(&self, message: Option<MessageId>);
    /// Opens an address in the browser. It was judged before.
    fn open_url(&self, url: url::Url) -> Result<(), Problem>;
}
