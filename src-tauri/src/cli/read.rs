//! `read`: marks messages as read, here at once and on the server before it answers.

use inbox::{Code, MessageId, Problem};

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
    let mut problems = Vec::new();
    let mut marked = 0;
    if all {
        marked = door.ask::<u64>(Request::MarkAllRead).await?;
    }
    for id in ids {
        match door.ask::<()>(Request::MarkRead { id: MessageId(id.clone()) }).await {
            Ok(()) => marked += 1,
            // The others are as they were asked for.
            Err(problem) if problem.code == Code::NotFound => {
                problems.push(Problem { message: format!("{id}: {}", problem.message), ..problem });
            }
            Err(problem) => {
                problems.push(problem);
                return Err(Failure::Problems(problems));
            }
        }
    }
    // What was marked, now or before, is to be on the server.
    match door.ask::<()>(Request::Flush).await {
        Ok(()) => output.line(&match marked {
            0 => "Nothing to mark.".to_owned(),
            1 => "1 message marked as read.".to_owned(),
            n => format!("{n} messages marked as read."),
        })?,
        // A refused mark is taken back here too: it says so itself.
        Err(problem) if problem.code == Code::MarkRefused || marked == 0 => problems.push(problem),
        Err(problem) => problems.push(Problem {
            message: format!("Marked here, and the server has not got it yet: {}", problem.message),
            ..problem
        }),
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::Problems(problems)) }
}
