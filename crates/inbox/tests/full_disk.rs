//! A disk that is full or cannot be written, as a tiny file system of the test's own in a mount namespace: no read mark
//! that was answered is ever lost, and what cannot be done is said.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use inbox::{AccountId, Code, Counts, Event, Message, MessageId, Problem, Query, Retention, Store, StoreError, Tab};
use jiff::{Timestamp, ToSpan as _};

/// Where the tiny disk is, in the process that has one.
const DISK: &str = "TRAYBELL_TEST_TINY_DISK";

/// Runs `test` with the folder of a tiny disk, in a process of its own among mounts of its own. Where there can be none,
/// it says so; only in CI that is a failure.
fn on_a_tiny_disk(name: &str, test: impl FnOnce(&Path)) {
    if let Some(disk) = env::var_os(DISK) {
        return test(&PathBuf::from(disk));
    }
    let folder = tempfile::tempdir().unwrap();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let with_the_disk = || {
        let mut command = Command::new("unshare");
        command
            .arg(if is_root { "-m" } else { "-rm" })
            .args(["sh", "-c", "mount -t tmpfs -o size=8m tmpfs \"$0\" && exec \"$@\""])
            .arg(folder.path());
        command
    };
    let refused = with_the_disk().arg("true").output().unwrap();
    if !refused.status.success() && !in_ci() {
        let why = String::from_utf8_lossy(&refused.stderr);
        let told = format!("\nNOT TESTED: {name}: this system gives no mount namespace: {why}\n");
        // Past the test harness, which keeps to itself what a passing test says.
        return io::stderr().write_all(told.as_bytes()).unwrap();
    }
    let output = with_the_disk()
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(DISK, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(said.contains("1 passed"), "the test was not run: {said}\n{errors}");
}

fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

fn now() -> Timestamp {
    "2026-08-01T12:00:00Z".parse().unwrap()
}

fn open(disk: &Path) -> Result<Store, StoreError> {
    let account = AccountId { environment: "staging".to_owned(), brand: "demo".to_owned(), user: "7".to_owned() };
    let opened = Store::open(&disk.join("data"), &account)?;
    assert_eq!(opened.reset, None, "a full disk is no damage");
    Ok(opened.store)
}

fn message(number: i64) -> Message {
    Message {
        id: MessageId(number.to_string()),
        event: Event::Message,
        title: format!("Message {number}"),
        preview: String::new(),
        body_html: format!("<p>{}</p>", "A few words of text. ".repeat(20)),
        footer_html: String::new(),
        buttons: Vec::new(),
        image_url: None,
        silent: false,
        read: false,
        date: now().checked_sub(number.hours()).unwrap(),
        expires: None,
        incomplete: false,
    }
}

/// Leaves `free` bytes on the disk.
fn fill(disk: &Path, free: usize) {
    let mut filler = fs::File::create(disk.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let length = filler.metadata().unwrap().len();
    filler.set_len(length - free as u64).unwrap();
}

fn empty(disk: &Path) {
    fs::remove_file(disk.join("filler")).unwrap();
}

fn unread(store: &Store) -> BTreeSet<MessageId> {
    let (rows, next) = store.page(&Query::from(Tab::Unread), None, 200, now()).unwrap();
    assert_eq!(next, None);
    rows.into_iter().map(|row| row.id).collect()
}

fn waiting(store: &Store) -> BTreeSet<MessageId> {
    store.outbox_due(Timestamp::MAX, 1_000).unwrap().into_iter().map(|entry| entry.id).collect()
}

fn is_told(error: StoreError) {
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    let problem = Problem::from(error);
    assert_eq!(problem.code, Code::StoreFailed);
    assert!(problem.message.contains("no space left") && problem.hint.contains("Free some disk space"), "{problem:?}");
}

#[test]
fn a_full_disk_loses_no_read_mark_and_does_nothing_by_half() {
    on_a_tiny_disk("a_full_disk_loses_no_read_mark_and_does_nothing_by_half", |disk| {
        for free in [0, 4096, 64 * 1024, 300 * 1024] {
            let mut store = open(disk).unwrap();
            let list: Vec<_> = (0..200).map(message).collect();
            store.merge_all(&list, now()).unwrap();
            fill(disk, free);

            // One after the other, until the disk is full.
            let (mut marked, mut refused) = (BTreeSet::new(), None);
            for Message { id, .. } in &list {
                match store.mark_read(id, now()) {
                    Ok(changed) => assert!(changed && marked.insert(id.clone())),
                    Err(error) => {
                        is_told(error);
                        refused = Some(id.clone());
                        break;
                    }
                }
            }
            let refused = refused.expect("the disk is full before all are marked");
            let all: BTreeSet<_> = list.iter().map(|message| message.id.clone()).collect();
            let left: BTreeSet<_> = all.difference(&marked).cloned().collect();
            let nothing_half = |store: &Store| {
                assert_eq!(unread(store), left, "with {free} bytes left");
                assert_eq!(waiting(store), marked, "with {free} bytes left");
                assert_eq!(store.outbox_len().unwrap(), marked.len() as u64);
                assert_eq!(store.counts(now()).unwrap(), Counts { unread: left.len() as u64, total: 200 });
            };
            nothing_half(&store);
            is_told(store.mark_all_read(now()).unwrap_err());
            is_told(store.merge_all(&(200..400).map(message).collect::<Vec<_>>(), now()).unwrap_err());
            nothing_half(&store);

            // Ended and started on the full disk: whether it opens or says why not, nothing is gone.
            drop(store);
            match open(disk) {
                Ok(store) => nothing_half(&store),
                Err(error) => assert_eq!(Problem::from(error).code, Code::StoreFailed),
            }

            empty(disk);
            let mut store = open(disk).unwrap();
            nothing_half(&store);
            assert!(store.mark_read(&refused, now()).unwrap(), "with space again it works");
            assert_eq!(store.mark_all_read(now()).unwrap().len(), left.len() - 1);
            assert_eq!(waiting(&store), all);
            store.delete().unwrap();
        }
    });
}

#[test]
fn a_store_that_was_full_goes_on_in_the_same_run() {
    on_a_tiny_disk("a_store_that_was_full_goes_on_in_the_same_run", |disk| {
        let mut store = open(disk).unwrap();
        let mut marked = BTreeSet::new();
        let mut new = 0..;
        for round in 1..=4 {
            fill(disk, 16 * 1024);
            loop {
                let message = message(new.next().unwrap());
                let done = store.merge(&message, now()).and_then(|_| store.mark_read(&message.id, now()));
                match done {
                    Ok(changed) => assert!(changed && marked.insert(message.id)),
                    Err(error) => break is_told(error),
                }
            }
            assert_eq!(waiting(&store), marked, "round {round}");
            empty(disk);
            marked.extend(store.mark_all_read(now()).unwrap());
            assert_eq!(waiting(&store), marked, "round {round}");
            assert_eq!(unread(&store), BTreeSet::new(), "round {round}");
        }
    });
}

#[test]
fn retention_frees_space_and_a_disk_without_any_is_told() {
    on_a_tiny_disk("retention_frees_space_and_a_disk_without_any_is_told", |disk| {
        let mut store = open(disk).unwrap();
        let list: Vec<_> = (0..400).map(|number| Message { read: true, ..message(number) }).collect();
        store.merge_all(&list, now()).unwrap();
        fill(disk, 0);
        let retention = Retention { days: None, messages: Some(10) };
        let error = store.retain(retention, now()).unwrap_err();
        is_told(error);
        assert_eq!(store.counts(now()).unwrap().total, 400);
        empty(disk);
        assert_eq!(store.retain(retention, now()).unwrap().len(), 390);
        while store.compact().unwrap() {}
        assert_eq!(store.counts(now()).unwrap().total, 10);
    });
}

#[test]
fn a_disk_that_cannot_be_written_is_told_and_keeps_what_it_has() {
    on_a_tiny_disk("a_disk_that_cannot_be_written_is_told_and_keeps_what_it_has", |disk| {
        let remount = |mode: &str| {
            let mounted = Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(disk).status().unwrap();
            assert!(mounted.success());
        };
        let mut store = open(disk).unwrap();
        store.merge_all(&(0..20).map(message).collect::<Vec<_>>(), now()).unwrap();
        store.mark_read(&MessageId("3".to_owned()), now()).unwrap();
        drop(store);
        remount("ro");
        let error = open(disk).unwrap_err();
        assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
        let problem = Problem::from(error);
        assert_eq!(problem.code, Code::StoreFailed);
        assert!(problem.hint.contains("a disk that can be written"), "{problem:?}");
        remount("rw");
        let store = open(disk).unwrap();
        assert_eq!(waiting(&store), BTreeSet::from([MessageId("3".to_owned())]));
        assert_eq!(store.counts(now()).unwrap(), Counts { unread: 19, total: 20 });
    });
}

#[test]
fn what_is_taken_over_from_a_damaged_store_waits_for_space() {
    on_a_tiny_disk("what_is_taken_over_from_a_damaged_store_waits_for_space", |disk| {
        for free in [0, 40 * 1024, 80 * 1024, 120 * 1024, 200 * 1024, 400 * 1024] {
            let mut store = open(disk).unwrap();
            store.merge_all(&(0..400).map(message).collect::<Vec<_>>(), now()).unwrap();
            let marked = BTreeSet::from([MessageId("3".to_owned()), MessageId("5".to_owned())]);
            for id in &marked {
                store.mark_read(id, now()).unwrap();
            }
            drop(store);
            let file = fs::read_dir(disk.join("data")).unwrap().next().unwrap().unwrap().path();
            let raw = rusqlite::Connection::open(&file).unwrap();
            raw.execute_batch("UPDATE search_data SET block = x'00ff00ff00ff' WHERE id > 10").unwrap();
            drop(raw);
            let damaged = fs::read(&file).unwrap();
            fill(disk, free);
            for _ in 0..2 {
                let error = open(disk).unwrap_err();
                assert!(matches!(error, StoreError::Full { .. } | StoreError::Unwritable { .. }), "{free}: {error:?}");
                assert!(fs::read(&file).unwrap() == damaged, "with {free} bytes left it is as it was");
            }
            empty(disk);
            let store = open(disk).unwrap();
            assert_eq!(waiting(&store), marked, "with {free} bytes left before");
            assert_eq!(store.counts(now()).unwrap(), Counts { unread: 398, total: 400 });
            assert_eq!(fs::read_dir(disk.join("data")).unwrap().count(), 3, "nothing is left over");
            store.delete().unwrap();
        }
    });
}
