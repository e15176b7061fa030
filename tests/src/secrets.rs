//! Where a secret is, and where it must not be: the session's keyring, read by `secret-tool` as any other program would;
//! and everything a session leaves behind, searched byte by byte.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zbus::{OwnedObjectPath, Proxy};

use crate::desktop::Desktop;
use crate::process;

const SERVICE: &str = "org.freedesktop.secrets";

/// The attributes of every item in the keyring.
pub async fn items(desktop: &Desktop) -> Result<Vec<HashMap<String, String>>, String> {
    let bus = desktop.bus().await;
    let service = Proxy::new(&bus, SERVICE, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service")
        .await
        .map_err(|error| error.to_string())?;
    let nothing: HashMap<String, String> = HashMap::new();
    let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        service.call("SearchItems", &nothing).await.map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for path in unlocked.into_iter().chain(locked) {
        let item =
            Proxy::new(&bus, SERVICE, path, "org.freedesktop.Secret.Item").await.map_err(|error| error.to_string())?;
        found.push(item.get_property("Attributes").await.map_err(|error| error.to_string())?);
    }
    Ok(found)
}

/// The secrets of all items, looked up one by one with `secret-tool`.
pub async fn by_secret_tool(desktop: &Desktop) -> Result<Vec<String>, String> {
    let mut secrets = Vec::new();
    for attributes in items(desktop).await? {
        let mut arguments = vec!["lookup"];
        arguments.extend(attributes.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
        secrets.push(desktop.output("secret-tool", &arguments).await?);
    }
    Ok(secrets)
}

/// Every place of the session (but the keyring's own files) where one of `secrets` can be read: files below its root,
/// and arguments and environments of its processes.
pub fn leaks(desktop: &Desktop, secrets: &[&str]) -> Vec<String> {
    let keyrings = desktop.folders.home.join(".local/share/keyrings");
    let mut places = Vec::new();
    for file in files_below(&desktop.folders.root) {
        if file.starts_with(&keyrings) {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap_or_default();
        places.extend(found_in(&bytes, secrets, &file.display().to_string()));
    }
    for id in process::marked(&desktop.marker()) {
        for part in ["cmdline", "environ"] {
            let place = format!("/proc/{id}/{part}");
            let bytes = std::fs::read(&place).unwrap_or_default();
            places.extend(found_in(&bytes, secrets, &place));
        }
    }
    places
}

/// Which of `secrets` stand in `bytes`, as they are or in UTF-16, as `WebKit` keeps text.
pub fn found_in(bytes: &[u8], secrets: &[&str], place: &str) -> Vec<String> {
    secrets
        .iter()
        .filter(|secret| {
            let wide = |order: fn(u16) -> [u8; 2]| secret.encode_utf16().flat_map(order).collect::<Vec<u8>>();
            [secret.as_bytes().to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)]
                .iter()
                .any(|spelling| process::contains(bytes, spelling))
        })
        .map(|secret| format!("{secret:?} in {place}"))
        .collect()
}

/// Every regular file below `folder`.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}
