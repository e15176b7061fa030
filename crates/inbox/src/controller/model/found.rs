//! What random sequences have found, each as short as it can be.

use super::{
    run,
    step::{Sending, Step, Way},
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
