//! What random sequences have found, each as short as it can be.

use super::{
    run,
    step::{Fault, Part, Sending, Step, Way},
    world::Template,
};
use crate::controller::network::Network;

const PLAIN: Sending =
    Sending { way: Way::Both, cut: false, silent: false, without_id: false, expires_in_minutes: None, dated: Some(0) };

/// Runs it with the person asking for news at the end, and without.
fn holds(steps: &[Step]) {
    let (network, template) = (Network::new().unwrap(), Template::new());
    for seed in [0, 1] {
        run(&network, &template, seed, steps).unwrap();
    }
}

#[test]
fn a_message_that_a_wrong_clock_takes_for_expired_is_not_alerted_again_once_it_is_right() {
    for minutes in [2, 600] {
        let expires_in_minutes = Some(u16::try_from(minutes).unwrap() + 8);
        let expiring = Sending { expires_in_minutes, ..PLAIN };
        holds(&[Step::Send(expiring), Step::Sleep(5), Step::Clock(minutes), Step::Sleep(480)]);
    }
}

#[test]
fn a_sid_that_is_refused_to_the_fetch_of_one_message_ends_the_session() {
    let cut = Sending { cut: true, ..PLAIN };
    holds(&[Step::Send(PLAIN), Step::RejectSid, Step::Send(cut), Step::Socket(false), Step::Sleep(135)]);
}

#[test]
fn a_person_who_asks_while_a_call_is_under_way_is_answered_although_that_is_put_off() {
    let busy = Step::Fault { part: Part::List, fault: Fault::Busy(181), calls: 1 };
    let broken = Step::Fault { part: Part::List, fault: Fault::Broken, calls: 1 };
    let sent = || Step::Send(PLAIN);
    holds(&[Step::Settle { asks: false }, broken, Step::Refresh, sent(), sent(), sent(), busy, Step::Refresh]);
}

#[test]
fn what_expired_while_its_rest_was_fetched_in_vain_leaves_the_list() {
    let cut = Sending { cut: true, ..PLAIN };
    let dead = Step::Fault { part: Part::One, fault: Fault::Dead, calls: 1 };
    let sent = || Step::Send(PLAIN);
    holds(&[sent(), dead, sent(), Step::Send(cut), Step::Expire { which: 2, live: false }]);
}
