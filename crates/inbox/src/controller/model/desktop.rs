//! [`Desktop`]: a notification service with a memory that no crash of the program touches, and the rules for what it is
//! asked: each message singly at most once, and nothing before the store says so.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::{
    clock::Clocks,
    server::{Sent, Server, numbers},
    step::Service,
};
use crate::{Alert, AlertTarget, Code, Handover, Host, MessageId, Problem, TrayView, Withdrawal};

/// Around its expiry a message may or may not be told: by this much, clocks may differ.
pub(super) const ABOUT: SignedDuration = SignedDuration::from_mins(3);

/// What the person was told of one message.
#[derive(Debug, Default, Clone)]
pub(super) struct Told {
    /// Calls that name it and that it may have been seen by, since they were not refused.
    pub(super) perhaps: u32,
    /// Calls that name it and were taken.
    pub(super) taken: u32,
    /// It stands in the store as alerted after a call was taken: it must not be named again.
    pub(super) settled: bool,
}

/// What no crash touches.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) told: HashMap<usize, Told>,
    pub(super) broken_rules: Vec<String>,
    /// What the person dealt with, so that nothing more has to be told.
    pub(super) dealt_with: HashSet<usize>,
}

/// The desktop of one run of the program.
pub(super) struct Desktop {
    clocks: Clocks,
    server: Arc<Server>,
    memory: Arc<Mutex<Memory>>,
    service: Mutex<Service>,
    /// The store, beside the program.
    store: Mutex<Connection>,
    /// Of these the service never answered in this run: they wait for the next one.
    pub(super) unknown: Mutex<HashSet<usize>>,
}

impl Desktop {
    pub(super) fn new(clocks: Clocks, server: Arc<Server>, memory: Arc<Mutex<Memory>>, store: Connection) -> Self {
        let service = Mutex::new(Service::Takes);
        Self { clocks, server, memory, service, store: Mutex::new(store), unknown: Mutex::default() }
    }

    pub(super) fn set_service(&self, service: Service) {
        *self.service.lock().unwrap() = service;
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store holds of messages: by their number, the alert state and the mark of this device.
    pub(super) fn stored(&self) -> HashMap<usize, Stored> {
        let store = self.store.lock().unwrap();
        let mut statement =
            store.prepare_cached("SELECT title, alert, read, local_read, id, expires FROM message").unwrap();
        let rows = statement.query_map([], |row| {
            let (title, alert, read, local_read): (String, _, _, _) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let expires: Option<i64> = row.get(5)?;
            let expires = expires.map(|at| Timestamp::from_microsecond(at).unwrap());
            Ok((numbers(&title).unwrap().0, Stored { alert, read, local_read, id: row.get(4)?, expires }))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Which messages an alert names.
    fn named(&self, alert: &Alert, stored: &HashMap<usize, Stored>) -> Vec<usize> {
        if let AlertTarget::Message(MessageId(id)) = &alert.target {
            return stored.iter().filter(|(_, row)| row.id == *id).map(|(n, _)| *n).collect();
        }
        let (now, unknown) = (self.clocks.server(), self.unknown.lock().unwrap());
        let is_named = |(n, row): &(&usize, &Stored)| {
            row.alert == 1 && !row.read && row.expires.is_none_or(|at| at > now + ABOUT) && !unknown.contains(n)
        };
        stored.iter().filter(is_named).map(|(n, _)| *n).collect()
    }

    fn judge(&self, alert: &Alert, named: &[usize], stored: &HashMap<usize, Stored>, messages: &[Sent]) {
        let now = self.clocks.server();
        let mut memory = self.memory();
        let mut broken = Vec::new();
        if alert.target == AlertTarget::Summary {
            let many: usize = alert.title.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or_default();
            // One may have been read since the call was decided, but none can have joined.
            if named.len() > many {
                broken.push(format!("the summary {:?} leaves some of {named:?} out", alert.title));
            }
        } else if named.is_empty() {
            broken.push(format!("{:?} is alerted and is not in the store", alert.target));
        }
        for n in named {
            let (sent, row) = (&messages[*n], &stored[n]);
            let told = memory.told.entry(*n).or_default();
            if alert.target != AlertTarget::Summary && told.perhaps > 0 {
                broken.push(format!("message {n} was told before and is alerted singly ({told:?})"));
            }
            if told.settled {
                broken.push(format!("message {n} had been told for good and is named again"));
            }
            if row.alert == 0 {
                broken.push(format!("message {n} is alerted before the store knows of it"));
            }
            if sent.silent {
                broken.push(format!("message {n} is silent"));
            }
            if sent.expires.is_some_and(|at| at + ABOUT < now) && row.expires == sent.expires {
                broken.push(format!("message {n} has expired at {:?}, it is {now}", sent.expires));
            }
            told.perhaps += 1;
        }
        memory.broken_rules.extend(broken);
    }

    fn answered(&self, named: &[usize], handover: &Handover) {
        let mut memory = self.memory();
        for n in named {
            let told = memory.told.entry(*n).or_default();
            match handover {
                Handover::Taken => told.taken += 1,
                Handover::NotTaken(_) => told.perhaps -= 1,
                Handover::Unknown(_) => drop(self.unknown.lock().unwrap().insert(*n)),
            }
        }
    }
}

/// A row of the store.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) alert: i64,
    pub(super) read: bool,
    pub(super) local_read: Option<bool>,
    id: String,
    expires: Option<Timestamp>,
}

impl Host for Desktop {
    async fn alert(&self, alert: Alert) -> Handover {
        if alert.target == AlertTarget::SignIn {
            return Handover::Taken;
        }
        let stored = self.stored();
        let named = self.named(&alert, &stored);
        self.judge(&alert, &named, &stored, &self.server.messages());
        let problem = || Problem::new(Code::NoNotifications, "", "");
        let service = *self.service.lock().unwrap();
        let handover = match service {
            Service::Takes => Handover::Taken,
            Service::Refuses => Handover::NotTaken(problem()),
            Service::TakesLate => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Handover::Taken
            }
            // What calls the service has a limit of its own.
            Service::NeverAnswers => {
                tokio::time::sleep(Duration::from_secs(10)).await;
                Handover::Unknown(problem())
            }
        };
        self.answered(&named, &handover);
        handover
    }

    async fn withdraw_alert(&self, _: AlertTarget) -> Withdrawal {
        Withdrawal::Withdrawn
    }

    fn set_tray(&self, _: TrayView) {}

    fn show_window(&self, _: Option<MessageId>) {}

    fn open_url(&self, _: url::Url) -> Result<(), Problem> {
        Ok(())
    }
}
