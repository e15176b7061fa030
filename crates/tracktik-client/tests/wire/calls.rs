//! Each call, in both forms of answers.

use secrecy::SecretString;
use tracktik_client::{Error, Essentials, Id, IncludedRegion, Inclusions, NewSubscription, Regions, SecretInUpdate};

use crate::stage::{SECRET, client, definition, essentials};
use crate::tracktik_fake::{Standing, TracktikFake};

fn number(id: &Id) -> u64 {
    id.as_str().parse().expect("a number")
}

#[tokio::test]
async fn a_subscription_is_created_read_changed_suspended_enabled_and_archived() {
    for (bare, created) in [(false, 200), (true, 201)] {
        let fake = TracktikFake::start().await;
        fake.answer_bare(bare);
        fake.set_created_status(created);
        let client = client(&fake);
        let subscription = client.create(&definition("c-1")).await.expect("created");
        let id = subscription.id.clone();
        assert_eq!(subscription.custom_id.as_deref(), Some("c-1"));
        assert!(!subscription.others.contains_key("secret"), "the secret is write-only");

        let changed = definition("c-2").failure_email("ops@example.com").expect("an address");
        let changed = client.update(&id, &changed, SecretInUpdate::Kept).await.expect("changed");
        assert_eq!(changed.custom_id.as_deref(), Some("c-2"));
        let read = client.get(&id, false).await.expect("read");
        assert_eq!(read.failure_email.as_deref(), Some("ops@example.com"));
        assert!(read.logs.is_empty());

        let standing = || fake.stored(number(&id)).expect("stored").1;
        client.suspend(&id, "maintenance").await.expect("suspended");
        assert_eq!(standing(), Standing::Suspended);
        client.enable(&id).await.expect("enabled");
        assert_eq!(standing(), Standing::Enabled);
        client.archive(&id).await.expect("archived");
        assert_eq!(standing(), Standing::Archived);
        assert_eq!(client.list().await.expect("a list"), [], "bare: {bare}");
    }
}

#[tokio::test]
async fn a_definition_with_every_part_passes_the_schema() {
    let fake = TracktikFake::start().await;
    let regions = vec![IncludedRegion { id: 3, include_children: true }];
    let regions = Regions::part(regions, vec![5]).expect("a part");
    let new = Essentials { regions, ..essentials("c-1", "https://relay.example/callout") };
    let new = NewSubscription::new(new).expect("right");
    let filters = ["status=ACTIVE", "type:in=A,B", "kind:not=C", "lastName:isNotNull"].map(str::parse);
    let filters: Vec<_> = filters.into_iter().collect::<Result<_, _>>().expect("filters");
    let new = new.filters(&filters).expect("right").language("fr".parse().expect("known"));
    let inclusions = Inclusions { fields: vec!["customId".to_owned()], include: vec!["account".to_owned()] };
    let new = new.inclusions(inclusions).expect("right").secret_header_name("X-Sig").expect("right");
    let id = client(&fake).create(&new).await.expect("created").id;
    let (stored, _) = fake.stored(number(&id)).expect("stored");
    assert_eq!(stored["secret"], SECRET);
    assert_eq!(stored["userDefinedFilters"]["0"], "lastName:isNotNull");
    assert_eq!(stored["contextFilters"]["exclusions"][0], "context.region.5");
}

#[tokio::test]
async fn an_update_keeps_or_replaces_the_secret_as_it_is_told() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    let id = client.create(&definition("c-1")).await.expect("created").id;
    let secret = SecretString::from("another-secret-of-16");
    let new = Essentials { secret, ..essentials("c-1", "https://relay.example/callout") };
    let new = NewSubscription::new(new).expect("right");
    let stored = || fake.stored(number(&id)).expect("stored").0["secret"].clone();
    client.update(&id, &new, SecretInUpdate::Kept).await.expect("changed");
    assert_eq!(stored(), SECRET);
    client.update(&id, &new, SecretInUpdate::Replaced).await.expect("changed");
    assert_eq!(stored(), "another-secret-of-16");
}

#[tokio::test]
async fn lists_are_read_page_by_page_to_their_end() {
    for (bare, page, largest, total, requests) in [
        (false, 2, 1000, 5, 3),
        (true, 2, 1000, 5, 3),
        (false, 2, 1000, 4, 3),
        (false, 1000, 2, 5, 3),
        (true, 9, 9, 0, 1),
    ] {
        let fake = TracktikFake::start().await;
        let client = client(&fake).in_pages_of(page);
        for number in 0..total {
            client.create(&definition(&format!("c-{number}"))).await.expect("created");
        }
        fake.answer_bare(bare);
        fake.set_largest_page(largest);
        let ids: Vec<_> = client.list().await.expect("a list").iter().map(|one| number(&one.id)).collect();
        assert_eq!(ids, fake.ids(), "bare {bare}, page {page}, largest {largest}");
        let seen = fake.seen("GET /rest/v1/events-subscriptions");
        assert_eq!(seen.len(), requests, "bare {bare}, page {page}, largest {largest}, total {total}");
        assert_eq!(seen[0].query, format!("limit={page}&offset=0&sort=id"));
    }
}

#[tokio::test]
async fn the_headers_name_version_language_and_regions() {
    let fake = TracktikFake::start().await;
    client(&fake).list().await.expect("a list");
    let french = client(&fake).in_language("fr".parse().expect("known"));
    french.in_regions(&[1000, 1111]).expect("regions").list().await.expect("a list");
    let seen = fake.seen("events-subscriptions");
    assert_eq!(seen[0].headers["accept"], "application/vnd.tracktik.v2020-01-01+json");
    assert!(!seen[0].headers.contains_key("ttc-language") && !seen[0].headers.contains_key("ttc-region-filter"));
    assert_eq!(seen[1].headers["ttc-language"], "fr");
    assert_eq!(seen[1].headers["ttc-region-filter"], "1000,1111");
    assert!(client(&fake).in_regions(&[]).is_err());
}

#[tokio::test]
async fn suspending_needs_a_reason_before_anything_is_sent() {
    let fake = TracktikFake::start().await;
    for reason in ["", "  \n"] {
        let error = client(&fake).suspend(&7.into(), reason).await.expect_err("refused");
        assert!(matches!(error, Error::Input { .. }), "{error:?}");
    }
    assert!(fake.seen("").is_empty());
}

/// What the client takes for an event is what the published schema has, and the stand-in goes by a copy of its own.
#[test]
fn the_clients_table_is_the_schemas() {
    assert_eq!(include_str!("../../src/entities.tsv"), crate::tracktik_fake::check::TABLE);
}

#[tokio::test]
async fn what_is_archived_is_so_for_good() {
    let fake = TracktikFake::start().await;
    let client = client(&fake);
    let id = client.create(&definition("c-1")).await.expect("created").id;
    client.archive(&id).await.expect("archived");
    assert!(client.enable(&id).await.is_err() && client.suspend(&id, "a test").await.is_err());
    assert_eq!(fake.stored(number(&id)).expect("stored").1, Standing::Archived);
}

#[tokio::test]
async fn a_list_that_fills_the_memory_is_ended() {
    let fake = TracktikFake::start().await;
    let client = client(&fake).in_pages_of(1);
    let mut id = 0;
    for _ in 0..20 {
        id += 1;
        let page = format!(r#"[{{"id": {id}, "name": "{}"}}]"#, "x".repeat(5 * 1024 * 1024));
        fake.fault("/rest/v1/events-subscriptions", 1, crate::tracktik_fake::Fault::body(200, page));
    }
    let refused = client.list().await.expect_err("too much").to_string();
    assert!(refused.contains("64 MiB"), "{refused}");
}
