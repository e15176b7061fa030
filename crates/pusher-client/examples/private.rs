//! Subscribes to a private channel, with an [`Authorizer`] that signs by itself. Only an application's server may do that,
//! since it knows the secret; a program on somebody's desk asks that server instead, at the same place in the code.
//!
//! `cargo run --example private -- 127.0.0.1:6001 app-key app-secret private-orders`

#![allow(clippy::print_stdout, reason = "an example speaks to the person who started it")]

use std::{env, error::Error, sync::Arc};

use hmac::{Hmac, KeyInit, Mac};
use pusher_client::{Answer, Authorization, AuthorizeError, Authorizer, ChannelEvent, Client, Options};
use sha2::Sha256;

struct OwnSignature {
    key: String,
    secret: String,
}

impl Authorizer for OwnSignature {
    fn authorize<'a>(&'a self, socket_id: &'a str, channel: &'a str) -> Answer<'a, Authorization> {
        Box::pin(async move {
            let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())
                .map_err(|error| AuthorizeError::Refused { status: None, message: error.to_string() })?;
            mac.update(format!("{socket_id}:{channel}").as_bytes());
            Ok(Authorization::new(format!("{}:{}", self.key, hex::encode(mac.finalize().into_bytes()))))
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, key, secret, channel] = arguments.as_slice() else {
        return Err("usage: private HOST:PORT KEY SECRET CHANNEL".into());
    };
    let (host, port) = server.rsplit_once(':').ok_or("no port")?;
    let authorizer = OwnSignature { key: key.clone(), secret: secret.clone() };
    let client = Client::connect(Options::host(key, host, port.parse()?, false), Arc::new(authorizer));
    let mut subscription = client.subscribe(channel).await?;
    while let Some(event) = subscription.next().await {
        match event {
            ChannelEvent::Subscribed => println!("subscribed: ask for what came before, and then wait"),
            ChannelEvent::Event(event) => println!("{}: {}", event.name(), event.value()),
            ChannelEvent::Gap(gap) => println!("missed: {:?} to {:?}", gap.since, gap.until),
            ChannelEvent::Refused { message, .. } => return Err(message.into()),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
