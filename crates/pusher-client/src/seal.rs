//! What an encrypted channel's events wait behind: its key, and the question for a new one when that fits no more. It
//! must never ask twice for one change of keys.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::{
    encryption::{Key, Unopened},
    event::{ChannelEvent, Event},
};

/// The most that is held back while a new key is asked for.
const MOST_HELD: usize = 1 << 20;
/// A new key that opened nothing is doubted again after this long at the earliest.
const DOUBT_AGAIN: Duration = Duration::from_secs(30);

/// An encrypted channel's key and what waits for the next one.
pub(crate) struct Seal {
    key: Key,
    /// The key came in place of another and has opened nothing yet: set until it may be doubted again.
    unproven_until: Option<Instant>,
    question: Question,
    held: VecDeque<Event>,
    held_bytes: usize,
}

/// Where the question for a new key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    None,
    Due {
        at: Instant,
        server_said: bool,
    },
    Asked {
        ticket: u64,
    },
    /// The answer was no, and is not asked for again by itself.
    Denied,
}

impl Seal {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, unproven_until: None, question: Question::None, held: VecDeque::new(), held_bytes: 0 }
    }

    /// Takes `event` and gives what the readers are to have now: nothing while a new key is asked for, so that the order
    /// is kept.
    pub(crate) fn take(&mut self, event: Event, now: Instant) -> Vec<ChannelEvent> {
        if matches!(self.question, Question::None | Question::Denied) {
            match self.key.open(event.raw()) {
                Ok(plain) => {
                    self.unproven_until = None;
                    self.question = Question::None;
                    return vec![ChannelEvent::Event(event.with_data(plain))];
                }
                Err(Unopened::WrongKey)
                    if self.question == Question::None && self.unproven_until.is_none_or(|until| until <= now) =>
                {
                    self.question = Question::Due { at: now, server_said: false };
                }
                Err(reason) => return vec![undecryptable(&event, reason)],
            }
        }
        self.held_bytes += event.weight();
        self.held.push_back(event);
        let mut given = Vec::new();
        while self.held_bytes > MOST_HELD
            && let Some(event) = self.held.pop_front()
        {
            self.held_bytes -= event.weight();
            given.push(undecryptable(&event, Unopened::WrongKey));
        }
        given
    }

    /// When a new key is to be asked for.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.question {
            Question::Due { at, .. } => Some(at),
            Question::None | Question::Asked { .. } | Question::Denied => None,
        }
    }

    pub(crate) fn asked(&mut self, ticket: u64) {
        self.question = Question::Asked { ticket };
    }

    pub(crate) fn is_asked(&self, ticket: u64) -> bool {
        self.question == Question::Asked { ticket }
    }

    pub(crate) fn ask_again(&mut self, at: Instant, server_said: bool) {
        self.question = Question::Due { at, server_said };
    }

    /// A wait that is our own doing is over.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if matches!(self.question, Question::Due { server_said: false, .. }) {
            self.ask_again(now, false);
        }
    }

    /// The caller wants to know anew: also what was denied is asked for, with the next event that does not open.
    pub(crate) fn renew(&mut self, now: Instant) {
        match self.question {
            Question::Due { .. } => self.ask_again(now, false),
            Question::Denied => (self.question, self.unproven_until) = (Question::None, None),
            Question::None | Question::Asked { .. } => {}
        }
    }

    /// There is to be no new key: gives what was held, opened as far as it can be.
    pub(crate) fn denied(&mut self, now: Instant) -> Vec<ChannelEvent> {
        let given = self.answered(None, now);
        self.question = Question::Denied;
        given
    }

    /// The question was answered, with a new key or without: gives what was held, opened as far as it can be.
    pub(crate) fn answered(&mut self, key: Option<Key>, now: Instant) -> Vec<ChannelEvent> {
        self.question = Question::None;
        self.unproven_until = Some(now + DOUBT_AGAIN);
        if let Some(key) = key {
            self.key = key;
        }
        self.held_bytes = 0;
        let mut given = Vec::new();
        for event in std::mem::take(&mut self.held) {
            given.push(match self.key.open(event.raw()) {
                Ok(plain) => {
                    self.unproven_until = None;
                    ChannelEvent::Event(event.with_data(plain))
                }
                Err(reason) => undecryptable(&event, reason),
            });
        }
        given
    }
}

fn undecryptable(event: &Event, reason: Unopened) -> ChannelEvent {
    ChannelEvent::Undecryptable { name: event.name().to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use crypto_secretbox::{KeyInit, XSalsa20Poly1305, aead::Aead};
    use serde_json::json;

    use super::*;

    fn key(number: u8) -> Key {
        Key::read(Some(&STANDARD.encode([number; 32]))).unwrap()
    }

    fn sealed(number: u8, text: &str) -> Event {
        let ciphertext = XSalsa20Poly1305::new(&[number; 32].into()).encrypt(&[7; 24].into(), text.as_bytes()).unwrap();
        let data = json!({ "ciphertext": STANDARD.encode(ciphertext), "nonce": STANDARD.encode([7; 24]) });
        Event::new("private-encrypted-a", "e", data.to_string())
    }

    fn opened(text: &str) -> ChannelEvent {
        ChannelEvent::Event(Event::new("private-encrypted-a", "e", text))
    }

    fn is_undecryptable(event: &ChannelEvent) -> bool {
        matches!(event, ChannelEvent::Undecryptable { .. })
    }

    #[test]
    fn a_new_key_is_asked_for_once_and_opens_all_that_waited_in_order() {
        let (mut seal, now) = (Seal::new(key(1)), Instant::now());
        assert_eq!(seal.take(sealed(1, "one"), now), [opened("one")]);
        assert_eq!(seal.due(), None);
        assert_eq!(seal.take(sealed(2, "two"), now), []);
        assert_eq!(seal.due(), Some(now));
        seal.asked(7);
        assert_eq!(seal.take(sealed(2, "three"), now), []);
        assert_eq!((seal.due(), seal.is_asked(7)), (None, true));
        assert_eq!(seal.answered(Some(key(2)), now), [opened("two"), opened("three")]);
        assert_eq!(seal.take(sealed(2, "four"), now), [opened("four")]);
        assert_eq!(seal.take(sealed(3, "five"), now), [], "a key that proved itself may be changed again");
        assert_eq!(seal.due(), Some(now));
    }

    #[test]
    fn a_new_key_that_fits_no_better_is_not_asked_for_again_and_again() {
        let (mut seal, now) = (Seal::new(key(1)), Instant::now());
        seal.take(sealed(9, "lost"), now);
        seal.asked(1);
        assert!(seal.answered(Some(key(2)), now).iter().all(is_undecryptable));
        assert!(seal.take(sealed(9, "lost too"), now).iter().all(is_undecryptable));
        assert_eq!(seal.due(), None);
        assert_eq!(seal.take(sealed(9, "later"), now + DOUBT_AGAIN), []);
        assert_eq!(seal.due(), Some(now + DOUBT_AGAIN));
    }

    #[test]
    fn what_no_key_would_open_asks_for_none() {
        let (mut seal, now) = (Seal::new(key(1)), Instant::now());
        let given = seal.take(Event::new("private-encrypted-a", "e", "plain"), now);
        assert!(given.len() == 1 && given.iter().all(is_undecryptable), "{given:?}");
        assert_eq!(seal.due(), None);
    }

    #[test]
    fn a_new_key_that_was_denied_is_asked_for_again_only_on_request() {
        let (mut seal, now) = (Seal::new(key(1)), Instant::now());
        seal.take(sealed(2, "lost"), now);
        seal.asked(1);
        assert!(seal.denied(now).iter().all(is_undecryptable));
        let later = now + DOUBT_AGAIN * 100;
        assert!(seal.take(sealed(2, "lost too"), later).iter().all(is_undecryptable));
        seal.hurry(later);
        assert_eq!(seal.due(), None);
        seal.renew(later);
        assert_eq!(seal.take(sealed(2, "kept"), later), []);
        seal.asked(2);
        seal.ask_again(later + DOUBT_AGAIN, false);
        seal.hurry(later);
        assert_eq!(seal.due(), Some(later), "a wait of our own can be ended");
        seal.ask_again(later + DOUBT_AGAIN, true);
        seal.hurry(later);
        assert_eq!(seal.due(), Some(later + DOUBT_AGAIN), "the server's only by the caller");
        seal.renew(later);
        assert_eq!(seal.due(), Some(later));
    }

    #[test]
    fn what_waits_is_bounded_and_what_falls_out_is_told() {
        let (mut seal, now) = (Seal::new(key(1)), Instant::now());
        let large = "x".repeat(300 << 10);
        let given: Vec<_> = (0..5).flat_map(|_| seal.take(sealed(2, &large), now)).collect();
        assert!(given.len() == 3 && given.iter().all(is_undecryptable), "{}", given.len());
        assert_eq!(seal.answered(Some(key(2)), now), [opened(&large), opened(&large)]);
    }
}
