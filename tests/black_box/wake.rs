//! What the system tells the app: a wake, an unlock, another network. Each is one list call, a storm is two, the loss of
//! a network none; and a connection that died in a sleep is found at once.

use std::time::{Duration, Instant};

use traybell_tests::compare::line::Line;
use traybell_tests::desktop::{Desktop, NotificationDaemon, Parts};
use traybell_tests::fasttrack_fake::{BRAND, Endpoint, Fasttrack, SID};
use traybell_tests::message::Message;
use traybell_tests::process::Program;
use traybell_tests::sockudo::Sockudo;
use traybell_tests::system_bus::{Network, SystemBus};
use traybell_tests::{app, wait};

/// A trailing list call comes ten seconds after the one before; one that has not come by then does not come.
const TRAILING: Duration = Duration::from_secs(12);

/// A desktop with a system bus, and the app signed in.
struct Stage {
    _app: Program,
    bus: SystemBus,
    fasttrack: Fasttrack,
    sockudo: Sockudo,
    desktop: Desktop,
}

impl Stage {
    async fn set() -> Self {
        Self::with(Parts { notifications: NotificationDaemon::None, tray: false, ..Parts::default() }, None).await
    }

    /// With the services on the bus from the start; `line` becomes the wire to the Pusher server, where one is asked for.
    async fn with(parts: Parts, line: Option<&mut Option<Line>>) -> Self {
        let desktop = Desktop::with(parts).await;
        let mut bus = SystemBus::start(&desktop).await;
        bus.start_logind(&desktop).await;
        bus.start_network_manager(&desktop, Network::WIRED).await;
        Self::on(desktop, bus, line).await
    }

    async fn on(desktop: Desktop, bus: SystemBus, line: Option<&mut Option<Line>>) -> Self {
        let sockudo = Sockudo::start(&desktop).await;
        let port = match line {
            Some(line) => line.insert(Line::to(sockudo.port).await).port,
            None => sockudo.port,
        };
        let fasttrack = Fasttrack::pointing_at(sockudo.app.clone(), port);
        let program = app::hidden(&desktop);
        app::await_status(&desktop, "answered by the running app", |status| status["state"].is_string()).await;
        app::sign_in(&desktop, &fasttrack.url(), BRAND, SID).await.succeeded();
        sockudo.await_subscriber(&fasttrack.channel()).await;
        app::await_status(&desktop, "listed", |status| status["counters"]["list_calls"] == 1).await;
        wait::until_true("the buses are listened to", || app::log(&desktop).contains(LISTENING), || app::log(&desktop))
            .await;
        Self { _app: program, bus, fasttrack, sockudo, desktop }
    }

    fn list_calls(&self) -> usize {
        self.fasttrack.calls(Endpoint::List).len()
    }

    /// Waits until so many list calls were made, and looks until another one would have come.
    async fn calls_are_and_stay(&self, calls: usize) {
        if calls > 0 {
            self.fasttrack.await_calls(Endpoint::List, calls - 1).await;
        }
        let counted = Instant::now();
        wait::until("a trailing call would have come", || async {
            assert_eq!(self.list_calls(), calls, "list calls");
            if counted.elapsed() > TRAILING { Ok(()) } else { Err("none so far".to_owned()) }
        })
        .await;
        let status = app::status(&self.desktop).await.unwrap();
        assert_eq!(status["counters"]["list_calls"], calls, "{status}");
        assert_eq!((&status["state"], &status["counters"]["gaps"]), (&"online".into(), &0.into()), "{status}");
    }
}

/// What the app logs once it hears the system bus.
const LISTENING: &str = "the system bus is listened to";

#[tokio::test]
async fn a_wake_causes_exactly_one_list_call_and_going_to_sleep_none() {
    let stage = Stage::set().await;
    stage.bus.prepare_for_sleep(true).await;
    stage.bus.pretend_to_wake().await;
    stage.calls_are_and_stay(1).await;
    stage.bus.prepare_for_sleep(false).await;
    stage.calls_are_and_stay(2).await;
}

#[tokio::test]
async fn an_unlock_causes_exactly_one_list_call_and_the_lock_and_other_peoples_screens_none() {
    let stage = Stage::set().await;
    stage.bus.locked_hint(true).await;
    stage.bus.locked_hint_of_somebody_else(false).await;
    stage.calls_are_and_stay(1).await;
    // As a desktop does: it is asked to unlock, does, and says so, and its screen saver ends.
    stage.bus.unlock().await;
    stage.bus.locked_hint(false).await;
    screen_saver(&stage.desktop, false).await;
    stage.calls_are_and_stay(2).await;
}

#[tokio::test]
async fn a_screen_saver_that_ends_causes_exactly_one_list_call_where_logind_says_nothing() {
    let stage = Stage::set().await;
    screen_saver(&stage.desktop, true).await;
    screen_saver(&stage.desktop, false).await;
    stage.calls_are_and_stay(2).await;
}

#[tokio::test]
async fn another_network_causes_exactly_one_list_call_and_the_loss_of_one_none() {
    let stage = Stage::set().await;
    stage.bus.network(Network::NONE).await;
    stage.calls_are_and_stay(1).await;
    stage.bus.network(Network::WIRED).await;
    stage.calls_are_and_stay(2).await;
    stage.bus.network(Network::WIRELESS).await;
    stage.calls_are_and_stay(3).await;
}

#[tokio::test]
async fn a_burst_of_signals_causes_one_list_call_and_one_after_it_at_most() {
    let stage = Stage::set().await;
    for network in [Network::NONE, Network::WIRED].into_iter().cycle().take(20) {
        stage.bus.network(network).await;
    }
    stage.fasttrack.await_calls(Endpoint::List, 1).await;
    for network in [Network::NONE, Network::WIRED].into_iter().cycle().take(20) {
        stage.bus.network(network).await;
    }
    stage.calls_are_and_stay(3).await;
}

#[tokio::test]
async fn services_that_appear_after_the_app_or_restart_are_heard() {
    let parts = Parts { notifications: NotificationDaemon::None, tray: false, ..Parts::default() };
    let desktop = Desktop::with(parts).await;
    let bus = SystemBus::start(&desktop).await;
    let mut stage = Stage::on(desktop, bus, None).await;
    stage.bus.start_logind(&stage.desktop).await;
    stage.bus.prepare_for_sleep(false).await;
    stage.calls_are_and_stay(2).await;
    stage.bus.start_network_manager(&stage.desktop, Network::WIRED).await;
    stage.bus.network(Network::NONE).await;
    stage.bus.stop_network_manager().await;
    stage.bus.start_network_manager(&stage.desktop, Network::NONE).await;
    let before = stage.list_calls();
    stage.bus.network(Network::WIRED).await;
    stage.fasttrack.await_calls(Endpoint::List, before).await;
}

#[tokio::test]
async fn a_connection_that_died_in_a_sleep_is_found_at_once_and_what_was_sent_meanwhile_appears() {
    let mut line = None;
    let mut stage = Stage::with(Parts::default(), Some(&mut line)).await;
    let line = line.unwrap();
    stage.bus.prepare_for_sleep(true).await;
    line.silence();
    stage.fasttrack.send(&stage.sockudo, &Message::new("message", "While it slept")).await;
    stage.bus.prepare_for_sleep(false).await;
    let woke = Instant::now();
    app::await_status(&stage.desktop, "connected anew", |status| {
        status["state"] == "online" && status["counters"]["gaps"] == 1
    })
    .await;
    // The ping of a healthy time would have come after two minutes.
    assert!(woke.elapsed() < Duration::from_secs(20), "after {:?}", woke.elapsed());
    app::await_listed(&stage.desktop, &["While it slept"]).await;
    stage.fasttrack.send(&stage.sockudo, &Message::new("message", "After it woke")).await;
    app::await_listed(&stage.desktop, &["While it slept", "After it woke"]).await;
}

/// A desktop's screen saver begins or ends.
async fn screen_saver(desktop: &Desktop, active: bool) {
    let nobody: Option<&str> = None;
    let (path, interface) = ("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver");
    desktop.bus().await.emit_signal(nobody, path, interface, "ActiveChanged", &active).await.unwrap();
}
