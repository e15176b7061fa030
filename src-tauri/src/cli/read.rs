//! `read`: marks messages as read, here at once and on the server before it answers.

use inbox::{Code, MessageId};

use super::{Door, Failure, Output};
use crate::{control::Request, folder::Folder};

/// Marks these, or all, and waits for the server to have it.
pub async fn run(folder: &Folder, output: &mut Output, ids: Vec<String>, all: bool) -> Result<(), Failure> {
    let mut door = Door::open(folder).await?;
    let done = mark(&mut door, output, ids, all).await;
    door.close().await;
    done
}

async fn mark(door: &mut Door, output: &mut Output, ids: Vec<String>, all: bool) -> Result<(), Failure> {
    // A controller that just started knows of messages sent meanwhile only after its first list.
    door.view().await?;
    let count = if all {
        door.ask::<u64>(Request::MarkAllRead).await?
    } else {
        let mut count = 0;
        for id in ids {
            door.ask::<()>(Request::MarkRead { id: MessageId(id.clone()) }).await.map_err(|mut problem| {
                problem.message = format!("{id}: {}", problem.message);
                problem
            })?;
            count += 1;
        }
        count
    };
    door.ask::<()>(Request::Flush).await.map_err(|mut problem| {
        // A refused mark is taken back here too: it says so itself.
        if problem.code != Code::MarkRefused {
            problem.message = format!("Marked here, and the server has not got it yet: {}", problem.message);
        }
        problem
    })?;
    output.line(&match count {
        0 => "Nothing to mark.".to_owned(),
        1 => "1 message marked as read.".to_owned(),
        n => format!("{n} messages marked as read."),
    })
}
