//! A call-out as TrackTik would send it, sent to the running relay by ourselves: to see that it arrives, and as what.

use secrecy::ExposeSecret as _;
use tracktik_client::{Error as CallError, callout};

use super::base;
use crate::{Configuration, Error};

/// Sends `body`, signed with the subscription's newest secret; answers the relay's status. Nothing: there is no secret yet.
pub async fn call_out(configuration: &Configuration, custom_id: &str, body: &[u8]) -> Result<Option<u16>, Error> {
    let secrets = configuration.secrets().read()?;
    let (Some((key, of_it)), Some(header)) = (secrets.of(custom_id), configuration.header(custom_id)) else {
        return Ok(None);
    };
    let Some(newest) = of_it.first() else { return Ok(None) };
    let url = format!("{}{}", base(configuration), key.expose_secret());
    let sent = callout::send(&url, header, newest, configuration.mode(custom_id), body).await;
    sent.map(Some).map_err(|error| match error {
        // The other texts speak of TrackTik, which is not who was asked.
        CallError::Unreachable { message } => Error::NotRunning { url: configuration.own_url(), message },
        other => other.into(),
    })
}
