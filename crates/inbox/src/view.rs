//! What the window, the tray and the command line show: pure functions of the controller's state, compared as data in
//! tests. It must never hold a secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Event, MessageId, PauseFor, Problem};

/// Where a session stands. Exhaustive: tray and window match every arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionView {
    /// Nobody is signed in. `problem`: why a sign-in did not succeed, if one was tried.
    SignedOut {
        /// Why the last try did not succeed.
        problem: Option<Problem>,
    },
    /// A sign-in by the person is under way.
    SigningIn {
        /// How far it is.
        step: Step,
    },
    /// Signed in; `socket` says whether messages arrive live.
    Online {
        /// Whether messages arrive live.
        socket: Socket,
        /// Since when.
        since: Timestamp,
    },
    /// Signed in, and the server cannot be reached; retried without end.
    Offline {
        /// Why.
        problem: Problem,
        /// Since when.
        since: Timestamp,
    },
    /// The server refused the sid: everything is kept, only a new sid is asked for.
    Rejected {
        /// What the server said.
        problem: Problem,
        /// Since when.
        since: Timestamp,
    },
}

/// The steps of a sign-in, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Reading the brand's config.
    Brand,
    /// Logging in with the sid.
    Session,
    /// Connecting and subscribing the channel.
    Channel,
}

/// Whether messages arrive live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Socket {
    /// Subscribed.
    Live,
    /// Connecting or subscribing.
    Connecting,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// `production`, `staging` or the custom base URL.
    pub environment: String,
    /// The brand's name as entered.
    pub brand: String,
    /// The user's id; empty before the first log-in succeeded.
    pub user: String,
    /// First and last name.
    pub name: String,
}

/// The whole state, but for the messages, which are paged (see [`Page`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Rises with each change of the list: whoever shows pages asks for them again.
    pub revision: u64,
    /// Where the session stands.
    pub session: SessionView,
    /// Who is signed in, or was when the sid was refused.
    pub account: Option<AccountView>,
    /// Messages not read.
    pub unread: u64,
    /// Messages in the list.
    pub total: u64,
    /// When the list call last succeeded, in this run of the program or an earlier one.
    pub last_synced: Option<Timestamp>,
    /// Nothing is known to be missing: the list was called since this session stands and since the last gap.
    pub up_to_date: bool,
    /// Read marks that have not reached the server yet.
    pub outbox: u64,
    /// How far several read marks are on their way to the server, while they are.
    pub sending: Option<Sending>,
    /// Notifications wait.
    pub held: Option<Held>,
    /// The person paused notifications until then, also where quiet hours hold them for longer.
    pub paused_until: Option<Timestamp>,
    /// What the person should know: no keyring, no notification service, no tray, store started anew.
    pub notices: Vec<Problem>,
    /// Counters for `status --json` and diagnostics.
    pub counters: Counters,
}

/// How far read marks are on their way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// The server has them, or refused them.
    pub done: u64,
    /// All since the last time that none waited.
    pub total: u64,
}

/// Notifications wait; the list and the badge do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Until then.
    pub until: Timestamp,
    /// Why.
    pub by: HeldBy,
}

/// Why notifications wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// The person paused them.
    Pause,
    /// It is quiet by the settings.
    QuietHours,
}

/// What happened since the start, for diagnostics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Live events taken in.
    pub received: u64,
    /// Already known when they came in.
    pub duplicates: u64,
    /// Items and events that could not be read, or of events not asked for: the sum of `skipped_by`.
    pub skipped: u64,
    /// The same by reason.
    pub skipped_by: Skipped,
    /// Gaps reported by the socket.
    pub gaps: u64,
    /// List calls made.
    pub list_calls: u64,
    /// Alerts handed to the notification service.
    pub alerts: u64,
    /// Calls repeated after a failure.
    pub retries: u64,
}

/// Why items and events were skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Live events of a name that was not asked for.
    pub event: u64,
    /// Live events that could not be read; the list was called in their place.
    pub live: u64,
    /// Items of the list that could not be read.
    pub listed: u64,
}

impl View {
    /// Nobody is signed in and nothing happened yet.
    pub fn signed_out() -> Self {
        Self {
            revision: 0,
            session: SessionView::SignedOut { problem: None },
            account: None,
            unread: 0,
            total: 0,
            last_synced: None,
            up_to_date: false,
            outbox: 0,
            sending: None,
            held: None,
            paused_until: None,
            notices: Vec::new(),
            counters: Counters::default(),
        }
    }
}

/// The tabs of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    /// Every message.
    #[default]
    All,
    /// Not read.
    Unread,
    /// Event `message`.
    Messages,
    /// Event `shoutout`.
    Shoutouts,
    /// Event `inbox`.
    Inbox,
}

/// Which messages a list shows: all that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// The tab.
    pub tab: Tab,
    /// Words that title, preview or text must hold, in any order; the last may be the beginning of one. Never syntax.
    /// Blank asks for nothing.
    pub text: String,
    /// Not read.
    pub unread: bool,
    /// Sent at this moment or later.
    pub since: Option<Timestamp>,
    /// Sent before this moment.
    pub until: Option<Timestamp>,
    /// With a button that may be opened.
    pub has_link: bool,
}

impl From<Tab> for Query {
    /// A tab and nothing else.
    fn from(tab: Tab) -> Self {
        Self { tab, ..Self::default() }
    }
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its identity.
    pub id: MessageId,
    /// The event it came with.
    pub event: Event,
    /// Plain text.
    pub title: String,
    /// Plain text.
    pub preview: String,
    /// When it was sent.
    pub date: Timestamp,
    /// Read here or on the server.
    pub read: bool,
    /// The first button's link when it may be opened, for the command line.
    pub link: Option<String>,
    /// Why the last action on this message failed, until it is retried.
    pub problem: Option<Problem>,
}

/// One page of the list, newest first (keyset paging).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page begins; none at the end. Opaque to the caller.
    pub next: Option<String>,
    /// The revision these rows are of.
    pub revision: u64,
}

/// One message, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// What the list shows of it.
    #[serde(flatten)]
    pub row: Row,
    /// Sanitised HTML: the one string the page may take as HTML.
    pub body_html: String,
    /// Sanitised HTML.
    pub footer_html: String,
    /// Its buttons, at most two.
    pub buttons: Vec<ButtonView>,
    /// Whether there is a picture, and may be asked for.
    pub image: ImageView,
    /// Why the rest of a message that arrived cut is missing. No mark failed: the row's own problem is apart from it.
    pub cut: Option<Problem>,
    /// After this it leaves the list.
    pub expires: Option<Timestamp>,
}

/// The picture of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageView {
    /// It has none.
    None,
    /// It is had from the core.
    Show,
    /// The person is asked first.
    Ask,
    /// The settings forbid it.
    Off,
}

/// A button as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonView {
    /// Plain text.
    pub text: String,
    /// Where it leads, shown on hover and focus.
    pub target: String,
    /// May be opened at all.
    pub allowed: bool,
    /// Plain `http`: the person confirms first.
    pub confirm: bool,
}

/// What the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrayView {
    /// The state dot.
    pub dot: Dot,
    /// The number on the badge; 0 shows none.
    pub badge: u64,
    /// Notifications are paused: a bar through the icon.
    pub paused: bool,
    /// The hover text.
    pub tooltip: String,
    /// The menu, top to bottom.
    pub menu: Vec<TrayItem>,
}

/// The dot at the lower right of the icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dot {
    /// All well.
    None,
    /// Amber.
    Connecting,
    /// Grey.
    Offline,
    /// Red: needs the person.
    Attention,
}

/// A line of the tray menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrayItem {
    /// Can be clicked.
    Action {
        /// What it does.
        action: TrayAction,
        /// What stands there.
        label: String,
        /// Whether it can be clicked now.
        enabled: bool,
    },
    /// Is only read.
    Text(String),
    /// Opens to more lines.
    Menu {
        /// What stands there.
        label: String,
        /// The lines it opens to.
        items: Vec<TrayItem>,
    },
    /// A line between.
    Separator,
}

/// What a click in the tray menu asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrayAction {
    /// Open the window.
    Open,
    /// Mark all as read.
    MarkAllRead,
    /// Pause notifications.
    Pause(PauseFor),
    /// End a pause.
    Resume,
    /// Open the settings.
    Settings,
    /// Sign out.
    SignOut,
    /// End the program.
    Quit,
}
