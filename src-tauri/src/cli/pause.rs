//! `pause` and `resume`: notifications wait, in the running app or for the next one.

use inbox::{Held, HeldBy, PauseFor};

use super::{Door, Failure, Output, output::clock};
use crate::{control::Request, folder::Folder};

/// Pauses for so long, or ends a pause, and says what holds now.
pub async fn run(folder: &Folder, output: &mut Output, length: Option<PauseFor>) -> Result<(), Failure> {
    let mut door = Door::open(folder).await?;
    let held = door.ask::<Option<Held>>(Request::Pause { length }).await;
    door.close().await;
    output.line(&match held? {
        Some(held) if held.by == HeldBy::Pause => format!("Notifications are paused until {}.", clock(held.until)),
        Some(held) => format!("Quiet hours until {}.", clock(held.until)),
        None => "Notifications are not paused.".to_owned(),
    })
}
