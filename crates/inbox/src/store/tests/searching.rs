//! Search, alone and with the filters.

use super::*;

fn says(id: &str, title: &str, body_html: &str) -> Message {
    Message { title: title.to_owned(), body_html: body_html.to_owned(), preview: String::new(), ..message(id) }
}

fn search(store: &Store, text: &str) -> Vec<String> {
    find(store, &Query { text: text.to_owned(), ..Query::default() })
}

fn find(store: &Store, query: &Query) -> Vec<String> {
    listing::paged(store, query, 2)
}

#[test]
fn all_words_are_wanted_in_any_order_and_the_last_may_be_half_typed() {
    let mut inbox = Inbox::new();
    inbox.take(&says("1", "Weekend bonus", "<p>Reload <b>up</b> to 200</p>"));
    inbox.take(&says("2", "Weekend race", "<p>Win a car</p>"));
    for (text, ids) in [
        ("bonus", &["1"][..]),
        ("BONUS week", &["1"]),
        ("reload weekend", &["1"]),
        ("wee", &["2", "1"]),
        ("weekend ca", &["2"]),
        ("wee bonus", &[]),
        ("bonus car", &[]),
        ("", &["2", "1"]),
        ("  ", &["2", "1"]),
    ] {
        assert_eq!(search(&inbox.store, text), ids, "{text:?}");
    }
}

#[test]
fn the_text_of_a_body_is_found_and_its_tags_are_not() {
    let mut inbox = Inbox::new();
    inbox.take(&says("1", "T", "<blockquote>first</blockquote>second<br>th<b>ir</b>d &amp; &lt;strong&gt; caf\u{e9}"));
    inbox.take(&Message { preview: "Only here".to_owned(), ..says("2", "T", "") });
    for text in ["first", "second", "third", "strong", "cafe", "CAF\u{c9}", "first second"] {
        assert_eq!(search(&inbox.store, text), ["1"], "{text:?}");
    }
    assert_eq!(search(&inbox.store, "only here"), ["2"]);
    for text in ["blockquote", "br", "amp", "firstsecond"] {
        assert_eq!(search(&inbox.store, text), [""; 0], "{text:?}");
    }
}

#[test]
fn any_part_of_a_text_without_blanks_is_found() {
    let mut inbox = Inbox::new();
    inbox.take(&says("1", "本週優惠活動", "<p>立即領取2024年VIP獎金</p>"));
    inbox.take(&says("2", "今すぐボーナスを受け取る", "<p>โปรโมชั่นสุดพิเศษ</p>"));
    inbox.take(&says("3", "주말 보너스", "<p>weekend</p>"));
    for (text, ids) in [
        ("優惠", &["1"][..]),
        ("優", &["1"]),
        ("本週優惠活動", &["1"]),
        ("獎金 優惠", &["1"]),
        ("2024年", &["1"]),
        ("年vip獎", &["1"]),
        ("vi", &["1"]),
        ("惠優", &[]),
        ("優活", &[]),
        ("ボーナス", &["2"]),
        ("受け取", &["2"]),
        ("พิเศษ", &["2"]),
        ("보너", &["3"]),
    ] {
        assert_eq!(search(&inbox.store, text), ids, "{text:?}");
    }
}

#[test]
fn nothing_that_is_typed_is_syntax() {
    let mut inbox = Inbox::new();
    inbox.take(&says("1", "C++ and e-mail: O'Neil said NOT OR \"x\" (near)", "<p>100% *free* text:col ^a</p>"));
    for text in [
        "\"",
        "'",
        "e-mail",
        "NOT OR",
        "text:col",
        "*free*",
        "^a",
        "(near",
        "near)",
        "\"x",
        "a AND",
        "100%",
        "O'Neil",
        "{a}",
        "and -x",
        "+x",
        "NEAR(and, x)",
    ] {
        let query = Query { text: text.to_owned(), ..Query::default() };
        inbox.store.page(&query, None, 10, now()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    for text in ["e-mail", "NOT OR", "text:col", "*free*", "O'Neil", "\"x\" near"] {
        assert_eq!(search(&inbox.store, text), ["1"], "{text:?}");
    }
    for text in ["\"", "...", "\u{1f389}", "*", "NOT bonus", "\u{24b6}"] {
        assert_eq!(search(&inbox.store, text), [""; 0], "{text:?}: no word of it is there");
    }
    assert_eq!(search(&inbox.store, &"and ".repeat(10_000)), ["1"], "bounded");
    search(&inbox.store, &"\u{0915}\u{094d}\u{0937}\u{093e}\0x ".repeat(50));
}

#[test]
fn words_and_filters_hold_together_over_pages_newest_first() {
    let mut inbox = Inbox::new();
    for n in 0..40_i64 {
        let mut new = says(&format!("{n:02}"), "bonus", "<p>x</p>");
        new.date = now().checked_sub((n / 4).hours()).unwrap();
        new.read = n % 2 == 0;
        new.event = if n % 3 == 0 { Event::Shoutout } else { Event::Message };
        if n % 5 != 0 {
            new.buttons.clear();
        }
        inbox.take(&new);
    }
    let all: Vec<i64> = (0..40).collect();
    let (since, until) = (hours(-7), hours(-2));
    for bits in 0..32_u32 {
        for text in ["", "bon"] {
            let on = |bit: u32| bits & (1 << bit) != 0;
            let query = Query {
                tab: if on(0) { Tab::Shoutouts } else { Tab::All },
                text: text.to_owned(),
                unread: on(1),
                since: on(2).then_some(since),
                until: on(3).then_some(until),
                has_link: on(4),
            };
            let mut wanted: Vec<String> = all
                .iter()
                .filter(|&&n| {
                    (!on(0) || n % 3 == 0)
                        && (!on(1) || n % 2 == 1)
                        && (!on(2) || n / 4 <= 7)
                        && (!on(3) || n / 4 > 2)
                        && (!on(4) || n % 5 == 0)
                })
                .map(|n| format!("{n:02}"))
                .collect();
            for limit in [1, 3, 200] {
                let found = listing::paged(&inbox.store, &query, limit);
                let hour = |id: &String| id.parse::<i64>().unwrap() / 4;
                assert!(found.is_sorted_by_key(hour), "{query:?}: {found:?}");
                let mut found = found;
                found.sort();
                wanted.sort();
                assert_eq!(found, wanted, "{query:?}");
            }
        }
    }
}

#[test]
fn a_link_is_one_that_may_be_opened() {
    let mut inbox = Inbox::new();
    let linked = |id: &str, link: &str| Message {
        buttons: vec![Button { text: "x".to_owned(), link: link.to_owned() }],
        ..message(id)
    };
    inbox.take(&linked("1", "https://example.com/a"));
    inbox.take(&linked("2", "javascript:alert(1)"));
    inbox.take(&Message { buttons: vec![], ..message("3") });
    let query = Query { has_link: true, ..Query::default() };
    assert_eq!(find(&inbox.store, &query), ["1"]);
    inbox.take(&linked("2", "https://example.com/b"));
    assert_eq!(find(&inbox.store, &query), ["2", "1"], "a re-send may bring one");
}

#[test]
fn the_index_follows_every_change() {
    let mut inbox = Inbox::new();
    inbox.take(&says("1", "apple", "<p>one</p>"));
    inbox.take(&Message { expires: Some(hours(1)), ..says("2", "apple", "<p>two</p>") });
    inbox.take(&says("3", "apple", "<p>three</p>"));
    assert_eq!(search(&inbox.store, "apple").len(), 3);
    // Changed, and moved to an earlier date.
    inbox.take(&Message { date: hours(-9), ..says("1", "pear", "<p>one</p>") });
    assert_eq!(search(&inbox.store, "pear"), ["1"]);
    assert_eq!(search(&inbox.store, "one"), ["1"]);
    assert_eq!(search(&inbox.store, "apple"), ["3", "2"]);
    // Twice in one list, once more moved.
    let twice = [says("4", "plum", ""), Message { date: hours(-5), ..says("4", "fig", "") }];
    inbox.store.merge_all(&twice, now()).unwrap();
    assert_eq!(search(&inbox.store, "plum"), [""; 0]);
    assert_eq!(search(&inbox.store, "fig"), ["4"]);
    inbox.store.purge_expired(hours(1)).unwrap();
    inbox.store.delete_message(&of("3"), now()).unwrap();
    assert_eq!(search(&inbox.store, "apple"), [""; 0]);
    inbox.store.delete_message(&of("1"), now()).unwrap();
    let inbox = inbox.reopened();
    assert_eq!(search(&inbox.store, "pear"), [""; 0]);
    assert_eq!(search(&inbox.store, "fig"), ["4"]);
}

#[test]
fn many_messages_of_one_moment_each_have_a_place() {
    let mut inbox = Inbox::new();
    let many: Vec<_> = (0..3_000).map(|n| says(&n.to_string(), "same", "")).collect();
    inbox.store.merge_all(&many, now()).unwrap();
    inbox.take(&Message { date: now(), ..says("new", "same", "") });
    let found = listing::paged(&inbox.store, &Query { text: "same".to_owned(), ..Query::default() }, 200);
    assert_eq!(found.len(), 3_001);
    assert_eq!(found[0], "new");
    assert_eq!(found.iter().collect::<std::collections::HashSet<_>>().len(), 3_001);
}

#[test]
fn a_cursor_of_the_list_is_none_of_a_search() {
    let mut inbox = Inbox::new();
    for n in 0..3 {
        inbox.take(&message(&n.to_string()));
    }
    let (list, words) = (Query::default(), Query { text: "title".to_owned(), ..Query::default() });
    for (from, to) in [(&list, &words), (&words, &list)] {
        let cursor = inbox.store.page(from, None, 1, now()).unwrap().1.unwrap();
        assert!(matches!(inbox.store.page(to, Some(&cursor), 1, now()), Err(StoreError::BadCursor)), "{cursor}");
    }
}
