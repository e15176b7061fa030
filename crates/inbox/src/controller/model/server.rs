//! [`Server`]: the brand's server, played: the Fast Track API behind [`Carrier`]. It knows what is true of every message,
//! and whom it turned away.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fasttrack_client::Carrier;
use jiff::{SignedDuration, Timestamp};
use pusher_client::{ChannelEvent, Event};
use reqwest::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    clock::Clocks,
    step::{Fault, Part, Sending, Way},
};
use crate::controller::{
    live::Reports,
    news::{News, What},
};

pub(super) const BRAND: &str = "acme";
pub(super) const ENVIRONMENT: &str = "http://127.0.0.1:9/";
pub(super) const USER: &str = "123";
/// A call that was on its way when the sid was refused may end this much later: it waits for its answer no longer.
const STRAGGLERS: SignedDuration = SignedDuration::from_secs(65);

/// A message as the server has it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Sent {
    pub(super) with_id: bool,
    pub(super) version: u32,
    pub(super) silent: bool,
    pub(super) read: bool,
    pub(super) listed: bool,
    pub(super) expires: Option<Timestamp>,
    dated: Option<Timestamp>,
    /// How often a definite no to its read mark was given.
    pub(super) refusals: u32,
}

/// The brand's server.
pub(super) struct Server {
    clocks: Clocks,
    state: Mutex<State>,
    /// Whether a socket holds.
    pub(super) socket: watch::Sender<bool>,
}

/// What it knows.
pub(super) struct State {
    messages: Vec<Sent>,
    sid: u32,
    tokens: HashSet<String>,
    tokens_given: u32,
    faults: HashMap<Part, (Fault, u8)>,
    pub(super) latency: Duration,
    /// Counts the program's connections: only the last one is its own.
    pub(super) line: u64,
    pub(super) reports: Option<Reports>,
    pub(super) subscribed: bool,
    lists: u64,
    turned_away: Option<SignedDuration>,
    complaint: Option<String>,
}

impl Server {
    pub(super) fn new(clocks: Clocks) -> Arc<Self> {
        let state = State {
            messages: Vec::new(),
            sid: 0,
            tokens: HashSet::new(),
            tokens_given: 0,
            faults: HashMap::new(),
            latency: Duration::ZERO,
            line: 0,
            reports: None,
            subscribed: false,
            lists: 0,
            turned_away: None,
            complaint: None,
        };
        Arc::new(Self { clocks, state: Mutex::new(state), socket: watch::Sender::new(true) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn messages(&self) -> Vec<Sent> {
        self.state().messages.clone()
    }

    pub(super) fn sid(&self) -> String {
        format!("sid-{}", self.state().sid)
    }

    /// How many lists were read off.
    pub(super) fn lists(&self) -> u64 {
        self.state().lists
    }

    /// What somebody did that nobody may do.
    pub(super) fn complaint(&self) -> Option<String> {
        self.state().complaint.take()
    }

    pub(super) fn send(&self, send: &Sending) {
        let now = self.clocks.server();
        let minutes = |minutes: i64| now + SignedDuration::from_mins(minutes);
        let mut state = self.state();
        state.messages.push(Sent {
            with_id: !send.without_id,
            version: 0,
            silent: send.silent,
            read: false,
            listed: send.way != Way::LiveOnly,
            expires: send.expires_in_minutes.map(|after| minutes(after.into())),
            dated: send.dated.map(|from_now| minutes(from_now.into())),
            refusals: 0,
        });
        let n = state.messages.len() - 1;
        if send.way != Way::ListOnly {
            // Without an id, what is cut is another message.
            state.publish(n, send.cut && !send.without_id);
        }
    }

    pub(super) fn resend(&self, which: usize, live: bool, cut: bool) {
        self.change(which, |state, n| {
            // Without an id it would be another message.
            if state.messages[n].with_id {
                state.messages[n].version += 1;
                if live || !state.messages[n].listed {
                    state.publish(n, cut);
                }
            }
        });
    }

    pub(super) fn repeat(&self, which: usize) {
        self.change(which, |state, n| state.publish(n, false));
    }

    pub(super) fn expire(&self, which: usize, live: bool) {
        let then = self.clocks.server() - SignedDuration::from_mins(5);
        self.change(which, |state, n| {
            if state.messages[n].with_id {
                state.messages[n].expires = Some(then);
                if live || !state.messages[n].listed {
                    state.publish(n, false);
                }
            }
        });
    }

    /// Answers which one that is.
    pub(super) fn read_elsewhere(&self, which: usize) -> Option<usize> {
        let mut read = None;
        self.change(which, |state, n| {
            state.messages[n].read = true;
            read = Some(n);
        });
        read
    }

    pub(super) fn unlist(&self, which: usize) {
        self.change(which, |state, n| state.messages[n].listed = false);
    }

    fn change(&self, which: usize, change: impl FnOnce(&mut State, usize)) {
        let mut state = self.state();
        let many = state.messages.len();
        if many > 0 {
            change(&mut state, which % many);
        }
    }

    pub(super) fn break_with(&self, part: Part, fault: Fault, calls: u8) {
        self.state().faults.insert(part, (fault, calls));
    }

    pub(super) fn expire_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Another sid is accepted now.
    pub(super) fn reject_sid(&self) {
        let mut state = self.state();
        state.sid += 1;
        state.tokens.clear();
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    pub(super) fn set_socket(&self, up: bool) {
        self.socket.send_replace(up);
    }

    /// Everything works from now on.
    pub(super) fn mend(&self) {
        self.state().faults.clear();
        self.set_latency(Duration::from_millis(5));
        self.set_socket(true);
    }

    /// The program is gone: so are its calls and its socket. Its next one may try the sid again.
    pub(super) fn hang_up(&self) {
        let mut state = self.state();
        state.reports = None;
        state.subscribed = false;
        state.line += 1;
        state.turned_away = None;
    }

    /// The person is about to sign in.
    pub(super) fn expects_sign_in(&self) {
        self.state().turned_away = None;
    }

    /// A call arrives: what goes wrong with it, and how long it is on its way.
    fn arrives(&self, part: Part) -> (Option<Fault>, Duration) {
        let now = self.clocks.elapsed();
        let mut state = self.state();
        if state.turned_away.is_some_and(|at| now > at + STRAGGLERS) {
            state.complaint = Some(format!("{part:?} was called with a sid that had been refused"));
        }
        let fault = state.faults.get_mut(&part).map(|(fault, calls)| {
            *calls -= 1;
            (*fault, *calls)
        });
        if fault.is_some_and(|(_, left)| left == 0) {
            state.faults.remove(&part);
        }
        (fault.map(|(fault, _)| fault), state.latency)
    }

    async fn answer(&self, request: Request) -> Response {
        let Some((part, id)) = part_of(request.url().path()) else { return self.response(404, None, &Value::Null) };
        let (fault, latency) = self.arrives(part);
        on_the_way(latency).await;
        match fault {
            Some(Fault::Broken) => return self.response(500, None, &Value::Null),
            Some(Fault::Busy(seconds)) => return self.response(503, Some(seconds), &Value::Null),
            Some(Fault::Garbled) => return self.response(200, None, &Value::Null),
            Some(Fault::Dead) => return pending().await,
            _ => {}
        }
        let refuses = fault == Some(Fault::Refused);
        let (status, answer) = self.state().act(part, &id, &request, refuses);
        on_the_way(latency).await;
        if fault == Some(Fault::Lost) {
            return pending().await;
        }
        self.state().answered(part, &answer, self.clocks.elapsed());
        self.response(status, None, &answer)
    }

    fn response(&self, status: u16, retry_after: Option<u16>, body: &Value) -> Response {
        let date = self.clocks.server().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let mut response = http::Response::builder().status(status).header("date", date);
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        let body = if body.is_null() { String::from("<html>") } else { body.to_string() };
        response.body(body).unwrap().into()
    }
}

impl Carrier for Server {
    fn carry(&self, request: Request) -> Pin<Box<dyn Future<Output = Result<Response, reqwest::Error>> + Send + '_>> {
        Box::pin(async move { Ok(self.answer(request).await) })
    }
}

impl State {
    /// The channel brings it, if it is there.
    fn publish(&mut self, n: usize, cut: bool) {
        let data = self.messages[n].on_the_wire(n, cut).to_string();
        if self.subscribed {
            self.tell(self.line, What::Channel(ChannelEvent::Event(Event::new("private", "message", data))));
        }
    }

    /// Reports to the program, where this line is still its own.
    pub(super) fn tell(&mut self, line: u64, what: What) {
        if line != self.line {
            return;
        }
        if let Some(Reports { scope, news }) = &self.reports
            && news.try_send(News { scope: *scope, what }).is_err()
        {
            // The program is gone, or has not looked for hundreds of reports: as if the line were cut.
            self.subscribed = false;
        }
    }

    /// An answer arrives: what the program knows from now on.
    fn answered(&mut self, part: Part, answer: &Value, now: SignedDuration) {
        if answer["Success"] != false {
            return;
        }
        if part == Part::Login {
            self.turned_away.get_or_insert(now);
        } else if let Some(message) = answer["n"].as_u64().and_then(|n| self.messages.get_mut(usize::try_from(n).ok()?))
        {
            message.refusals += 1;
        }
    }

    /// Does what a call asks for.
    fn act(&mut self, part: Part, id: &str, request: &Request, refuses: bool) -> (u16, Value) {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = header("authtoken");
        match part {
            Part::Config => {
                let api = format!("{ENVIRONMENT}api");
                return (200, json!({"fusionUrl": api, "pusherKey": "key", "pusherRegion": "eu"}));
            }
            Part::Login if token != format!("sid-{}", self.sid) => {
                return (200, json!({"Data": null, "Success": false, "Errors": [{"Message": "no"}]}));
            }
            Part::Login => {
                self.tokens_given += 1;
                let token = format!("token-{}", self.tokens_given);
                self.tokens.insert(token.clone());
                let user = json!({"UserId": USER, "BrandId": 7, "Firstname": "Darth", "Lastname": "Vader"});
                let authentication = json!({"IsAuthenticated": true, "AuthToken": token});
                return (200, done(&json!({"Authentication": authentication, "User": user})));
            }
            Part::Authorization => {
                let query = request.url().query_pairs().find(|(name, _)| name == "authToken");
                let known = query.is_some_and(|(_, token)| self.tokens.contains(token.as_ref()));
                return if known { (200, json!({"auth": "key:signature"})) } else { (403, Value::Null) };
            }
            _ if !self.tokens.contains(token) => return (401, Value::Null),
            _ => {}
        }
        let asked = |id: &str| id.parse::<usize>().ok().filter(|n| *n > 0 && *n <= self.messages.len()).map(|n| n - 1);
        match part {
            Part::One => match asked(id) {
                Some(n) => (200, done(&self.messages[n].on_the_wire(n, false))),
                None => (404, Value::Null),
            },
            Part::Mark => {
                let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let Some(n) = asked(&body["MessageId"].to_string()) else { return (404, Value::Null) };
                if refuses {
                    return (409, json!({"Success": false, "Errors": [{"Message": "It is locked"}], "n": n}));
                }
                self.messages[n].read = true;
                (200, done(&json!(true)))
            }
            _ => {
                self.lists += 1;
                let listed = self.messages.iter().enumerate().filter(|(_, message)| message.listed);
                (200, done(&Value::Array(listed.map(|(n, message)| message.on_the_wire(n, false)).collect())))
            }
        }
    }
}

impl Sent {
    /// Its id on the server is one more than its number.
    fn on_the_wire(&self, n: usize, cut: bool) -> Value {
        let mut fields = json!({
            "Event": "message",
            "Title": title(n, self.version),
            "PreviewText": "p",
            "Message": if cut { "" } else { "text" },
            "DisplayType": if self.silent { "silent" } else { "push" },
            "IsRead": self.read,
        });
        let date = |at: Timestamp| json!(at.strftime("%Y-%m-%d %H:%M:%S").to_string());
        if self.with_id {
            fields["MessageId"] = json!(n + 1);
        }
        if let Some(at) = self.dated {
            fields["Date"] = date(at);
        }
        if let Some(at) = self.expires {
            fields["Expires"] = date(at);
        }
        fields
    }
}

/// What a message is called: nothing else tells those apart that have no id.
fn title(n: usize, version: u32) -> String {
    format!("m{n}v{version}")
}

/// The number and the version in a title.
pub(super) fn numbers(title: &str) -> Option<(usize, u32)> {
    let (n, version) = title.strip_prefix('m')?.split_once('v')?;
    Some((n.parse().ok()?, version.parse().ok()?))
}

fn done(data: &Value) -> Value {
    json!({"Data": data, "Success": true, "Errors": []})
}

fn part_of(path: &str) -> Option<(Part, String)> {
    let last = path.rsplit('/').next().unwrap_or_default().to_owned();
    let part = match path {
        path if path.contains("/config/") => Part::Config,
        path if path.contains("LoginAuthToken") => Part::Login,
        path if path.contains("/pusher/") => Part::Authorization,
        path if path.contains("/user-notifications") => Part::List,
        path if path.contains("/user-notification/") => Part::One,
        path if path.contains("MarkNotificationAsRead") => Part::Mark,
        _ => return None,
    };
    Some((part, last))
}

/// Waits for as long as a call takes, one way.
pub(super) async fn on_the_way(latency: Duration) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
}
