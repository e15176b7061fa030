//! Each message is alerted at most once.

use super::*;

fn waiting(inbox: &Inbox) -> Vec<String> {
    inbox.store.to_alert(now()).unwrap().into_iter().map(|message| message.id.0).collect()
}

#[test]
fn only_what_is_unread_loud_and_current_is_alerted_oldest_first() {
    let mut inbox = Inbox::new();
    inbox.take(&Message { date: hours(-1), ..message("second") });
    inbox.take(&Message { date: hours(-2), ..message("first") });
    inbox.take(&Message { silent: true, ..message("silent") });
    inbox.take(&read("read"));
    inbox.take(&Message { expires: Some(hours(1)), ..message("expires") });
    assert_eq!(waiting(&inbox), ["first", "expires", "second"]);
    let later: Vec<_> = inbox.store.to_alert(hours(1)).unwrap().into_iter().map(|message| message.id.0).collect();
    assert_eq!(later, ["first", "second"]);
}

#[test]
fn a_re_send_is_not_alerted_again_not_even_changed_or_after_a_restart() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    assert_eq!(inbox.store.begin_alert(&[of("1")]).unwrap(), [of("1")]);
    assert_eq!(inbox.store.begin_alert(&[of("1")]).unwrap(), [], "it is being alerted");
    inbox.store.finish_alert(&[of("1")]).unwrap();
    inbox.take(&Message { title: "other".to_owned(), ..message("1") });
    let mut inbox = inbox.reopened();
    inbox.take(&message("1"));
    assert_eq!(waiting(&inbox), [""; 0]);
    assert_eq!(inbox.store.begin_alert(&[of("1")]).unwrap(), []);
}

#[test]
fn what_was_being_alerted_when_the_program_died_is_known_and_not_alerted_singly() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.take(&message("2"));
    inbox.store.begin_alert(&[of("1")]).unwrap();
    let mut inbox = inbox.reopened();
    assert_eq!(waiting(&inbox), ["2"]);
    let interrupted = inbox.store.interrupted(now()).unwrap();
    assert_eq!(interrupted.iter().map(|message| &message.id.0).collect::<Vec<_>>(), ["1"]);
    inbox.store.finish_alert(&[of("1")]).unwrap();
    assert_eq!(inbox.store.interrupted(now()).unwrap(), []);
}

#[test]
fn what_the_person_dealt_with_needs_no_alert() {
    let mut inbox = Inbox::new();
    for id in ["read then refused", "read then unread"] {
        inbox.take(&message(id));
        inbox.store.mark_read(&of(id), now()).unwrap();
    }
    inbox.store.outbox_refused(&of("read then refused"), &problem()).unwrap();
    inbox.store.mark_unread(&of("read then unread")).unwrap();
    inbox.take(&read("read elsewhere then unread here"));
    inbox.store.mark_unread(&of("read elsewhere then unread here")).unwrap();
    assert_eq!(inbox.counts(), (3, 3));
    assert_eq!(waiting(&inbox), [""; 0]);
}

#[test]
fn an_interrupted_alert_of_what_was_read_or_has_expired_is_over() {
    let mut inbox = Inbox::new();
    inbox.take(&message("stands"));
    inbox.take(&message("read elsewhere"));
    inbox.take(&Message { expires: Some(hours(1)), ..message("expired") });
    inbox.store.begin_alert(&["stands", "read elsewhere", "expired"].map(of)).unwrap();
    inbox.take(&read("read elsewhere"));
    let interrupted = inbox.store.interrupted(hours(2)).unwrap();
    assert_eq!(interrupted.iter().map(|message| &message.id.0).collect::<Vec<_>>(), ["stands"]);
}

#[test]
fn in_a_store_that_was_started_anew_the_first_list_counts_as_interrupted() {
    let mut inbox = Inbox::new();
    assert_eq!(inbox.store.end_rebuilding(now()).unwrap(), None, "a new account's store is none");
    inbox.damage_marks();
    inbox.store = inbox.store.set_aside().unwrap().store;
    let mut inbox = inbox.reopened();
    inbox.take(&message("known before"));
    inbox.take(&read("read"));
    let named = inbox.store.end_rebuilding(now()).unwrap().expect("it was started anew");
    assert_eq!(named.iter().map(|message| &message.id.0).collect::<Vec<_>>(), ["known before"]);
    inbox.take(&message("new"));
    assert_eq!(inbox.store.end_rebuilding(now()).unwrap(), None, "once");
    assert_eq!(waiting(&inbox), ["new"]);
}
