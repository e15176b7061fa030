//! [`Standing`]: which notification leads where. Pure: it knows ids and targets, no bus. It must never grow without
//! bound, whatever a notification service forgets to tell.

use std::collections::VecDeque;

use inbox::AlertTarget;

/// Notifications remembered; the oldest leave first.
const REMEMBERED: usize = 256;
/// Clicks kept that came for an id not known yet: a quick click can overtake the answer that tells the id. The ids are
/// the service's, so most of these belong to other programs.
const EARLY: usize = 32;

/// What stands, by the ids of the notification service that runs now.
#[derive(Debug, Default)]
pub struct Standing {
    targets: VecDeque<(u32, AlertTarget)>,
    early: VecDeque<u32>,
    showing: usize,
}

impl Standing {
    /// A notification is about to be shown: clicks on unknown ids are kept from now on.
    pub fn begin(&mut self) {
        self.showing += 1;
    }

    /// It was not shown, or its id is known now.
    pub fn end(&mut self) {
        self.showing = self.showing.saturating_sub(1);
        if self.showing == 0 {
            self.early.clear();
        }
    }

    /// The notification got this id. The target is given back when it was clicked before that was known.
    #[must_use]
    pub fn shown(&mut self, id: u32, target: AlertTarget) -> Option<AlertTarget> {
        if self.early.contains(&id) {
            return Some(target);
        }
        self.targets.retain(|(known, _)| *known != id);
        if self.targets.len() == REMEMBERED {
            self.targets.pop_front();
        }
        self.targets.push_back((id, target));
        None
    }

    /// The notification was clicked. Each click is given out once, however many tell of it.
    #[must_use]
    pub fn clicked(&mut self, id: u32) -> Option<AlertTarget> {
        if let Some(place) = self.targets.iter().position(|(known, _)| *known == id) {
            return self.targets.remove(place).map(|(_, target)| target);
        }
        if self.showing > 0 {
            if self.early.len() == EARLY {
                self.early.pop_front();
            }
            self.early.push_back(id);
        }
        None
    }

    /// The notification is gone. One that only left the screen (`expired`) may still be clicked in the service's history.
    pub fn closed(&mut self, id: u32, expired: bool) {
        if !expired {
            self.targets.retain(|(known, _)| *known != id);
        }
    }

    /// The ids that lead to `target`; they are forgotten here.
    #[must_use]
    pub fn take(&mut self, target: &AlertTarget) -> Vec<u32> {
        let ids = self.targets.iter().filter(|(_, known)| known == target).map(|(id, _)| *id).collect();
        self.targets.retain(|(_, known)| known != target);
        ids
    }

    /// The service ended: its ids mean nothing any more.
    pub fn forget(&mut self) {
        self.targets.clear();
        self.early.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> AlertTarget {
        AlertTarget::Message(inbox::MessageId(id.into()))
    }

    #[test]
    fn a_click_leads_to_its_message_once() {
        let mut standing = Standing::default();
        assert_eq!(standing.shown(7, message("a")), None);
        assert_eq!(standing.clicked(7), Some(message("a")));
        assert_eq!(standing.clicked(7), None, "two signals tell of the same click");
    }

    #[test]
    fn a_click_that_overtakes_the_id_is_not_lost_and_strangers_ids_are_not_kept() {
        let mut standing = Standing::default();
        assert_eq!(standing.clicked(7), None, "not ours: nothing is being shown");
        standing.begin();
        assert_eq!(standing.shown(7, message("a")), None);
        assert_eq!(standing.clicked(8), None);
        assert_eq!(standing.shown(8, message("b")), Some(message("b")));
        standing.end();
        standing.begin();
        assert_eq!(standing.shown(8, message("c")), None, "an old click is not taken for a new one");
    }

    #[test]
    fn what_expired_can_be_clicked_and_what_was_dismissed_cannot() {
        let mut standing = Standing::default();
        for id in [1, 2] {
            assert_eq!(standing.shown(id, message("a")), None);
            standing.closed(id, id == 1);
        }
        assert_eq!(standing.clicked(1), Some(message("a")));
        assert_eq!(standing.clicked(2), None);
    }

    #[test]
    fn withdrawing_finds_every_notification_of_a_message() {
        let mut standing = Standing::default();
        for (id, name) in [(1, "a"), (2, "b"), (3, "a")] {
            assert_eq!(standing.shown(id, message(name)), None);
        }
        assert_eq!(standing.take(&message("a")), [1, 3]);
        assert_eq!(standing.take(&message("a")), Vec::<u32>::new());
        assert_eq!(standing.clicked(2), Some(message("b")));
    }

    #[test]
    fn it_stays_small_when_the_service_never_tells_of_an_end() {
        let mut standing = Standing::default();
        standing.begin();
        for id in 0..10_000 {
            assert_eq!(standing.shown(id, message("a")), None);
            assert_eq!(standing.clicked(1_000_000 + id), None);
        }
        assert_eq!((standing.targets.len(), standing.early.len()), (REMEMBERED, EARLY));
    }
}
