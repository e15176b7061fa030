//! The windows on the session's screen, found and worked as a person does: by the window manager and the pointer.

use std::path::Path;

use crate::desktop::Desktop;
use crate::process::Program;
use crate::wait;

/// The app's window by its title.
const TITLE: &str = "^Traybell$";
/// The window of what else a person does.
const OTHER: &str = "Other work";

/// The ids of the app's windows that are visible now.
pub async fn windows(desktop: &Desktop) -> Vec<String> {
    // xdotool fails when it finds none.
    let found = desktop.output("xdotool", &["search", "--onlyvisible", "--name", TITLE]).await.unwrap_or_default();
    found.lines().map(str::to_owned).collect()
}

/// Waits for the app's one window.
pub async fn await_window(desktop: &Desktop) -> String {
    wait::until("the app's one window on the screen", || async {
        match windows(desktop).await.as_slice() {
            [one] => Ok(one.clone()),
            other => Err(format!("windows {other:?}")),
        }
    })
    .await
}

/// Closes the app's window by the window manager.
pub async fn close(desktop: &Desktop, window: &str) {
    wait::until("a closed window", || async {
        // A window that is just made takes the key a moment later; one that is gone takes none.
        let _ = desktop.output("xdotool", &["windowactivate", "--sync", window, "key", "alt+F4"]).await;
        let still = windows(desktop).await;
        if still.is_empty() { Ok(()) } else { Err(format!("windows {still:?}")) }
    })
    .await;
}

/// Lets a person turn to other work, in a window in the corner, for as long as it is held: what comes now is not seen in the
/// app's window, wherever that stands.
pub async fn look_away(desktop: &Desktop) -> Program {
    let mut other = desktop.command("xmessage");
    other.args(["-title", OTHER, "-geometry", "120x60+0+820", "Other work"]);
    let other = desktop.run("xmessage", other);
    wait::until("the focus on other work", || async {
        let focus = desktop.output("xdotool", &["getwindowfocus", "getwindowname"]).await?;
        if focus.trim() == OTHER { Ok(()) } else { Err(focus) }
    })
    .await;
    other
}

/// Puts the app's window at this place of the screen.
pub async fn place(desktop: &Desktop, window: &str, left: u32, top: u32) {
    let moved = desktop.output("xdotool", &["windowmove", "--sync", window, &left.to_string(), &top.to_string()]).await;
    moved.expect("xdotool moves windows");
}

/// Gives the empty screen a colour.
pub async fn colour(desktop: &Desktop, colour: &str) {
    desktop.output("xsetroot", &["-solid", colour]).await.expect("xsetroot colours the screen");
}

/// Fewer colours than this are a page that has drawn nothing yet.
const DRAWN: u32 = 50;

/// Waits until the app's window has drawn something other than `before`, and draws the same twice in a row. Saves it as
/// `path` and answers what it looks like.
pub async fn save_settled(desktop: &Desktop, window: &str, before: &str, path: &Path) -> String {
    let file = path.display().to_string();
    wait::until(&format!("a drawn window for {file}"), || async {
        let first = look(desktop, window, &file).await?;
        let second = look(desktop, window, &file).await?;
        match (first == second, second.0.as_str() == before, second.1) {
            (_, _, colours) if colours < DRAWN => Err(format!("{colours} colours")),
            (false, _, _) => Err("it still changes".to_owned()),
            (true, true, _) => Err("it looks as before".to_owned()),
            (true, false, _) => Ok(second.0),
        }
    })
    .await
}

/// A picture of the window: its check sum and how many colours it has.
async fn look(desktop: &Desktop, window: &str, file: &str) -> Result<(String, u32), String> {
    desktop.output("import", &["-window", window, file]).await?;
    let seen = desktop.output("identify", &["-format", "%# %k", file]).await?;
    let (sum, colours) = seen.trim().split_once(' ').ok_or_else(|| seen.clone())?;
    Ok((sum.to_owned(), colours.parse().map_err(|_| seen.clone())?))
}
