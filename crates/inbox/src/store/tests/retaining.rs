//! Retention: what goes, what never does, and what does not come back.

use super::*;

const KEEP_ALL: Retention = Retention { days: None, messages: None };

fn days(days: u32) -> Retention {
    Retention { days: Some(days), messages: None }
}

fn newest(messages: u32) -> Retention {
    Retention { days: None, messages: Some(messages) }
}

fn old(id: &str, days: i64) -> Message {
    Message { date: hours(-24 * days - 1), ..message(id) }
}

fn old_read(id: &str, days: i64) -> Message {
    Message { read: true, ..old(id, days) }
}

fn retain(inbox: &mut Inbox, retention: Retention) -> Vec<String> {
    inbox.store.retain(retention, now()).unwrap().into_iter().map(|id| id.0).collect()
}

fn listed(inbox: &Inbox) -> Vec<String> {
    listing::paged(&inbox.store, &Query::default(), 50)
}

#[test]
fn only_what_is_read_and_old_goes_and_no_waiting_mark_with_it() {
    let mut inbox = Inbox::new();
    inbox.take(&old_read("young", 2));
    inbox.take(&old_read("old", 40));
    inbox.take(&old("unread", 40));
    inbox.take(&old("waiting", 40));
    inbox.store.mark_read(&of("waiting"), now()).unwrap();
    inbox.take(&old_read("unread-here", 40));
    inbox.store.mark_unread(&of("unread-here")).unwrap();
    assert_eq!(retain(&mut inbox, KEEP_ALL), [""; 0]);
    assert_eq!(retain(&mut inbox, days(30)), ["old"]);
    assert_eq!(listed(&inbox), ["young", "waiting", "unread-here", "unread"]);
    assert_eq!(inbox.queued(), ["waiting"]);
    assert_eq!(inbox.counts(), (2, 4));
    inbox.store.outbox_done(&of("waiting")).unwrap();
    assert_eq!(retain(&mut inbox, days(30)), ["waiting"], "once the server has the mark");
}

#[test]
fn only_the_newest_stay_and_those_not_read() {
    let mut inbox = Inbox::new();
    for n in 0..10 {
        inbox.take(&if n == 7 { old(&n.to_string(), n) } else { old_read(&n.to_string(), n) });
    }
    assert_eq!(retain(&mut inbox, newest(3)), ["9", "8", "6", "5", "4", "3"]);
    assert_eq!(listed(&inbox), ["0", "1", "2", "7"]);
    assert_eq!(retain(&mut inbox, newest(3)), [""; 0]);
    // Of both, the stricter.
    assert_eq!(retain(&mut inbox, Retention { days: Some(1), messages: Some(3) }), ["2", "1"]);
}

#[test]
fn what_went_does_not_come_back_with_the_list_and_raises_no_alert() {
    let mut inbox = Inbox::new();
    let mut local = old("local-1", 40);
    inbox.take(&local);
    inbox.store.mark_read(&local.id, now()).unwrap();
    inbox.take(&old_read("1", 40));
    assert_eq!(retain(&mut inbox, days(30)).len(), 2);
    let revision = inbox.store.revision();
    // The server never learns of a mark without an id, and a late copy says unread.
    local.title = "changed".to_owned();
    for back in [&local, &old("1", 40), &old_read("1", 40), &old_read("never-seen", 50)] {
        assert_eq!(inbox.take(back), Merged::Deleted, "{}", back.id);
    }
    assert_eq!(inbox.store.revision(), revision);
    assert_eq!(inbox.store.to_alert(now()).unwrap(), []);
    // One that nobody read is never kept away.
    assert_eq!(inbox.take(&old("unread", 50)), Merged::New);
    assert_eq!(inbox.store.to_alert(now()).unwrap().len(), 1);
    let mut inbox = inbox.reopened();
    assert_eq!(inbox.take(&old("1", 40)), Merged::Deleted, "after a restart too");
}

#[test]
fn a_loosened_setting_lets_them_come_back_read_and_without_an_alert() {
    for (strict, loose) in [(days(30), days(60)), (days(30), KEEP_ALL), (newest(1), newest(9)), (newest(1), KEEP_ALL)] {
        let mut inbox = Inbox::new();
        inbox.take(&message("now"));
        let local = old("local-1", 40);
        inbox.take(&local);
        inbox.store.mark_read(&local.id, now()).unwrap();
        inbox.take(&old_read("1", 40));
        assert_eq!(retain(&mut inbox, strict).len(), 2, "{strict:?}");
        assert_eq!(inbox.take(&local), Merged::Deleted, "{strict:?}");
        assert_eq!(retain(&mut inbox, loose), [""; 0], "{loose:?}");
        assert_eq!(inbox.take(&local), Merged::New, "{loose:?}");
        assert_eq!(inbox.take(&old("1", 40)), Merged::New, "{loose:?}");
        assert!(inbox.is_read("local-1") && inbox.is_read("1"));
        assert_eq!(inbox.store.to_alert(now()).unwrap().len(), 1, "but for the one that is new");
        assert_eq!(inbox.queued(), [""; 0]);
        inbox.take(&local);
        assert!(inbox.is_read("local-1"), "and it stays so");
        assert_eq!(retain(&mut inbox, strict).len(), 2, "and tightened again");
    }
}

#[test]
fn a_message_deleted_by_hand_makes_no_room_and_never_comes_back() {
    let mut inbox = Inbox::new();
    for n in 0..6 {
        inbox.take(&old_read(&n.to_string(), n));
    }
    assert_eq!(retain(&mut inbox, newest(3)).len(), 3);
    inbox.store.delete_message(&of("0"), now()).unwrap();
    assert_eq!(retain(&mut inbox, newest(3)), [""; 0]);
    for n in 3..6 {
        assert_eq!(inbox.take(&old_read(&n.to_string(), n)), Merged::Deleted);
    }
    retain(&mut inbox, KEEP_ALL);
    assert_eq!(inbox.take(&old_read("0", 0)), Merged::Deleted, "what the person deleted");
    assert_eq!(inbox.take(&old_read("3", 3)), Merged::New);
}

#[test]
fn a_large_removal_comes_in_slices_and_gives_its_space_back() {
    let mut inbox = Inbox::new();
    let long = format!("<p>{}</p>", "many words of no use ".repeat(50));
    let many: Vec<_> =
        (0..2_100).map(|n| Message { body_html: long.clone(), ..old_read(&n.to_string(), 40 + n) }).collect();
    inbox.store.merge_all(&many, now()).unwrap();
    // Closed, so that all of it is in the file itself.
    let mut inbox = inbox.reopened();
    let size = |inbox: &Inbox| std::fs::metadata(&inbox.store.path).unwrap().len();
    let before = size(&inbox);
    let mut slices = Vec::new();
    loop {
        let removed = retain(&mut inbox, days(30)).len();
        if removed == 0 {
            break;
        }
        slices.push(removed);
    }
    assert_eq!(slices, [500, 500, 500, 500, 100]);
    let mut calls = 0;
    while inbox.store.compact().unwrap() {
        calls += 1;
        assert!(calls < 100, "it comes to an end");
    }
    assert!(size(&inbox) * 4 < before, "{before} to {}", size(&inbox));
    assert_eq!(inbox.counts(), (0, 0));
    assert!(!inbox.store.compact().unwrap(), "nothing more to do");
}

#[test]
fn more_days_than_there_were_keep_everything() {
    let mut inbox = Inbox::new();
    inbox.take(&old_read("1", 4_000));
    for many in [1_000_000, 300_000_000, u32::MAX] {
        assert_eq!(retain(&mut inbox, days(many)), [""; 0], "{many}");
        assert_eq!(inbox.take(&old_read("1", 4_000)), Merged::Same, "{many}");
    }
}

#[test]
fn a_merge_of_the_index_that_fails_leaves_its_settings_as_they_were() {
    let mut inbox = Inbox::new();
    for part in 0..8 {
        let many: Vec<_> = (0..200).map(|n| old_read(&format!("{part}-{n}"), 40 + n)).collect();
        inbox.store.merge_all(&many, now()).unwrap();
    }
    while !retain(&mut inbox, days(30)).is_empty() {}
    inbox.store.connection.execute_batch("UPDATE search_data SET block = x'00ff00ff00ff' WHERE id > 10").unwrap();
    let error = inbox.store.compact().unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let setting: i64 = inbox
        .store
        .connection
        .query_row("SELECT v FROM search_config WHERE k = 'deletemerge'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(setting, 0);
    assert!(inbox.store.connection.is_autocommit(), "no transaction is left open");
}
