//! `status`: where the session stands, as text or as the JSON that scripts are promised.

use inbox::{AccountView, Counters, HeldBy, Problem, SessionView, Socket, View};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Door, Failure, Output,
    output::{clock, json},
};
use crate::{control::Request, folder::Folder};

/// The version of [`Status`]; it rises when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// The status as scripts see it: a contract.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Status<'a> {
    version: u32,
    state: State,
    since: Option<Timestamp>,
    account: Option<&'a AccountView>,
    unread: u64,
    total: u64,
    last_synced: Option<Timestamp>,
    outbox: u64,
    /// The person paused notifications until then.
    paused_until: Option<Timestamp>,
    /// It is quiet by the settings until then.
    quiet_until: Option<Timestamp>,
    counters: &'a Counters,
}

/// Where the session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    SignedOut,
    SigningIn,
    Connecting,
    Online,
    Offline,
    Rejected,
}

impl<'a> From<&'a View> for Status<'a> {
    fn from(view: &'a View) -> Self {
        let (state, since) = match &view.session {
            SessionView::SignedOut { .. } => (State::SignedOut, None),
            SessionView::SigningIn { .. } => (State::SigningIn, None),
            SessionView::Online { socket: Socket::Connecting, since } => (State::Connecting, Some(*since)),
            SessionView::Online { socket: Socket::Live, since } => (State::Online, Some(*since)),
            SessionView::Offline { since, .. } => (State::Offline, Some(*since)),
            SessionView::Rejected { since, .. } => (State::Rejected, Some(*since)),
        };
        Self {
            version: VERSION,
            state,
            since,
            account: view.account.as_ref(),
            unread: view.unread,
            total: view.total,
            last_synced: view.last_synced,
            outbox: view.outbox,
            paused_until: view.paused_until,
            quiet_until: view.held.filter(|held| held.by == HeldBy::QuietHours).map(|held| held.until),
            counters: &view.counters,
        }
    }
}

/// Writes the status once.
pub async fn once(folder: &Folder, output: &mut Output, json: bool) -> Result<(), Failure> {
    let mut door = Door::open(folder).await?;
    let view = door.view().await;
    door.close().await;
    write(output, &view?, json)
}

/// Writes the status now and at each change, until interrupted. An app that starts or ends meanwhile is followed.
pub async fn watch(folder: &Folder, output: &mut Output, json: bool) -> Result<(), Failure> {
    let mut last = None;
    loop {
        let mut door = Door::open(folder).await?;
        let followed = tokio::select! {
            followed = follow(&mut door, output, json, &mut last) => followed,
            _ = tokio::signal::ctrl_c() => {
                door.close().await;
                return Ok(());
            }
        };
        door.close().await;
        followed?;
        // The app takes the folder now, or has let go of it.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

/// Follows one controller until it ends or is to make way.
async fn follow(door: &mut Door, output: &mut Output, json: bool, last: &mut Option<String>) -> Result<(), Failure> {
    match door {
        Door::App(client) => {
            client.send(&Request::Watch).await?;
            while let Some(view) = client.next().await? {
                write_change(output, &view, json, last)?;
            }
        }
        Door::Own(own) => {
            let mut view = own.watch();
            loop {
                let now = view.borrow_and_update().clone();
                write_change(output, &now, json, last)?;
                tokio::select! {
                    changed = view.changed() => if changed.is_err() { break },
                    () = own.asked_to_make_way() => break,
                }
            }
        }
    }
    Ok(())
}

/// Not every change of the view is one of what is written.
fn write_change(output: &mut Output, view: &View, as_json: bool, last: &mut Option<String>) -> Result<(), Failure> {
    let now = if as_json { json(&Status::from(view))? } else { text(view).join("\n") };
    if last.as_ref() == Some(&now) {
        return Ok(());
    }
    *last = Some(now);
    write(output, view, as_json)
}

fn write(output: &mut Output, view: &View, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output.json(&Status::from(view));
    }
    for line in text(view) {
        output.line(&line)?;
    }
    Ok(())
}

fn text(view: &View) -> Vec<String> {
    let because = |problem: &Problem| format!("{} {}", problem.message, problem.hint).trim_end().to_owned();
    let mut lines = match &view.session {
        SessionView::SignedOut { problem: None } => vec!["Signed out".to_owned()],
        SessionView::SignedOut { problem: Some(problem) } => vec!["Signed out".to_owned(), because(problem)],
        SessionView::SigningIn { .. } => vec!["Signing in…".to_owned()],
        SessionView::Online { socket: Socket::Connecting, .. } => vec!["Connecting…".to_owned()],
        SessionView::Online { socket: Socket::Live, since } => vec![format!("Online since {}", clock(*since))],
        SessionView::Offline { problem, since } => vec![format!("Offline since {}", clock(*since)), because(problem)],
        SessionView::Rejected { problem, since } => {
            vec![format!("Session expired, {}", clock(*since)), because(problem)]
        }
    };
    if let Some(account) = &view.account {
        lines.push(format!("{} ({}) at {}, {}", account.name, account.user, account.brand, account.environment));
        lines.push(format!("{} unread of {}", view.unread, view.total));
        lines.push(match view.last_synced {
            Some(at) => format!("Last checked {}", clock(at)),
            None => "Not checked yet".to_owned(),
        });
        if view.outbox > 0 {
            lines.push(format!("Read marks that wait for the server: {}", view.outbox));
        }
    }
    lines.extend(view.held.map(|held| match held.by {
        HeldBy::Pause => format!("Notifications are paused until {}", clock(held.until)),
        HeldBy::QuietHours => format!("Quiet hours until {}", clock(held.until)),
    }));
    lines.extend(view.notices.iter().map(because));
    lines
}

#[cfg(test)]
mod tests {
    use inbox::Code;

    use super::*;

    fn view(session: SessionView) -> View {
        View {
            revision: 9,
            session,
            account: Some(AccountView {
                environment: "staging".into(),
                brand: "acme".into(),
                user: "7".into(),
                name: "Darth Vader".into(),
            }),
            unread: 2,
            total: 5,
            outbox: 1,
            notices: vec![Problem::new(Code::NoTray, "No tray.", "Add one.")],
            ..View::signed_out()
        }
    }

    fn at() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    #[test]
    fn the_json_is_what_scripts_are_promised() {
        let online = view(SessionView::Online { socket: Socket::Live, since: at() });
        assert_eq!(
            json(&Status::from(&online)).unwrap(),
            concat!(
                r#"{"version":1,"state":"online","since":"2026-01-02T03:04:05Z","#,
                r#""account":{"environment":"staging","brand":"acme","user":"7","name":"Darth Vader"},"#,
                r#""unread":2,"total":5,"last_synced":null,"outbox":1,"paused_until":null,"quiet_until":null,"#,
                r#""counters":{"received":0,"duplicates":0,"skipped":0,"skipped_by":{"event":0,"live":0,"listed":0},"#,
                r#""gaps":0,"list_calls":0,"alerts":0,"retries":0}}"#
            )
        );
    }

    #[test]
    fn every_state_has_a_name_and_a_line() {
        let problem = Problem::new(Code::Unreachable, "No answer.", "Try later.");
        let states = [
            (SessionView::SignedOut { problem: None }, "\"signed_out\"", "Signed out"),
            (SessionView::SigningIn { step: inbox::Step::Brand }, "\"signing_in\"", "Signing in"),
            (SessionView::Online { socket: Socket::Connecting, since: at() }, "\"connecting\"", "Connecting"),
            (SessionView::Offline { problem: problem.clone(), since: at() }, "\"offline\"", "Offline since"),
            (SessionView::Rejected { problem, since: at() }, "\"rejected\"", "Session expired"),
        ];
        for (session, name, line) in states {
            let view = view(session);
            assert_eq!(json(&Status::from(&view).state).unwrap(), name);
            assert!(text(&view)[0].starts_with(line), "{:?}", text(&view));
        }
    }

    #[test]
    fn the_text_says_what_waits_and_what_is_wrong() {
        let lines = text(&view(SessionView::Online { socket: Socket::Live, since: at() }));
        assert!(lines.contains(&"2 unread of 5".to_owned()), "{lines:?}");
        assert!(lines.contains(&"Read marks that wait for the server: 1".to_owned()), "{lines:?}");
        assert!(lines.contains(&"No tray. Add one.".to_owned()), "{lines:?}");
    }
}
