//! Any order of events against a model of the read marks: none is ever lost.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What can happen to one of a few messages.
#[derive(Debug, Clone)]
enum Step {
    /// The list or a live event brings it, as the server has it.
    Arrives(u8),
    /// A late copy from before the server learned anything.
    ArrivesLate(u8),
    /// Another device reads it.
    ReadElsewhere(u8),
    MarkRead(u8),
    MarkUnread(u8),
    MarkAllRead,
    /// The outbox sends what is due, and the server takes it.
    Sent(u8),
    /// The server took it, and the program died before it knew.
    SentAndForgotten(u8),
    Deferred(u8),
    Refused(u8),
    Alert(u8),
    Delete(u8),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = 0_u8..4;
    let step = prop_oneof![
        4 => id.clone().prop_map(Step::Arrives),
        2 => id.clone().prop_map(Step::ArrivesLate),
        1 => id.clone().prop_map(Step::ReadElsewhere),
        3 => id.clone().prop_map(Step::MarkRead),
        2 => id.clone().prop_map(Step::MarkUnread),
        1 => Just(Step::MarkAllRead),
        2 => id.clone().prop_map(Step::Sent),
        1 => id.clone().prop_map(Step::SentAndForgotten),
        1 => id.clone().prop_map(Step::Deferred),
        1 => id.clone().prop_map(Step::Refused),
        2 => id.clone().prop_map(Step::Alert),
        1 => id.prop_map(Step::Delete),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..40)
}

/// What the person last said of a message that is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Read,
    Unread,
}

#[derive(Debug, Default)]
struct Model {
    /// What the server has as read.
    server: BTreeMap<u8, bool>,
    /// What is here: what the person last said, and whether the server was ever seen here to have it as read.
    here: BTreeMap<u8, (Said, bool)>,
    /// Marks that wait.
    outbox: std::collections::BTreeSet<u8>,
    deleted: std::collections::BTreeSet<u8>,
    alerts: BTreeMap<u8, u32>,
}

impl Model {
    fn shown_read(&self, id: u8) -> bool {
        match self.here[&id] {
            (Said::Read, _) => true,
            (Said::Unread, _) => false,
            (Said::Nothing, seen) => seen,
        }
    }

    fn seen_read(&mut self, id: u8) {
        self.outbox.remove(&id);
        if let Some((said, seen)) = self.here.get_mut(&id) {
            *seen = true;
            if *said == Said::Read {
                *said = Said::Nothing;
            }
        }
    }

    fn mark_read(&mut self, id: u8) {
        if !self.here.contains_key(&id) || self.shown_read(id) {
            return;
        }
        let (said, seen) = self.here.get_mut(&id).unwrap();
        if *seen {
            *said = Said::Nothing;
        } else {
            *said = Said::Read;
            self.outbox.insert(id);
        }
    }
}

fn name(id: u8) -> MessageId {
    MessageId(id.to_string())
}

fn play(inbox: &mut Inbox, model: &mut Model, step: &Step) {
    let arrives = |inbox: &mut Inbox, model: &mut Model, id: u8, read: bool| {
        let merged = inbox.take(&Message { read, ..message(&id.to_string()) });
        if model.deleted.contains(&id) {
            assert_eq!(merged, Merged::Deleted);
            return;
        }
        model.here.entry(id).or_insert((Said::Nothing, false));
        if read {
            model.seen_read(id);
        }
    };
    match *step {
        Step::Arrives(id) => {
            let read = model.server.get(&id).copied().unwrap_or(false);
            arrives(inbox, model, id, read);
        }
        Step::ArrivesLate(id) => arrives(inbox, model, id, false),
        Step::ReadElsewhere(id) => {
            model.server.insert(id, true);
        }
        Step::MarkRead(id) => {
            inbox.store.mark_read(&name(id), now()).unwrap();
            model.mark_read(id);
        }
        Step::MarkUnread(id) => {
            inbox.store.mark_unread(&name(id)).unwrap();
            if model.here.contains_key(&id) && model.shown_read(id) {
                model.here.get_mut(&id).unwrap().0 = Said::Unread;
                model.outbox.remove(&id);
            }
        }
        Step::MarkAllRead => {
            inbox.store.mark_all_read(now()).unwrap();
            for id in model.here.keys().copied().collect::<Vec<_>>() {
                model.mark_read(id);
            }
        }
        Step::Sent(id) => {
            if model.outbox.contains(&id) {
                inbox.store.outbox_done(&name(id)).unwrap();
                model.server.insert(id, true);
                model.seen_read(id);
            }
        }
        Step::SentAndForgotten(id) => {
            if model.outbox.contains(&id) {
                model.server.insert(id, true);
            }
        }
        Step::Deferred(id) => inbox.store.outbox_defer(&name(id), hours(1)).unwrap(),
        Step::Refused(id) => {
            inbox.store.outbox_refused(&name(id), &problem()).unwrap();
            if model.outbox.remove(&id)
                && let Some((said, _)) = model.here.get_mut(&id)
                && *said == Said::Read
            {
                *said = Said::Nothing;
            }
        }
        Step::Alert(id) => {
            let due = inbox.store.to_alert(now()).unwrap().into_iter().any(|message| message.id == name(id));
            if due {
                assert!(!model.shown_read(id), "what is read is not alerted");
                for taken in inbox.store.begin_alert(&[name(id)]).unwrap() {
                    *model.alerts.entry(taken.0.parse().unwrap()).or_default() += 1;
                }
            }
        }
        Step::Delete(id) => {
            inbox.store.delete_message(&name(id), now()).unwrap();
            if model.here.remove(&id).is_some() {
                model.deleted.insert(id);
            }
        }
        Step::Restart => {
            let fresh = std::mem::replace(inbox, Inbox::new());
            *inbox = fresh.reopened();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_read_mark_is_ever_lost_and_nothing_is_alerted_twice(steps in steps()) {
        let mut inbox = Inbox::new();
        let mut model = Model::default();
        for step in &steps {
            play(&mut inbox, &mut model, step);
            for &id in model.here.keys() {
                prop_assert_eq!(inbox.is_read(&id.to_string()), model.shown_read(id), "message {} after {:?}", id, step);
                // Whoever read it here and has not taken it back: the server has it, or it waits in the outbox.
                if model.here[&id].0 == Said::Read {
                    prop_assert!(model.outbox.contains(&id));
                }
            }
            let mut queued: Vec<u8> = inbox.queued().iter().map(|id| id.parse().unwrap()).collect();
            queued.sort_unstable();
            prop_assert_eq!(queued, model.outbox.iter().copied().collect::<Vec<_>>(), "after {:?}", step);
            let unread = model.here.keys().filter(|&&id| !model.shown_read(id)).count() as u64;
            prop_assert_eq!(inbox.counts(), (unread, model.here.len() as u64), "after {:?}", step);
            let listed = inbox.store.page(&Tab::Unread.into(), None, 100, now()).unwrap().0.len() as u64;
            prop_assert_eq!(listed, unread);
        }
        prop_assert!(model.alerts.values().all(|times| *times == 1), "{:?}", model.alerts);
    }
}
