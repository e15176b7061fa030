//! Read marks here and on the server, the outbox, deletion.

use super::*;

#[test]
fn a_message_comes_in_once_whatever_its_way() {
    let mut inbox = Inbox::new();
    assert_eq!(inbox.take(&message("1")), Merged::New);
    assert_eq!(inbox.take(&message("1")), Merged::Same);
    assert_eq!(inbox.take(&Message { title: "other".to_owned(), ..message("1") }), Merged::Changed);
    assert_eq!(inbox.store.get(&of("1")).unwrap().unwrap().title, "other");
    let both = [message("1"), message("2"), message("2")];
    assert_eq!(inbox.store.merge_all(&both, now()).unwrap(), [Merged::Changed, Merged::New, Merged::Same]);
    assert_eq!(inbox.counts(), (2, 2));
}

#[test]
fn a_read_mark_wins_here_until_the_server_has_it() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    assert!(inbox.store.mark_read(&of("1"), now()).unwrap());
    assert!(!inbox.store.mark_read(&of("1"), now()).unwrap(), "it is read already");
    assert_eq!(inbox.queued(), ["1"]);
    inbox.take(&message("1"));
    assert!(inbox.is_read("1"), "the list knows nothing of it yet");
    inbox.store.outbox_done(&of("1")).unwrap();
    assert_eq!(inbox.queued(), [""; 0]);
    inbox.take(&message("1"));
    assert!(inbox.is_read("1"), "a list that was on its way is only late");
    assert_eq!(inbox.counts(), (0, 1));
}

#[test]
fn a_mark_that_the_server_has_already_waits_no_longer() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.store.mark_read(&of("1"), now()).unwrap();
    inbox.take(&read("1"));
    assert_eq!(inbox.queued(), [""; 0]);
    assert!(inbox.is_read("1"));
}

#[test]
fn read_elsewhere_is_read_here_unless_it_was_marked_unread_here() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    assert_eq!(inbox.take(&read("1")), Merged::Changed);
    assert!(inbox.is_read("1"));
    assert!(inbox.store.mark_unread(&of("1")).unwrap());
    assert!(!inbox.store.mark_unread(&of("1")).unwrap());
    assert_eq!(inbox.take(&read("1")), Merged::Same);
    assert!(!inbox.is_read("1"), "it was marked unread on this device");
    assert!(inbox.store.mark_read(&of("1"), now()).unwrap());
    assert_eq!(inbox.queued(), [""; 0], "the server has it as read");
    assert!(inbox.is_read("1"));
}

#[test]
fn marking_unread_takes_back_a_mark_that_waits() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.store.mark_read(&of("1"), now()).unwrap();
    inbox.store.mark_unread(&of("1")).unwrap();
    assert_eq!(inbox.queued(), [""; 0]);
    // It was on its way at that moment, and arrived.
    inbox.store.outbox_done(&of("1")).unwrap();
    inbox.take(&read("1"));
    assert!(!inbox.is_read("1"));
}

#[test]
fn a_refused_mark_is_rolled_back_with_its_reason_until_it_is_tried_again() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.store.mark_read(&of("1"), now()).unwrap();
    inbox.store.outbox_refused(&of("1"), &problem()).unwrap();
    assert!(!inbox.is_read("1"));
    assert_eq!(inbox.store.row(&of("1")).unwrap().unwrap().problem, Some(problem()));
    assert_eq!(inbox.queued(), [""; 0]);
    inbox.store.mark_read(&of("1"), now()).unwrap();
    assert_eq!(inbox.store.row(&of("1")).unwrap().unwrap().problem, None);
    assert_eq!(inbox.queued(), ["1"]);
}

#[test]
fn a_refusal_of_a_mark_that_was_taken_back_changes_nothing() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.store.mark_read(&of("1"), now()).unwrap();
    inbox.store.mark_unread(&of("1")).unwrap();
    inbox.store.outbox_refused(&of("1"), &problem()).unwrap();
    assert_eq!(inbox.store.row(&of("1")).unwrap().unwrap().problem, None);
}

#[test]
fn a_message_without_an_id_of_the_server_is_marked_here_alone() {
    let mut inbox = Inbox::new();
    inbox.take(&message("local-1"));
    assert!(inbox.store.mark_read(&of("local-1"), now()).unwrap());
    assert_eq!(inbox.queued(), [""; 0]);
    inbox.take(&message("local-1"));
    assert!(inbox.is_read("local-1"));
}

#[test]
fn marking_all_read_queues_each_that_the_server_has_to_learn_of() {
    let mut inbox = Inbox::new();
    for message in [message("1"), message("2"), message("local-3"), read("4"), read("5")] {
        inbox.take(&message);
    }
    inbox.store.mark_unread(&of("5")).unwrap();
    let mut marked = inbox.store.mark_all_read(now()).unwrap();
    marked.sort();
    assert_eq!(marked, [of("1"), of("2"), of("5"), of("local-3")]);
    assert_eq!(inbox.queued(), ["1", "2"]);
    assert_eq!(inbox.counts(), (0, 5));
    assert_eq!(inbox.store.mark_all_read(now()).unwrap(), []);
}

#[test]
fn a_mark_of_a_message_that_is_not_there_does_nothing() {
    let mut inbox = Inbox::new();
    assert!(!inbox.store.mark_read(&of("1"), now()).unwrap());
    assert!(!inbox.store.mark_unread(&of("1")).unwrap());
    assert!(!inbox.store.delete_message(&of("1"), now()).unwrap());
    inbox.store.outbox_done(&of("1")).unwrap();
    inbox.store.outbox_refused(&of("1"), &problem()).unwrap();
    inbox.store.outbox_defer(&of("1"), now()).unwrap();
    assert_eq!(inbox.store.outbox_len().unwrap(), 0);
}

#[test]
fn marks_are_due_in_their_order_and_again_after_a_while() {
    let mut inbox = Inbox::new();
    for (id, at) in [("1", 0), ("2", 1), ("3", 2)] {
        inbox.take(&message(id));
        inbox.store.mark_read(&of(id), hours(at)).unwrap();
    }
    assert_eq!(inbox.store.outbox_len().unwrap(), 3);
    assert_eq!(inbox.store.outbox_next_at().unwrap(), Some(now()));
    let due = |inbox: &Inbox, at: Timestamp| {
        inbox.store.outbox_due(at, 2).unwrap().into_iter().map(|e| (e.id.0, e.attempts)).collect::<Vec<_>>()
    };
    assert_eq!(due(&inbox, hours(2)), [("1".to_owned(), 0), ("2".to_owned(), 0)]);
    inbox.store.outbox_defer(&of("1"), hours(5)).unwrap();
    assert_eq!(due(&inbox, hours(2)), [("2".to_owned(), 0), ("3".to_owned(), 0)]);
    assert_eq!(due(&inbox, hours(5))[1..], [("3".to_owned(), 0)]);
    inbox.store.outbox_retry_now(hours(2)).unwrap();
    let all = inbox.store.outbox_due(hours(2), 9).unwrap();
    assert!(all.contains(&OutboxEntry { id: of("1"), attempts: 1 }), "{all:?}");
    for id in ["1", "2", "3"] {
        inbox.store.outbox_done(&of(id)).unwrap();
    }
    assert_eq!(inbox.store.outbox_next_at().unwrap(), None);
}

#[test]
fn what_was_deleted_here_does_not_come_back() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.store.mark_read(&of("1"), now()).unwrap();
    assert!(inbox.store.delete_message(&of("1"), now()).unwrap());
    assert_eq!(inbox.counts(), (0, 0));
    assert_eq!(inbox.queued(), ["1"], "the server still learns that it was read");
    assert_eq!(inbox.take(&message("1")), Merged::Deleted);
    // As long as the server goes on sending it, and for 90 days more.
    let mut at = now();
    for _ in 0..5 {
        at = at.checked_add((80 * 24).hours()).unwrap();
        inbox.store.purge_expired(at).unwrap();
        assert_eq!(inbox.store.merge(&message("1"), at).unwrap(), Merged::Deleted);
    }
    at = at.checked_add((91 * 24).hours()).unwrap();
    inbox.store.purge_expired(at).unwrap();
    assert_eq!(inbox.store.merge(&message("1"), at).unwrap(), Merged::New);
}

#[test]
fn what_was_deleted_here_stays_so_after_a_hundred_days_off_and_with_a_wrong_clock() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.store.delete_message(&of("1"), now()).unwrap();
    let days = |days: i64| hours(24 * days);
    // The list comes before the purge.
    for at in [days(100), days(5_000), days(1), days(-5_000), now()] {
        assert_eq!(inbox.store.merge(&message("1"), at).unwrap(), Merged::Deleted, "{at}");
        inbox.store.purge_expired(at).unwrap();
        assert_eq!(inbox.store.merge(&message("1"), at).unwrap(), Merged::Deleted, "{at}, after the purge");
    }
}

#[test]
fn a_message_past_its_expiry_does_not_come_in() {
    let mut inbox = Inbox::new();
    let expired = Message { expires: Some(now()), ..message("1") };
    assert_eq!(inbox.take(&expired), Merged::Expired);
    assert_eq!(inbox.store.get(&of("1")).unwrap(), None);
    // One that is there and is taken back by an earlier expiry goes with the next purge.
    inbox.take(&message("1"));
    assert_eq!(inbox.take(&expired), Merged::Expired);
    assert_eq!(inbox.counts(), (0, 0));
    assert_eq!(inbox.store.purge_expired(now()).unwrap(), [of("1")]);
}

#[test]
fn a_complete_message_is_never_replaced_by_a_cut_one() {
    let mut inbox = Inbox::new();
    let cut = Message { body_html: String::new(), preview: String::new(), incomplete: true, ..message("1") };
    assert_eq!(inbox.take(&cut), Merged::New);
    assert_eq!(inbox.take(&message("1")), Merged::Changed);
    assert_eq!(inbox.take(&cut), Merged::Same);
    assert_eq!(inbox.store.get(&of("1")).unwrap().unwrap(), message("1"));
    inbox.take(&Message { read: true, ..cut });
    assert!(inbox.is_read("1"), "its read mark counts");
}

#[test]
fn a_re_send_without_a_date_does_not_move_the_message() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    assert_eq!(inbox.take(&Message { date: hours(3), ..message("1") }), Merged::Same);
    assert_eq!(inbox.take(&Message { date: hours(-2), ..message("1") }), Merged::Changed, "the date came late");
}
