//! Native notifications by notify-rust, and their clicks back to the controller. It must never show a text as markup:
//! what a message says arrives as the text it is.

#[cfg(target_os = "linux")]
mod standing;
#[cfg(target_os = "linux")]
#[path = "alert/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "alert/toast.rs"]
mod system;
#[cfg(any(test, not(target_os = "linux")))]
mod waiting;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use inbox::{Alert, Code, Problem};

use crate::folder::private_file;

pub use self::system::Alerts;
#[cfg(target_os = "linux")]
pub use self::system::find_service;

/// A notification service that takes longer does not answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The app's picture.
const ICON: &[u8] = include_bytes!("../../icons/128x128.png");

/// Writes the app's picture where notification services can read it: a theme has it only once it is installed.
pub fn write_icon(path: PathBuf) -> Option<PathBuf> {
    let file = private_file().create(true).truncate(true).write(true).open(&path);
    match file.and_then(|mut file| file.write_all(ICON)) {
        Ok(()) => Some(path),
        Err(error) => {
            tracing::info!(%error, "notifications are shown without a picture");
            None
        }
    }
}

/// Says that no notification service took the alert.
pub fn no_service(why: &str) -> Problem {
    let hint = if cfg!(target_os = "linux") {
        "Start or install a notification service, for example xfce4-notifyd or dunst."
    } else {
        "Allow notifications for Traybell in the system's settings."
    };
    Problem::new(Code::NoNotifications, format!("No notification could be shown: {why}."), hint)
}

/// The notification both systems begin with.
fn notification(title: &str, body: &str, icon: Option<&Path>) -> notify_rust::Notification {
    let mut notification = notify_rust::Notification::new();
    notification.appname("Traybell").summary(title).body(body);
    if let Some(icon) = icon.and_then(Path::to_str) {
        notification.icon(icon);
    }
    notification
}

/// Tells a person that the app could not start, where nobody reads stderr. Best effort: stderr has been written.
pub fn say_alone(title: &str, problem: &Problem) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    let alert = Alert {
        target: inbox::AlertTarget::Summary,
        title: title.to_owned(),
        body: format!("{} {}", problem.message, problem.hint),
        sound: false,
    };
    runtime.block_on(async {
        let (clicks, _nobody) = tokio::sync::mpsc::channel(1);
        // Nothing is left to do where this fails as well.
        let _ = tokio::time::timeout(Duration::from_secs(3), Alerts::new(clicks, None).show(alert)).await;
    });
}
