//! The roster's rules, without a socket.

use super::*;
use crate::queue::Next;

const SECOND: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(15);

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
        self.roster.join(channel.into(), ChannelKind::of(channel), queue.clone(), self.now);
        queue
    }

    fn steps(&mut self) -> Vec<Step> {
        self.roster.steps(self.now, 4, 1.0).0
    }

    /// The ticket of the one authorization that is to be asked for.
    fn ticket(&mut self) -> u64 {
        match self.steps().as_slice() {
            [Step::Authorize { ticket, .. }] => *ticket,
            other => panic!("one authorization was expected: {other:?}"),
        }
    }

    fn next(&mut self) -> Option<Duration> {
        let (steps, next) = self.roster.steps(self.now, 4, 1.0);
        assert_eq!(steps, [], "nothing is due yet");
        next.map(|at| at - self.now)
    }

    fn denied(&mut self, ticket: u64, retry_after: Option<Duration>) -> bool {
        let error = AuthorizeError::Temporary { retry_after, message: "503".into() };
        self.roster.denied("private-a", ticket, &error, self.now, 1.0)
    }

    /// Takes `private-a` to a live subscription.
    fn subscribed(&mut self) {
        let ticket = self.ticket();
        assert!(self.roster.granted("private-a", ticket, self.now));
        assert_ne!(self.roster.accepted("private-a", SystemTime::UNIX_EPOCH), Accepted::Unasked);
    }
}

fn refusal() -> AuthorizeError {
    AuthorizeError::Refused { status: Some(403), message: "no".into() }
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
    assert_eq!(bench.steps(), [Step::Subscribe { channel: "a".into() }]);
    assert_eq!(bench.steps(), []);
    assert_eq!(bench.roster.accepted("a", SystemTime::UNIX_EPOCH), Accepted::First);
    let again = bench.roster.accepted("a", SystemTime::UNIX_EPOCH);
    assert_eq!(again, Accepted::Unasked, "a second acceptance says nothing new");
}

#[test]
fn authorizations_at_once_are_capped() {
    let mut bench = bench();
    for number in 0..10 {
        bench.join(&format!("private-{number}"));
    }
    let (steps, next) = bench.roster.steps(bench.now, 4, 1.0);
    assert_eq!(steps.len(), 4);
    assert_eq!(next, None, "those without a slot wait for one, not for the clock");
    assert_eq!(bench.roster.steps(bench.now, 0, 1.0).0, []);
    assert_eq!(bench.roster.steps(bench.now, 3, 1.0).0.len(), 3);
}

#[test]
fn an_authorization_for_an_older_connection_is_discarded() {
    let mut bench = bench();
    bench.join("private-a");
    let old = bench.ticket();
    bench.roster.disconnected(SystemTime::UNIX_EPOCH, bench.now);
    assert!(!bench.roster.granted("private-a", old, bench.now));
    let new = bench.ticket();
    assert!(!bench.roster.granted("private-a", old, bench.now));
    assert!(!bench.roster.denied("private-a", old, &refusal(), bench.now, 1.0));
    assert!(bench.roster.granted("private-a", new, bench.now));
}

#[test]
fn a_channel_dropped_and_taken_again_while_pending_is_authorized_once_more() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    let old = bench.ticket();
    assert!(!bench.roster.leave("private-a", &queue), "the server never heard of it");
    assert!(!bench.roster.granted("private-a", old, bench.now), "nobody wants it any more");
    bench.join("private-a");
    let new = bench.ticket();
    assert!(!bench.roster.granted("private-a", old, bench.now));
    assert!(bench.roster.granted("private-a", new, bench.now));
}

#[test]
fn a_temporary_failure_is_retried_ever_later_and_sooner_when_hurried() {
    let mut bench = bench();
    bench.join("private-a");
    for wait in [1, 2, 4] {
        let ticket = bench.ticket();
        assert!(!bench.denied(ticket, None), "it is not reported");
        assert_eq!(bench.next(), Some(SECOND * wait));
        bench.now += SECOND * wait;
    }
    let ticket = bench.ticket();
    bench.denied(ticket, None);
    bench.roster.hurry(bench.now);
    bench.subscribed();
    bench.roster.disconnected(SystemTime::UNIX_EPOCH, bench.now);
    let ticket = bench.ticket();
    bench.denied(ticket, None);
    assert_eq!(bench.next(), Some(SECOND), "an accepted subscription forgets the failures before it");
}

#[test]
fn what_the_server_asks_to_wait_is_waited_over_hurry_and_reconnect() {
    let mut bench = bench();
    bench.join("private-a");
    let ticket = bench.ticket();
    bench.denied(ticket, Some(SECOND * 30));
    bench.roster.hurry(bench.now);
    bench.roster.disconnected(SystemTime::UNIX_EPOCH, bench.now);
    assert_eq!(bench.next(), Some(SECOND * 30));
    bench.now += SECOND * 30;
    let ticket = bench.ticket();
    bench.denied(ticket, Some(SECOND * 1_000_000));
    assert_eq!(bench.next(), Some(LONGEST_RETRY_AFTER));
    assert!(bench.roster.renew("private-a", bench.now), "only the caller itself can know better");
    bench.ticket();
}

#[test]
fn a_refusal_is_reported_once_and_asked_again_only_on_request() {
    let mut bench = bench();
    bench.join("private-a");
    let ticket = bench.ticket();
    assert!(bench.roster.denied("private-a", ticket, &refusal(), bench.now, 1.0));
    bench.roster.hurry(bench.now);
    bench.roster.disconnected(SystemTime::UNIX_EPOCH, bench.now);
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
    bench.roster.denied("private-a", ticket, &refusal(), bench.now, 1.0);
    bench.join("private-a");
    bench.ticket();
}

#[tokio::test]
async fn a_subscription_lost_and_won_again_reports_its_gap_once() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    bench.subscribed();
    let since = SystemTime::UNIX_EPOCH + SECOND * 100;
    bench.roster.disconnected(since, bench.now);
    // A connection that never got as far as the subscription must not shorten the gap.
    bench.ticket();
    bench.roster.disconnected(since + SECOND * 5, bench.now);
    let ticket = bench.ticket();
    bench.roster.granted("private-a", ticket, bench.now);
    let until = since + SECOND * 9;
    let gap = Gap { channel: "private-a".into(), since, until };
    assert_eq!(bench.roster.accepted("private-a", until), Accepted::Again(gap));
    assert_eq!((read(&queue).await, read(&queue).await), (ChannelEvent::Subscribed, ChannelEvent::Subscribed));
}

#[test]
fn a_subscription_the_server_ends_is_reported_and_its_gap_counts_from_there() {
    let mut bench = bench();
    bench.join("private-a");
    bench.subscribed();
    let ended = SystemTime::UNIX_EPOCH + SECOND;
    assert!(bench.roster.rejected("private-a", ended));
    assert!(!bench.roster.rejected("private-a", ended), "once");
    assert!(bench.roster.renew("private-a", bench.now));
    let ticket = bench.ticket();
    bench.roster.granted("private-a", ticket, bench.now);
    let gap = Gap { channel: "private-a".into(), since: ended, until: ended + SECOND };
    assert_eq!(bench.roster.accepted("private-a", ended + SECOND), Accepted::Again(gap));
}

#[test]
fn a_subscription_the_server_never_answers_is_taken_back_and_sent_again() {
    let mut bench = bench();
    bench.join("a");
    assert_eq!(bench.steps(), [Step::Subscribe { channel: "a".into() }]);
    assert_eq!(bench.next(), Some(LIMIT));
    bench.now += LIMIT;
    assert_eq!(bench.next(), Some(SECOND));
    bench.now += SECOND;
    assert_eq!(bench.steps(), [Step::TakeBack { channel: "a".into() }, Step::Subscribe { channel: "a".into() }]);
}

#[tokio::test]
async fn readers_of_one_channel_each_get_every_event_and_no_others() {
    let mut bench = bench();
    let (one, other) = (bench.join("private-a"), bench.join("b"));
    let Some(Step::Authorize { ticket, .. }) = bench.steps().pop() else { panic!("an authorization was expected") };
    bench.roster.granted("private-a", ticket, bench.now);
    bench.roster.accepted("private-a", SystemTime::UNIX_EPOCH);
    bench.roster.accepted("b", SystemTime::UNIX_EPOCH);
    let late = bench.join("private-a");
    let event = Event::new("private-a", "e", "1");
    bench.roster.deliver(event.clone());
    bench.roster.deliver(Event::new("unknown", "e", "2"));
    bench.roster.deliver(Event::new("b", "e", "3"));
    for queue in [&one, &late] {
        assert_eq!(read(queue).await, ChannelEvent::Subscribed);
        assert_eq!(read(queue).await, ChannelEvent::Event(event.clone()));
    }
    assert_eq!(read(&other).await, ChannelEvent::Subscribed);
    assert_eq!(read(&other).await, ChannelEvent::Event(Event::new("b", "e", "3")));
    assert!(!bench.roster.leave("private-a", &one), "another reader stays");
    assert!(bench.roster.leave("private-a", &late));
}

#[tokio::test]
async fn nothing_is_delivered_before_the_subscription_is_sent() {
    let mut bench = bench();
    let queue = bench.join("private-a");
    bench.roster.deliver(Event::new("private-a", "e", "too early"));
    bench.subscribed();
    assert_eq!(read(&queue).await, ChannelEvent::Subscribed);
}
