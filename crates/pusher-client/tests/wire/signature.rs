//! Pusher's published signatures (*Generating authentication strings*, worked examples): what an application's server
//! signs is what ends up in the subscription, byte for byte.

use crate::fake::{Server, Signer};
use hmac::{Hmac, KeyInit, Mac};
use pusher_client::{Authorization, Client};
use sha2::Sha256;

const KEY: &str = "278d425bdf160c739803";
const SECRET: &str = "7ad3773142a6692b25b8";

fn sign(socket_id: &str, channel: &str, channel_data: Option<&str>) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{socket_id}:{channel}").as_bytes());
    if let Some(data) = channel_data {
        mac.update(format!(":{data}").as_bytes());
    }
    format!("{KEY}:{}", hex::encode(mac.finalize().into_bytes()))
}

#[test]
fn signatures_are_those_pusher_publishes() {
    assert_eq!(
        sign("1234.1234", "private-foobar", None),
        format!("{KEY}:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4")
    );
    assert_eq!(
        sign("1234.1234", "presence-foobar", Some(r#"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#)),
        format!("{KEY}:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80")
    );
}

#[tokio::test]
async fn a_server_that_checks_signatures_accepts_the_subscription() {
    let server = Server::start().await;
    let data = r#"{"user_id":"1","name":"a \"quoted\" name"}"#;
    let auth = sign("1234.1234", "private-foobar", Some(data));
    let answer = Ok(Authorization::new(auth).with_channel_data(data));
    let client = Client::connect(server.options(), Signer::answering([answer]).0);
    let _subscription = client.subscribe("private-foobar").await.unwrap();
    let frame = server.greet("1234.1234").await.subscribe("private-foobar").await;
    let sent = &frame["data"];
    let (channel, data) = (sent["channel"].as_str().unwrap(), sent["channel_data"].as_str());
    assert_eq!(sent["auth"], sign("1234.1234", channel, data));
}
