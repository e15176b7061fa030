//! What the tests begin with: a server, a client, a definition.

use std::time::Duration;

use secrecy::SecretString;
use tracktik_client::{Client, Credentials, Essentials, Limits, NewSubscription, Regions};

use crate::tracktik_fake::{CLIENT_ID, CLIENT_SECRET, PASSWORD, TracktikFake, USERNAME};

/// The secret of the subscriptions.
pub const SECRET: &str = "subscription-secret-1";

pub fn credentials(password: &str) -> Credentials {
    Credentials {
        client_id: CLIENT_ID.to_owned(),
        client_secret: SecretString::from(CLIENT_SECRET),
        username: USERNAME.to_owned(),
        password: SecretString::from(password),
    }
}

pub fn client_with(fake: &TracktikFake, password: &str, limits: Limits) -> Client {
    Client::new(&fake.url, credentials(password), limits).expect("a client")
}

pub fn client(fake: &TracktikFake) -> Client {
    client_with(fake, PASSWORD, Limits::default())
}

/// Limits of a client that loses patience soon.
pub fn impatient() -> Limits {
    Limits { total: Duration::from_millis(300), ..Limits::default() }
}

pub fn essentials(custom_id: &str, url: &str) -> Essentials {
    Essentials {
        custom_id: custom_id.to_owned(),
        name: "Reports".to_owned(),
        events: vec!["entity:reports:created".parse().expect("an event")],
        regions: Regions::All,
        url: url.to_owned(),
        secret: SecretString::from(SECRET),
    }
}

pub fn definition(custom_id: &str) -> NewSubscription {
    NewSubscription::new(essentials(custom_id, "https://relay.example/callout")).expect("a right definition")
}
