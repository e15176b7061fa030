//! What dunst has shown, as it tells itself by `dunstctl`.

use serde_json::Value;

use crate::desktop::Desktop;

/// A notification that dunst has shown and closed.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its id.
    pub id: u64,
    /// Its title.
    pub summary: String,
    /// Its body, as dunst keeps it.
    pub body: String,
    /// What dunst laid out: title and body in its format, with markup.
    pub message: String,
}

/// Everything in dunst's history.
pub async fn history(desktop: &Desktop) -> Result<Vec<Shown>, String> {
    let text = desktop.output("dunstctl", &["history"]).await?;
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    let entries = value["data"][0].as_array().cloned().unwrap_or_default();
    Ok(entries
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name]["data"].as_str().unwrap_or_default().to_owned();
            Shown {
                id: entry["id"]["data"].as_u64().unwrap_or_default(),
                summary: text("summary"),
                body: text("body"),
                message: text("message"),
            }
        })
        .collect())
}

/// How many are on the screen.
pub async fn displayed(desktop: &Desktop) -> Result<u64, String> {
    let count = desktop.output("dunstctl", &["count", "displayed"]).await?;
    count.trim().parse().map_err(|_| count)
}
