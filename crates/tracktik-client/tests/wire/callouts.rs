//! Call-outs of the stand-in, verified and read as the relay is to.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tracktik_client::callout::{self, DEFAULT_SECRET_HEADER, Mode};
use tracktik_client::{Client, Essentials, Filter, IncludedRegion, Inclusions, NewSubscription, Regions};

use crate::stage::{SECRET, client, essentials};
use crate::tracktik_fake::{CallOut, TracktikFake};

/// Where call-outs arrive; it judges the signature.
#[derive(Clone, Default)]
struct Receiver {
    url: String,
    entities: Arc<Mutex<Vec<Value>>>,
    mode: Option<Mode>,
}

impl Receiver {
    async fn start(mode: Mode) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let url = format!("http://{}/callout?key=1", listener.local_addr().expect("an address"));
        let receiver = Self { url, mode: Some(mode), ..Self::default() };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn taken(&self) -> Vec<Value> {
        std::mem::take(&mut self.entities.lock().expect("not poisoned"))
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let secrets = ["the-next-secret-of-it", SECRET].map(SecretString::from);
    let value = headers.get(DEFAULT_SECRET_HEADER).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    if !callout::verify(&secrets, &value, &body, receiver.mode.expect("a mode")) {
        return StatusCode::UNAUTHORIZED;
    }
    let entity = callout::entity(&body).expect("an entity");
    receiver.entities.lock().expect("not poisoned").push(Value::Object(entity));
    StatusCode::OK
}

async fn scene() -> (TracktikFake, Client, Receiver) {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    (fake, client, Receiver::start(Mode::Hmac).await)
}

fn new(essentials: Essentials) -> NewSubscription {
    NewSubscription::new(essentials).expect("a right definition")
}

fn statuses(call_outs: &[CallOut]) -> Vec<Vec<Option<u16>>> {
    call_outs.iter().map(|call_out| call_out.tries.clone()).collect()
}

#[tokio::test]
async fn a_call_out_of_either_form_verifies_and_is_logged() {
    let (fake, client, receiver) = scene().await;
    let id = client.create(&new(essentials("c-1", &receiver.url))).await.expect("created").id;
    for wrapped in [false, true] {
        fake.wrap_call_outs(wrapped);
        let (entity, call_outs) = fake.create_entity("reports", 1, json!({"status": "é"})).await;
        assert_eq!(statuses(&call_outs), [[Some(200)]]);
        assert_eq!(receiver.taken(), [json!({"id": entity, "status": "é"})], "wrapped: {wrapped}");
    }
    let read = client.get(&id, true).await.expect("read");
    assert_eq!(read.logs.len(), 2);
    assert_eq!(read.last_triggered_on, read.logs[1].created_on);
}

#[tokio::test]
async fn a_secret_sent_plainly_passes_only_where_the_operator_says_so() {
    for (mode, status) in [(Mode::Hmac, 401), (Mode::Plain, 200)] {
        let (fake, client, _) = scene().await;
        let receiver = Receiver::start(mode).await;
        client.create(&new(essentials("c-1", &receiver.url))).await.expect("created");
        fake.send_plain_secret(true);
        let (_, call_outs) = fake.create_entity("reports", 1, json!({})).await;
        assert_eq!(statuses(&call_outs), [[Some(status)]], "{mode:?}");
    }
}

#[tokio::test]
async fn only_the_triggers_asked_for_are_called_out_while_it_is_enabled() {
    let (fake, client, receiver) = scene().await;
    let events = ["entity:shifts:updated", "entity:shifts:clock-in"].map(|text| text.parse().expect("an event"));
    let shifts = Essentials { events: events.to_vec(), ..essentials("c-1", &receiver.url) };
    let id = client.create(&new(shifts)).await.expect("created").id;
    let (shift, call_outs) = fake.create_entity("shifts", 1, json!({})).await;
    assert_eq!(call_outs, [], "created was not asked for");
    assert_eq!(fake.update_entity("shifts", shift, json!({"a": 1})).await.len(), 1);
    assert_eq!(fake.action("shifts", shift, "clock-in").await.len(), 1);
    assert_eq!(fake.action("shifts", shift, "clock-out").await.len(), 0);
    client.suspend(&id, "maintenance").await.expect("suspended");
    assert_eq!(fake.action("shifts", shift, "clock-in").await.len(), 0);
    client.enable(&id).await.expect("enabled");
    assert_eq!(fake.action("shifts", shift, "clock-in").await.len(), 1);
    client.archive(&id).await.expect("archived");
    assert_eq!(fake.action("shifts", shift, "clock-in").await.len(), 0);
}

#[tokio::test]
async fn filters_choose_entities() {
    let (fake, client, receiver) = scene().await;
    let filters = ["status=ACTIVE", "kind:in=A,B", "site:not=9", "who:isNotNull"];
    let filters: Vec<Filter> = filters.iter().map(|text| text.parse().expect("a filter")).collect();
    let definition = new(essentials("c-1", &receiver.url)).filters(&filters).expect("right");
    client.create(&definition).await.expect("created");
    for (entity, called) in [
        (json!({"status": "ACTIVE", "kind": "B", "site": 8, "who": "x"}), 1),
        (json!({"status": "CLOSED", "kind": "B", "site": 8, "who": "x"}), 0),
        (json!({"status": "ACTIVE", "kind": "C", "site": 8, "who": "x"}), 0),
        (json!({"status": "ACTIVE", "kind": "B", "site": 9, "who": "x"}), 0),
        (json!({"status": "ACTIVE", "kind": "B", "site": 8}), 0),
    ] {
        assert_eq!(fake.create_entity("reports", 1, entity.clone()).await.1.len(), called, "{entity}");
    }
}

#[tokio::test]
async fn regions_choose_entities() {
    let (fake, client, receiver) = scene().await;
    // 1 → 2 → 3, 2 → 4, 1 → 5
    for (region, parent) in [(2, 1), (3, 2), (4, 2), (5, 1)] {
        fake.put_region_below(region, parent);
    }
    let included = |id, include_children| vec![IncludedRegion { id, include_children }];
    for (regions, expected) in [
        (Regions::All, vec![1, 2, 3, 4, 5]),
        (Regions::part(included(2, true), vec![4]).expect("a part"), vec![2, 3]),
        (Regions::part(included(2, false), vec![]).expect("a part"), vec![2]),
        (Regions::part(included(1, true), vec![2]).expect("a part"), vec![1, 5]),
    ] {
        let definition = new(Essentials { regions: regions.clone(), ..essentials("c-1", &receiver.url) });
        let id = client.create(&definition).await.expect("created").id;
        let mut called = Vec::new();
        for region in 1..=5 {
            if !fake.create_entity("reports", region, json!({})).await.1.is_empty() {
                called.push(region);
            }
        }
        assert_eq!(called, expected, "{regions:?}");
        client.archive(&id).await.expect("archived");
    }
}

#[tokio::test]
async fn an_update_to_fewer_parts_takes_the_older_ones_away() {
    let (fake, client, receiver) = scene().await;
    let regions = Regions::part(vec![IncludedRegion { id: 2, include_children: true }], vec![]).expect("a part");
    let narrow = new(Essentials { regions, ..essentials("c-1", &receiver.url) });
    let narrow = narrow.filters(&["a=b".parse().expect("a filter")]).expect("right");
    let id = client.create(&narrow).await.expect("created").id;
    assert_eq!(fake.create_entity("reports", 1, json!({})).await.1.len(), 0);
    let wide = new(essentials("c-1", &receiver.url));
    client.update(&id, &wide, tracktik_client::SecretInUpdate::Kept).await.expect("changed");
    assert_eq!(fake.create_entity("reports", 1, json!({})).await.1.len(), 1);
}

#[tokio::test]
async fn inclusions_shape_the_entity() {
    let (fake, client, receiver) = scene().await;
    let inclusions = Inclusions { fields: vec!["title".to_owned()], include: vec!["account".to_owned()] };
    let definition = new(essentials("c-1", &receiver.url)).inclusions(inclusions).expect("right");
    client.create(&definition).await.expect("created");
    let entity = json!({"title": "t", "status": "s", "account": {"id": 4, "name": "n"}, "author": {"id": 5}});
    let (id, _) = fake.create_entity("reports", 1, entity).await;
    assert_eq!(receiver.taken(), [json!({"id": id, "title": "t", "account": {"id": 4, "name": "n"}})]);
}

#[tokio::test]
async fn the_stand_in_loses_repeats_and_doubles_on_demand() {
    let (fake, client, receiver) = scene().await;
    client.create(&new(essentials("c-1", &receiver.url))).await.expect("created");
    fake.lose_call_outs(1);
    assert_eq!(statuses(&fake.create_entity("reports", 1, json!({})).await.1), [[None]]);
    fake.lose_call_outs(1);
    fake.set_retries(2);
    assert_eq!(statuses(&fake.create_entity("reports", 1, json!({})).await.1), [[None, Some(200)]]);
    fake.double_call_outs(1);
    assert_eq!(statuses(&fake.create_entity("reports", 1, json!({})).await.1), [[Some(200), Some(200)]]);
    let taken = receiver.taken();
    assert_eq!(taken.len(), 3);
    assert_eq!(taken[1], taken[2], "a duplicate is the same to the byte");
}
