//! `doctor`: checks everything Traybell needs, each with what was found and what to do. The checks run beside each other,
//! each within a limit, and without a display. It must never change anything, or print a secret.

mod local;
mod session;

use std::{future::Future, time::Duration};

use serde::Serialize;

use crate::{
    cli::{Failure, Output},
    folder::Folder,
};

/// One check takes no longer.
const LIMIT: Duration = Duration::from_secs(20);

/// What a check found: a contract with scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
    hint: String,
}

impl Finding {
    /// All well.
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, ok: true, detail: detail.into(), hint: String::new() }
    }

    /// Something is missing.
    fn bad(check: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, ok: false, detail: detail.into(), hint: hint.into() }
    }

    /// What a problem says about a check.
    fn of(check: &'static str, found: Result<String, inbox::Problem>) -> Self {
        match found {
            Ok(detail) => Self::good(check, detail),
            Err(problem) => Self::bad(check, problem.message, problem.hint),
        }
    }

    fn text(&self) -> Vec<String> {
        let mut lines = vec![format!("{:<4} {:<13} {}", if self.ok { "ok" } else { "FAIL" }, self.check, self.detail)];
        if !self.hint.is_empty() {
            lines.push(format!("{:18} → {}", "", self.hint));
        }
        lines
    }
}

/// Runs every check and writes what was found. Fails when something is missing.
pub async fn run(folder: &Folder, output: &mut Output, json: bool) -> Result<(), Failure> {
    let findings = examine(folder).await;
    if json {
        output.json(&findings)?;
    } else {
        for line in findings.iter().flat_map(Finding::text) {
            output.line(&line)?;
        }
    }
    if findings.iter().all(|finding| finding.ok) { Ok(()) } else { Err(Failure::Said) }
}

/// Runs every check; what was found as lines of text.
pub async fn lines(folder: &Folder) -> Vec<String> {
    examine(folder).await.iter().flat_map(Finding::text).collect()
}

async fn examine(folder: &Folder) -> [Finding; 7] {
    let (keyring, notifications, tray, proxy, [config, login, pusher]) = tokio::join!(
        within("keyring", LIMIT, local::keyring()),
        within("notifications", LIMIT, local::notifications()),
        within("tray", LIMIT, local::tray()),
        within("proxy", LIMIT, local::proxy()),
        session::check(folder),
    );
    [keyring, notifications, tray, proxy, config, login, pusher]
}

async fn within(check: &'static str, limit: Duration, run: impl Future<Output = Finding>) -> Finding {
    tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
        Finding::bad(check, format!("No answer within {} seconds.", limit.as_secs()), "Try again, or look at its log.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_a_line_and_its_hint_as_another() {
        assert_eq!(Finding::good("proxy", "None.").text(), ["ok   proxy         None."]);
        assert_eq!(
            Finding::bad("keyring", "None answers.", "Install one.").text(),
            ["FAIL keyring       None answers.", "                   → Install one."]
        );
    }

    #[test]
    fn the_json_is_what_scripts_are_promised() {
        assert_eq!(
            serde_json::to_string(&Finding::bad("login", "d", "h")).unwrap(),
            r#"{"check":"login","ok":false,"detail":"d","hint":"h"}"#
        );
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_given_up() {
        let finding = within("proxy", Duration::from_millis(10), std::future::pending()).await;
        assert!(!finding.ok && finding.detail.contains("No answer within"), "{finding:?}");
    }
}
