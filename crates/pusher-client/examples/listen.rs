//! Prints what is published on a channel, and what becomes of the connection:
//! `cargo run --example listen -- ws://127.0.0.1:6001 app-key news`

#![allow(clippy::print_stdout, reason = "an example speaks to the person who started it")]

use std::{env, error::Error, sync::Arc};

use pusher_client::{ChannelEvent, Client, ClientEvent, Options, PublicOnly};
use url::Url;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, key, channel] = arguments.as_slice() else {
        return Err("usage: listen ws://HOST:PORT|wss://HOST KEY CHANNEL".into());
    };
    let server = Url::parse(server)?;
    let (host, port) = (server.host_str().ok_or("no host")?, server.port_or_known_default().ok_or("no port")?);
    let options = Options::host(key, host, port, server.scheme() == "wss");

    let client = Client::connect(options, Arc::new(PublicOnly));
    let mut connection = client.events();
    let mut subscription = client.subscribe(channel).await?;
    loop {
        tokio::select! {
            event = subscription.next() => match event {
                Some(ChannelEvent::Event(event)) => println!("{}: {}", event.name(), event.value()),
                Some(other) => println!("{other:?}"),
                None => return Ok(()),
            },
            event = connection.next() => match event {
                Some(ClientEvent::Gap(gap)) => println!("missed: {:?} to {:?}", gap.since, gap.until),
                Some(other) => println!("{other:?}"),
                None => return Ok(()),
            },
            _ = tokio::signal::ctrl_c() => client.shutdown().await,
        }
    }
}
