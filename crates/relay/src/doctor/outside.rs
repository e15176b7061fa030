//! What is checked by calling the relay under the address its clients have. Answers are hostile until read: bounded in
//! size and time, and no redirect is followed.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, SystemTime},
};

use futures_util::{StreamExt as _, stream};
use http_guard::{causes, read_body, tls_config};
use reqwest::{Client, ClientBuilder, Response, StatusCode, header, redirect};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::{Finding, LIMIT, local::of_form, within};
use crate::{
    CallOutSecrets, ChannelServer, Configuration, Error, PostgreSql,
    channels::PusherApi,
    store::{Probe, probe_server},
    tracktik::Account,
};

const TIME_LIMIT: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 64 * 1024;
/// Tokens and expiries are in minutes; signatures of others may not be.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);
/// Call-outs that are tried at a time.
const AT_ONCE: usize = 4;

/// Over HTTP/1.1, which the channels need, with the system's trust, and not through a proxy.
pub(super) fn client() -> Result<Client, Error> {
    builder()?.build().map_err(setup)
}

fn builder() -> Result<ClientBuilder, Error> {
    let mut tls = tls_config().map_err(setup)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(TIME_LIMIT))
}

fn setup(error: impl std::error::Error) -> Error {
    Error::Input(format!("the HTTP client cannot be set up: {error}"))
}

/// Whether the relay of this configuration answers on this machine.
pub async fn is_live(configuration: &Configuration) -> Result<(), Error> {
    let listen = configuration.listen();
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let here = SocketAddr::new(ip, listen.port());
    let mut builder = builder()?;
    let mut url = format!("http://{here}/health/live");
    if configuration.tls().is_some() {
        // The certificate is for the public name; the connection goes to this machine all the same.
        let public = url::Url::parse(&configuration.own_url()).map_err(setup)?;
        let host = public.host_str().unwrap_or_default();
        builder = builder.resolve(host, here);
        url = format!("https://{host}:{}/health/live", listen.port());
    }
    let client = builder.build().map_err(setup)?;
    match client.get(url).send().await {
        Ok(response) if response.status() == StatusCode::OK => Ok(()),
        Ok(response) => Err(Error::Input(format!("{here} answers {}", response.status().as_u16()))),
        Err(error) => Err(Error::Input(format!("{here} does not answer: {}", reason(&error)))),
    }
}

pub(super) async fn address(client: &Client, url: &str, instance: Option<String>) -> Finding {
    const CHECK: &str = "address";
    let response = match client.get(format!("{url}/health/live")).send().await {
        Ok(response) => response,
        Err(error) => {
            let hint = "Is the relay running (`traybell-relay serve`), and does public_url lead to it?";
            return Finding::bad(CHECK, format!("{url} does not answer: {}.", reason(&error)), hint);
        }
    };
    let status = response.status();
    let body = json(response).await;
    let found = body.as_ref().and_then(|body| body["instance"].as_str());
    match (found, instance) {
        (None, _) => {
            let detail = format!("{url} answers {}, and not as a relay does.", status.as_u16());
            Finding::bad(CHECK, detail, "Something else is there: look at public_url and at the reverse proxy.")
        }
        (Some(found), Some(expected)) if found != expected => {
            let hint = "Look at public_url, at the reverse proxy, and at `database` in relay.toml.";
            Finding::bad(CHECK, format!("{url} is a relay, but one with another database."), hint)
        }
        (Some(_), _) => Finding::good(CHECK, format!("{url} is this relay.")),
    }
}

pub(super) async fn ready(client: &Client, url: &str) -> Finding {
    const CHECK: &str = "ready";
    let response = match client.get(format!("{url}/health/ready")).send().await {
        Ok(response) => response,
        Err(error) => return Finding::bad(CHECK, format!("No answer: {}.", reason(&error)), "See `address`."),
    };
    match response.status() {
        StatusCode::OK => Finding::good(CHECK, "It takes clients."),
        status => Finding::bad(CHECK, format!("It answers {}.", status.as_u16()), "The relay's log says why."),
    }
}

/// The finding, and what was found for the other checks.
pub(super) async fn database(address: &PostgreSql) -> (Finding, Option<Probe>) {
    const CHECK: &str = "database";
    match probe_server(address).await {
        Ok(Some(probe)) => of_form(CHECK, "PostgreSQL's database", probe),
        Ok(None) => {
            (Finding::bad(CHECK, "PostgreSQL's database is empty.", "The first `serve` makes its tables."), None)
        }
        Err(error) => {
            let hint = "Look at `database` and at its password's file; user and database have to be made first.";
            (Finding::bad(CHECK, error.to_string(), hint), None)
        }
    }
}

/// The server elsewhere, asked for its channels with a signature.
pub(super) async fn channel_server(server: &ChannelServer) -> Finding {
    const CHECK: &str = "channels";
    let asked = match PusherApi::new(server) {
        Ok(api) => api.check().await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(()) => Finding::good(CHECK, "The channel server takes the relay's key and secret."),
        Err(error) => Finding::bad(CHECK, error.to_string(), "Look at the table [channels]."),
    }
}

pub(super) async fn clock(client: &Client, url: &str) -> Finding {
    const CHECK: &str = "clock";
    let response = match client.get(format!("{url}/health/live")).send().await {
        Ok(response) => response,
        Err(error) => return Finding::bad(CHECK, format!("No answer: {}.", reason(&error)), "See `address`."),
    };
    let date =
        response.headers().get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let Some(date) = date else {
        return Finding::bad(CHECK, "The answer has no Date.", "A reverse proxy takes it out; HTTP wants it there.");
    };
    let now = SystemTime::now();
    let apart = now.duration_since(date).or_else(|_| date.duration_since(now)).unwrap_or_default();
    if apart > CLOCK_TOLERANCE {
        let detail = format!("It is {} seconds apart from this machine's.", apart.as_secs());
        return Finding::bad(CHECK, detail, "Set both by NTP: tokens and messages end by the clock.");
    }
    Finding::good(CHECK, "It goes with this machine's.")
}

/// A WebSocket's opening as a client's, to the greeting of the channel server.
pub(super) async fn channels(client: &Client, url: &str, app_key: Option<String>) -> Finding {
    const CHECK: &str = "channels";
    let Some(app_key) = app_key else {
        return Finding::bad(CHECK, "Their key is not known without the database.", "See `database`.");
    };
    let request = client
        .get(format!("{url}/app/{app_key}?protocol=7&client=doctor"))
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        // RFC 6455's own example: what comes back is not looked at.
        .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Finding::bad(CHECK, format!("No answer: {}.", reason(&error)), "See `address`."),
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let detail = format!("A WebSocket is answered {}.", response.status().as_u16());
        return Finding::bad(CHECK, detail, "The reverse proxy must hand on the headers Upgrade and Connection.");
    }
    let greeting = async {
        let mut socket = response.upgrade().await.ok()?;
        let mut read = Vec::new();
        let mut piece = [0; 1024];
        while !read.windows(b"pusher:connection_established".len()).any(|part| part == b"pusher:connection_established")
        {
            let count = socket.read(&mut piece).await.ok().filter(|count| *count > 0)?;
            read.extend_from_slice(&piece[..count]);
            if read.len() > MAX_ANSWER {
                return None;
            }
        }
        Some(())
    };
    match greeting.await {
        Some(()) => Finding::good(CHECK, "A WebSocket is greeted."),
        None => {
            Finding::bad(CHECK, "A WebSocket opens, but is not greeted.", "Something else is there: see `address`.")
        }
    }
}

/// Each call-out's address refuses what is not signed. The relay counts and logs that it did.
pub(super) async fn callouts(
    client: &Client,
    url: &str,
    configuration: &Configuration,
    secrets: &CallOutSecrets,
) -> Vec<Finding> {
    let addresses: Vec<_> = configuration
        .custom_ids()
        .filter_map(|custom_id| Some((custom_id, secrets.address(custom_id, url)?)))
        .collect();
    stream::iter(addresses)
        .map(|(custom_id, address)| within("callouts", LIMIT, callout(client, custom_id, address)))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn callout(client: &Client, custom_id: &str, address: secrecy::SecretString) -> Finding {
    const CHECK: &str = "callouts";
    let request = client.post(address.expose_secret()).header(header::CONTENT_TYPE, "application/json").body("{}");
    // The error would name the address, which holds the key.
    let (detail, hint) = match request.send().await {
        Ok(response) => match response.status() {
            StatusCode::UNAUTHORIZED => {
                return Finding::good(CHECK, format!("{custom_id}: what is not signed is refused."));
            }
            StatusCode::NOT_FOUND => {
                (format!("{custom_id}: the running relay does not know its key."), "Restart the relay.")
            }
            StatusCode::TOO_MANY_REQUESTS => {
                (format!("{custom_id}: too many call-outs from this address just now."), "Try again in a minute.")
            }
            StatusCode::OK => (
                format!("{custom_id}: a call-out without a signature is accepted."),
                "What is there is not this relay: look at public_url at once.",
            ),
            status => (format!("{custom_id}: answers {}.", status.as_u16()), "Look at the reverse proxy and the log."),
        },
        Err(error) => (format!("{custom_id}: no answer: {}.", reason(&error.without_url())), "See `address`."),
    };
    Finding::bad(CHECK, detail, hint)
}

/// Whether the account can be used, and is as `relay.toml` says. Nothing where no account is configured.
pub(super) async fn tracktik(configuration: &Configuration) -> Option<Finding> {
    const CHECK: &str = "tracktik";
    if !configuration.manages_tracktik() {
        return None;
    }
    // It is large.
    let planned = Box::pin(async { Account::new(configuration.clone())?.plan().await });
    Some(
        within(CHECK, LIMIT, async {
            match planned.await {
                Err(error) => Finding::bad(
                    CHECK,
                    error.to_string(),
                    "Look at the table [tracktik] and its files. After 40 refused log-ins TrackTik blocks an address for two hours.",
                ),
                Ok(plan) if !plan.conflicts.is_empty() => {
                    Finding::bad(CHECK, plan.conflicts.join(" "), "A person has to settle this at TrackTik.")
                }
                Ok(plan) if plan.steps.is_empty() => {
                    let are = match plan.unchanged.len() {
                        1 => "1 subscription is".into(),
                        count => format!("{count} subscriptions are"),
                    };
                    Finding::good(CHECK, format!("{are} as relay.toml says."))
                }
                Ok(plan) => {
                    let steps: Vec<_> =
                        plan.steps.iter().map(|step| format!("{} {}", step.action.name(), step.custom_id)).collect();
                    let hint = "`traybell-relay tracktik plan` shows it in full, `tracktik apply` does it.";
                    Finding::bad(CHECK, format!("The account is to be changed: {}.", steps.join(", ")), hint)
                }
            }
        })
        .await,
    )
}

async fn json(response: Response) -> Option<Value> {
    serde_json::from_slice(&read_body(response, MAX_ANSWER).await.ok()?).ok()
}

/// The innermost cause, which is the one that says something; it never holds the address.
fn reason(error: &reqwest::Error) -> String {
    if std::error::Error::source(error).is_some() {
        return causes(error);
    }
    if error.is_timeout() { "it took too long".into() } else { "the request could not be made".into() }
}
