//! [`Arena`]: the server, the wire to it and the authority, in which all contestants meet the same fault at the same time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::authority::Authority;
use super::contestant::{Contestant, Terms, Who};
use super::line::Line;
use crate::sockudo::{Release, Sockudo};

/// How long a contestant may take for something before that counts as never.
pub const NEVER: Duration = Duration::from_secs(30);

/// See the module's text.
pub struct Arena {
    /// The server.
    pub server: Sockudo,
    /// The wire to it.
    pub line: Line,
    /// Who signs.
    pub authority: Authority,
    _folder: TempDir,
}

impl Arena {
    /// Sets everything up.
    pub async fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let server = Sockudo::alone(Release::V5, folder.path()).await;
        let line = Line::to(server.port).await;
        let authority = Authority::start(server.app.clone()).await;
        Ok(Self { server, line, authority, _folder: folder })
    }

    /// The terms for all, over the wire.
    pub fn terms(&self) -> Terms {
        Terms {
            port: self.line.port,
            app: self.server.app.clone(),
            authority: self.authority.port,
            activity_timeout: Duration::from_mins(2),
            pong_timeout: Duration::from_secs(30),
        }
    }

    /// All contestants, subscribed.
    pub async fn contestants(&self, terms: &Terms) -> anyhow::Result<Vec<Contestant>> {
        let mut all = Vec::new();
        for who in Who::ALL {
            let mut contestant = Contestant::start(who, terms)?;
            if contestant.subscribed(NEVER).await.is_none() {
                bail!("{} did not get subscribed to begin with", who.name());
            }
            self.authority.asked(who.name());
            all.push(contestant);
        }
        Ok(all)
    }
}

/// For each contestant, how long after `since` it was subscribed again.
pub async fn back(contestants: &mut [Contestant], since: Instant, limit: Duration) -> Vec<Option<Duration>> {
    let mut times = Vec::new();
    for contestant in contestants {
        let left = limit.saturating_sub(since.elapsed()).max(Duration::from_millis(10));
        let at = contestant.subscribed(left).await;
        times.push(at.map(|at| at.saturating_duration_since(since)));
    }
    times
}
