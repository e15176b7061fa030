//! The stage on which the black-box tests play: a private desktop session with real parts (D-Bus, virtual display,
//! keyring, notification daemon, tray host, Pusher server), a hostile Fast Track server, and eyes and hands for each
//! of them.
//!
//! It must never touch the session of the person who runs the tests: own bus, own display, own folders, and it ends
//! only what it started.
#![cfg(target_os = "linux")]

pub mod app;
pub mod attacks;
pub mod backend;
pub mod bubble;
pub mod compare;
pub mod desktop;
pub mod driver;
pub mod dunst;
pub mod fasttrack_fake;
pub mod killing;
pub mod memory;
pub mod message;
pub mod notifications;
#[cfg(target_os = "linux")]
pub mod postgres;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod rendered;
pub mod scene;
pub mod screen;
pub mod secrets;
pub mod session_files;
pub mod soak;
pub mod sockudo;
#[cfg(target_os = "linux")]
pub mod storm;
pub mod system_bus;
pub mod tracktik_fake;
pub mod tray;
pub mod wait;
