//! Files, their rights, damage and removal.

use std::{fs, io::Write as _};

use super::*;

fn files(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn every_file_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("data");
    let mut store = Store::open(&dir, &account()).unwrap().store;
    store.merge(&message("1"), now()).unwrap();
    assert_eq!(mode(&dir), 0o700);
    let names = files(&dir);
    assert!(names.iter().any(|name| name.ends_with("-wal")) && names.iter().any(|name| name.ends_with("-shm")));
    for name in &names {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }

    // What is wider, from whatever cause, is narrowed by the next start.
    let path = store.path.clone();
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let store = Store::open(&dir, &account()).unwrap().store;
    assert_eq!((mode(&path), mode(&dir)), (0o600, 0o700));
    drop(store);
}

#[test]
fn everything_is_there_after_a_restart() {
    let mut inbox = Inbox::new();
    inbox.take(&Message { expires: Some(hours(9)), ..message("1") });
    inbox.take(&message("2"));
    inbox.store.mark_read(&of("2"), now()).unwrap();
    inbox.store.set_meta("last_synced", "x").unwrap();
    let inbox = inbox.reopened();
    assert_eq!(inbox.store.get(&of("1")).unwrap().unwrap(), Message { expires: Some(hours(9)), ..message("1") });
    assert_eq!(inbox.queued(), ["2"]);
    assert_eq!(inbox.counts(), (1, 2));
    assert_eq!(inbox.store.meta("last_synced").unwrap().as_deref(), Some("x"));
    assert_eq!(inbox.store.meta("other").unwrap(), None);
}

#[test]
fn accounts_have_files_of_their_own() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    let other = AccountId { user: "8".to_owned(), ..account() };
    let other = Store::open(inbox.dir.path(), &other).unwrap().store;
    assert_eq!(other.counts(now()).unwrap().total, 0);
    other.delete().unwrap();
    assert_eq!(inbox.counts(), (1, 1));
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_started() {
    for damage in ["garbage", "middle", "cut"] {
        let mut inbox = Inbox::new();
        let many: Vec<_> = (0..500).map(|n| message(&n.to_string())).collect();
        inbox.store.merge_all(&many, now()).unwrap();
        let Inbox { store, dir } = inbox;
        let path = store.path.clone();
        drop(store);
        let mut bytes = fs::read(&path).unwrap();
        match damage {
            "garbage" => bytes = b"this is no database at all, not even the first page of one".repeat(100),
            "middle" => bytes[8192..32768].fill(0x5A),
            _ => bytes.truncate(bytes.len() / 2),
        }
        fs::write(&path, &bytes).unwrap();

        let opened = Store::open(dir.path(), &account()).unwrap();
        let aside = opened.reset.expect("it says so");
        assert_eq!(fs::read(&aside).unwrap(), bytes, "{damage}: nothing of it is lost");
        let mut store = opened.store;
        assert_eq!(store.merge(&message("1"), now()).unwrap(), Merged::New, "{damage}");
        #[cfg(unix)]
        assert_eq!((mode(&path), mode(&aside)), (0o600, 0o600));
    }
}

#[test]
fn a_database_that_is_not_ours_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = Store::open(dir.path(), &account()).unwrap().store.path.clone();
    fs::remove_file(&path).unwrap();
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE message (x); PRAGMA user_version = 1").unwrap();
    drop(foreign);
    assert!(Store::open(dir.path(), &account()).unwrap().reset.is_some());
}

#[test]
fn damage_found_in_use_is_set_aside_too() {
    let mut inbox = Inbox::new();
    inbox.take(&message("1"));
    inbox.damage_marks();
    let opened = inbox.store.set_aside().unwrap();
    assert!(opened.reset.unwrap().exists());
    assert_eq!(opened.store.counts(now()).unwrap().total, 0);
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let inbox = Inbox::new();
    inbox.store.connection.pragma_update(None, "user_version", 99).unwrap();
    let Inbox { store, dir } = inbox;
    drop(store);
    let before = files(dir.path());
    let bytes = fs::read(dir.path().join(&before[0])).unwrap();
    let error = Store::open(dir.path(), &account()).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { .. }), "{error:?}");
    assert_eq!(files(dir.path()), before);
    assert!(fs::read(dir.path().join(&before[0])).unwrap() == bytes, "not a byte is touched");
}

#[test]
fn deleting_the_store_leaves_nothing_of_the_account() {
    let dir = tempfile::tempdir().unwrap();
    let path = Store::open(dir.path(), &account()).unwrap().store.path.clone();
    fs::write(&path, b"damage".repeat(1000)).unwrap();
    let opened = Store::open(dir.path(), &account()).unwrap();
    assert!(opened.reset.is_some());
    let mut store = opened.store;
    store.merge(&message("1"), now()).unwrap();
    store.delete().unwrap();
    assert_eq!(files(dir.path()), [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::File::create(&file).unwrap().write_all(b"x").unwrap();
    let error = Store::open(&file.join("data"), &account()).unwrap_err();
    let problem = Problem::from(error);
    assert_eq!(problem.code, crate::Code::StoreFailed);
    assert!(problem.message.contains("data") && problem.hint.contains("file"), "{problem:?}");
}

#[test]
fn a_full_disk_and_a_damaged_page_are_told_apart() {
    let path = std::path::Path::new("/data/inbox.sqlite");
    let failure = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    assert!(matches!(StoreError::of(failure(rusqlite::ffi::SQLITE_FULL), path), StoreError::Full { .. }));
    assert!(matches!(StoreError::of(failure(rusqlite::ffi::SQLITE_CORRUPT), path), StoreError::Corrupt { .. }));
    assert!(matches!(StoreError::of(failure(rusqlite::ffi::SQLITE_NOTADB), path), StoreError::Corrupt { .. }));
    assert!(matches!(StoreError::of(failure(rusqlite::ffi::SQLITE_READONLY), path), StoreError::Unwritable { .. }));
}

/// An inbox with a bit of everything, closed; and its file.
fn closed_with_everything() -> (tempfile::TempDir, std::path::PathBuf) {
    let mut inbox = Inbox::new();
    let many: Vec<_> = (0..300).map(|n| message(&n.to_string())).collect();
    inbox.store.merge_all(&many, now()).unwrap();
    inbox.store.mark_read(&of("1"), now()).unwrap();
    inbox.store.outbox_defer(&of("1"), hours(1)).unwrap();
    inbox.store.begin_alert(&[of("2")]).unwrap();
    inbox.store.delete_message(&of("3"), now()).unwrap();
    inbox.store.set_meta("last_synced", "x").unwrap();
    let Inbox { store, dir } = inbox;
    let path = store.path.clone();
    drop(store);
    (dir, path)
}

#[test]
fn a_damaged_search_index_is_made_again_and_nothing_is_lost() {
    for damage in ["page", "record", "gone"] {
        let (dir, path) = closed_with_everything();
        let raw = Connection::open(&path).unwrap();
        match damage {
            "page" => {
                let page: i64 = raw
                    .query_row("SELECT max(pageno) FROM dbstat WHERE name = 'search_data'", [], |row| row.get(0))
                    .unwrap();
                drop(raw);
                let mut bytes = fs::read(&path).unwrap();
                let start = usize::try_from((page - 1) * 4096).unwrap();
                bytes[start..start + 4096].fill(0x5A);
                fs::write(&path, bytes).unwrap();
            }
            // Windows renames no file that is open.
            "gone" => {
                raw.execute_batch("DROP TABLE search").unwrap();
                drop(raw);
            }
            _ => {
                raw.execute_batch("UPDATE search_data SET block = x'00ff00ff00ff' WHERE id > 10").unwrap();
                drop(raw);
            }
        }
        let opened = Store::open(dir.path(), &account()).unwrap();
        assert_eq!(opened.reset, None, "{damage}: nobody has to be told");
        let mut inbox = Inbox { store: opened.store, dir };
        assert_eq!(inbox.counts(), (298, 299), "{damage}");
        assert_eq!(inbox.queued(), ["1"]);
        assert_eq!(inbox.store.outbox_len().unwrap(), 1);
        assert!(inbox.is_read("1"));
        assert_eq!(inbox.store.interrupted(now()).unwrap().len(), 1);
        assert_eq!(inbox.take(&message("3")), Merged::Deleted);
        assert_eq!(inbox.store.meta("last_synced").unwrap().as_deref(), Some("x"));
        let query = Query { text: "body".to_owned(), ..Query::default() };
        assert_eq!(listing::paged(&inbox.store, &query, 100).len(), 299, "{damage}");
        let names = files(inbox.dir.path());
        assert!(names.iter().all(|name| !name.contains("corrupt")), "{damage}: {names:?}");
    }
}

#[test]
fn a_search_that_finds_its_index_damaged_says_so_and_what_is_sound_is_taken_over() {
    let mut inbox = Inbox::new();
    let many: Vec<_> = (0..300).map(|n| message(&n.to_string())).collect();
    inbox.store.merge_all(&many, now()).unwrap();
    inbox.store.mark_read(&of("1"), now()).unwrap();
    inbox.store.connection.execute_batch("UPDATE search_data SET block = x'00ff00ff00ff' WHERE id > 10").unwrap();
    let query = Query { text: "body".to_owned(), ..Query::default() };
    let error = inbox.store.page(&query, None, 10, now()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let opened = inbox.store.set_aside().unwrap();
    assert_eq!(opened.reset, None);
    let inbox = Inbox { store: opened.store, dir: inbox.dir };
    assert_eq!(listing::paged(&inbox.store, &query, 100).len(), 300);
    assert_eq!((inbox.counts(), inbox.queued()), ((299, 300), vec!["1".to_owned()]));
}

/// The search index alone is damaged, in a closed store.
fn damage_search(path: &std::path::Path) {
    let raw = Connection::open(path).unwrap();
    raw.execute_batch("UPDATE search_data SET block = x'00ff00ff00ff' WHERE id > 10").unwrap();
}

fn beside(path: &std::path::Path, suffix: &str) -> std::path::PathBuf {
    path.with_file_name(format!("{}{suffix}", path.file_name().unwrap().to_str().unwrap()))
}

#[test]
fn a_taking_over_that_was_cut_off_is_begun_again() {
    let (dir, path) = closed_with_everything();
    damage_search(&path);
    for suffix in [".new", ".new-wal", ".new-shm"] {
        fs::write(beside(&path, suffix), b"half of a store").unwrap();
    }
    let opened = Store::open(dir.path(), &account()).unwrap();
    assert_eq!(opened.reset, None);
    let inbox = Inbox { store: opened.store, dir };
    assert_eq!((inbox.counts(), inbox.queued()), ((298, 299), vec!["1".to_owned()]));
    let names = files(inbox.dir.path());
    assert!(names.iter().all(|name| !name.contains("corrupt") && !name.contains(".new")), "{names:?}");
}

#[test]
fn a_new_store_that_had_not_yet_its_place_takes_it_at_the_next_start() {
    for rebuilding in [false, true] {
        let (dir, path) = closed_with_everything();
        if rebuilding {
            let mut store = Store::open(dir.path(), &account()).unwrap().store;
            store.set_meta(alerts::REBUILDING, "1").unwrap();
        }
        fs::rename(&path, beside(&path, ".new")).unwrap();
        fs::write(beside(&path, "-wal"), b"the log of the damaged one").unwrap();
        fs::write(beside(&path, ".corrupt-20260801T120000000Z"), b"older").unwrap();
        let aside = beside(&path, ".corrupt-20260802T120000000Z");
        fs::write(&aside, b"the damaged one").unwrap();
        let opened = Store::open(dir.path(), &account()).unwrap();
        assert_eq!(opened.reset, rebuilding.then(|| aside.clone()));
        assert_eq!((aside.exists(), beside(&aside, "-wal").exists()), (rebuilding, rebuilding));
        let inbox = Inbox { store: opened.store, dir };
        assert_eq!((inbox.counts(), inbox.queued()), ((298, 299), vec!["1".to_owned()]));
        fs::write(beside(&path, ".new"), b"left").unwrap();
        inbox.store.delete().unwrap();
        assert_eq!(files(inbox.dir.path()), [""; 0]);
    }
}

#[test]
fn what_cannot_be_taken_over_stays_where_it_is() {
    let (dir, path) = closed_with_everything();
    damage_search(&path);
    let before = fs::read(&path).unwrap();
    // No file can be made there.
    fs::create_dir(beside(&path, ".new")).unwrap();
    let error = Store::open(dir.path(), &account()).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
    assert!(fs::read(&path).unwrap() == before, "it is as it was");
    fs::remove_dir(beside(&path, ".new")).unwrap();
    assert_eq!(Store::open(dir.path(), &account()).unwrap().reset, None);
}

#[test]
fn only_what_is_wrong_in_the_file_counts_as_damage() {
    use rusqlite::ffi;

    let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
    for code in [ffi::SQLITE_ERROR, ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CONSTRAINT_UNIQUE] {
        assert!(error::means_damage(&failure(code)), "{code}");
    }
    for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_NOMEM, ffi::SQLITE_READONLY, ffi::SQLITE_IOERR_READ] {
        assert!(!error::means_damage(&failure(code)), "{code}");
    }
}
