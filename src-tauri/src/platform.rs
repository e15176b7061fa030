//! What only the operating system can do, by its own interface. The one file where `unsafe` is allowed; each use says
//! why it is sound. It must never hold logic that could live elsewhere.
#![allow(unsafe_code)]

/// Connects a program without a console (as Windows starts it) to the console it was started from, so that the command
/// line can be seen. Nothing to do elsewhere, or when started from the desktop.
pub fn attach_console() {
    #[cfg(windows)]
    {
        #[link(name = "kernel32")]
        unsafe extern "system" {
            fn AttachConsole(process: u32) -> i32;
        }
        /// `ATTACH_PARENT_PROCESS`.
        const PARENT: u32 = u32::MAX;
        // SAFETY: a plain call without pointers; it fails without effect where there is no parent console.
        unsafe {
            AttachConsole(PARENT);
        }
    }
}

/// Whether the library that draws the tray icon can be loaded. Tauri's own binding panics where it cannot, so this is
/// asked first, with the same names in the same order.
#[cfg(target_os = "linux")]
pub fn has_tray_library() -> bool {
    ["libayatana-appindicator3.so.1", "libappindicator3.so.1"].into_iter().any(|name| {
        // SAFETY: loading runs the library's initialisers. It is the very library that Tauri loads next, and the handle
        // is kept open (leaked) so that its finalisers never run while GTK types of it are registered.
        match unsafe { libloading::Library::new(name) } {
            Ok(library) => {
                std::mem::forget(library);
                true
            }
            Err(error) => {
                tracing::debug!(%error, name, "tray library not loaded");
                false
            }
        }
    })
}
