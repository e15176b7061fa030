//! Reading the config again: when the socket stays down, and not while a server that is reached asks for patience.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use inbox::{Handle, Options, Secrets};

use crate::{
    fake::{Fake, Refusal},
    world::{Recorder, World, eventually},
};

async fn app_that_reconfigures_soon(world: &World) -> Handle {
    let secrets: Arc<dyn Secrets> = world.secrets.clone();
    let reconfigure_after = Duration::from_millis(300);
    let options = Options { reconfigure_after, jitter: || 0.0, ..Options::new(world.data(), secrets) };
    inbox::start(options, Arc::new(Recorder::default())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_stays_down_has_its_config_read_again_and_follows_it() {
    let (world, fake) = (World::new().await, Fake::start().await);
    let app = app_that_reconfigures_soon(&world).await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    eventually("the config is read again", async || fake.config_reads() > 2).await;
    fake.has_channels_of(&world.server);
    eventually("the new channel server is asked", async || world.server.connections() > 0).await;
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_authorization_that_waits_is_no_reason_to_read_the_config_again() {
    let (world, fake) = (World::new().await, Fake::start().await);
    fake.has_channels_of(&world.server);
    *fake.said.authorization_refusal.lock().unwrap() = Some(Refusal { status: 503, retry_after: None });
    let app = app_that_reconfigures_soon(&world).await;
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    let asked = || fake.said.authorizations.load(Ordering::SeqCst);
    eventually("it is asked a second time", async || asked() >= 2).await;
    let reads = fake.config_reads();
    // Its retries, each later than the one before, take far longer than the wait for a socket that is down.
    eventually("it is asked twice more", async || asked() >= 4).await;
    assert_eq!(fake.config_reads(), reads);
    app.shutdown().await;
}
