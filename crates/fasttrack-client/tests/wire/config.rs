//! Reading the configuration: brands, insecure servers, redirects.

use fasttrack_client::{Environment, Error, read_config};

use crate::fake::{Fake, Fault, http};

#[tokio::test]
async fn an_unknown_brand_is_named() {
    let fake = Fake::start().await;
    let outcome = read_config(&http(), &fake.environment(), "nobody", false).await;
    assert_eq!(outcome, Err(Error::UnknownBrand { brand: "nobody".to_owned() }));
}

#[tokio::test]
async fn what_is_no_brand_is_never_asked_for() {
    let fake = Fake::start().await;
    for brand in ["", "..", "a/b", "https://example.com"] {
        let outcome = read_config(&http(), &fake.environment(), brand, false).await;
        assert!(matches!(outcome, Err(Error::Input { .. })), "{brand:?}: {outcome:?}");
    }
    assert!(fake.seen("").is_empty());
}

#[tokio::test]
async fn an_insecure_server_is_not_contacted_unless_confirmed() {
    // A name that leads nowhere (RFC 2606): what matters is whether it is tried.
    let environment: Environment = "http://server.invalid".parse().expect("an address");
    let refused = read_config(&http(), &environment, "demo", false).await;
    assert!(matches!(refused, Err(Error::Insecure { .. })), "{refused:?}");
    let tried = read_config(&crate::fake::impatient(), &environment, "demo", true).await;
    assert!(!matches!(tried, Err(Error::Insecure { .. })), "{tried:?}");
}

#[tokio::test]
async fn a_configuration_may_have_moved() {
    let (old, new) = (Fake::start().await, Fake::start().await);
    old.fault("/api/v1/config", Fault::redirect(&format!("{}/api/v1/config/demo", new.url)));
    let config = old.config(&http()).await.expect("a configuration");
    assert!(config.fusion_url.as_str().starts_with(&new.url), "it is the new server's");
}

#[tokio::test]
async fn a_configuration_is_not_followed_below_its_floor_nor_in_circles() {
    let fake = Fake::start().await;
    fake.fault("/api/v1/config", Fault::redirect("http://server.invalid/api/v1/config/demo"));
    let outcome = fake.config(&http()).await;
    assert!(matches!(outcome, Err(Error::Insecure { .. })), "{outcome:?}");

    fake.fault("/api/v1/config", Fault::redirect("/api/v1/config/demo"));
    let outcome = fake.config(&http()).await;
    assert!(matches!(outcome, Err(Error::Shape { .. })), "{outcome:?}");
    assert!(fake.seen("/api/v1/config").len() < 10);
}

#[tokio::test]
async fn an_answer_that_is_no_configuration_is_told_apart() {
    let fake = Fake::start().await;
    fake.fault("/api/v1/config", Fault::body("text/html", "<html>Log in to the hotel's network</html>"));
    let outcome = fake.config(&http()).await;
    assert_eq!(outcome, Err(Error::NotJson { content_type: Some("text/html".to_owned()) }));
    fake.fault("/api/v1/config", Fault::body("application/json", "[1,2]"));
    assert!(matches!(fake.config(&http()).await, Err(Error::Shape { .. })));
    fake.fault("/api/v1/config", Fault::status(500));
    assert!(matches!(fake.config(&http()).await, Err(Error::Status { status: 500, .. })));
}
