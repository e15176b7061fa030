//! The roster's rules, without a socket.

use serde_json::{Value, json};

use super::*;
use crate::{
    authorizer::AuthorizeError,
    entry::LONGEST_RETRY_AFTER,
    event::{Event, Gap},
    frame::Frame,
    queue::Next,
};

const SECOND: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(15);
const EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

struct Bench {
    roster: Roster,
    now: Instant,
}

fn bench() -> Bench {
    let backoff = Backoff::new(SECOND, SECOND * 8, 4, SECOND * 60);
    Bench { roster: Roster::new(backoff, LIMIT), now: Instant::now() }
}

impl Bench {
    fn join(&mut self, channel: &str) -> Arc<Queue<ChannelEvent>> {
        let queue = Arc::new(Queue::new(16, 1 << 20));
        let kind = if channel == USER { Kind::User } else { Kind::Channel(ChannelKind::of(channel)) };
        self.roster.join(channel.into(), kind, queue.clone(), self.now);
        queue
    }

    /// What is to be done now, with a number of free slots.
    fn due(&mut self, slots: usize) -> (Vec<Action>, Option<Duration>) {
        let next = self.roster.due(self.now, EPOCH, slots, 1.0);
        (self.roster.actions(), next.map(|at| at - self.now))
    }

    /// The ticket of the one authorization that is to be asked for.
    fn ticket(&mut self) -> u64 {
        match self.due(4).0.as_slice() {
            [Action::Authorize { ticket, .. } | Action::Authenticate { ticket }] => *ticket,
            other => panic!("one authorization was expected: {other:?}"),
        }
    }

    fn next(&mut self) -> Option<Duration> {
        let (actions, next) = self.due(4);
        assert_eq!(actions, [], "nothing is due yet");
        next
    }

    fn grant(&mut self, channel: &str, ticket: u64, authorization: Authorization) -> Vec<Action> {
        self.roster.granted(channel, ticket, Grant::Channel(authorization), self.now);
        self.roster.actions()
    }

    /// Whether an ordinary grant of this ticket leads to a subscription.
    fn granted(&mut self, channel: &str, ticket: u64) -> bool {
        let actions = self.grant(channel, ticket, Authorization::new("k:s"));
        !actions.is_empty()
    }

    fn denied(&mut self, channel: &str, ticket: u64, error: &AuthorizeError) -> Vec<Action> {
        self.roster.denied(channel, ticket, error, self.now, 1.0);
        self.roster.actions()
    }

    fn deliver(&mut self, event: &Event) {
        let frame = json!({ "event": event.name(), "channel": event.channel(), "data": event.raw() }).to_string();
        self.roster.deliver(Frame::decode(&frame).unwrap(), self.now);
    }

    fn accepted(&mut self, channel: &str, data: &Value) -> Vec<Action> {
        self.roster.accepted(channel, data, EPOCH);
        self.roster.actions()
    }

    /// Takes `private-a` to a live subscription.
    fn subscribed(&mut self) {
        let ticket = self.ticket();
        assert!(self.granted("private-a", ticket));
        assert_ne!(self.accepted("private-a", &Value::Null), []);
    }

    /// Takes the user to a sign-in that is sent, and `presence-a` to where it waits for that.
    fn wait_for_a_name(&mut self) {
        self.join(USER);
        let ticket = self.ticket();
        self.roster.granted(USER, ticket, Grant::User(Authentication::new("k:s", "{}")), self.now);
        self.roster.actions();
        self.join("presence-a");
        let ticket = self.ticket();
        assert!(!self.granted("presence-a", ticket), "it waits for a name");
    }

    /// Takes the user to a live sign-in.
    fn signed_in(&mut self) -> Vec<Action> {
        let ticket = self.ticket();
        self.roster.granted(USER, ticket, Grant::User(Authentication::new("k:s", "{}")), self.now);
        let sent = vec![Action::Send(frame::sign_in(&Authentication::new("k:s", "{}")))];
        assert_eq!(self.roster.actions(), sent);
        self.roster.signed_in(&json!({ "user_data": r#"{"id":"7"}"# }), self.now);
        self.roster.actions()
    }
}

fn refusal() -> AuthorizeError {
    AuthorizeError::Refused { status: Some(403), message: "no".into() }
}

fn unavailable(retry_after: Option<Duration>) -> AuthorizeError {
    AuthorizeError::Temporary { retry_after, message: "503".into() }
}

fn refused(channel: &str, status: Option<u16>, message: &str) -> Vec<Action> {
    let message = message.into();
    vec![Action::Tell(ClientEvent::AuthorizationFailed { channel: channel.into(), status, message })]
}

const UNANSWERED: &str = "the server has not answered";

fn delayed(channel: &str, reason: &str, seconds: u32) -> Action {
    let (channel, reason, retry_in) = (channel.into(), reason.into(), SECOND * seconds);
    Action::Tell(ClientEvent::SubscriptionDelayed { channel, reason, retry_in })
}

fn subscribe(channel: &str) -> Action {
    Action::Send(frame::subscribe(channel, None))
}

fn unsubscribe(channel: &str) -> Action {
    Action::Send(frame::unsubscribe(channel))
}

async fn read(queue: &Queue<ChannelEvent>) -> ChannelEvent {
    match queue.next().await {
        Some(Next::Item(event)) => event,
        other => panic!("an event was expected: {other:?}"),
    }
}

#[test]
fn a_public_channel_is_subscribed_without_asking() {
    let mut bench = bench();
    bench.join("a");
    assert_eq!(bench.due(4).0, [subscribe("a")]);
    assert_eq!(bench.due(4).0, []);
    let told = [Action::Tell(ClientEvent::Subscribed { channel: "a".into() })];
    assert_eq!(bench.accepted("a", &Value::Null), told);
}

#[test]
fn authorizations_at_once_are_capped() {
    let mut bench = bench();
    for number in 0..10 {
        bench.join(&format!("private-{number}"));
    }
    let (actions, next) = bench.due(4);
    assert_eq!(actions.len(), 4);
    assert_eq!(next, None, "those without a slot wait for one, not for the clock");
    assert_eq!(bench.due(0).0, []);
    assert_eq!(bench.due(3).0.len(), 3);
}

#[test]
fn an_authorization_for_an_older_connection_is_discarded() {
    let mut bench = bench();
    bench.join("private-a");
    let old = bench.ticket();
    bench.roster.disconnected(EPOCH, bench.now);
    assert!(!bench.granted("private-a", old));
    let new = bench.ticket();
    assert!(!bench.granted("private-a", old));
    assert_eq!(bench.denied("private-a", old, &refusal()), []);
    assert!(bench.granted("private-a", new));
}

#[test]
fn a_channel_dropped_and_taken_again_while_pending_is_authorized_once_more() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    let old = bench.ticket();
    bench.roster.leave("private-a", &queue, bench.now);
    assert_eq!(bench.roster.actions(), [], "the server never heard of it");
    assert!(!bench.granted("private-a", old), "nobody wants it any more");
    bench.join("private-a");
    let new = bench.ticket();
    assert!(!bench.granted("private-a", old));
    assert!(bench.granted("private-a", new));
}

#[test]
fn a_temporary_failure_is_retried_ever_later_and_sooner_when_hurried() {
    let mut bench = bench();
    bench.join("private-a");
    for wait in [1, 2, 4] {
        let ticket = bench.ticket();
        assert_eq!(bench.denied("private-a", ticket, &unavailable(None)), [delayed("private-a", "503", wait)]);
        assert_eq!(bench.next(), Some(SECOND * wait));
        bench.now += SECOND * wait;
    }
    let ticket = bench.ticket();
    bench.denied("private-a", ticket, &unavailable(None));
    bench.roster.hurry(bench.now);
    bench.subscribed();
    bench.roster.disconnected(EPOCH, bench.now);
    let ticket = bench.ticket();
    bench.denied("private-a", ticket, &unavailable(None));
    assert_eq!(bench.next(), Some(SECOND), "an accepted subscription forgets the failures before it");
}

#[test]
fn what_the_server_asks_to_wait_is_waited_over_hurry_and_reconnect() {
    let mut bench = bench();
    bench.join("private-a");
    let ticket = bench.ticket();
    bench.denied("private-a", ticket, &unavailable(Some(SECOND * 30)));
    bench.roster.hurry(bench.now);
    bench.roster.disconnected(EPOCH, bench.now);
    assert_eq!(bench.next(), Some(SECOND * 30));
    bench.now += SECOND * 30;
    let ticket = bench.ticket();
    bench.denied("private-a", ticket, &unavailable(Some(SECOND * 1_000_000)));
    assert_eq!(bench.next(), Some(LONGEST_RETRY_AFTER));
    assert!(bench.roster.renew("private-a", bench.now), "only the caller itself can know better");
    bench.ticket();
}

#[test]
fn a_refusal_is_reported_once_and_asked_again_only_on_request() {
    let mut bench = bench();
    bench.join("private-a");
    let ticket = bench.ticket();
    assert_eq!(bench.denied("private-a", ticket, &refusal()), refused("private-a", Some(403), "no"));
    bench.roster.hurry(bench.now);
    bench.roster.disconnected(EPOCH, bench.now);
    assert_eq!(bench.next(), None);
    assert!(bench.roster.renew("private-a", bench.now));
    bench.subscribed();
    assert!(!bench.roster.renew("private-b", bench.now), "nobody subscribed to it");
}

#[test]
fn joining_a_refused_channel_asks_again() {
    let mut bench = bench();
    bench.join("private-a");
    let ticket = bench.ticket();
    bench.denied("private-a", ticket, &refusal());
    bench.join("private-a");
    bench.ticket();
}

#[tokio::test]
async fn a_subscription_lost_and_won_again_reports_its_gap_once() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    bench.subscribed();
    let since = EPOCH + SECOND * 100;
    bench.roster.disconnected(since, bench.now);
    // A connection that never got as far as the subscription must not shorten the gap.
    bench.ticket();
    bench.roster.disconnected(since + SECOND * 5, bench.now);
    let ticket = bench.ticket();
    bench.granted("private-a", ticket);
    let until = since + SECOND * 9;
    bench.roster.accepted("private-a", &Value::Null, until);
    let gap = ClientEvent::Gap(Gap { channel: "private-a".into(), since, until });
    let subscribed = ClientEvent::Subscribed { channel: "private-a".into() };
    assert_eq!(bench.roster.actions(), [Action::Tell(gap.clone()), Action::Tell(subscribed)]);
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    let ClientEvent::Gap(gap) = gap else { unreachable!() };
    assert_eq!((read(&queue).await, read(&queue).await), (ChannelEvent::Gap(gap), ChannelEvent::Subscribed));
}

#[test]
fn a_subscription_the_server_ends_is_reported_and_its_gap_counts_from_there() {
    let mut bench = bench();
    bench.join("private-a");
    bench.subscribed();
    let ended = EPOCH + SECOND;
    bench.roster.rejected("private-a", Some(401), "over", (ended, bench.now));
    assert_eq!(bench.roster.actions(), refused("private-a", Some(401), "over"));
    bench.roster.rejected("private-a", Some(401), "over", (ended, bench.now));
    assert_eq!(bench.roster.actions(), [], "once");
    assert!(bench.roster.renew("private-a", bench.now));
    let ticket = bench.ticket();
    bench.granted("private-a", ticket);
    bench.roster.accepted("private-a", &Value::Null, ended + SECOND);
    let gap = ClientEvent::Gap(Gap { channel: "private-a".into(), since: ended, until: ended + SECOND });
    assert!(bench.roster.actions().contains(&Action::Tell(gap)));
}

#[test]
fn a_subscription_the_server_never_answers_is_taken_back_and_sent_again() {
    let mut bench = bench();
    bench.join("a");
    assert_eq!(bench.due(4).0, [subscribe("a")]);
    assert_eq!(bench.next(), Some(LIMIT));
    bench.now += LIMIT;
    assert_eq!(bench.due(4), (vec![delayed("a", UNANSWERED, 1)], Some(SECOND)));
    bench.now += SECOND;
    assert_eq!(bench.due(4).0, [unsubscribe("a"), subscribe("a")]);
}

#[tokio::test]
async fn readers_of_one_channel_each_get_every_event_and_no_others() {
    let mut bench = bench();
    let (one, other) = (bench.join("private-a"), bench.join("b"));
    let Some(Action::Authorize { ticket, .. }) = bench.due(4).0.pop() else { panic!("an authorization was expected") };
    bench.granted("private-a", ticket);
    bench.accepted("private-a", &Value::Null);
    bench.accepted("b", &Value::Null);
    let late = bench.join("private-a");
    let event = Event::new("private-a", "e", "1");
    bench.deliver(&event);
    bench.deliver(&Event::new("unknown", "e", "2"));
    bench.deliver(&Event::new("b", "e", "3"));
    for queue in [&one, &late] {
        assert_eq!(read(queue).await, ChannelEvent::Subscribed);
        assert_eq!(read(queue).await, ChannelEvent::Event(event.clone()));
    }
    assert_eq!(read(&other).await, ChannelEvent::Subscribed);
    assert_eq!(read(&other).await, ChannelEvent::Event(Event::new("b", "e", "3")));
    bench.roster.leave("private-a", &one, bench.now);
    assert_eq!(bench.roster.actions(), [], "another reader stays");
    bench.roster.leave("private-a", &late, bench.now);
    assert_eq!(bench.roster.actions(), [unsubscribe("private-a")]);
}

#[tokio::test]
async fn nothing_is_delivered_before_the_subscription_is_sent() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    bench.deliver(&Event::new("private-a", "e", "too early"));
    bench.subscribed();
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
}

#[test]
fn a_presence_channel_knows_who_we_are_and_who_is_there() {
    let mut bench = bench();
    let members = {
        let queue = Arc::new(Queue::new(16, 1 << 20));
        bench.roster.join("presence-a".into(), Kind::Channel(ChannelKind::Presence), queue, bench.now)
    };
    let ticket = bench.ticket();
    let authorization = Authorization::new("k:s").with_channel_data(r#"{"user_id":10,"user_info":{"name":"Ann"}}"#);
    assert_eq!(bench.grant("presence-a", ticket, authorization).len(), 1);
    bench.accepted("presence-a", &json!({"presence":{"count":1,"ids":["10"],"hash":{"10":{"name":"Ann"}}}}));
    assert_eq!(members.borrow().me().unwrap().info, json!({"name": "Ann"}));
    bench.roster.disconnected(EPOCH, bench.now);
    assert_eq!(members.borrow().count(), 0, "nobody knows who is there while the connection is lost");
}

#[test]
fn a_presence_channel_without_channel_data_waits_for_the_sign_in_and_only_for_that() {
    let mut bench = bench();
    bench.join("presence-a");
    let ticket = bench.ticket();
    let told = bench.grant("presence-a", ticket, Authorization::new("k:s"));
    assert!(matches!(told.as_slice(), [Action::Tell(ClientEvent::AuthorizationFailed { .. })]), "{told:?}");

    bench.join(USER);
    bench.roster.renew("presence-a", bench.now);
    let [Action::Authenticate { ticket: user }, Action::Authorize { ticket, .. }] = bench.due(4).0[..] else {
        panic!("two questions were expected")
    };
    let signed = Authorization::new("k:s");
    assert_eq!(bench.grant("presence-a", ticket, signed.clone()), [], "it waits");
    bench.roster.granted(USER, user, Grant::User(Authentication::new("k:s", "{}")), bench.now);
    bench.roster.actions();
    bench.roster.signed_in(&json!({ "user_data": r#"{"id":"7"}"# }), bench.now);
    let sent = [subscribe("#server-to-user-7"), Action::Send(frame::subscribe("presence-a", Some(&signed)))];
    assert_eq!(bench.roster.actions(), sent);
}

#[test]
fn who_waits_for_a_sign_in_that_is_refused_is_refused_too() {
    let mut bench = bench();
    bench.join(USER);
    bench.join("presence-a");
    let [Action::Authenticate { ticket: user }, Action::Authorize { ticket, .. }] = bench.due(4).0[..] else {
        panic!("two questions were expected")
    };
    bench.grant("presence-a", ticket, Authorization::new("k:s"));
    let mut told = refused(USER, Some(403), "no");
    told.extend(refused("presence-a", Some(403), "the user could not be signed in"));
    assert_eq!(bench.denied(USER, user, &refusal()), told);
}

#[tokio::test]
async fn a_user_is_signed_in_anew_on_each_connection_and_told_the_gap() {
    let mut bench = bench();
    let queue = bench.join(USER);
    assert_eq!(bench.signed_in(), [subscribe("#server-to-user-7")]);
    bench.accepted("#server-to-user-7", &Value::Null);
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    let event = Event::new("#server-to-user-7", "e", "1");
    bench.deliver(&event);
    bench.deliver(&Event::new("#server-to-user-8", "e", "not ours"));
    bench
        .roster
        .watchlist(&json!({"events":[{"name":"online","user_ids":["a",1]},{"name":"else"},{"name":"offline"}]}));
    assert_eq!(read(&queue).await, ChannelEvent::Event(event));
    assert_eq!(read(&queue).await, ChannelEvent::Watchlist { online: true, users: vec!["a".into(), "1".into()] });
    assert_eq!(read(&queue).await, ChannelEvent::Watchlist { online: false, users: vec![] });
    bench.roster.disconnected(EPOCH, bench.now);
    assert_eq!(bench.signed_in(), [subscribe("#server-to-user-7")]);
    let told = bench.accepted("#server-to-user-7", &Value::Null);
    assert!(matches!(&told[0], Action::Tell(ClientEvent::Gap(gap)) if gap.channel == USER), "{told:?}");
    bench.roster.leave(USER, &queue, bench.now);
    assert_eq!(bench.roster.actions(), [unsubscribe("#server-to-user-7")]);
}

#[test]
fn a_sign_in_that_is_never_answered_is_tried_again() {
    let mut bench = bench();
    bench.join(USER);
    let ticket = bench.ticket();
    bench.roster.granted(USER, ticket, Grant::User(Authentication::new("k:s", "{}")), bench.now);
    bench.roster.actions();
    bench.now += LIMIT;
    assert_eq!(bench.due(4), (vec![delayed(USER, UNANSWERED, 1)], Some(SECOND)));
    bench.now += SECOND;
    assert_eq!(bench.signed_in(), [subscribe("#server-to-user-7")]);
    // Nor the subscription that follows it.
    bench.now += LIMIT;
    assert_eq!(bench.due(4).0, [delayed(USER, UNANSWERED, 2)]);
    bench.now += SECOND * 2;
    let (actions, _) = bench.due(4);
    assert!(matches!(&actions[..], [left, Action::Authenticate { .. }] if *left == unsubscribe("#server-to-user-7")));
}

#[test]
fn an_encrypted_channel_needs_its_key() {
    let mut bench = bench();
    bench.join("private-encrypted-a");
    let ticket = bench.ticket();
    let told = bench.grant("private-encrypted-a", ticket, Authorization::new("k:s"));
    let reason = "the authorization of an encrypted channel holds no shared_secret";
    assert_eq!(told, refused("private-encrypted-a", None, reason));
}

#[tokio::test]
async fn remarks_of_the_protocol_reach_the_channel_they_are_for() {
    let mut bench = bench();
    let (cache, presence) = (bench.join("cache-a"), bench.join("presence-a"));
    let (actions, _) = bench.due(4);
    let Some(Action::Authorize { ticket, .. }) = actions.last() else { panic!("{actions:?}") };
    let authorization = Authorization::new("k:s").with_channel_data(r#"{"user_id":"1"}"#);
    bench.grant("presence-a", *ticket, authorization);
    for channel in ["cache-a", "presence-a"] {
        bench.accepted(channel, &Value::Null);
        bench.roster.remark(channel, "pusher_internal:subscription_count", &json!({ "subscription_count": 3 }));
        bench.roster.remark(channel, "pusher_internal:member_added", &json!({ "user_id": "2" }));
        bench.roster.remark(channel, "pusher_internal:member_added", &json!({ "user_id": "2" }));
        bench.roster.remark(channel, "pusher_internal:member_removed", &json!({ "user_id": "2" }));
        bench.roster.remark(channel, "pusher_internal:member_removed", &json!({ "user_id": "9" }));
        bench.roster.remark(channel, "pusher_internal:unheard_of", &Value::Null);
        bench.roster.remark(channel, "pusher:cache_miss", &Value::Null);
    }
    let member = crate::presence::member(&json!({ "user_id": "2" })).unwrap();
    for (queue, told) in [
        (cache, vec![]),
        (presence, vec![ChannelEvent::MemberAdded(member.clone()), ChannelEvent::MemberRemoved(member)]),
    ] {
        let mut all = vec![ChannelEvent::Subscribed, ChannelEvent::SubscriptionCount(3)];
        all.extend(told);
        all.push(ChannelEvent::CacheMiss);
        for expected in all {
            assert_eq!(read(&queue).await, expected);
        }
    }
}

#[test]
fn a_complaint_about_a_signature_is_a_refusal_where_it_is_clear_of_what() {
    let mut bench = bench();
    let complain = |bench: &mut Bench, channel: Option<&str>| {
        bench.roster.unauthorized(channel, "bad", (EPOCH, bench.now));
        bench.roster.actions()
    };
    bench.join("a");
    bench.join("private-a");
    let Some(Action::Authorize { ticket, .. }) = bench.due(4).0.pop() else { panic!("an authorization was expected") };
    assert_eq!(complain(&mut bench, None), [], "nothing signed was sent");
    bench.granted("private-a", ticket);
    assert_eq!(complain(&mut bench, None), refused("private-a", None, "bad"));
    bench.join("private-b");
    bench.roster.renew("private-a", bench.now);
    let actions = bench.due(4).0;
    assert_eq!(actions[0], unsubscribe("private-a"), "it was a guess: the server may have accepted it");
    for action in &actions[1..] {
        let Action::Authorize { channel, ticket } = action else { panic!("{action:?}") };
        bench.granted(channel, *ticket);
    }
    assert_eq!(complain(&mut bench, None), [], "it may be either");
    assert_eq!(complain(&mut bench, Some("private-b")), refused("private-b", None, "bad"));
    assert_eq!(complain(&mut bench, None), refused("private-a", None, "bad"));
}

#[test]
fn a_complaint_about_the_sign_in_is_its_refusal_and_of_those_who_wait_for_it() {
    let mut bench = bench();
    bench.wait_for_a_name();
    bench.roster.unauthorized(None, "bad", (EPOCH, bench.now));
    let told = [refused(USER, None, "bad"), refused("presence-a", None, "the user could not be signed in")].concat();
    assert_eq!(bench.roster.actions(), told);
}

#[tokio::test]
async fn a_channel_that_was_wrongly_taken_for_refused_is_there_once_it_is_accepted() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    let ticket = bench.ticket();
    bench.granted("private-a", ticket);
    bench.roster.unauthorized(None, "it was another", (EPOCH, bench.now));
    assert_ne!(bench.roster.actions(), []);
    assert_ne!(bench.accepted("private-a", &Value::Null), []);
    assert!(matches!(read(&queue).await, ChannelEvent::Refused { .. }));
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    bench.deliver(&Event::new("private-a", "e", "1"));
    assert_eq!(read(&queue).await, ChannelEvent::Event(Event::new("private-a", "e", "1")));
}

#[tokio::test]
async fn what_comes_before_the_acceptance_is_given_behind_the_gap() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    bench.subscribed();
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    bench.roster.disconnected(EPOCH, bench.now);
    let ticket = bench.ticket();
    assert!(bench.granted("private-a", ticket));
    let early = Event::new("private-a", "e", "early");
    bench.deliver(&early);
    bench.accepted("private-a", &Value::Null);
    assert!(matches!(read(&queue).await, ChannelEvent::Gap(_)));
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    assert_eq!(read(&queue).await, ChannelEvent::Event(early));
}

#[tokio::test]
async fn what_came_for_a_channel_that_is_not_accepted_is_given_and_a_gap_follows() {
    let mut bench = bench();
    let queue = bench.join("a");
    bench.due(4);
    let early = Event::new("a", "e", "early");
    bench.deliver(&early);
    bench.roster.disconnected(EPOCH, bench.now);
    assert!(matches!(read(&queue).await, ChannelEvent::Gap(_)));
    assert_eq!(read(&queue).await, ChannelEvent::Event(early));
    bench.due(4);
    let told = bench.accepted("a", &Value::Null);
    assert!(matches!(&told[0], Action::Tell(ClientEvent::Gap(_))), "{told:?}");
}

#[tokio::test]
async fn what_comes_before_the_acceptance_is_bounded_and_what_falls_out_is_told() {
    let mut bench = bench();
    let queue = bench.join("a");
    bench.due(4);
    for _ in 0..5 {
        bench.deliver(&Event::new("a", "e", "x".repeat(300 << 10)));
    }
    bench.accepted("a", &Value::Null);
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    assert_eq!(read(&queue).await, ChannelEvent::Lagged(2));
}

#[test]
fn the_answer_to_an_earlier_subscription_is_followed_by_a_gap() {
    let mut bench = bench();
    let first = bench.join("a");
    bench.due(4);
    bench.roster.leave("a", &first, bench.now);
    bench.join("a");
    assert_eq!(bench.due(4).0, [unsubscribe("a"), subscribe("a")]);
    let there = Action::Tell(ClientEvent::Subscribed { channel: "a".into() });
    assert_eq!(bench.accepted("a", &Value::Null), std::slice::from_ref(&there));
    bench.roster.accepted("a", &Value::Null, EPOCH + SECOND);
    let gap = Gap { channel: "a".into(), since: EPOCH, until: EPOCH + SECOND };
    assert_eq!(bench.roster.actions(), [Action::Tell(ClientEvent::Gap(gap)), there]);
}

#[test]
fn an_answer_that_comes_late_is_as_good() {
    let mut bench = bench();
    bench.join("a");
    bench.due(4);
    bench.now += LIMIT;
    assert_eq!(bench.due(4).0, [delayed("a", UNANSWERED, 1)]);
    assert_eq!(bench.accepted("a", &Value::Null), [Action::Tell(ClientEvent::Subscribed { channel: "a".into() })]);
    assert_eq!(bench.due(4), (vec![], None), "it is not asked for again");
}

#[tokio::test]
async fn whoever_waits_is_told_when_nothing_is_tried_any_more() {
    let mut bench = bench();
    let early = bench.join("private-a");
    bench.subscribed();
    assert_eq!(read(&early).await, ChannelEvent::Subscribed);
    bench.roster.disconnected(EPOCH, bench.now);
    bench.roster.give_up("unknown key", bench.now);
    let late = bench.join("b");
    for queue in [&early, &late] {
        let ChannelEvent::Refused { message, .. } = read(queue).await else { panic!("a refusal was expected") };
        assert!(message.contains("unknown key"), "{message}");
    }
    assert!(bench.roster.renew("b", bench.now));
    assert!(matches!(read(&late).await, ChannelEvent::Refused { .. }), "whoever asks again is told again");
    assert_eq!(bench.due(4), (vec![], None));
}

#[test]
fn a_refused_presence_channel_has_no_members() {
    let mut bench = bench();
    let queue = Arc::new(Queue::new(16, 1 << 20));
    let kind = Kind::Channel(ChannelKind::Presence);
    let members = bench.roster.join("presence-a".into(), kind, queue, bench.now);
    let ticket = bench.ticket();
    bench.grant("presence-a", ticket, Authorization::new("k:s").with_channel_data(r#"{"user_id":"1"}"#));
    bench.accepted("presence-a", &json!({ "presence": { "hash": { "1": null } } }));
    assert_eq!(members.borrow().count(), 1);
    bench.roster.rejected("presence-a", Some(403), "out", (EPOCH, bench.now));
    assert_eq!((members.borrow().count(), members.borrow().me()), (0, None));
}

#[tokio::test]
async fn an_encrypted_channel_that_was_wrongly_taken_for_refused_still_has_its_key() {
    let mut bench = bench();
    let queue = bench.join("private-encrypted-a");
    let ticket = bench.ticket();
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    bench.grant("private-encrypted-a", ticket, Authorization::new("k:s").with_shared_secret(secret));
    bench.roster.unauthorized(None, "it was another", (EPOCH, bench.now));
    bench.accepted("private-encrypted-a", &Value::Null);
    assert!(matches!(read(&queue).await, ChannelEvent::Refused { .. }));
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    let sealed = r#"{"nonce":"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7","ciphertext":"1U/blr4xmtELzJvMCaII13mb7axCwuzTkppRV4tHPH0c1w=="}"#;
    bench.deliver(&Event::new("private-encrypted-a", "e", sealed));
    assert!(matches!(read(&queue).await, ChannelEvent::Event(_)));
}

#[tokio::test]
async fn nothing_is_lost_while_a_late_acceptance_is_waited_for() {
    let mut bench = bench();
    let queue = bench.join("a");
    bench.due(4);
    let events = ["1", "2", "3"].map(|data| Event::new("a", "e", data));
    bench.deliver(&events[0]);
    bench.now += LIMIT;
    assert_eq!(bench.due(4).0, [delayed("a", UNANSWERED, 1)]);
    bench.deliver(&events[1]);
    bench.accepted("a", &Value::Null);
    bench.deliver(&events[2]);
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
    for event in events {
        assert_eq!(read(&queue).await, ChannelEvent::Event(event));
    }
}

#[tokio::test]
async fn what_came_before_a_subscription_is_taken_back_is_given_before_the_next() {
    let mut bench = bench();
    let queue = bench.join("a");
    bench.due(4);
    let early = Event::new("a", "e", "early");
    bench.deliver(&early);
    bench.now += LIMIT;
    bench.due(4);
    bench.now += SECOND;
    assert_eq!(bench.due(4).0, [unsubscribe("a"), subscribe("a")]);
    assert!(matches!(read(&queue).await, ChannelEvent::Gap(_)));
    assert_eq!(read(&queue).await, ChannelEvent::Event(early));
    let told = bench.accepted("a", &Value::Null);
    assert!(matches!(&told[0], Action::Tell(ClientEvent::Gap(_))), "{told:?}");
}

#[test]
fn a_sign_in_that_was_wrongly_taken_for_refused_is_there_with_those_who_waited_for_it() {
    let mut bench = bench();
    bench.wait_for_a_name();
    bench.roster.unauthorized(None, "it was another", (EPOCH, bench.now));
    bench.roster.actions();
    bench.roster.signed_in(&json!({ "user_data": r#"{"id":"7"}"# }), bench.now);
    assert_eq!(bench.roster.actions(), [subscribe("#server-to-user-7")]);
    let ticket = bench.ticket();
    assert!(bench.granted("presence-a", ticket), "it is asked for again, and has a name now");
}

#[test]
fn who_was_refused_for_want_of_a_user_that_was_really_refused_is_asked_for_again_only_on_request() {
    let mut bench = bench();
    bench.wait_for_a_name();
    bench.roster.unauthorized(None, "bad", (EPOCH, bench.now));
    bench.roster.actions();
    bench.roster.renew(USER, bench.now);
    assert_eq!(bench.signed_in(), [subscribe("#server-to-user-7")]);
    assert_eq!(bench.due(4).0, []);
}
