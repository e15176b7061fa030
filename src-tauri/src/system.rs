//! What the operating system tells without being asked: a wake from sleep, an unlock, another network. It watches and
//! passes on; what follows from a signal, and what becomes of fifty in a second, is decided in `inbox`. A system that
//! tells nothing must never keep the app from running: the connection's own pings and the regular list call remain.
//!
//! Windows and macOS: the code compiles in `check-windows` and `check-macos`; no test has run it.

#[cfg(target_os = "linux")]
mod linux;

use inbox::Handle;
#[cfg(not(target_os = "linux"))]
use {inbox::Nudge, tokio::sync::mpsc};

/// Watches as long as the app runs. On the main thread, once Tauri runs.
pub fn watch(handle: &Handle) {
    #[cfg(target_os = "linux")]
    linux::watch(handle);
    #[cfg(not(target_os = "linux"))]
    {
        // Unbounded: the system calls back where nothing may wait, and the controller makes few of many.
        let (nudges, nudged) = mpsc::unbounded_channel();
        tauri::async_runtime::spawn(pass_on(handle.clone(), nudged));
        crate::platform::watch_system(move |nudge| {
            // An error says that the program is ending.
            let _ = nudges.send(nudge);
        });
    }
}

#[cfg(not(target_os = "linux"))]
async fn pass_on(handle: Handle, mut nudged: mpsc::UnboundedReceiver<Nudge>) {
    while let Some(nudge) = nudged.recv().await {
        handle.nudge(nudge).await;
    }
}
