//! [`Trouble`]: what can go wrong around the app, each with its beginning and its end.

use std::time::Duration;

use super::Soak;
use crate::app;
use crate::desktop::NotificationDaemon;
use crate::fasttrack_fake::{BRAND, Endpoint, Fault};
use crate::wait;

/// How long the app may take to find out that its sid is not accepted: it may be waiting after earlier failures.
const FINDS_OUT: Duration = Duration::from_mins(4);

/// The parts of the API that a signed-in app uses.
const CALLED: [Endpoint; 6] =
    [Endpoint::Config, Endpoint::Login, Endpoint::Authorization, Endpoint::List, Endpoint::One, Endpoint::MarkRead];

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    SocketServerRestarts,
    SocketServerIsAway,
    SocketServerIsFrozen,
    ApiIsAway,
    ServerErrors,
    TooManyRequests,
    SlowAnswers,
    CutAnswers,
    CaptivePortal,
    TokensRunOut,
    SidIsRejected,
    AppIsKilled,
    NotificationServiceIsAway,
}

impl Trouble {
    pub(super) const ALL: [Self; 13] = [
        Self::SocketServerRestarts,
        Self::SocketServerIsAway,
        Self::SocketServerIsFrozen,
        Self::ApiIsAway,
        Self::ServerErrors,
        Self::TooManyRequests,
        Self::SlowAnswers,
        Self::CutAnswers,
        Self::CaptivePortal,
        Self::TokensRunOut,
        Self::SidIsRejected,
        Self::AppIsKilled,
        Self::NotificationServiceIsAway,
    ];

    /// As the table names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SocketServerRestarts => "socket server restarts",
            Self::SocketServerIsAway => "socket server is away",
            Self::SocketServerIsFrozen => "socket server is frozen (half-open sockets)",
            Self::ApiIsAway => "API is away",
            Self::ServerErrors => "burst of 500, some endpoints",
            Self::TooManyRequests => "503 with Retry-After, some endpoints",
            Self::SlowAnswers => "slow answers",
            Self::CutAnswers => "answers cut half-way",
            Self::CaptivePortal => "a captive portal answers",
            Self::TokensRunOut => "tokens run out",
            Self::SidIsRejected => "sid is rejected, a new one signed in",
            Self::AppIsKilled => "app is killed (SIGKILL) and started again",
            Self::NotificationServiceIsAway => "notification service is away",
        }
    }

    pub(super) async fn begin(self, soak: &mut Soak) {
        let fasttrack = &soak.scene.fasttrack;
        match self {
            Self::SocketServerRestarts => soak.scene.sockudo.restart().await,
            Self::SocketServerIsAway => {
                soak.scene.sockudo.kill();
                soak.socket_server_answers = false;
            }
            Self::SocketServerIsFrozen => {
                soak.scene.sockudo.freeze();
                soak.socket_server_answers = false;
            }
            Self::ApiIsAway => soak.scene.fasttrack.stop(),
            Self::ServerErrors => some_endpoints(soak, &Fault::Status(500)).await,
            Self::TooManyRequests => some_endpoints(soak, &Fault::Busy(503, 1)).await,
            Self::SlowAnswers => all_endpoints(soak, &Fault::Slow(Duration::from_millis(1500))),
            Self::CutAnswers => some_endpoints(soak, &Fault::Cut).await,
            Self::CaptivePortal => all_endpoints(soak, &Fault::Html),
            Self::TokensRunOut => fasttrack.expire_tokens(),
            Self::SidIsRejected => {
                fasttrack.reject_sids();
                soak.scene.sockudo.restart().await;
            }
            Self::AppIsKilled => soak.app.kill(),
            Self::NotificationServiceIsAway => soak.scene.desktop.stop("notifications"),
        }
    }

    pub(super) async fn end(self, soak: &mut Soak) {
        match self {
            Self::SocketServerRestarts | Self::TokensRunOut => {}
            Self::SocketServerIsAway => {
                soak.scene.sockudo.restart().await;
                soak.socket_server_answers = true;
            }
            Self::SocketServerIsFrozen => {
                soak.scene.sockudo.thaw();
                soak.socket_server_answers = true;
            }
            Self::ApiIsAway => soak.scene.fasttrack.restart().await,
            Self::ServerErrors | Self::TooManyRequests | Self::SlowAnswers | Self::CutAnswers | Self::CaptivePortal => {
                for endpoint in CALLED {
                    soak.scene.fasttrack.mend(endpoint);
                }
            }
            Self::SidIsRejected => sign_in_anew(soak).await,
            Self::AppIsKilled => {
                soak.app = app::hidden(&soak.scene.desktop);
                app::await_status(&soak.scene.desktop, "answered", |status| status["state"].is_string()).await;
            }
            Self::NotificationServiceIsAway => soak.scene.desktop.start_notifications(NotificationDaemon::Xfce).await,
        }
    }
}

fn all_endpoints(soak: &Soak, fault: &Fault) {
    for endpoint in CALLED {
        soak.scene.fasttrack.break_with(endpoint, fault.clone());
    }
}

/// Lets about half of the endpoints misbehave, and makes sure that somebody calls.
async fn some_endpoints(soak: &mut Soak, fault: &Fault) {
    for endpoint in CALLED {
        if soak.dice.below(2) == 0 {
            soak.scene.fasttrack.break_with(endpoint, fault.clone());
        }
    }
    soak.scene.sockudo.restart().await;
}

async fn sign_in_anew(soak: &mut Soak) {
    let desktop = &soak.scene.desktop;
    wait::within(FINDS_OUT, "the app to find out that its sid is not accepted", || async {
        let status = app::status(desktop).await?;
        if status["state"] == "rejected" { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    soak.sids += 1;
    let sid = format!("sid-of-the-soak-{}-do-not-leak", soak.sids);
    soak.scene.fasttrack.accept(&sid);
    app::sign_in(desktop, &soak.scene.fasttrack.url(), BRAND, &sid).await.succeeded();
}
