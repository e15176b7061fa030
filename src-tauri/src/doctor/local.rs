//! The checks of this machine: keyring, notification service, tray host, proxy.

use std::time::Duration;

use inbox::{AccountId, KeyringSecrets, Secrets as _};
use tokio::net::TcpStream;
use url::Url;

use super::Finding;

/// A proxy that takes longer to connect is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Whether the keyring answers and is open. Asks for an entry that nobody has, which unlocks nothing.
pub async fn keyring() -> Finding {
    let nobody = AccountId { environment: "doctor".into(), brand: "doctor".into(), user: "doctor".into() };
    let found = KeyringSecrets::new().get(&nobody).await;
    #[cfg(target_os = "linux")]
    if found.is_ok() && is_keyring_locked().await {
        return Finding::bad(
            "keyring",
            "The keyring answers, and is locked.",
            "Unlock it in Passwords and Keys (or KWalletManager), or when Traybell's window is opened and it asks.",
        );
    }
    Finding::of("keyring", found.map(|_| "The keyring answers.".to_owned()))
}

/// Whether the keyring that new entries go to is locked. One that does not say so is taken to be open: the first sign-in
/// makes one where there is none.
#[cfg(target_os = "linux")]
async fn is_keyring_locked() -> bool {
    /// A keyring that takes longer has not said so.
    const LIMIT: Duration = Duration::from_secs(5);
    match tokio::time::timeout(LIMIT, ask_whether_locked()).await {
        Ok(Ok(locked)) => locked,
        Ok(Err(error)) => {
            tracing::info!(%error, "the keyring does not say whether it is locked");
            false
        }
        Err(_) => false,
    }
}

#[cfg(target_os = "linux")]
async fn ask_whether_locked() -> zbus::Result<bool> {
    const SERVICE: &str = "org.freedesktop.secrets";
    let connection = zbus::Connection::session().await?;
    let service = Some("org.freedesktop.Secret.Service");
    let reply =
        connection.call_method(Some(SERVICE), "/org/freedesktop/secrets", service, "ReadAlias", &("default",)).await?;
    let collection: zbus::OwnedObjectPath = reply.body().deserialize()?;
    if collection.as_str() == "/" {
        return Ok(false);
    }
    let properties = zbus::fdo::PropertiesProxy::new(&connection, SERVICE, collection).await?;
    let locked = properties.get("org.freedesktop.Secret.Collection".try_into()?, "Locked").await?;
    bool::try_from(locked)
}

/// Whether a notification service answers.
pub async fn notifications() -> Finding {
    #[cfg(target_os = "linux")]
    return Finding::of("notifications", crate::alert::find_service().await);
    #[cfg(not(target_os = "linux"))]
    Finding::good("notifications", "Part of the system; the system's settings may hold them back.")
}

/// Whether the tray icon can be drawn and is shown.
pub async fn tray() -> Finding {
    #[cfg(target_os = "linux")]
    {
        if !crate::platform::has_tray_library() {
            return Finding::bad(
                "tray",
                "The library that draws the tray icon is not installed.",
                "Install libayatana-appindicator3-1 (Fedora: libayatana-appindicator-gtk3).",
            );
        }
        let found = crate::tray::panel::find_host().await;
        Finding::of("tray", found.map(|()| "A panel shows tray icons.".to_owned()))
    }
    #[cfg(not(target_os = "linux"))]
    Finding::good("tray", "Part of the system.")
}

/// Whether the proxy that is set, if any, can be reached.
pub async fn proxy() -> Finding {
    let Some((variable, address)) = proxy_of(|name| std::env::var(name).ok()) else {
        let detail = if cfg!(target_os = "linux") { "None is set." } else { "As the system's settings say." };
        return Finding::good("proxy", detail);
    };
    let hint = format!("Correct {variable}, or unset it.");
    let Some((host, port)) = host_and_port(&address) else {
        return Finding::bad("proxy", format!("{variable} is not the address of a proxy."), hint);
    };
    // The address may hold a password: only host and port are ever shown.
    match tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Finding::good("proxy", format!("{host}:{port} answers ({variable}).")),
        Ok(Err(error)) => Finding::bad("proxy", format!("{host}:{port} ({variable}): {error}."), hint),
        Err(_) => Finding::bad("proxy", format!("{host}:{port} ({variable}) does not answer."), hint),
    }
}

/// The proxy that calls over https go by, and the variable that says so.
fn proxy_of(variable: impl Fn(&str) -> Option<String>) -> Option<(&'static str, String)> {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find_map(|name| Some((name, variable(name).filter(|value| !value.trim().is_empty())?)))
}

fn host_and_port(address: &str) -> Option<(String, u16)> {
    let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let url = Url::parse(&address).ok()?;
    let port = url.port_or_known_default().or_else(|| url.scheme().starts_with("socks").then_some(1080))?;
    // A host in brackets is an address of IPv6.
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_for_https_is_found_and_empty_is_none() {
        let set =
            |name: &'static str, value: &'static str| proxy_of(move |asked| (asked == name).then(|| value.to_owned()));
        assert_eq!(set("ALL_PROXY", "socks5://p:1"), Some(("ALL_PROXY", "socks5://p:1".into())));
        assert_eq!(set("https_proxy", " "), None);
        assert_eq!(set("HTTP_PROXY", "http://p:1"), None, "not for https");
    }

    #[test]
    fn host_and_port_are_read_as_proxies_are_written() {
        let found = |address| host_and_port(address).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(found("http://user:secret@proxy.example:3128").as_deref(), Some("proxy.example 3128"));
        assert_eq!(found("proxy.example:3128").as_deref(), Some("proxy.example 3128"));
        assert_eq!(found("http://proxy.example").as_deref(), Some("proxy.example 80"));
        assert_eq!(found("socks5h://[::1]").as_deref(), Some("::1 1080"));
        assert_eq!(found("http://"), None);
    }
}
