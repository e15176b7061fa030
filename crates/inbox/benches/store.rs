//! The store at 1 000, 10 000 and 100 000 messages, side by side: `cargo xtask bench inbox`. It must never be a test: a
//! figure is read by a person, and no limit is checked.
//!
//! Each size runs in a process of its own, so that its memory is its own.

#![allow(clippy::print_stdout, reason = "it is there to print")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::{
    env,
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use inbox::{AccountId, Button, Event, Message, MessageId, Query, Retention, Store, Tab};
use jiff::{Timestamp, ToSpan as _};

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
/// Which size a process measures.
const SIZE: &str = "TRAYBELL_BENCH_SIZE";
/// Whose store a process uses a little, for its memory alone.
const FOLDER: &str = "TRAYBELL_BENCH_FOLDER";
/// Rows of a page, as the window asks for them.
const ROWS: u32 = 50;
/// Times that a call is measured; the median counts.
const TIMES: usize = 15;

fn main() {
    if let Ok(folder) = env::var(FOLDER) {
        return use_a_little(Path::new(&folder));
    }
    if let Ok(size) = env::var(SIZE) {
        return measure(size.parse().unwrap());
    }
    // Only `cargo bench` says so. Whatever else runs it asks whether it still works.
    if !env::args().any(|argument| argument == "--bench") {
        return measure(ROWS);
    }
    let mut table: Vec<(String, Vec<f64>)> = Vec::new();
    for size in SIZES {
        eprintln!("{size} messages …");
        let output = Command::new(env::current_exe().unwrap()).env(SIZE, size.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let (what, figure) = line.rsplit_once('\t').unwrap();
            let figure = figure.parse().unwrap();
            match table.iter_mut().find(|(known, _)| known == what) {
                Some((_, figures)) => figures.push(figure),
                None => table.push((what.to_owned(), vec![figure])),
            }
        }
    }
    println!("| measured | 1 000 | 10 000 | 100 000 | 10 000 : 1 000 | 100 000 : 1 000 |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (what, figures) in table {
        let ratio = |at: usize| figures[at] / figures[0].max(f64::EPSILON);
        let [small, middle, large] = figures[..] else { panic!("{what}: a size is missing") };
        println!("| {what} | {small:.2} | {middle:.2} | {large:.2} | {:.1} | {:.1} |", ratio(1), ratio(2));
    }
}

/// Measures one size, and prints a line for each figure.
fn measure(size: u32) {
    let dir = tempfile::tempdir().unwrap();
    let list = messages(size);
    let mut store = open(dir.path());
    print("take in the whole list (ms)", once(|| store.merge_all(&list, now()).unwrap()));
    print("take it in again, nothing new (ms)", once(|| store.merge_all(&list, now()).unwrap()));
    drop(list);
    drop(store);
    print("file (MiB)", size_of_files(dir.path()));
    print("opening (ms)", median(|_| drop(open(dir.path()))));

    let output = Command::new(env::current_exe().unwrap()).env(FOLDER, dir.path()).output().unwrap();
    let used = String::from_utf8(output.stdout).unwrap();
    print("memory, of the store alone (MiB)", used.trim().parse().unwrap());

    let mut store = open(dir.path());
    let page = |store: &Store, query: &Query, cursor: Option<&str>| store.page(query, cursor, ROWS, now()).unwrap();
    let all = Query::default();
    let words = |text: &str| Query { text: text.to_owned(), ..Query::default() };
    print("first page (ms)", median(|_| page(&store, &all, None)));
    let half = now().checked_sub(i64::from(size / 2 * MINUTES).minutes()).unwrap();
    let deep = |query: &Query| page(&store, &Query { until: Some(half), ..query.clone() }, None).1;
    let cursor = deep(&all);
    print("next page, from the middle (ms)", median(|_| page(&store, &all, cursor.as_deref())));
    let links = Query { has_link: true, unread: true, tab: Tab::Shoutouts, ..Query::default() };
    print("first page, unread shoutouts with a link (ms)", median(|_| page(&store, &links, None)));
    print("search, a rare word (ms)", median(|_| page(&store, &words("zephyr"), None)));
    print("search, a common word (ms)", median(|_| page(&store, &words("bonus"), None)));
    let cursor = deep(&words("bonus"));
    print("search, a common word, from the middle (ms)", median(|_| page(&store, &words("bonus"), cursor.as_deref())));
    print("search, three common words (ms)", median(|_| page(&store, &words("the your bonus"), None)));
    print("search, a common and a rare word (ms)", median(|_| page(&store, &words("bonus zephyr"), None)));
    print("search, one letter (ms)", median(|_| page(&store, &words("b"), None)));
    print("search, five letters of a common word (ms)", median(|_| page(&store, &words("depos"), None)));
    print("search, no such word (ms)", median(|_| page(&store, &words("qqqq"), None)));
    let filtered = Query { text: "bonus".to_owned(), ..links.clone() };
    print("search, a common word with every filter (ms)", median(|_| page(&store, &filtered, None)));
    print("counts (ms)", median(|_| store.counts(now()).unwrap()));

    print("mark one (ms)", median(|nth| store.mark_read(&id(2 * u32::try_from(nth).unwrap() + 1), now()).unwrap()));
    print("waiting marks (ms)", median(|_| store.outbox_len().unwrap()));
    print("mark all (ms)", once(|| store.mark_all_read(now()).unwrap()));
    print("waiting marks, all (ms)", median(|_| store.outbox_len().unwrap()));
    print(
        "search, a common word, none unread (ms)",
        median(|_| page(&store, &Query { unread: true, ..words("bonus") }, None)),
    );
    print(
        "a live message (ms)",
        median(|nth| store.merge(&message(size + u32::try_from(nth).unwrap()), now()).unwrap()),
    );
    for entry in store.outbox_due(Timestamp::MAX, u32::MAX).unwrap().iter().take(500) {
        store.outbox_done(&entry.id).unwrap();
    }
    let retention = Retention { days: None, messages: Some(size / 2) };
    print("retention, a slice of 500 (ms)", once(|| store.retain(retention, now()).unwrap()));
    print("retention, nothing to do (ms)", median(|_| store.retain(Retention::default(), now()).unwrap()));
    print("compact, a slice (ms)", once(|| store.compact().unwrap()));
}

/// What a program does with a store while nobody looks at it but once: opened, a page, a search, the counts.
fn use_a_little(folder: &Path) {
    let idle = memory("VmRSS");
    let store = open(folder);
    let bonus = Query { text: "bonus".to_owned(), ..Query::default() };
    for query in [Query::default(), bonus] {
        std::hint::black_box(store.page(&query, None, ROWS, now()).unwrap());
    }
    std::hint::black_box(store.counts(now()).unwrap());
    println!("{}", memory("VmRSS") - idle);
}

fn print(what: &str, figure: f64) {
    println!("{what}\t{figure}");
}

fn once<T>(act: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    let _answer = std::hint::black_box(act());
    millis(started.elapsed())
}

fn median<T>(mut act: impl FnMut(usize) -> T) -> f64 {
    let mut times: Vec<_> = (0..TIMES).map(|nth| once(|| act(nth))).collect();
    times.sort_by(f64::total_cmp);
    times[TIMES / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// A line of `/proc/self/status` in MiB; 0 where there is none.
fn memory(line: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|found| found.strip_prefix(line)?.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn size_of_files(dir: &Path) -> f64 {
    let bytes: u64 = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    f64::from(u32::try_from(bytes / 1024).unwrap()) / 1024.0
}

fn open(dir: &Path) -> Store {
    let account = AccountId { environment: "staging".to_owned(), brand: "bench".to_owned(), user: "7".to_owned() };
    Store::open(dir, &account).unwrap().store
}

fn now() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

fn id(number: u32) -> MessageId {
    MessageId(number.to_string())
}

/// Between two messages.
const MINUTES: u32 = 17;

/// The newest first, as a server lists them; half of them read.
fn messages(size: u32) -> Vec<Message> {
    (0..size).map(message).collect()
}

fn message(number: u32) -> Message {
    let mut words = Words(u64::from(number) + 1);
    let title = words.some(5);
    let mut body = String::new();
    for _ in 0..4 {
        write!(body, "<p>{} <strong>{}</strong> &amp; {}.</p>", words.some(10), words.some(2), words.some(8)).unwrap();
    }
    if number % 5 < 3 {
        body.push_str("<p>Your deposit bonus waits.</p>");
    }
    if number % 997 == 3 {
        body.push_str("<p>zephyr</p>");
    }
    Message {
        id: id(number),
        event: [Event::Message, Event::Message, Event::Shoutout, Event::Inbox][number as usize % 4].clone(),
        preview: inbox::text::bound(&inbox::text::one_line(&inbox::text::plain_text(&body)), 140),
        title,
        body_html: body,
        footer_html: "<p>18+. Terms apply.</p>".to_owned(),
        buttons: if number.is_multiple_of(3) {
            vec![Button { text: "Play".to_owned(), link: format!("https://example.com/{number}") }]
        } else {
            Vec::new()
        },
        image_url: None,
        silent: false,
        read: number.is_multiple_of(2),
        date: now().checked_sub(i64::from(number * MINUTES).minutes()).unwrap(),
        expires: None,
        incomplete: false,
    }
}

/// Words as language has them: a few are everywhere, most are rare.
struct Words(u64);

impl Words {
    fn some(&mut self, many: usize) -> String {
        (0..many).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn word(&mut self) -> String {
        const COMMON: [&str; 16] = [
            "the", "your", "a", "to", "of", "for", "and", "in", "win", "free", "spins", "today", "play", "with", "now",
            "big",
        ];
        const SYLLABLES: [&str; 16] =
            ["ba", "de", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "ze", "cha", "fle", "gro", "sta"];
        let random = self.next();
        if random % 5 < 2 {
            return COMMON[(random >> 8) as usize % COMMON.len()].to_owned();
        }
        // The smaller of two: low numbers are frequent.
        let number = (self.next() % 20_000).min(self.next() % 20_000);
        (0..3).map(|place| SYLLABLES[(number >> (4 * place)) as usize % SYLLABLES.len()]).collect()
    }

    fn next(&mut self) -> u64 {
        // splitmix64: the same messages in every run.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
