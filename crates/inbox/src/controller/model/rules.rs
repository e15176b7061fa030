//! What must hold: some of it always, the rest once all faults have ended and time has passed.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{
    desktop::ABOUT,
    server::{Sent, numbers},
    world::{Decision, World, known},
};
use crate::{Code, Problem, Row, SessionView, Tab};

/// Everything is in order again after so long: a pause that the server asked for, and then the regular list call.
const PATIENCE: Duration = Duration::from_mins(20);
/// A person who asks waits for what was on its way, and for no pause.
const ASKED: Duration = Duration::from_mins(3);
/// What the notification service did not take is handed to it again within this time.
const ALERTS: Duration = Duration::from_secs(45);

type Verdict = Result<(), String>;

/// What holds at every moment.
pub(super) fn always(world: &World) -> Verdict {
    if let Some(broken) = world.memory().broken_rules.first() {
        return Err(broken.clone());
    }
    if let Some(complaint) = world.server.complaint() {
        return Err(complaint);
    }
    let (rows, unread, view) = world.shown()?;
    if let Some(notice) = view.notices.iter().find(|it| matches!(it.code, Code::StoreReset | Code::StoreFailed)) {
        return Err(format!("the store could not be used: {notice:?}"));
    }
    let counted = (rows.iter().filter(|row| !row.read).count() as u64, rows.len() as u64);
    if (view.unread, view.total) != counted || unread.len() as u64 != view.unread {
        return Err(format!("counted {}/{}, shown {counted:?}", view.unread, view.total));
    }
    let messages = world.server.messages();
    let mut seen = HashSet::new();
    for row in &rows {
        let (n, version) = numbers(&row.title).ok_or_else(|| format!("{:?} was never sent", row.title))?;
        let sent = messages.get(n).ok_or_else(|| format!("{:?} was never sent", row.title))?;
        if !seen.insert(n) {
            return Err(format!("message {n} is listed twice"));
        }
        if version > sent.version {
            return Err(format!("{:?} was never sent", row.title));
        }
        let wrong = match world.decisions.get(&n) {
            Some(Decision::Deleted { .. }) => "was deleted and is back",
            Some(Decision::Unread) if row.read => "was marked unread here and is read",
            Some(Decision::Read { refusals }) if sent.refusals == *refusals && !row.read => {
                "was marked read and is not"
            }
            _ => continue,
        };
        return Err(format!("message {n} {wrong}"));
    }
    Ok(())
}

/// Ends all faults, lets time pass, and asks whether everything is in order.
pub(super) fn settle(world: &mut World, asks: bool) -> Verdict {
    world.mend();
    let before = world.server.lists();
    let handle = world.run().handle.clone();
    let ask = |world: &World| {
        world.ask(async {
            handle.notice(Problem::new(Code::NoNotifications, "", ""), false).await;
            // A person who has to sign in first is told so.
            let _ = handle.refresh().await;
        })
    };
    if asks {
        ask(world)?;
    }
    let (limit, pause) = if asks { (ASKED, Duration::from_secs(5)) } else { (PATIENCE, Duration::from_mins(1)) };
    let mut waited = Duration::ZERO;
    loop {
        world.sleep(if waited.is_zero() { Duration::from_secs(1) } else { pause });
        waited += pause;
        let view = world.view();
        if matches!(view.session, SessionView::Rejected { .. }) {
            world.sign_in()?.map_err(|problem| format!("the sid that is accepted is not: {problem:?}"))?;
        } else if view.up_to_date && view.outbox == 0 && world.server.lists() > before {
            break;
        }
        if asks && waited.as_secs().is_multiple_of(60) {
            // A person who is not answered tries again.
            ask(world)?;
        }
        if waited > limit {
            return Err(format!("after {waited:?} without a fault: {view:?}"));
        }
    }
    world.sleep(ALERTS);
    always(world)?;
    at_rest(world)
}

/// What holds when nothing is under way.
fn at_rest(world: &World) -> Verdict {
    let mut rows = HashMap::new();
    for row in world.rows(Tab::All)? {
        rows.insert(known(&row)?, row);
    }
    for (n, sent) in world.server.messages().iter().enumerate() {
        listed(world, n, sent, rows.get(&n))?;
        marked(world, n, sent, rows.get(&n))?;
    }
    told(world, &rows)
}

/// Every message that the server lists is in the list, with its newest text, until it expires.
fn listed(world: &World, n: usize, sent: &Sent, row: Option<&Row>) -> Verdict {
    let now = world.now();
    let is_deleted = matches!(world.decisions.get(&n), Some(Decision::Deleted { .. }));
    if !sent.listed || is_deleted {
        return Ok(());
    }
    match (row, sent.expires) {
        (Some(_), Some(at)) if at + ABOUT < now => Err(format!("message {n} is listed after its expiry")),
        (None, Some(at)) if at < now + ABOUT => Ok(()),
        (None, _) => Err(format!("message {n} is lost")),
        (Some(row), _) if numbers(&row.title) != Some((n, sent.version)) => {
            Err(format!("message {n} still says {:?}, it was sent {} times", row.title, sent.version + 1))
        }
        _ => Ok(()),
    }
}

/// What was marked read is read on the server, or the reason stands on the row.
fn marked(world: &World, n: usize, sent: &Sent, row: Option<&Row>) -> Verdict {
    let wrong = match (world.decisions.get(&n), row) {
        (Some(Decision::Read { refusals } | Decision::Deleted { read: Some(refusals) }), _)
            if sent.with_id && sent.refusals == *refusals && !sent.read =>
        {
            "was marked read here, and the server does not know it"
        }
        (Some(Decision::Read { refusals }), Some(row))
            if sent.refusals > *refusals && !sent.read && (row.read || row.problem.is_none()) =>
        {
            "was refused its read mark, and the row does not say so"
        }
        (None, Some(row)) if sent.listed && row.read != sent.read => "is not read here as it is on the server",
        _ => return Ok(()),
    };
    Err(format!("message {n} {wrong}: {sent:?}, {row:?}"))
}

/// Nothing came in silence: what is unread was named in an alert or a summary that was taken.
fn told(world: &World, rows: &HashMap<usize, Row>) -> Verdict {
    let now = world.now();
    let (messages, stored) = (world.server.messages(), world.run().desktop.stored());
    let unknown = world.run().desktop.unknown.lock().unwrap();
    let mut memory = world.memory();
    for (n, row) in rows {
        let sent = &messages[*n];
        let told = memory.told.entry(*n).or_default();
        told.settled |= told.taken > 0 && stored.get(n).is_some_and(|row| row.alert == 2);
        let told = told.clone();
        let excused = row.read
            || sent.silent
            || sent.read
            || sent.expires.is_some_and(|at| at < now + ABOUT)
            || memory.dealt_with.contains(n)
            || unknown.contains(n);
        if !excused && told.taken == 0 {
            return Err(format!("message {n} came in silence: {told:?}, {:?}", stored.get(n)));
        }
    }
    Ok(())
}
