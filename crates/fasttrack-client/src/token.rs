//! The token of a session and its renewal: one log-in for all who wait, never two at a time.
//!
//! A rejection is final: no log-in is ever tried again behind the user's back with a session id known to be dead.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use crate::error::Error;

/// A token and which one it is, so that a late caller does not renew what was renewed meanwhile.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    generation: u64,
}

/// The current token, and the turn to renew it.
pub(crate) struct Tokens {
    state: Mutex<State>,
    turn: tokio::sync::Mutex<()>,
}

struct State {
    current: Token,
    /// Renewals that ended, well or badly.
    ended: u64,
    /// Why the last one failed.
    failure: Option<Error>,
    /// The server rejected the session id.
    rejected: Option<String>,
}

impl Tokens {
    pub(crate) fn new(secret: SecretString) -> Self {
        let current = Token { secret, generation: 0 };
        let state = State { current, ended: 0, failure: None, rejected: None };
        Self { state: Mutex::new(state), turn: tokio::sync::Mutex::new(()) }
    }

    /// The token to send.
    ///
    /// # Errors
    /// [`Error::SessionRejected`] once the server rejected the session id.
    pub(crate) fn current(&self) -> Result<Token, Error> {
        self.state().usable()
    }

    /// A token newer than `used`, which the server denied: the one renewed meanwhile, or the one `log_in` gives. Those
    /// who wait for a renewal share its failure too.
    pub(crate) async fn renewed<F>(&self, used: &Token, log_in: impl FnOnce() -> F) -> Result<Token, Error>
    where
        F: Future<Output = Result<SecretString, Error>>,
    {
        let ended_before = self.state().ended;
        // Held over the log-in. A caller that is dropped meanwhile frees it, and the next in line logs in.
        let _turn = self.turn.lock().await;
        {
            let state = self.state();
            let current = state.usable()?;
            if current.generation != used.generation {
                return Ok(current);
            }
            if let Some(failure) = state.failure.as_ref().filter(|_| state.ended != ended_before) {
                return Err(failure.clone());
            }
        }
        let outcome = log_in().await;
        self.state().settle(outcome)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and the state is whole after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn usable(&self) -> Result<Token, Error> {
        match &self.rejected {
            Some(message) => Err(Error::SessionRejected { message: message.clone() }),
            None => Ok(self.current.clone()),
        }
    }

    fn settle(&mut self, outcome: Result<SecretString, Error>) -> Result<Token, Error> {
        self.ended += 1;
        match outcome {
            Ok(secret) => {
                self.failure = None;
                self.current = Token { secret, generation: self.current.generation + 1 };
                Ok(self.current.clone())
            }
            Err(error) => {
                if let Error::SessionRejected { message } = &error {
                    self.rejected = Some(message.clone());
                }
                self.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;
