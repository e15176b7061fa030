//! The checks of the account: its brand's config, the log-in, the Pusher connection, as the controller finds them.

use fasttrack_client::{Environment, Http, read_config};
use inbox::{AccountView, Code, Problem, SessionView, Socket, View};

use super::{Finding, LIMIT, within};
use crate::{cli::Door, folder::Folder};

/// Config, login and Pusher.
pub async fn check(folder: &Folder) -> [Finding; 3] {
    let view = match look(folder).await {
        Ok(view) => view,
        Err(problem) => return all(&problem.message, &problem.hint),
    };
    let Some(account) = &view.account else {
        return all(
            "Nobody is signed in, so there is nothing to check.",
            "Sign in, in the window or by: traybell sign-in --environment … --brand …",
        );
    };
    let config = within("config", LIMIT, config(account)).await;
    let (login, pusher) = judge(&view.session);
    [config, login, pusher]
}

async fn look(folder: &Folder) -> Result<View, Problem> {
    let mut door = Door::open(folder).await?;
    let view = door.view().await;
    door.close().await;
    view
}

fn all(detail: &str, hint: &str) -> [Finding; 3] {
    ["config", "login", "pusher"].map(|check| Finding::bad(check, detail, hint))
}

/// Reads the brand's config, as a start would.
async fn config(account: &AccountView) -> Finding {
    let failed = |error: &dyn std::fmt::Display| {
        let hint = "Check the connection, the proxy, and the brand's name.";
        Finding::bad("config", format!("{error}"), hint)
    };
    let environment: Environment = match account.environment.parse() {
        Ok(environment) => environment,
        Err(error) => return failed(&error),
    };
    let http = match Http::new() {
        Ok(http) => http,
        Err(error) => return failed(&error),
    };
    // No secret is sent by this call; a plain address was confirmed at sign-in or the account would not be there.
    match read_config(&http, &environment, &account.brand, true).await {
        Ok(_) => Finding::good("config", format!("{} has a config for {}.", account.environment, account.brand)),
        Err(error) => failed(&error),
    }
}

/// The usual reason for a live connection that does not come up while everything else works.
const FIREWALL: &str = "Check that the firewall, or the proxy, lets WebSocket connections to Pusher through. A proxy is asked \
                        to CONNECT.";

/// What the session's state says of log-in and Pusher.
fn judge(session: &SessionView) -> (Finding, Finding) {
    let waits = |detail: &str| Finding::bad("pusher", detail, "See the login check.");
    match session {
        SessionView::Online { socket: Socket::Live, .. } => {
            (Finding::good("login", "Signed in."), Finding::good("pusher", "Connected and subscribed."))
        }
        SessionView::Online { socket: Socket::Connecting, .. } => {
            (Finding::good("login", "Signed in."), Finding::bad("pusher", "No connection yet.", FIREWALL))
        }
        SessionView::Offline { problem, .. } if problem.code == Code::NoLiveConnection => {
            (Finding::good("login", "Signed in."), Finding::bad("pusher", problem.message.clone(), FIREWALL))
        }
        SessionView::Offline { problem, .. } | SessionView::Rejected { problem, .. } => (
            Finding::bad("login", problem.message.clone(), problem.hint.clone()),
            waits("Not tried: it needs the log-in."),
        ),
        SessionView::SigningIn { .. } => {
            (Finding::bad("login", "Still under way.", "Try again in a moment."), waits("Not tried yet."))
        }
        SessionView::SignedOut { problem } => {
            let (detail, hint) = problem.as_ref().map_or(("Nobody is signed in.", ""), |p| (&p.message, &p.hint));
            (Finding::bad("login", detail, hint), waits("Not tried: it needs the log-in."))
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn every_state_says_what_works_and_what_does_not() {
        let since = Timestamp::UNIX_EPOCH;
        let problem = Problem::new(Code::Rejected, "Refused.", "Sign in again.");
        let only_socket = Problem::new(Code::NoLiveConnection, "The live connection was lost.", "");
        let cases = [
            (SessionView::Online { socket: Socket::Live, since }, true, true),
            (SessionView::Online { socket: Socket::Connecting, since }, true, false),
            (SessionView::Offline { problem: problem.clone(), since }, false, false),
            (SessionView::Offline { problem: only_socket, since }, true, false),
            (SessionView::Rejected { problem, since }, false, false),
            (SessionView::SigningIn { step: inbox::Step::Session }, false, false),
            (SessionView::SignedOut { problem: None }, false, false),
        ];
        for (session, login_ok, pusher_ok) in cases {
            let (login, pusher) = judge(&session);
            assert_eq!((login.ok, pusher.ok), (login_ok, pusher_ok), "{session:?}");
            assert!(pusher.ok || !pusher.hint.is_empty(), "{session:?} says what to do");
        }
    }
}
