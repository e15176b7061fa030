//! What the tray shows: a pure function of the [`View`], so that every state is compared as data in tests.

use jiff::{Timestamp, tz::TimeZone};

use crate::{Dot, SessionView, Socket, TrayAction, TrayItem, TrayView, View};

/// The tray for this view; `zone` is the person's time zone.
pub fn tray_view(view: &View, zone: &TimeZone) -> TrayView {
    let state = state_text(&view.session, zone);
    let signed_in = view.account.is_some();
    let signing_in = matches!(view.session, SessionView::SigningIn { .. });
    let dot = match &view.session {
        SessionView::SigningIn { .. } | SessionView::Online { socket: Socket::Connecting, .. } => Dot::Connecting,
        SessionView::Online { socket: Socket::Live, .. } => Dot::None,
        SessionView::SignedOut { .. } | SessionView::Offline { .. } => Dot::Offline,
        SessionView::Rejected { .. } => Dot::Attention,
    };
    let open = match &view.session {
        SessionView::SignedOut { .. } | SessionView::Rejected { .. } => "Sign in…",
        SessionView::SigningIn { .. } | SessionView::Online { .. } | SessionView::Offline { .. } => "Open Traybell",
    };
    let mut menu = vec![action(TrayAction::Open, open, true)];
    if signed_in {
        menu.push(TrayItem::Text(unread_text(view.unread)));
    }
    menu.push(TrayItem::Text(state.clone()));
    menu.push(TrayItem::Separator);
    menu.push(action(TrayAction::MarkAllRead, "Mark all as read", signed_in && view.unread > 0));
    menu.push(action(TrayAction::SignOut, "Sign out", signed_in && !signing_in));
    menu.push(TrayItem::Separator);
    menu.push(action(TrayAction::Quit, "Quit", true));
    let tooltip = if signed_in {
        format!("Traybell: {state}, {}", unread_text(view.unread).to_lowercase())
    } else {
        format!("Traybell: {state}")
    };
    TrayView { dot, badge: view.unread, tooltip, menu }
}

fn action(action: TrayAction, label: &str, enabled: bool) -> TrayItem {
    TrayItem::Action { action, label: label.to_owned(), enabled }
}

fn unread_text(unread: u64) -> String {
    match unread {
        0 => "No unread messages".to_owned(),
        1 => "1 unread message".to_owned(),
        n => format!("{n} unread messages"),
    }
}

/// The connection state in a few words.
fn state_text(session: &SessionView, zone: &TimeZone) -> String {
    match session {
        SessionView::SignedOut { .. } => "Signed out".to_owned(),
        SessionView::SigningIn { .. } => "Signing in…".to_owned(),
        SessionView::Online { socket: Socket::Live, .. } => "Online".to_owned(),
        SessionView::Online { socket: Socket::Connecting, .. } => "Connecting…".to_owned(),
        SessionView::Offline { since, .. } => format!("Offline since {}", clock(*since, zone)),
        SessionView::Rejected { .. } => "Session expired".to_owned(),
    }
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountView, Code, Counters, Problem, Step};

    fn view(session: SessionView, account: bool, unread: u64) -> View {
        View {
            revision: 0,
            session,
            account: account.then(|| AccountView {
                environment: "staging".into(),
                brand: "acme".into(),
                user: "7".into(),
                name: "Darth Vader".into(),
            }),
            unread,
            total: unread,
            last_synced: None,
            up_to_date: false,
            outbox: 0,
            notices: vec![],
            counters: Counters::default(),
        }
    }

    fn problem() -> Problem {
        Problem::new(Code::Unreachable, "No answer.", "")
    }

    fn at() -> Timestamp {
        "2026-11-22T14:02:31Z".parse().unwrap()
    }

    /// The menu as a person reads it; what cannot be clicked stands in brackets.
    fn read(view: &View) -> Vec<String> {
        tray_view(view, &TimeZone::UTC)
            .menu
            .into_iter()
            .map(|item| match item {
                TrayItem::Action { label, enabled: true, .. } => label,
                TrayItem::Action { label, .. } | TrayItem::Text(label) => format!("[{label}]"),
                TrayItem::Separator => "-".to_owned(),
            })
            .collect()
    }

    #[test]
    fn each_state_has_its_menu_and_dot() {
        let live = view(SessionView::Online { socket: Socket::Live, since: at() }, true, 3);
        assert_eq!(
            read(&live),
            ["Open Traybell", "[3 unread messages]", "[Online]", "-", "Mark all as read", "Sign out", "-", "Quit"]
        );
        assert_eq!(tray_view(&live, &TimeZone::UTC).dot, Dot::None);
        assert_eq!(tray_view(&live, &TimeZone::UTC).badge, 3);

        let offline = view(SessionView::Offline { problem: problem(), since: at() }, true, 0);
        assert_eq!(
            read(&offline),
            [
                "Open Traybell",
                "[No unread messages]",
                "[Offline since 14:02]",
                "-",
                "[Mark all as read]",
                "Sign out",
                "-",
                "Quit"
            ]
        );
        assert_eq!(tray_view(&offline, &TimeZone::UTC).dot, Dot::Offline);

        let out = view(SessionView::SignedOut { problem: None }, false, 0);
        assert_eq!(read(&out), ["Sign in…", "[Signed out]", "-", "[Mark all as read]", "[Sign out]", "-", "Quit"]);

        let rejected = view(SessionView::Rejected { problem: problem(), since: at() }, true, 1);
        assert_eq!(read(&rejected)[..3], ["Sign in…", "[1 unread message]", "[Session expired]"]);
        assert_eq!(tray_view(&rejected, &TimeZone::UTC).dot, Dot::Attention);

        let signing = view(SessionView::SigningIn { step: Step::Brand }, false, 0);
        assert_eq!(read(&signing)[1], "[Signing in…]");
        assert_eq!(tray_view(&signing, &TimeZone::UTC).dot, Dot::Connecting);
        let connecting = view(SessionView::Online { socket: Socket::Connecting, since: at() }, true, 0);
        assert_eq!(read(&connecting)[2], "[Connecting…]");
        assert_eq!(tray_view(&connecting, &TimeZone::UTC).dot, Dot::Connecting);
    }
}
