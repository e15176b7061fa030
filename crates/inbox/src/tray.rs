//! What the tray shows: a pure function of the [`View`], so that every state is compared as data in tests.

use jiff::{Timestamp, Zoned};

use crate::{Dot, Held, HeldBy, PauseFor, SessionView, Socket, TrayAction, TrayItem, TrayView, View};

/// The tray for this view; `now` is the clock on the wall where the person is.
pub fn tray_view(view: &View, now: &Zoned) -> TrayView {
    let state = state_text(&view.session, now);
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
    if let Some(synced) = view.last_synced.filter(|_| signed_in) {
        menu.push(TrayItem::Text(format!("Last checked {}", clock(synced, now))));
    }
    let held = view.held.map(|held| held_text(held, now));
    menu.extend(held.clone().map(TrayItem::Text));
    menu.push(TrayItem::Separator);
    menu.push(action(TrayAction::MarkAllRead, "Mark all as read", signed_in && view.unread > 0));
    let paused = view.paused_until.is_some();
    menu.push(if paused { action(TrayAction::Resume, "Resume notifications", true) } else { pause_menu() });
    menu.push(action(TrayAction::Settings, "Settings…", signed_in));
    menu.push(action(TrayAction::SignOut, "Sign out", signed_in && !signing_in));
    menu.push(TrayItem::Separator);
    menu.push(action(TrayAction::Quit, "Quit", true));
    let unread = signed_in.then(|| unread_text(view.unread).to_lowercase());
    let said: Vec<String> = [Some(state), unread, held.map(|held| lower_first(&held))].into_iter().flatten().collect();
    TrayView {
        dot,
        badge: view.unread,
        paused: view.held.is_some(),
        tooltip: format!("Traybell: {}", said.join(", ")),
        menu,
    }
}

/// As it stands within a sentence; the name of a day keeps its capital.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// For how long notifications can be paused.
fn pause_menu() -> TrayItem {
    let lengths = [
        (PauseFor::HalfHour, "For 30 minutes"),
        (PauseFor::Hour, "For 1 hour"),
        (PauseFor::Tomorrow, "Until tomorrow, 08:00"),
    ];
    let items = lengths.map(|(length, label)| action(TrayAction::Pause(length), label, true)).into();
    TrayItem::Menu { label: "Pause notifications".to_owned(), items }
}

/// Why notifications wait, and until when.
fn held_text(held: Held, now: &Zoned) -> String {
    let until = clock(held.until, now);
    match held.by {
        HeldBy::Pause => format!("Paused until {until}"),
        HeldBy::QuietHours => format!("Quiet hours until {until}"),
    }
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
fn state_text(session: &SessionView, now: &Zoned) -> String {
    match session {
        SessionView::SignedOut { .. } => "Signed out".to_owned(),
        SessionView::SigningIn { .. } => "Signing in…".to_owned(),
        SessionView::Online { socket: Socket::Live, .. } => "Online".to_owned(),
        SessionView::Online { socket: Socket::Connecting, .. } => "Connecting…".to_owned(),
        SessionView::Offline { since, .. } => format!("Offline since {}", clock(*since, now)),
        SessionView::Rejected { .. } => "Session expired".to_owned(),
    }
}

/// The time, with its day unless that is today.
fn clock(at: Timestamp, now: &Zoned) -> String {
    let at = at.to_zoned(now.time_zone().clone());
    let format = if at.date() == now.date() { "%H:%M" } else { "%a %H:%M" };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountView, Code, Problem, Step};

    fn view(session: SessionView, account: bool, unread: u64) -> View {
        View {
            session,
            account: account.then(|| AccountView {
                environment: "staging".into(),
                brand: "acme".into(),
                user: "7".into(),
                name: "Darth Vader".into(),
            }),
            unread,
            total: unread,
            ..View::signed_out()
        }
    }

    fn problem() -> Problem {
        Problem::new(Code::Unreachable, "No answer.", "")
    }

    fn now() -> Zoned {
        "2026-11-22T18:00[UTC]".parse().unwrap()
    }

    fn at() -> Timestamp {
        "2026-11-22T14:02:31Z".parse().unwrap()
    }

    /// The menu as a person reads it; what cannot be clicked stands in brackets.
    fn read(view: &View) -> Vec<String> {
        tray_view(view, &now())
            .menu
            .into_iter()
            .map(|item| match item {
                TrayItem::Action { label, enabled: true, .. } => label,
                TrayItem::Action { label, .. } | TrayItem::Text(label) => format!("[{label}]"),
                TrayItem::Menu { label, items } => format!("{label} ({})", items.len()),
                TrayItem::Separator => "-".to_owned(),
            })
            .collect()
    }

    #[test]
    fn each_state_has_its_menu_and_dot() {
        let live = view(SessionView::Online { socket: Socket::Live, since: at() }, true, 3);
        assert_eq!(
            read(&live),
            [
                "Open Traybell",
                "[3 unread messages]",
                "[Online]",
                "-",
                "Mark all as read",
                "Pause notifications (3)",
                "Settings…",
                "Sign out",
                "-",
                "Quit"
            ]
        );
        assert_eq!(tray_view(&live, &now()).dot, Dot::None);
        assert_eq!(tray_view(&live, &now()).badge, 3);

        let offline = view(SessionView::Offline { problem: problem(), since: at() }, true, 0);
        assert_eq!(
            read(&offline),
            [
                "Open Traybell",
                "[No unread messages]",
                "[Offline since 14:02]",
                "-",
                "[Mark all as read]",
                "Pause notifications (3)",
                "Settings…",
                "Sign out",
                "-",
                "Quit"
            ]
        );
        assert_eq!(tray_view(&offline, &now()).dot, Dot::Offline);

        let out = view(SessionView::SignedOut { problem: None }, false, 0);
        assert_eq!(
            read(&out),
            [
                "Sign in…",
                "[Signed out]",
                "-",
                "[Mark all as read]",
                "Pause notifications (3)",
                "[Settings…]",
                "[Sign out]",
                "-",
                "Quit"
            ]
        );

        let rejected = view(SessionView::Rejected { problem: problem(), since: at() }, true, 1);
        assert_eq!(read(&rejected)[..3], ["Sign in…", "[1 unread message]", "[Session expired]"]);
        assert_eq!(tray_view(&rejected, &now()).dot, Dot::Attention);

        let signing = view(SessionView::SigningIn { step: Step::Brand }, false, 0);
        assert_eq!(read(&signing)[1], "[Signing in…]");
        assert_eq!(tray_view(&signing, &now()).dot, Dot::Connecting);
        let connecting = view(SessionView::Online { socket: Socket::Connecting, since: at() }, true, 0);
        assert_eq!(read(&connecting)[2], "[Connecting…]");
        assert_eq!(tray_view(&connecting, &now()).dot, Dot::Connecting);
    }

    #[test]
    fn a_pause_and_quiet_hours_say_until_when_and_a_pause_can_be_ended() {
        let live = view(SessionView::Online { socket: Socket::Live, since: at() }, true, 0);
        let until = "2026-11-23T07:00Z".parse().unwrap();
        let paused = View {
            held: Some(Held { until, by: HeldBy::Pause }),
            paused_until: Some(until),
            last_synced: Some(at()),
            ..live.clone()
        };
        let menu = read(&paused);
        assert_eq!(menu[3..5], ["[Last checked 14:02]", "[Paused until Mon 07:00]"]);
        assert!(menu.contains(&"Resume notifications".to_owned()), "{menu:?}");
        let tray = tray_view(&paused, &now());
        assert_eq!(
            (tray.paused, tray.tooltip.as_str()),
            (true, "Traybell: Online, no unread messages, paused until Mon 07:00")
        );

        let quiet = View { held: Some(Held { until, by: HeldBy::QuietHours }), ..live.clone() };
        let menu = read(&quiet);
        assert_eq!(menu[3], "[Quiet hours until Mon 07:00]");
        assert!(
            menu.contains(&"Pause notifications (3)".to_owned()),
            "quiet hours are changed in the settings: {menu:?}"
        );
        assert!(!tray_view(&live, &now()).paused);
    }
}
