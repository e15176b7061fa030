//! What the list shows, and what it costs.

use super::*;

/// All ids of what a query asks for, fetched by pages of `limit`.
pub(super) fn paged(store: &Store, query: &Query, limit: u32) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let (rows, next) = store.page(query, cursor.as_deref(), limit, now()).unwrap();
        assert!(rows.len() <= limit as usize);
        all.extend(rows.into_iter().map(|row| row.id.0));
        match next {
            Some(next) => cursor = Some(next),
            None => return all,
        }
    }
}

fn at(id: &str, minute: i64) -> Message {
    Message { date: now().checked_sub(minute.minutes()).unwrap(), ..message(id) }
}

#[test]
fn pages_of_any_size_show_every_message_once_newest_first() {
    let mut inbox = Inbox::new();
    // Many of the same moment, so that pages break inside it.
    let many: Vec<_> = (0..57).map(|n| at(&format!("{n:02}"), i64::from(n / 20))).collect();
    inbox.store.merge_all(&many, now()).unwrap();
    let whole = paged(&inbox.store, &Query::default(), 200);
    assert_eq!(whole.len(), 57);
    assert_eq!(whole.first().map(String::as_str), Some("19"));
    assert_eq!(whole.last().map(String::as_str), Some("40"));
    for limit in [1, 2, 7, 19, 20, 57, 58] {
        assert_eq!(paged(&inbox.store, &Query::default(), limit), whole, "limit {limit}");
    }
}

#[test]
fn a_page_goes_on_where_it_was_whatever_came_in_meanwhile() {
    let mut inbox = Inbox::new();
    for n in 0..4 {
        inbox.take(&at(&n.to_string(), n));
    }
    let (first, next) = inbox.store.page(&Query::default(), None, 2, now()).unwrap();
    assert_eq!(first.len(), 2);
    inbox.take(&at("new", 0));
    inbox.store.delete_message(&of("1"), now()).unwrap();
    let (second, end) = inbox.store.page(&Query::default(), next.as_deref(), 2, now()).unwrap();
    assert_eq!(second.into_iter().map(|row| row.id.0).collect::<Vec<_>>(), ["2", "3"]);
    assert_eq!(end, None);
}

#[test]
fn tabs_show_what_they_say() {
    let mut inbox = Inbox::new();
    inbox.take(&at("m", 1));
    inbox.take(&Message { event: Event::Shoutout, ..at("s", 2) });
    inbox.take(&Message { event: Event::Inbox, read: true, ..at("i", 3) });
    inbox.take(&Message { event: Event::Other("Raffle".to_owned()), ..at("o", 4) });
    for (tab, ids) in [
        (Tab::All, &["m", "s", "i", "o"][..]),
        (Tab::Unread, &["m", "s", "o"]),
        (Tab::Messages, &["m"]),
        (Tab::Shoutouts, &["s"]),
        (Tab::Inbox, &["i"]),
    ] {
        assert_eq!(paged(&inbox.store, &tab.into(), 1), ids, "{tab:?}");
    }
    assert_eq!(inbox.store.row(&of("o")).unwrap().unwrap().event, Event::Other("Raffle".to_owned()));
}

#[test]
fn a_cursor_that_is_none_is_refused() {
    let inbox = Inbox::new();
    for cursor in ["", "x", "~", "x~1", "1"] {
        let error = inbox.store.page(&Query::default(), Some(cursor), 10, now()).unwrap_err();
        assert_eq!(Problem::from(error).code, crate::Code::BadInput, "{cursor:?}");
    }
}

#[test]
fn only_a_link_that_may_be_opened_is_listed() {
    let mut inbox = Inbox::new();
    let linked = |id: &str, link: &str| Message {
        buttons: vec![Button { text: "x".to_owned(), link: link.to_owned() }],
        ..message(id)
    };
    inbox.take(&linked("1", "https://example.com/a"));
    inbox.take(&linked("2", "javascript:alert(1)"));
    inbox.take(&Message { buttons: vec![], ..message("3") });
    let link = |id: &str| inbox.store.row(&of(id)).unwrap().unwrap().link;
    assert_eq!(link("1").as_deref(), Some("https://example.com/a"));
    assert_eq!(link("2"), None);
    assert_eq!(link("3"), None);
}

#[test]
fn what_expired_is_neither_listed_nor_counted_and_goes_with_the_purge() {
    let mut inbox = Inbox::new();
    inbox.take(&message("stays"));
    inbox.take(&Message { expires: Some(hours(1)), ..message("goes") });
    assert_eq!(inbox.counts(), (2, 2));
    let later = hours(1);
    assert_eq!(inbox.store.page(&Query::default(), None, 10, later).unwrap().0.len(), 1);
    assert_eq!(inbox.store.counts(later).unwrap(), Counts { unread: 1, total: 1 });
    assert_eq!(inbox.store.mark_all_read(later).unwrap(), [of("stays")]);

    let revision = inbox.store.revision();
    assert_eq!(inbox.store.purge_expired(later).unwrap(), [of("goes")]);
    assert_eq!(inbox.store.revision(), revision + 1);
    assert_eq!(inbox.store.counts(later).unwrap(), Counts { unread: 0, total: 1 });
    assert_eq!(inbox.store.purge_expired(later).unwrap(), []);
    assert_eq!(inbox.store.revision(), revision + 1, "nothing changed");
}

#[test]
fn the_revision_rises_with_what_the_list_shows_and_with_nothing_else() {
    let mut inbox = Inbox::new();
    let mut last = inbox.store.revision();
    let mut rose = |store: &Store| {
        let rose = store.revision() > last;
        last = store.revision();
        rose
    };
    inbox.take(&message("1"));
    assert!(rose(&inbox.store));
    inbox.take(&message("1"));
    assert!(!rose(&inbox.store), "the same again");
    inbox.store.set_meta("a", "b").unwrap();
    inbox.store.begin_alert(&[of("1")]).unwrap();
    assert!(!rose(&inbox.store));
    inbox.store.mark_read(&of("1"), now()).unwrap();
    assert!(rose(&inbox.store));
    inbox.store.mark_read(&of("1"), now()).unwrap();
    assert!(!rose(&inbox.store));
    inbox.store.outbox_defer(&of("1"), hours(1)).unwrap();
    assert!(!rose(&inbox.store));
    inbox.store.outbox_refused(&of("1"), &problem()).unwrap();
    assert!(rose(&inbox.store));
    inbox.store.delete_message(&of("1"), now()).unwrap();
    assert!(rose(&inbox.store));
}

/// How `SQLite` would run a statement.
fn plan(store: &Store, sql: &str, parameters: usize) -> String {
    let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = statement
        .query_map(rusqlite::params_from_iter(vec![0_i64; parameters]), |row| row.get::<_, String>(3))
        .unwrap();
    rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn no_call_reads_more_of_the_inbox_than_it_shows() {
    let inbox = Inbox::new();
    for tab in [Tab::All, Tab::Unread, Tab::Messages, Tab::Shoutouts, Tab::Inbox] {
        for (unread, has_link) in [(false, false), (false, true), (true, false), (true, true)] {
            let query = Query { unread, has_link, ..Query::from(tab) };
            let listed = plan(&inbox.store, &page::list_sql(&query), 5);
            assert!(listed.contains("SEARCH message USING INDEX"), "{query:?} begins at the top: {listed}");
            // The bound by date, below and above.
            assert!(listed.contains("date>?") && listed.contains("(date,id)<(?,?)"), "{query:?}: {listed}");
            assert!(!listed.contains("TEMP B-TREE"), "{query:?} is sorted by hand: {listed}");
            let found = plan(&inbox.store, &page::search_sql(&query), 7);
            assert!(found.contains("SEARCH message USING INDEX") && found.contains("(place=?"), "{query:?}: {found}");
            assert!(!found.contains("TEMP B-TREE"), "{query:?} is sorted by hand: {found}");
        }
    }
    let counts = plan(&inbox.store, page::COUNTS, 1);
    assert!(counts.contains("SEARCH message USING COVERING INDEX message_expires"), "{counts}");
    let alerts = plan(&inbox.store, &alerts::to_alert_sql(), 1);
    assert!(alerts.contains("message_to_alert") && !alerts.contains("TEMP B-TREE"), "{alerts}");
}
