//! The text a program has rendered, read through the accessibility bus: what a person (or a screen reader) gets, not
//! what somebody was asked to show. The session must have been started with `accessibility`.

use zbus::{Connection, OwnedObjectPath, Proxy};

use crate::desktop::Desktop;

const ROOT: &str = "/org/a11y/atspi/accessible/root";

/// Every non-empty text and name in the windows of the programs whose name contains `program`.
pub async fn texts(desktop: &Desktop, program: &str) -> Result<Vec<String>, String> {
    let session = desktop.bus().await;
    let launcher = proxy(&session, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus").await?;
    let address: String = launcher.call("GetAddress", &()).await.map_err(|error| error.to_string())?;
    let bus = zbus::connection::Builder::address(address.as_str())
        .build()
        .await
        .map_err(|error| format!("{address}: {error}"))?;
    let mut found = Vec::new();
    for (name, path) in children(&bus, "org.a11y.atspi.Registry", ROOT).await? {
        let accessible = proxy(&bus, &name, path.as_str(), "org.a11y.atspi.Accessible").await?;
        let title: String = accessible.get_property("Name").await.unwrap_or_default();
        if title.contains(program) {
            collect(&bus, name, path, &mut found).await?;
        }
    }
    Ok(found)
}

async fn collect(bus: &Connection, name: String, path: OwnedObjectPath, found: &mut Vec<String>) -> Result<(), String> {
    let mut open = vec![(name, path)];
    while let Some((name, path)) = open.pop() {
        let accessible = proxy(bus, &name, path.as_str(), "org.a11y.atspi.Accessible").await?;
        let interfaces: Vec<String> = accessible.call("GetInterfaces", &()).await.unwrap_or_default();
        // Asked of something that has no text, GTK complains in the program's own log.
        if interfaces.iter().any(|interface| interface == "org.a11y.atspi.Text")
            && let Ok(text) = proxy(bus, &name, path.as_str(), "org.a11y.atspi.Text").await
            && let Ok(shown) = text.call::<_, _, String>("GetText", &(0_i32, -1_i32)).await
            && !shown.is_empty()
        {
            found.push(shown);
        }
        // What has no text of its own, like a button, is named by what stands on it.
        if let Ok(label) = accessible.get_property::<String>("Name").await
            && !label.is_empty()
        {
            found.push(label);
        }
        open.extend(children(bus, &name, path.as_str()).await.unwrap_or_default());
    }
    Ok(())
}

async fn children(bus: &Connection, name: &str, path: &str) -> Result<Vec<(String, OwnedObjectPath)>, String> {
    proxy(bus, name, path, "org.a11y.atspi.Accessible")
        .await?
        .call("GetChildren", &())
        .await
        .map_err(|error| format!("{name} {path}: {error}"))
}

async fn proxy(bus: &Connection, name: &str, path: &str, interface: &str) -> Result<Proxy<'static>, String> {
    Proxy::new_owned(bus.clone(), name.to_owned(), path.to_owned(), interface.to_owned())
        .await
        .map_err(|error| error.to_string())
}
