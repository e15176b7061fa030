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
async fn a_config_that_changed_is_followed_although_the_old_server_still_answers() {
    let (world, fake) = (World::new().await, Fake::start().await);
    let old_folder = tempfile::tempdir().unwrap();
    let old = crate::world::start_server(old_folder.path(), 0).await;
    fake.has_channels_of(&old);
    let secrets: Arc<dyn Secrets> = world.secrets.clone();
    let options = Options { reread_config_after: Duration::from_millis(200), ..Options::new(world.data(), secrets) };
    let app = inbox::start(options, Arc::new(Recorder::default())).await.unwrap();
    app.sign_in(fake.sign_in(&world)).await.unwrap();
    eventually("connected to the old one", async || old.connections() > 0).await;
    let logins = fake.log_ins();
    let reads = fake.config_reads();
    eventually("the config is read, and read again", async || fake.config_reads() > reads + 2).await;
    assert_eq!(fake.log_ins(), logins, "a config that says the same costs no log-in");
    fake.has_channels_of(&world.server);
    eventually("the new one is asked", async || world.server.connections() > 0).await;
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
