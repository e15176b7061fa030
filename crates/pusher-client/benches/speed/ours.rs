//! The client of this crate, as a program uses it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pusher_client::{Answer, Authorization, Authorizer, ChannelEvent, Client, Options, Proxy, Subscription};

use crate::{
    Order,
    server::{CHANNEL, Server},
};

/// The server asks for no signature.
struct Anything;

impl Authorizer for Anything {
    fn authorize<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Authorization> {
        Box::pin(async { Ok(Authorization::new("key:signature")) })
    }
}

pub async fn throughput(server: &Server, events: u32) -> Duration {
    let (_client, mut orders) = subscribed(server).await;
    let begun = Instant::now();
    orders.trigger("client-send", &events).await.unwrap();
    for n in 0..u64::from(events) {
        assert_eq!(next(&mut orders).await, n);
    }
    begun.elapsed()
}

pub async fn latency(server: &Server, count: u64) -> Duration {
    let (_client, mut orders) = subscribed(server).await;
    let begun = Instant::now();
    for _ in 0..count {
        orders.trigger("client-send", &1).await.unwrap();
        next(&mut orders).await;
    }
    begun.elapsed()
}

async fn subscribed(server: &Server) -> (Client, Subscription) {
    // Nothing is dropped, however the two tasks take turns.
    let options = Options::host("key", "127.0.0.1", server.port, false).proxy(Proxy::none()).buffer(1_000_000);
    let client = Client::connect(options, Arc::new(Anything));
    let mut orders = client.subscribe(CHANNEL).await.unwrap();
    assert_eq!(orders.next().await, Some(ChannelEvent::Subscribed));
    (client, orders)
}

async fn next(orders: &mut Subscription) -> u64 {
    let Some(ChannelEvent::Event(event)) = orders.next().await else { panic!("an event was expected") };
    let order: Order = event.decode().unwrap();
    assert!(event.name() == "shipped" && !order.text.is_empty());
    order.n
}
