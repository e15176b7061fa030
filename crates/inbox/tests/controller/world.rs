//! What the controller's tests stand on: a relay with one user, a data folder, and a host that records what it is asked.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use inbox::{
    Alert, AlertTarget, Code, Handle, Handover, Host, Keep, MemorySecrets, MessageId, Options, Problem, Query, Secrets,
    SessionView, SignIn, Socket, TrayView, View, Withdrawal,
};
use relay::{NewMessage, Server, ServerOptions, User};
use secrecy::SecretString;
use tempfile::TempDir;

pub const SID: &str = "sid-of-darth-7f3a";
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Records what the controller asks; can refuse alerts, or never answer them.
#[derive(Default)]
pub struct Recorder {
    pub alerts: Mutex<Vec<Alert>>,
    pub trays: Mutex<Vec<TrayView>>,
    pub withdrawn: Mutex<Vec<AlertTarget>>,
    pub refuse: AtomicBool,
    pub hang: AtomicBool,
    pub no_answer: AtomicBool,
    pub panic_at_alert: AtomicBool,
    pub panic_at_tray: AtomicBool,
}

impl Recorder {
    pub fn alerts(&self) -> Vec<Alert> {
        self.alerts.lock().unwrap().clone()
    }

    pub fn titles(&self) -> Vec<String> {
        self.alerts().into_iter().map(|alert| alert.title).collect()
    }
}

impl Host for Recorder {
    async fn alert(&self, alert: Alert) -> Handover {
        assert!(!self.panic_at_alert.swap(false, Ordering::SeqCst), "a panic of the test's making");
        let problem = Problem::new(Code::NoNotifications, "No notification service answers.", "Start one.");
        if self.refuse.load(Ordering::SeqCst) {
            return Handover::NotTaken(problem);
        }
        self.alerts.lock().unwrap().push(alert);
        if self.no_answer.swap(false, Ordering::SeqCst) {
            return Handover::Unknown(problem);
        }
        if self.hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Handover::Taken
    }

    async fn withdraw_alert(&self, target: AlertTarget) -> Withdrawal {
        self.withdrawn.lock().unwrap().push(target);
        Withdrawal::Withdrawn
    }

    fn set_tray(&self, tray: TrayView) {
        assert!(!self.panic_at_tray.swap(false, Ordering::SeqCst), "a panic of the test's making");
        self.trays.lock().unwrap().push(tray);
    }

    fn show_window(&self, _message: Option<MessageId>) {}

    fn open_url(&self, _url: url::Url) -> Result<(), Problem> {
        Ok(())
    }
}

/// A relay with one user, and a data folder with its secrets.
pub struct World {
    pub folder: TempDir,
    pub server: Server,
    pub user: User,
    pub secrets: Arc<MemorySecrets>,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = start_server(folder.path(), 0).await;
        let user = server.add_user("demo", SID, "Darth", "Vader").await.unwrap();
        Self { folder, server, user, secrets: Arc::new(MemorySecrets::default()) }
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// The one account's store, opened beside the app.
    pub fn store(&self) -> rusqlite::Connection {
        let mut files = std::fs::read_dir(self.data()).unwrap().map(|entry| entry.unwrap().path());
        rusqlite::Connection::open(files.find(|path| path.extension().is_some_and(|it| it == "sqlite")).unwrap())
            .unwrap()
    }

    pub async fn app(&self) -> (Handle, Arc<Recorder>) {
        let host = Arc::new(Recorder::default());
        (self.app_on(&host).await, host)
    }

    /// Another device of the same user's.
    pub async fn app_in(&self, folder: &str) -> (Handle, Arc<Recorder>) {
        let host = Arc::new(Recorder::default());
        let secrets: Arc<dyn Secrets> = Arc::new(MemorySecrets::default());
        let options = Options::new(self.folder.path().join(folder), secrets);
        (inbox::start(options, Arc::clone(&host)).await.expect("the data folder can be written"), host)
    }

    pub async fn app_on(&self, host: &Arc<Recorder>) -> Handle {
        let secrets: Arc<dyn Secrets> = self.secrets.clone();
        inbox::start(Options::new(self.data(), secrets), Arc::clone(host))
            .await
            .expect("the data folder can be written")
    }

    pub fn sign_in(&self, sid: &str) -> SignIn {
        SignIn {
            environment: self.server.url().to_string(),
            brand: "demo".into(),
            sid: SecretString::from(sid),
            keep: Keep::Keyring,
            insecure_confirmed: false,
        }
    }

    pub async fn send(&self, title: &str) -> MessageId {
        let message = NewMessage {
            title: title.into(),
            body: format!("<p>Body of <b>{title}</b></p>"),
            preview: format!("Preview of {title}"),
            ..NewMessage::default()
        };
        MessageId(self.server.send(&self.user, message).await.unwrap().to_string())
    }

    /// What the server's list says about the message.
    pub async fn is_read_on_server(&self, id: &MessageId) -> bool {
        let http = fasttrack_client::Http::new().unwrap();
        let environment = self.server.url().to_string().parse().unwrap();
        let config = fasttrack_client::read_config(&http, &environment, "demo", false).await.unwrap();
        let session = fasttrack_client::Session::log_in(&http, config, "demo", SecretString::from(SID)).await.unwrap();
        let one = session.one(&id.0).await.unwrap().expect("the server knows the message");
        one.is_read
    }
}

pub async fn start_server(folder: &Path, port: u16) -> Server {
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    Server::start(ServerOptions { listen, database: folder.join("relay.sqlite").into(), ..ServerOptions::default() })
        .await
        .expect("a relay starts on loopback")
}

/// Waits until the view is as asked.
pub async fn until(handle: &Handle, what: &str, mut is: impl FnMut(&View) -> bool) -> View {
    let mut view = handle.view();
    let found =
        tokio::time::timeout(PATIENCE, view.wait_for(|view| is(view))).await.map(|found| found.unwrap().clone());
    found.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}; last seen {:?}", handle.view().borrow().clone()))
}

/// Waits until a condition outside the view holds.
pub async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let started = tokio::time::Instant::now();
    while !is().await {
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn is_live(view: &View) -> bool {
    matches!(view.session, SessionView::Online { socket: Socket::Live, .. })
}

pub async fn rows(handle: &Handle) -> Vec<inbox::Row> {
    handle.page(Query::default(), None, 50).await.unwrap().rows
}
