//! `sign-in` and `sign-out`. The sid is read where no other program sees it, and goes nowhere but to the controller.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use inbox::{Code, Problem, SignOut};
use secrecy::SecretString;

use super::{Door, Failure, Output, SignIn};
use crate::{
    control::{Request, Sid},
    folder::Folder,
};

/// Longer than any session id.
const MAX_SID: u64 = 16 * 1024;

const HOW_TO_GIVE: &str = if cfg!(windows) {
    "Give it on standard input, as in PowerShell: Get-Clipboard | traybell sign-in …"
} else {
    "Type it when asked, or give it on standard input, as in: traybell sign-in … < file"
};

/// Signs in, and says as whom.
pub async fn sign_in(folder: &Folder, output: &mut Output, arguments: SignIn) -> Result<(), Failure> {
    let sid = tokio::task::spawn_blocking(read_sid)
        .await
        .map_err(|error| Problem::new(Code::Internal, format!("The session id could not be read: {error}."), ""))??;
    let mut door = Door::open(folder).await?;
    let done = match &door {
        Door::Own(_) if arguments.session_only => Err(Problem::new(
            Code::BadInput,
            "With --session-only the session id would end with this command: the app is not running.",
            "Start Traybell first, or sign in without --session-only.",
        )
        .into()),
        Door::App(_) | Door::Own(_) => ask(&mut door, output, arguments, sid).await,
    };
    door.close().await;
    done
}

async fn ask(door: &mut Door, output: &mut Output, arguments: SignIn, sid: SecretString) -> Result<(), Failure> {
    let SignIn { environment, brand, session_only, insecure } = arguments;
    let request = Request::SignIn { environment, brand, sid: Sid(sid), session_only, insecure_confirmed: insecure };
    door.ask::<()>(request).await.map_err(|mut problem| {
        if problem.code == Code::InsecureServer {
            "Use an https address, or add --insecure to send the session id unencrypted.".clone_into(&mut problem.hint);
        }
        problem
    })?;
    let account = door.view().await?.account;
    output.line(&match account {
        Some(account) if account.name.trim().is_empty() => format!("Signed in at {}.", account.brand),
        Some(account) => format!("Signed in as {} at {}.", account.name, account.brand),
        None => "Signed in.".to_owned(),
    })
}

/// Signs out.
pub async fn sign_out(folder: &Folder, output: &mut Output, sign_out: SignOut) -> Result<(), Failure> {
    let mut door = Door::open(folder).await?;
    let SignOut { discard, purge } = sign_out;
    let done = door.ask::<()>(Request::SignOut { discard, purge }).await;
    door.close().await;
    done.map_err(|mut problem| {
        if problem.code == Code::OutboxNotEmpty {
            "Try again once the server can be reached, or add --discard to give them up.".clone_into(&mut problem.hint);
        }
        problem
    })?;
    output.line("Signed out.")
}

fn read_sid() -> Result<SecretString, Problem> {
    let failed =
        |error: io::Error| Problem::new(Code::BadInput, format!("The session id could not be read: {error}."), "");
    let stdin = io::stdin();
    let mut line = if stdin.is_terminal() {
        if cfg!(windows) {
            // Shells do not wait for a program of the desktop: they would take what is typed, as a command and in the
            // open.
            return Err(Problem::new(Code::BadInput, "On Windows the session id cannot be prompted for.", HOW_TO_GIVE));
        }
        rpassword::prompt_password("Session id: ").map_err(failed)?
    } else {
        let mut line = String::new();
        stdin.lock().take(MAX_SID).read_line(&mut line).map_err(failed)?;
        line
    };
    line.truncate(line.trim_end().len());
    let sid = line.trim_start();
    if sid.is_empty() {
        return Err(Problem::new(Code::BadInput, "There is no session id.", HOW_TO_GIVE));
    }
    Ok(SecretString::from(sid))
}
