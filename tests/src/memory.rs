//! What a session's app costs: its processes, `WebKit`'s among them, and their proportional share of memory.

use crate::desktop::Desktop;
use crate::process;

/// A process of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// The name of its program.
    pub name: String,
}

/// The `WebKit` processes of the session.
pub fn webkit(desktop: &Desktop) -> Vec<Process> {
    of_session(desktop).into_iter().filter(|process| process.name.starts_with("WebKit")).collect()
}

/// The app's processes in the session: itself and `WebKit`'s.
pub fn of_app(desktop: &Desktop) -> Vec<Process> {
    of_session(desktop)
        .into_iter()
        .filter(|process| process.name == "traybell" || process.name.starts_with("WebKit"))
        .collect()
}

/// The proportional memory of these processes in KiB: what they cost the machine. What they share with others counts in
/// part, so it changes when another session begins or ends.
pub fn pss(processes: &[Process]) -> u64 {
    sum(processes, "Pss:")
}

/// The memory in KiB that these processes have written and share with nobody, whatever else runs: what a leak adds to.
pub fn anonymous(processes: &[Process]) -> u64 {
    sum(processes, "Anonymous:")
}

fn sum(processes: &[Process], field: &str) -> u64 {
    processes
        .iter()
        .filter_map(|process| {
            let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id)).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(field))?.to_owned();
            line.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum()
}

fn of_session(desktop: &Desktop) -> Vec<Process> {
    process::marked(&desktop.marker())
        .into_iter()
        .filter_map(|id| {
            // The kernel cuts `comm` to 15 characters; the path of the program is whole.
            let program = std::fs::read_link(format!("/proc/{id}/exe")).ok()?;
            let name = program.file_name()?.to_string_lossy().trim_end_matches(" (deleted)").to_owned();
            Some(Process { id, name })
        })
        .collect()
}
