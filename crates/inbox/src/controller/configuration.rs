//! Reading the config again: host and key may have changed. Soon while the socket stays down, and now and then while all is well,
//! never by all clients at once.

use std::time::Duration;

use fasttrack_client::{BrandConfig, Environment, Error, read_config};
use tokio::time::Instant;

use super::{Controller, news::What};
use crate::Host;

impl<H: Host> Controller<H> {
    /// After how long without a socket the config is read again. Spread, so that a fleet that lost the server at once does
    /// not log in at once.
    pub(super) fn reconfigure_after(&self) -> Duration {
        self.options.reconfigure_after.mul_f64(1.0 + 2.0 * self.jitter())
    }

    /// The session stands: its config is good for a while.
    pub(super) fn reread_config_later(&mut self) {
        let after = self.options.reread_config_after.mul_f64(1.0 + 0.5 * self.jitter());
        if let Some(active) = &mut self.active {
            active.reread_config_at = Some(Instant::now() + after);
        }
    }

    /// Asks whether the config still says what the session was begun by: now and then, and when the socket stays down. It
    /// costs the server no log-in unless something has changed.
    pub(super) fn reread_config_if_due(&mut self, now: Instant) {
        let Some(active) = &mut self.active else { return };
        let is_due = [active.reread_config_at, active.reconfigure_at].into_iter().flatten().any(|at| at <= now);
        if active.session.is_none() || !is_due {
            return;
        }
        active.reread_config_at = None;
        active.reconfigure_at = None;
        let (http, account) = (self.network.http.clone(), active.account.clone());
        self.spawn_for_session(async move {
            let environment = match account.id.environment.parse::<Environment>() {
                Ok(environment) => environment,
                Err(error) => return What::Config(Err(error)),
            };
            let config = read_config(&http, &environment, &account.id.brand, account.insecure_confirmed).await;
            What::Config(config.map(Box::new))
        });
    }

    pub(super) fn config_read(&mut self, config: Result<Box<BrandConfig>, Error>) {
        let session = self.active.as_ref().and_then(|active| active.session.clone());
        match (config, session) {
            (Ok(config), Some(session)) if *config != *session.config() => {
                tracing::info!("the config has changed; a new session follows it");
                self.end_session();
                if let Some(active) = &mut self.active {
                    active.resume_at = Some(Instant::now());
                }
            }
            (outcome, _) => {
                if let Err(error) = outcome {
                    // The session stands, so whatever kept the config from being read is no trouble yet.
                    tracing::info!(%error, "the config was not read again");
                }
                self.reread_config_later();
                let again = Instant::now() + self.reconfigure_after();
                if let Some(active) = self.active.as_mut().filter(|active| !active.link.is_live()) {
                    active.reconfigure_at = Some(again);
                }
            }
        }
    }
}
