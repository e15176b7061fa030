//! One program per data folder, and how others talk to it: the folder's lock says who owns it, a local socket in the
//! folder takes requests of the command line and of a second start of the app. Only the same user can connect. It must
//! never hold logic of its own: a request here is one request to the controller.

mod address;
mod client;
mod lock;
mod protocol;
mod server;

use std::time::Duration;

use inbox::{Code, Problem};
use tokio::time::{Instant, timeout};

pub use self::{
    client::Client,
    lock::Lock,
    protocol::{Request, Sid},
    server::{OnShow, Server, answer},
};
use crate::folder::Folder;

/// One try to reach the owner of the folder takes this long at least.
const AT_LEAST: Duration = Duration::from_secs(1);

/// Who this program is to the data folder.
#[derive(Debug)]
pub enum Entry {
    /// Nobody else uses it.
    Owner(Lock),
    /// Another program does; this is the way to talk to it.
    Running(Client),
}

/// Takes the folder, or finds the program that has it. Tried for `patience`, since that program may be just starting or
/// just ending.
pub async fn enter(folder: &Folder, patience: Duration) -> Result<Entry, Problem> {
    folder.prepare()?;
    let until = Instant::now() + patience;
    loop {
        if let Some(lock) = Lock::take(folder)? {
            return Ok(Entry::Owner(lock));
        }
        // At least one try, also without patience: somebody who is there says so at once.
        let wait = until.saturating_duration_since(Instant::now()).max(AT_LEAST);
        if let Some(client) = timeout(wait, Client::connect(folder)).await.unwrap_or(Ok(None))? {
            return Ok(Entry::Running(client));
        }
        if Instant::now() >= until {
            return Err(Problem::new(
                Code::Internal,
                format!("Another Traybell uses {} and does not answer.", folder.path().display()),
                "End it, or wait for it to end, and try again.",
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests;
