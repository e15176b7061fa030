//! Ends what `WebKit` leaves when the last window is gone: its network process stays for as long as Tauri keeps the
//! context, and the next window starts a new one. It must never end a process that is not a child of this one.

use std::{fs, time::Duration};

use rustix::{
    fd::OwnedFd,
    param::clock_ticks_per_second,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// How often it is looked.
const STEP: Duration = Duration::from_millis(50);
/// The process that drew the page ends by itself; after so long it is ended as well.
const BY_ITSELF: Duration = Duration::from_secs(2);
/// One that was started less than this ago may still be telling `WebKit` its number: ended before that, `WebKit` takes the
/// whole program down with it.
const SETTLED: Duration = Duration::from_secs(2);
/// Processes asked to end have gone after this.
const ENDING: Duration = Duration::from_secs(2);

/// To be called while no window is there and none is made.
pub async fn end() {
    let mut waited = Duration::ZERO;
    while waited < BY_ITSELF && children().iter().any(|child| child.name.starts_with("WebKitWeb")) {
        tokio::time::sleep(STEP).await;
        waited += STEP;
    }
    waited = Duration::ZERO;
    while waited < SETTLED && children().iter().any(|child| !child.is_settled()) {
        tokio::time::sleep(STEP).await;
        waited += STEP;
    }
    for child in children().into_iter().filter(Child::is_settled) {
        match child.terminate() {
            Ok(()) => tracing::debug!(name = child.name, "ended what the window left"),
            Err(error) => tracing::debug!(%error, name = child.name, "could not be ended"),
        }
    }
    // A window that is opened meanwhile waits for this, so that it never meets a process that is about to end.
    waited = Duration::ZERO;
    while waited < ENDING && !children().is_empty() {
        tokio::time::sleep(STEP).await;
        waited += STEP;
    }
}

/// A `WebKit` process that this one started.
struct Child {
    name: String,
    pid: Pid,
    /// How long it has run.
    age: Duration,
    /// Means this process alone, also when its number is given to another.
    handle: OwnedFd,
}

impl Child {
    fn is_settled(&self) -> bool {
        self.age >= SETTLED
    }

    fn terminate(&self) -> rustix::io::Result<()> {
        // Asked again now that the handle is held: only then is it known whose it is.
        match status_of(self.pid) {
            Some(status) if status.name == self.name && is_us(status.parent) => {
                pidfd_send_signal(&self.handle, Signal::TERM)
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn children() -> Vec<Child> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let running = since_boot();
    processes
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?)?;
            let Status { name, parent, started } = status_of(pid)?;
            if !is_us(parent) || !name.starts_with("WebKit") {
                return None;
            }
            let handle = pidfd_open(pid, PidfdFlags::empty()).ok()?;
            Some(Child { name, pid, age: running.saturating_sub(started), handle })
        })
        .collect()
}

/// How long the system has run. Where it does not say, every process counts as just started, and none is ended.
fn since_boot() -> Duration {
    let read = || fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok();
    read().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
}

fn is_us(pid: i32) -> bool {
    u32::try_from(pid) == Ok(std::process::id())
}

/// What `/proc` says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    name: String,
    parent: i32,
    /// When it was started, since the system was.
    started: Duration,
}

/// `None` when it has ended.
fn status_of(pid: Pid) -> Option<Status> {
    read_status(&fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
}

/// Reads `pid (name) state parent …`, where the name may hold anything and the 22nd field is the start in clock ticks;
/// `None` for one that has ended and only waits to be noticed.
fn read_status(stat: &str) -> Option<Status> {
    let (before, after) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once('(')?;
    let mut fields = after.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let ticks: u64 = fields.nth(17)?.parse().ok()?;
    let started = Duration::from_millis(ticks.saturating_mul(1000) / clock_ticks_per_second().max(1));
    (state != "Z").then(|| Status { name: name.to_owned(), parent, started })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_holds_and_a_dead_one_is_none() {
        let stat =
            |head: &str| format!("{head} 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {} 0", 3 * clock_ticks_per_second());
        let of = |name: &str, parent| Some(Status { name: name.into(), parent, started: Duration::from_secs(3) });
        assert_eq!(read_status(&stat("12 (WebKitNetworkPr) S 7")), of("WebKitNetworkPr", 7));
        assert_eq!(read_status(&stat("12 (a) S 1 (b) R 9")), of("a) S 1 (b", 9));
        assert_eq!(read_status(&stat("12 (WebKitNetworkPr) Z 7")), None);
        assert_eq!(read_status("garbage"), None);
    }

    #[test]
    fn children_that_are_not_webkits_are_left_alone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children().is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
