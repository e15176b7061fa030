//! [`Door`]: the one way a command reaches a controller, the running app's or its own. It must never start a second
//! controller on a folder that has one.

use std::{sync::Arc, time::Duration};

use inbox::{
    Alert, AlertTarget, Code, Handle, Handover, Host, KeyringSecrets, MessageId, Options, Problem, TrayView, View,
    Withdrawal,
};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, watch};

use crate::{
    alert,
    control::{self, Client, Entry, Lock, OnShow, Request, Server},
    folder::Folder,
};

/// How long an app that is just starting or ending, or another command, is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long others that ask this command's controller are let finish.
const DRAIN: Duration = Duration::from_secs(5);

/// A way to a controller.
#[derive(Debug)]
pub enum Door {
    /// The running app's.
    App(Client),
    /// One of this command.
    Own(Own),
}

/// A controller without a desktop. It listens too, so that an app that starts meanwhile is told to wait, and is made way
/// for by commands that go on.
#[derive(Debug)]
pub struct Own {
    handle: Handle,
    server: Server,
    make_way: Arc<Notify>,
    _lock: Arc<Lock>,
}

impl Door {
    /// Finds the running app, or starts a controller.
    pub async fn open(folder: &Folder) -> Result<Self, Problem> {
        match control::enter(folder, PATIENCE).await? {
            Entry::Running(client) => Ok(Self::App(client)),
            Entry::Owner(lock) => Own::start(folder, lock).await.map(Self::Own),
        }
    }

    /// One request, one answer.
    pub async fn ask<T: DeserializeOwned>(&mut self, request: Request) -> Result<T, Problem> {
        match self {
            Self::App(client) => client.ask(&request).await,
            Self::Own(own) => serde_json::from_value(control::answer(&own.handle, request).await?)
                .map_err(|error| Problem::new(Code::Internal, format!("An answer is not understood: {error}."), "")),
        }
    }

    /// The view, once it says where the session stands.
    pub async fn view(&mut self) -> Result<View, Problem> {
        self.ask(Request::View).await
    }

    /// Ends a controller of this command's own.
    pub async fn close(self) {
        match self {
            Self::App(_) => {}
            Self::Own(own) => {
                own.server.drain(DRAIN).await;
                own.handle.shutdown().await;
            }
        }
    }
}

impl Own {
    async fn start(folder: &Folder, lock: Lock) -> Result<Self, Problem> {
        let mut options = Options::new(folder.path().to_owned(), Arc::new(KeyringSecrets::new()));
        // What arrives now is alerted when the app starts.
        options.alerts = false;
        let handle = inbox::start(options, Arc::new(Nowhere)).await?;
        let make_way = Arc::new(Notify::new());
        let asked = Arc::clone(&make_way);
        let on_show: OnShow = Arc::new(move |_| {
            asked.notify_one();
            Err(Problem::new(
                Code::Internal,
                "A command of Traybell's command line uses the data folder.",
                "Try again.",
            ))
        });
        let lock = Arc::new(lock);
        let server = Server::start(folder, Arc::clone(&lock), handle.clone(), on_show)?;
        Ok(Self { handle, server, make_way, _lock: lock })
    }

    /// The view, followed by `changed()`.
    pub fn watch(&self) -> watch::Receiver<View> {
        self.handle.view()
    }

    /// Answers when the app wants to start.
    pub async fn asked_to_make_way(&self) {
        self.make_way.notified().await;
    }
}

/// No desktop around the controller.
struct Nowhere;

impl Host for Nowhere {
    async fn alert(&self, _alert: Alert) -> Handover {
        Handover::NotTaken(alert::no_service("the command line raises none"))
    }

    async fn withdraw_alert(&self, _target: AlertTarget) -> Withdrawal {
        Withdrawal::Unsupported
    }

    fn set_tray(&self, _tray: TrayView) {}

    fn show_window(&self, _message: Option<MessageId>) {}

    fn open_url(&self, _url: url::Url) -> Result<(), Problem> {
        Err(Problem::new(Code::Internal, "The command line opens no links.", ""))
    }
}
