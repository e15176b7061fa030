//! [`Handle`]: how everything outside asks the controller for something. Each method is one request and one answer; the
//! state itself is in [`Handle::view`].

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{Code, Detail, Held, MessageId, Page, PauseFor, Problem, Query, Settings, View, images::Picture};

/// What a person enters to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// `production`, `staging` or the base URL of a server that answers `/api/v1/config/{brand}`.
    pub environment: String,
    /// The brand's name in the address of its config.
    pub brand: String,
    /// The session id.
    pub sid: SecretString,
    /// Where the sid is kept.
    pub keep: Keep,
    /// Plain `http`/`ws` to another machine was confirmed by the person.
    pub insecure_confirmed: bool,
}

/// Where the sid is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// In the OS keyring.
    Keyring,
    /// In memory until the program ends, where there is no keyring and the person chose so.
    SessionOnly,
}

/// How to sign out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignOut {
    /// Read marks that cannot be sent now are given up.
    pub discard: bool,
    /// Whether the messages leave this device; none: as the settings say.
    pub purge: Option<bool>,
}

/// A link that has been judged and may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedLink(pub url::Url);

/// What the operating system told, of which nobody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nudge {
    /// The machine woke from sleep: messages may have been missed, and connections may be dead without a word.
    Woke,
    /// The screen was locked: nobody sees what is behind it. It calls for nothing else.
    Locked,
    /// The screen was unlocked: the person is here.
    Unlocked,
    /// There is a network, and there was none or another one before. The loss of one is no nudge.
    NetworkChanged,
}

/// One request to the controller. Private to the crate: the methods of [`Handle`] are the way in.
pub(crate) enum Request {
    SignIn(SignIn, Answer<()>),
    SignOut(SignOut, Answer<()>),
    Page { query: Query, cursor: Option<String>, limit: u32, answer: Answer<Page> },
    Detail(MessageId, Answer<Detail>),
    MarkRead(MessageId, Answer<()>),
    MarkUnread(MessageId, Answer<()>),
    MarkAllRead(Answer<u64>),
    Delete(MessageId, Answer<()>),
    Refresh(Answer<()>),
    OpenLink { id: MessageId, index: usize, confirmed: bool, answer: Answer<()> },
    Picture(MessageId, Answer<Picture>),
    ShowImage(MessageId, Answer<()>),
    Settings(Answer<Settings>),
    SaveSettings(Box<Settings>, Answer<Settings>),
    Pause(Option<PauseFor>, Answer<Option<Held>>),
    Focused(bool),
    ListShown(bool),
    WindowOpened(Answer<()>),
    AlertActivated(crate::AlertTarget),
    Notice(Problem, bool),
    Nudge(Nudge),
    Flush(Answer<()>),
    Shutdown(oneshot::Sender<()>),
}

pub(crate) type Answer<T> = oneshot::Sender<Result<T, Problem>>;

/// A cheap, cloneable way to ask the controller.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) view: watch::Receiver<View>,
}

impl Handle {
    async fn ask<T>(&self, make: impl FnOnce(Answer<T>) -> Request) -> Result<T, Problem> {
        let (answer, wait) = oneshot::channel();
        let gone = || Problem::new(Code::Internal, "Traybell did not finish this request.", "Try again.");
        self.requests.send(make(answer)).await.map_err(|_| gone())?;
        wait.await.map_err(|_| gone())?
    }

    /// The whole state, followed by `changed()`.
    pub fn view(&self) -> watch::Receiver<View> {
        self.view.clone()
    }

    /// Signs in. Answers once signed in (the channel may still be connecting) or with why not.
    pub async fn sign_in(&self, sign_in: SignIn) -> Result<(), Problem> {
        self.ask(|answer| Request::SignIn(sign_in, answer)).await
    }

    /// Signs out: the sid leaves this device, and the messages with it unless they are kept. Read marks that wait are sent
    /// first; where they cannot be, it is refused with [`Code::OutboxNotEmpty`], unless they are to be discarded.
    pub async fn sign_out(&self, sign_out: SignOut) -> Result<(), Problem> {
        self.ask(|answer| Request::SignOut(sign_out, answer)).await
    }

    /// A page of at most `limit` rows (bounded to 200) of what `query` asks for, newest first, from `cursor` on.
    pub async fn page(&self, query: Query, cursor: Option<String>, limit: u32) -> Result<Page, Problem> {
        self.ask(|answer| Request::Page { query, cursor, limit, answer }).await
    }

    /// One message, whole; a body that was cut on the wire is fetched first.
    pub async fn detail(&self, id: MessageId) -> Result<Detail, Problem> {
        self.ask(|answer| Request::Detail(id, answer)).await
    }

    /// Marks read here at once and on the server by the outbox.
    pub async fn mark_read(&self, id: MessageId) -> Result<(), Problem> {
        self.ask(|answer| Request::MarkRead(id, answer)).await
    }

    /// Marks unread on this device; the wire knows no such call.
    pub async fn mark_unread(&self, id: MessageId) -> Result<(), Problem> {
        self.ask(|answer| Request::MarkUnread(id, answer)).await
    }

    /// Marks every message read; answers how many.
    pub async fn mark_all_read(&self) -> Result<u64, Problem> {
        self.ask(Request::MarkAllRead).await
    }

    /// Deletes from this device; it does not come back with the next list.
    pub async fn delete(&self, id: MessageId) -> Result<(), Problem> {
        self.ask(|answer| Request::Delete(id, answer)).await
    }

    /// Tries the connection and the list call now.
    pub async fn refresh(&self) -> Result<(), Problem> {
        self.ask(Request::Refresh).await
    }

    /// Opens the link of button `index`. Plain `http` answers [`Code::ConfirmLink`] until `confirmed`.
    pub async fn open_link(&self, id: MessageId, index: usize, confirmed: bool) -> Result<(), Problem> {
        self.ask(|answer| Request::OpenLink { id, index, confirmed, answer }).await
    }

    /// The message's picture, fetched and checked by the core.
    pub async fn picture(&self, id: MessageId) -> Result<Picture, Problem> {
        self.ask(|answer| Request::Picture(id, answer)).await
    }

    /// The person asks for this picture, where the settings ask first. It holds until the program ends.
    pub async fn show_image(&self, id: MessageId) -> Result<(), Problem> {
        self.ask(|answer| Request::ShowImage(id, answer)).await
    }

    /// What the person decided.
    pub async fn settings(&self) -> Result<Settings, Problem> {
        self.ask(Request::Settings).await
    }

    /// Keeps other settings; what makes no sense is refused with [`Code::BadInput`], and nothing of it is kept.
    pub async fn save_settings(&self, settings: Settings) -> Result<Settings, Problem> {
        self.ask(|answer| Request::SaveSettings(Box::new(settings), answer)).await
    }

    /// Notifications wait for so long from now on; what came meanwhile is told together at the end. Answers what holds now.
    pub async fn pause(&self, length: PauseFor) -> Result<Option<Held>, Problem> {
        self.ask(|answer| Request::Pause(Some(length), answer)).await
    }

    /// Ends a pause. Answers what holds now: it may be quiet by the settings.
    pub async fn resume(&self) -> Result<Option<Held>, Problem> {
        self.ask(|answer| Request::Pause(None, answer)).await
    }

    /// The window has the focus, or has it no more (a window that is closed has none).
    pub async fn focused(&self, focused: bool) {
        // Nobody waits for this: a controller that is gone alerts nothing.
        let _ = self.requests.send(Request::Focused(focused)).await;
    }

    /// The window shows new messages as they come, or no more.
    pub async fn list_shown(&self, shown: bool) {
        // As above.
        let _ = self.requests.send(Request::ListShown(shown)).await;
    }

    /// The window was opened: the list is called again.
    pub async fn window_opened(&self) -> Result<(), Problem> {
        self.ask(Request::WindowOpened).await
    }

    /// The person clicked an alert.
    pub async fn alert_activated(&self, target: crate::AlertTarget) {
        // Nobody waits for this: a controller that is gone has no window to show.
        let _ = self.requests.send(Request::AlertActivated(target)).await;
    }

    /// The desktop found something the person should know, or found that it is over (`stands == false`).
    pub async fn notice(&self, problem: Problem, stands: bool) {
        // As above.
        let _ = self.requests.send(Request::Notice(problem, stands)).await;
    }

    /// The operating system told something: connections are probed, what waits to be tried again is tried, and the list
    /// is called. Signals in quick succession become one call, and one after them.
    pub async fn nudge(&self, nudge: Nudge) {
        // As above.
        let _ = self.requests.send(Request::Nudge(nudge)).await;
    }

    /// Answers once the outbox is empty, or with why it is not after one try: for the command line.
    pub async fn flush(&self) -> Result<(), Problem> {
        self.ask(Request::Flush).await
    }

    /// Ends the controller: socket closed, store closed. Answers when done.
    pub async fn shutdown(&self) {
        let (done, wait) = oneshot::channel();
        if self.requests.send(Request::Shutdown(done)).await.is_ok() {
            // An error means that it ended before it could answer: done as well.
            let _ = wait.await;
        }
    }
}
