//! What is known of this Traybell, for a person and for support: state, counters, and in a file the checks and the log. It must
//! never hold a session id, a token, a name or the text of a message.

mod redact;

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use inbox::{Code, HeldBy, Problem, SessionView, Settings, Socket, View};
use jiff::Timestamp;
use serde::Serialize;

use self::redact::redacted;
use crate::{
    cli::{Door, Failure, Output},
    control::Request,
    doctor,
    folder::{Folder, private_file},
};

/// The end of the log is what tells most; a file for support goes by mail.
const MOST_LOG: usize = 2 * 1024 * 1024;

/// Texts in sections, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Section {
    title: &'static str,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Entry {
    name: &'static str,
    value: String,
}

fn section(title: &'static str, entries: Vec<(&'static str, String)>) -> Section {
    Section { title, entries: entries.into_iter().map(|(name, value)| Entry { name, value }).collect() }
}

impl Diagnostics {
    /// What the state says.
    pub fn of(view: &View, folder: &Folder) -> Self {
        Self { sections: vec![program(folder), session(view), messages(view, folder), counters(view)] }
    }

    fn text(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for section in &self.sections {
            lines.push(format!("== {}", section.title));
            lines.extend(section.entries.iter().map(|entry| format!("{}: {}", entry.name, entry.value)));
            lines.push(String::new());
        }
        lines
    }
}

fn program(folder: &Folder) -> Section {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| "not set".to_owned());
    let mut entries = vec![
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("System", format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("Data folder", redacted(&folder.path().display().to_string())),
    ];
    if cfg!(target_os = "linux") {
        entries.push(("Desktop", variable("XDG_CURRENT_DESKTOP")));
        entries.push(("Session type", variable("XDG_SESSION_TYPE")));
    }
    section("Program", entries)
}

fn session(view: &View) -> Section {
    let because = |problem: &Problem| redacted(&format!("{} {}", problem.message, problem.hint));
    let (state, why) = match &view.session {
        SessionView::SignedOut { problem } => ("Signed out".to_owned(), problem.as_ref().map(because)),
        SessionView::SigningIn { .. } => ("Signing in".to_owned(), None),
        SessionView::Online { socket: Socket::Live, since } => (format!("Online since {since}"), None),
        SessionView::Online { socket: Socket::Connecting, since } => (format!("Connecting since {since}"), None),
        SessionView::Offline { problem, since } => (format!("Offline since {since}"), Some(because(problem))),
        SessionView::Rejected { problem, since } => (format!("Session expired, {since}"), Some(because(problem))),
    };
    let mut entries = vec![("State", state)];
    entries.extend(why.map(|why| ("Reason", why)));
    if let Some(account) = &view.account {
        entries.push(("Environment", redacted(&account.environment)));
        entries.push(("Brand", account.brand.clone()));
    }
    entries.push(("Last checked", view.last_synced.map_or_else(|| "never".to_owned(), |at| at.to_string())));
    entries.push((
        "Notifications",
        match view.held {
            Some(held) if held.by == HeldBy::Pause => format!("paused until {}", held.until),
            Some(held) => format!("quiet hours until {}", held.until),
            None => "shown".to_owned(),
        },
    ));
    entries.extend(view.notices.iter().map(|notice| ("Notice", because(notice))));
    section("Session", entries)
}

fn messages(view: &View, folder: &Folder) -> Section {
    section(
        "Messages",
        vec![
            ("In the list", view.total.to_string()),
            ("Unread", view.unread.to_string()),
            ("Read marks on their way", view.outbox.to_string()),
            ("On disk", format!("{} KiB", stored(folder.path()) / 1024)),
        ],
    )
}

/// What the stores of all accounts take.
fn stored(folder: &Path) -> u64 {
    let is_store =
        |path: &Path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("inbox-"));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| is_store(&entry.path())).filter_map(|entry| entry.metadata().ok()).map(|it| it.len()).sum()
}

fn counters(view: &View) -> Section {
    let counters = &view.counters;
    let counted = [
        ("Live messages received", counters.received),
        ("Known already when they came", counters.duplicates),
        ("Skipped: events not asked for", counters.skipped_by.event),
        ("Skipped: live messages that cannot be read", counters.skipped_by.live),
        ("Skipped: items of the list that cannot be read", counters.skipped_by.listed),
        ("Gaps of the live connection", counters.gaps),
        ("List calls", counters.list_calls),
        ("Calls repeated", counters.retries),
        ("Notifications shown", counters.alerts),
    ];
    section("Since the start", counted.map(|(name, count)| (name, count.to_string())).into())
}

/// Writes a file for support beside what the person downloads, or into the data folder; answers where.
pub async fn save_for_support(folder: &Folder, view: &View, settings: &Settings) -> Result<PathBuf, Problem> {
    let place = dirs::download_dir().filter(|dir| dir.is_dir()).unwrap_or_else(|| folder.path().to_owned());
    let path = place.join(format!("traybell-{}.txt", Timestamp::now().strftime("%Y%m%d-%H%M%S")));
    write(&path, report(folder, view, settings).await).await?;
    Ok(path)
}

/// `doctor --bundle FILE`.
pub async fn bundle(folder: &Folder, output: &mut Output, file: &Path) -> Result<(), Failure> {
    let mut door = Door::open(folder).await?;
    let known = async {
        let view = door.view().await?;
        Ok::<_, Problem>((view, door.ask::<Settings>(Request::Settings).await?))
    };
    let known = known.await;
    door.close().await;
    let (view, settings) = known?;
    write(file, report(folder, &view, &settings).await).await?;
    output.line(&format!("Written to {}. It holds no session id and no message.", file.display()))
}

async fn report(folder: &Folder, view: &View, settings: &Settings) -> String {
    let mut lines = vec![format!("Traybell, for support, {}", Timestamp::now()), String::new()];
    lines.extend(Diagnostics::of(view, folder).text());
    lines.push("== Settings".to_owned());
    lines.push(serde_json::to_string_pretty(settings).unwrap_or_else(|error| format!("cannot be written: {error}")));
    lines.push("\n== Checks".to_owned());
    lines.extend(doctor::lines(folder).await.iter().map(|line| redacted(line)));
    lines.push("\n== Log".to_owned());
    let text = lines.join("\n") + "\n" + &log(folder);
    without_name(&text, view.account.as_ref().map_or("", |account| account.name.as_str()))
}

/// Without the words of a person's name, wherever a server may have said them.
fn without_name(text: &str, name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().filter(|word| word.chars().count() >= 3).collect();
    let mut kept = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        if words.contains(&word) {
            kept.push('…');
            kept.push_str(&piece[word.len()..]);
        } else {
            kept.push_str(piece);
        }
    }
    kept
}

/// The end of the log, line by line without what is nobody's business.
fn log(folder: &Folder) -> String {
    let mut lines = Vec::new();
    for file in folder.log_files() {
        match fs::read(&file) {
            Ok(bytes) => lines.extend(String::from_utf8_lossy(&bytes).lines().map(redacted)),
            Err(error) => lines.push(format!("{} cannot be read: {error}", redacted(&file.display().to_string()))),
        }
    }
    let mut left = MOST_LOG;
    let kept = lines.iter().rev().take_while(|line| {
        let fits = left > line.len();
        left = left.saturating_sub(line.len() + 1);
        fits
    });
    let mut kept: Vec<&str> = kept.map(String::as_str).collect();
    kept.reverse();
    kept.join("\n") + "\n"
}

async fn write(path: &Path, text: String) -> Result<(), Problem> {
    let file = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        private_file().create(true).truncate(true).write(true).open(&file)?.write_all(text.as_bytes())
    });
    written.await.map_err(io::Error::other).flatten().map_err(|error| {
        Problem::new(
            Code::StoreFailed,
            format!("The file {} cannot be written: {error}.", path.display()),
            "Choose a folder that you may write to, with space left.",
        )
    })
}

#[cfg(test)]
mod tests {
    use inbox::AccountView;

    use super::*;

    fn view() -> View {
        View {
            account: Some(AccountView {
                environment: "https://relay.example/?authToken=s3cret".into(),
                brand: "acme".into(),
                user: "7".into(),
                name: "Darth Vader".into(),
            }),
            notices: vec![Problem::new(Code::NoTray, "No tray.", "Add one.")],
            total: 5,
            ..View::signed_out()
        }
    }

    #[test]
    fn what_is_shown_names_the_state_and_no_person_and_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        fs::write(dir.path().join("inbox-ab.sqlite"), vec![0; 4096]).unwrap();
        let text = Diagnostics::of(&view(), &folder).text().join("\n");
        for said in [
            "== Session",
            "State: Signed out",
            "Brand: acme",
            "In the list: 5",
            "On disk: 4 KiB",
            "Notice: No tray. Add one.",
        ] {
            assert!(text.contains(said), "{said} is not in {text}");
        }
        for kept in ["s3cret", "Vader"] {
            assert!(!text.contains(kept), "{kept} is in {text}");
        }
    }

    #[test]
    fn the_words_of_a_name_are_taken_out_as_words() {
        assert_eq!(without_name("Darth, Vader's Darthmouth", "Darth Vader Al"), "…, …'s Darthmouth");
        assert_eq!(without_name("Al said so", "Al"), "Al said so", "too short to tell from other words");
        assert_eq!(without_name("as it is\n", ""), "as it is\n");
    }

    #[test]
    fn the_log_is_whole_lines_from_its_end_without_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        fs::create_dir(folder.logs()).unwrap();
        fs::write(folder.logs().join("traybell.log.1"), "the oldest\n".repeat(300_000)).unwrap();
        fs::write(folder.logs().join("traybell.log"), "GET https://h/x?authToken=s3cret\nthe last\n").unwrap();
        let log = log(&folder);
        assert!(log.ends_with("the last\n") && log.starts_with("the oldest\n"), "{log:.40}");
        assert!(log.len() <= MOST_LOG + 1 && !log.contains("s3cret"));
    }
}
