//! What only the operating system can do, by its own interface. The one file where `unsafe` is allowed; each use says
//! why it is sound. It must never hold logic that could live elsewhere.
#![allow(unsafe_code)]

#[cfg(any(windows, target_os = "macos"))]
use inbox::Nudge;

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

/// Tells of wakes, unlocks and networks until the program ends. To be called once, on the main thread.
#[cfg(any(windows, target_os = "macos"))]
pub fn watch_system(tell: impl Fn(Nudge) + Send + Sync + 'static) {
    signals::watch(Box::new(tell));
}

#[cfg(windows)]
mod signals {
    //! Power and addresses by callbacks; unlocks go to a window, so that a thread has one that nobody sees.

    use std::{
        ffi::c_void,
        ptr::{null, null_mut},
        sync::OnceLock,
    };

    use inbox::Nudge;
    use windows_sys::{
        Win32::{
            Foundation::{HWND, LPARAM, LRESULT, WPARAM},
            NetworkManagement::IpHelper::{
                MIB_NOTIFICATION_TYPE, MIB_UNICASTIPADDRESS_ROW, MibAddInstance, MibParameterNotification,
                NotifyUnicastIpAddressChange,
            },
            Networking::WinSock::AF_UNSPEC,
            System::{
                LibraryLoader::GetModuleHandleW,
                Power::{DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS, PowerRegisterSuspendResumeNotification},
                RemoteDesktop::{NOTIFY_FOR_THIS_SESSION, WTSRegisterSessionNotification},
            },
            UI::WindowsAndMessaging::{
                CreateWindowExW, DEVICE_NOTIFY_CALLBACK, DefWindowProcW, DispatchMessageW, GetMessageW, HWND_MESSAGE,
                MSG, PBT_APMRESUMEAUTOMATIC, RegisterClassW, WM_WTSSESSION_CHANGE, WNDCLASSW, WTS_SESSION_UNLOCK,
            },
        },
        core::w,
    };

    type Tell = Box<dyn Fn(Nudge) + Send + Sync>;

    /// Whom the callbacks tell. They are given no pointer of ours, so none can dangle.
    static TELL: OnceLock<Tell> = OnceLock::new();

    pub fn watch(tell: Tell) {
        if TELL.set(tell).is_err() {
            return;
        }
        watch_sleep();
        watch_addresses();
        if let Err(error) = std::thread::Builder::new().name("session-signals".to_owned()).spawn(watch_unlocks) {
            tracing::info!(%error, "unlocks are not heard");
        }
    }

    fn tell(nudge: Nudge) {
        if let Some(tell) = TELL.get() {
            tell(nudge);
        }
    }

    fn watch_sleep() {
        // Never freed: Windows may look at it as long as the program runs.
        let parameters =
            Box::leak(Box::new(DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS { Callback: Some(on_power), Context: null_mut() }));
        let mut registration = null_mut();
        // SAFETY: with this flag the recipient is such parameters, which live for ever; the registration is written to a
        // variable of ours and is never given back.
        let code = unsafe {
            PowerRegisterSuspendResumeNotification(
                DEVICE_NOTIFY_CALLBACK,
                std::ptr::from_mut(parameters).cast(),
                &raw mut registration,
            )
        };
        if code != 0 {
            tracing::info!(code, "wakes from sleep are not heard");
        }
    }

    // Sent on each wake, whether a person or a timer caused it.
    unsafe extern "system" fn on_power(_: *const c_void, event: u32, _: *const c_void) -> u32 {
        if event == PBT_APMRESUMEAUTOMATIC {
            tell(Nudge::Woke);
        }
        0
    }

    fn watch_addresses() {
        let mut registration = null_mut();
        // SAFETY: there is no context to dangle; the registration is written to a variable of ours and never given back.
        let code =
            unsafe { NotifyUnicastIpAddressChange(AF_UNSPEC, Some(on_address), null(), false, &raw mut registration) };
        if code != 0 {
            tracing::info!(code, "changes of the network are not heard");
        }
    }

    // An address that came or became usable: a network. One that goes is none.
    unsafe extern "system" fn on_address(
        _: *const c_void,
        _: *const MIB_UNICASTIPADDRESS_ROW,
        kind: MIB_NOTIFICATION_TYPE,
    ) {
        if kind == MibAddInstance || kind == MibParameterNotification {
            tell(Nudge::NetworkChanged);
        }
    }

    fn watch_unlocks() {
        let name = w!("TraybellSignals");
        // SAFETY: the name is a constant with its end mark; class and window are of this module and of `on_message`,
        // which has their signature; window and messages are used on this thread alone.
        unsafe {
            let module = GetModuleHandleW(null());
            let class = WNDCLASSW {
                lpfnWndProc: Some(on_message),
                hInstance: module,
                lpszClassName: name,
                ..WNDCLASSW::default()
            };
            RegisterClassW(&raw const class);
            let window = CreateWindowExW(0, name, name, 0, 0, 0, 0, 0, HWND_MESSAGE, null_mut(), module, null());
            if window.is_null() || WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) == 0 {
                tracing::info!(error = %std::io::Error::last_os_error(), "unlocks are not heard");
                return;
            }
            let mut message = MSG::default();
            while GetMessageW(&raw mut message, null_mut(), 0, 0) > 0 {
                DispatchMessageW(&raw const message);
            }
        }
    }

    unsafe extern "system" fn on_message(window: HWND, message: u32, what: WPARAM, whose: LPARAM) -> LRESULT {
        if message == WM_WTSSESSION_CHANGE && what == WTS_SESSION_UNLOCK as WPARAM {
            tell(Nudge::Unlocked);
        }
        // SAFETY: the very arguments that Windows called us with.
        unsafe { DefWindowProcW(window, message, what, whose) }
    }
}

#[cfg(target_os = "macos")]
mod signals {
    //! Wakes and unlocks by notification centres, networks by a path monitor. Observers and monitor are leaked: they
    //! live as long as the program.

    use std::{
        ffi::c_void,
        mem::forget,
        ptr::NonNull,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
    };

    use block2::{DynBlock, RcBlock};
    use inbox::Nudge;
    use objc2_app_kit::{NSWorkspace, NSWorkspaceDidWakeNotification, NSWorkspaceSessionDidBecomeActiveNotification};
    use objc2_foundation::{NSDistributedNotificationCenter, NSNotification, NSNotificationCenter, NSString};

    type Tell = Arc<dyn Fn(Nudge) + Send + Sync>;

    pub fn watch(tell: Box<dyn Fn(Nudge) + Send + Sync>) {
        let tell: Tell = tell.into();
        let workspace = NSWorkspace::sharedWorkspace().notificationCenter();
        // SAFETY: constants of AppKit, which is loaded.
        let (woke, active) = unsafe { (NSWorkspaceDidWakeNotification, NSWorkspaceSessionDidBecomeActiveNotification) };
        observe(&workspace, woke, Nudge::Woke, &tell);
        observe(&workspace, active, Nudge::Unlocked, &tell);
        let everybody = NSDistributedNotificationCenter::defaultCenter();
        observe(&everybody, &NSString::from_str("com.apple.screenIsUnlocked"), Nudge::Unlocked, &tell);
        watch_paths(tell);
    }

    fn observe(center: &NSNotificationCenter, name: &NSString, nudge: Nudge, tell: &Tell) {
        let tell = Arc::clone(tell);
        let block = RcBlock::new(move |_: NonNull<NSNotification>| tell(nudge));
        // SAFETY: the block is sendable, since `Tell` is, and takes what the centre gives; the centre keeps a copy.
        let observer = unsafe { center.addObserverForName_object_queue_usingBlock(Some(name), None, None, &block) };
        forget(observer);
    }

    /// `nw_path_status_satisfied`.
    const SATISFIED: i32 = 1;

    #[link(name = "Network", kind = "framework")]
    unsafe extern "C" {
        fn nw_path_monitor_create() -> *mut c_void;
        fn nw_path_monitor_set_queue(monitor: *mut c_void, queue: *mut c_void);
        fn nw_path_monitor_set_update_handler(monitor: *mut c_void, handler: *const DynBlock<dyn Fn(*mut c_void)>);
        fn nw_path_monitor_start(monitor: *mut c_void);
        fn nw_path_get_status(path: *mut c_void) -> i32;
    }

    unsafe extern "C" {
        fn dispatch_get_global_queue(identifier: isize, flags: usize) -> *mut c_void;
    }

    /// The first path is the one that is there already; one that leads nowhere is the loss of a network.
    fn watch_paths(tell: Tell) {
        let is_first = AtomicBool::new(true);
        let block = RcBlock::new(move |path: *mut c_void| {
            // SAFETY: the monitor gives a path that is valid during the call.
            let status = unsafe { nw_path_get_status(path) };
            if !is_first.swap(false, Ordering::SeqCst) && status == SATISFIED {
                tell(Nudge::NetworkChanged);
            }
        });
        // SAFETY: the monitor is created here and never freed; the queue is a global one; the monitor copies the block,
        // which is sendable.
        unsafe {
            let monitor = nw_path_monitor_create();
            if monitor.is_null() {
                tracing::info!("changes of the network are not heard");
                return;
            }
            nw_path_monitor_set_queue(monitor, dispatch_get_global_queue(0, 0));
            nw_path_monitor_set_update_handler(monitor, &raw const *block);
            nw_path_monitor_start(monitor);
        }
    }
}
