//! A machine whose clock is wrong by hours.

use std::{sync::Arc, time::Duration};

use inbox::{Handle, Options, Secrets};
use jiff::Timestamp;
use relay::NewMessage;

use crate::world::{Recorder, SID, World, eventually, is_live, rows, until};

fn three_hours_ahead() -> Timestamp {
    Timestamp::now() + Duration::from_hours(3)
}

async fn app_ahead(world: &World, host: &Arc<Recorder>) -> Handle {
    let secrets: Arc<dyn Secrets> = world.secrets.clone();
    let options = Options { now: three_hours_ahead, ..Options::new(world.data(), secrets) };
    inbox::start(options, Arc::clone(host)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_would_be_over_by_a_wrong_clock_is_listed_alerted_and_marked() {
    let (world, host) = (World::new().await, Arc::new(Recorder::default()));
    let app = app_ahead(&world, &host).await;
    app.sign_in(world.sign_in(SID)).await.unwrap();
    until(&app, "live and listed", |view| is_live(view) && view.up_to_date).await;
    let expires = Some(Timestamp::now() + Duration::from_hours(1));
    let short = NewMessage { title: "For an hour".into(), body: "x".into(), expires, ..NewMessage::default() };
    let id = inbox::MessageId(world.server.send(&world.user, short).await.unwrap().to_string());
    until(&app, "the message", |view| view.unread == 1).await;
    eventually("its alert", async || host.titles() == ["For an hour"]).await;
    assert_eq!(rows(&app).await.len(), 1);
    app.mark_read(id.clone()).await.unwrap();
    app.flush().await.unwrap();
    assert!(world.is_read_on_server(&id).await);
    app.shutdown().await;

    // Nor does a start that cannot ask the server hide it.
    world.server.shutdown().await;
    let app = app_ahead(&world, &host).await;
    assert_eq!(rows(&app).await.len(), 1);
    app.shutdown().await;
}
