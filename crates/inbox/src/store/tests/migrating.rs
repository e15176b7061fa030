//! Files of earlier versions, and what an upgrade brings over.

use super::*;

/// An inbox as version 1 left it.
fn of_version_1() -> Inbox {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("inbox-{}.sqlite", account().file_stem()));
    let old = Connection::open(path).unwrap();
    old.execute_batch(include_str!("version_1.sql")).unwrap();
    drop(old);
    let opened = Store::open(dir.path(), &account()).unwrap();
    assert_eq!(opened.reset, None, "an old file is no damaged one");
    Inbox { store: opened.store, dir }
}

#[test]
fn version_1_comes_over_whole() {
    let mut inbox = of_version_1();
    let all = ["new", "alerted", "alerting", "waiting", "deferred", "read", "unread-here", "refused", "cut"];
    let mut listed = listing::paged(&inbox.store, &Query::default(), 4);
    listed.sort();
    let mut wanted = all.to_vec();
    wanted.sort_unstable();
    assert_eq!(listed, wanted);
    for (id, read) in all.iter().zip([false, false, false, true, true, true, false, false, false]) {
        assert_eq!(inbox.is_read(id), read, "{id}");
    }
    assert_eq!(inbox.counts(), (6, 9));
    assert_eq!(inbox.store.outbox_len().unwrap(), 3);
    let entries = inbox.store.outbox_due(Timestamp::MAX, 9).unwrap();
    let entries: Vec<_> = entries.iter().map(|entry| (entry.id.0.as_str(), entry.attempts)).collect();
    assert_eq!(entries, [("waiting", 0), ("deleted", 1), ("deferred", 3)]);
    assert_eq!(inbox.store.to_alert(now()).unwrap().iter().map(|new| &*new.id.0).collect::<Vec<_>>(), ["new"]);
    assert_eq!(inbox.store.interrupted(now()).unwrap().iter().map(|new| &*new.id.0).collect::<Vec<_>>(), ["alerting"]);
    assert_eq!(inbox.store.row(&of("refused")).unwrap().unwrap().problem, Some(problem()));
    assert_eq!(inbox.store.meta("last_synced").unwrap().as_deref(), Some("2026-08-01T10:00:00Z"));
    assert_eq!(inbox.take(&message("deleted")), Merged::Deleted);
    assert_eq!(inbox.take(&message("fresh")), Merged::New);
}

#[test]
fn search_and_filters_know_what_came_before_them() {
    let inbox = of_version_1();
    let find = |text: &str, more: Query| listing::paged(&inbox.store, &Query { text: text.to_owned(), ..more }, 3);
    assert_eq!(find("cafe", Query::default()), ["new"]);
    assert_eq!(find("weekend reload", Query::default()), ["new"]);
    assert_eq!(find("read off", Query::default()).len(), 2);
    assert_eq!(find("", Query { has_link: true, ..Query::default() }), ["new"]);
    assert_eq!(find("win", Query { unread: true, tab: Tab::Shoutouts, ..Query::default() }), ["alerted"]);
}

#[test]
fn an_upgrade_happens_once_and_the_old_file_gives_its_space_back() {
    let mut inbox = of_version_1().reopened();
    assert_eq!(inbox.counts(), (6, 9));
    let long = format!("<p>{}</p>", "many words of no use ".repeat(100));
    let many: Vec<_> =
        (0..600).map(|n| Message { body_html: long.clone(), date: hours(-999), ..read(&n.to_string()) }).collect();
    inbox.store.merge_all(&many, now()).unwrap();
    // Closed, so that all of it is in the file itself.
    let mut inbox = inbox.reopened();
    while !inbox.store.retain(Retention { days: Some(3), messages: None }, now()).unwrap().is_empty() {}
    let before = std::fs::metadata(&inbox.store.path).unwrap().len();
    while inbox.store.compact().unwrap() {}
    let after = std::fs::metadata(&inbox.store.path).unwrap().len();
    assert!(after * 2 < before, "{before} to {after}");
    assert_eq!(listing::paged(&inbox.store, &Query { text: "cafe".to_owned(), ..Query::default() }, 3), ["new"]);
    assert_eq!(inbox.reopened().counts(), (6, 9));
}
