//! The bubble on the screen, clicked as a person does it: xfce4-notifyd has no command for a click, so its window is
//! found and the pointer goes there. A click on the body of its bubbles only closes them (0.7.3, Debian 12); the action
//! is the button at the lower right.

use crate::desktop::Desktop;
use crate::notifications::{Notifications, Notified};
use crate::wait;

/// Where the window class of xfce4-notifyd's bubbles is looked for.
const CLASS: &str = "xfce4-notifyd";

/// From the bubble's lower right corner to within its button.
const TO_BUTTON: (i32, i32) = (45, 31);

/// Clicks the button of this notification's bubble. The other bubbles are closed first, so that the one that is left is
/// the one that is meant.
pub async fn click(desktop: &Desktop, notifications: &Notifications, which: &Notified) {
    let id = which.id.expect("the daemon has taken it");
    notifications.close_all_but(id).await;
    let (left, top, width, height) = await_one(desktop).await;
    let (x, y) = ((left + width - TO_BUTTON.0).to_string(), (top + height - TO_BUTTON.1).to_string());
    // The pointer comes from outside, as xfce4-notifyd watches it enter.
    desktop
        .output("xdotool", &["mousemove", "5", "600", "mousemove", "--sync", &x, &y, "click", "1"])
        .await
        .expect("xdotool moves the pointer");
}

/// Waits until a bubble is on the screen.
pub async fn await_any(desktop: &Desktop) {
    wait::until("a notification bubble on the screen", || async {
        let seen = on_screen(desktop).await?;
        if seen.is_empty() { Err("no bubble".to_owned()) } else { Ok(()) }
    })
    .await;
}

async fn await_one(desktop: &Desktop) -> (i32, i32, i32, i32) {
    wait::until("exactly one notification bubble on the screen", || async {
        match on_screen(desktop).await?.as_slice() {
            [one] => Ok(*one),
            other => Err(format!("{} bubbles: {other:?}", other.len())),
        }
    })
    .await
}

/// The places of all bubbles: left, top, width, height.
async fn on_screen(desktop: &Desktop) -> Result<Vec<(i32, i32, i32, i32)>, String> {
    // xdotool answers with an error when it finds none.
    let found = desktop.output("xdotool", &["search", "--onlyvisible", "--class", CLASS]).await.unwrap_or_default();
    let mut places = Vec::new();
    for window in found.lines() {
        // A bubble that closes meanwhile has no place any more.
        let Ok(geometry) = desktop.output("xdotool", &["getwindowgeometry", "--shell", window]).await else { continue };
        let value = |name: &str| {
            geometry
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .and_then(|number| number.parse::<i32>().ok())
                .unwrap_or_default()
        };
        let place = (value("X"), value("Y"), value("WIDTH"), value("HEIGHT"));
        if place.2 > 20 {
            places.push(place);
        }
    }
    Ok(places)
}
