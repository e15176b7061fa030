//! What is shown: the view and the tray, composed of the controller's state and published where they changed. It must never
//! decide anything: what is to be done is done before.

use tokio::time::Instant;

use super::{Controller, listing};
use crate::{Host, SessionView, View, store::StoreError, tray_view};

impl<H: Host> Controller<H> {
    /// Publishes view and tray where they changed.
    pub(super) fn publish(&mut self) {
        let view = self.compose();
        let tray = tray_view(&view, &self.here());
        self.view.send_if_modified(|shown| {
            let changed = *shown != view;
            if changed {
                *shown = view;
            }
            changed
        });
        if self.tray.as_ref() != Some(&tray) {
            self.host.set_tray(tray.clone());
            self.tray = Some(tray);
        }
    }

    fn compose(&mut self) -> View {
        let now = self.now();
        let session = match (&self.signing_in, &self.active) {
            (Some(signing_in), _) => SessionView::SigningIn { step: signing_in.step },
            (None, Some(active)) => active.link.view(Instant::now()),
            (None, None) => SessionView::SignedOut { problem: self.sign_in_problem.clone() },
        };
        let generation = self.generation;
        let mut view = View {
            revision: generation << 32,
            session,
            held: self.held(),
            paused_until: self.kept.paused_until(self.wall()),
            counters: self.counters.clone(),
            ..View::signed_out()
        };
        let read = self.active.as_ref().map(|active| {
            let counts = active.store.counts(now)?;
            let outbox = active.store.outbox_len()?;
            let synced = active.store.meta(listing::LAST_SYNCED)?.and_then(|text| text.parse().ok());
            view.up_to_date = active.currency.is_current();
            Ok::<_, StoreError>((active.account_view(), active.store.revision(), counts, outbox, synced))
        });
        if let Some(Some((account, revision, counts, outbox, synced))) = read.map(|read| self.found(read)) {
            view.revision = (generation << 32) + revision;
            view.account = Some(account);
            view.unread = counts.unread;
            view.total = counts.total;
            view.outbox = outbox;
            view.sending = self.sending(outbox);
            view.last_synced = synced;
        }
        view.notices.clone_from(&self.notices);
        view
    }
}
