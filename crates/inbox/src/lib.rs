//! Traybell without a screen: the messages, the store, the controller that owns all state, and what tray and window
//! show of it. It must never name Tauri.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may panic"))]

mod account;
mod controller;
mod handle;
mod host;
pub mod images;
pub mod link;
mod message;
mod problem;
mod reading;
mod secrets;
mod settings;
mod store;
pub mod text;
mod tray;
mod view;

pub use account::{AccountId, LastAccount};
pub use controller::{Options, start};
pub use handle::{Handle, Keep, Nudge, OpenedLink, SignIn, SignOut};
pub use host::{Alert, AlertTarget, Handover, Host, Withdrawal};
pub use message::{Button, Event, Message, MessageId};
pub use problem::{Code, Problem};
pub use secrets::{Kept, KeyringSecrets, MemorySecrets, Secrets};
pub use settings::{
    Day, Images, NoTimeOfDay, PauseFor, Purge, QuietHours, Retention, Rule, Rules, Settings, Shows, TimeOfDay,
    quiet_until,
};
pub use store::{Counts, Merged, Opened, OutboxEntry, Store, StoreError};
pub use tray::tray_view;
pub use view::{
    AccountView, ButtonView, Counters, Detail, Dot, Held, HeldBy, ImageView, Page, Query, Row, Sending, SessionView,
    Skipped, Socket, Step, Tab, TrayAction, TrayItem, TrayView, View,
};
