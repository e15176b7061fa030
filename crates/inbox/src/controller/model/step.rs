//! [`Step`]: one thing that happens in a sequence, and how random ones are made. A number that names a message or a row
//! is taken modulo what there is, so that a sequence stays one when it is shrunk.

use proptest::{collection::vec, option, prelude::*};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The server sends a message.
    Send(Sending),
    /// The server sends a message again, with another text.
    Resend { which: usize, live: bool, cut: bool },
    /// The channel brings again what it brought before.
    Repeat { which: usize },
    /// The server lets a message expire.
    Expire { which: usize, live: bool },
    /// It is marked read on another device.
    ReadElsewhere { which: usize },
    /// It leaves the server's list.
    Unlist { which: usize },
    /// So many calls of a part of the API go wrong.
    Fault { part: Part, fault: Fault, calls: u8 },
    /// Every token runs out.
    ExpireTokens,
    /// The sid is accepted no more; another is.
    RejectSid,
    /// The person signs in with the one that is accepted.
    SignIn,
    /// The socket is cut, or may be there again.
    Socket(bool),
    /// How long a call is on its way, each way, in milliseconds.
    Latency(u16),
    /// The machine's clock is wrong by so many minutes.
    Clock(i16),
    /// So many seconds pass.
    Sleep(u32),
    /// The program is gone after so many milliseconds, and starts again.
    Crash { after: u16 },
    /// The program is ended, and starts again.
    Restart,
    /// The person marks a row.
    MarkRead(usize),
    /// The person takes that back.
    MarkUnread(usize),
    /// The person marks all rows.
    MarkAllRead,
    /// The person deletes a row.
    Delete(usize),
    /// The person opens a row.
    Open(usize),
    /// The person asks for news.
    Refresh,
    /// The person opens the window.
    OpenWindow,
    /// What the notification service does from now on.
    Notifications(Service),
    /// All faults end, time passes, and everything must be in order. `asks`: the person asks for news.
    Settle { asks: bool },
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub(super) way: Way,
    pub(super) cut: bool,
    pub(super) silent: bool,
    pub(super) without_id: bool,
    pub(super) expires_in_minutes: Option<u16>,
    /// Minutes from now; none where the message has no date.
    pub(super) dated: Option<i16>,
}

/// How a message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Listed, and on the channel.
    Both,
    /// Listed, without a word on the channel.
    ListOnly,
    /// On the channel, and never listed.
    LiveOnly,
}

/// A part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Config,
    Login,
    Authorization,
    List,
    One,
    Mark,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// 500.
    Broken,
    /// 503 with `Retry-After` in seconds.
    Busy(u16),
    /// A good status with something that is no JSON.
    Garbled,
    /// Not done, and no answer.
    Dead,
    /// Done, and no answer.
    Lost,
    /// 409: a definite no to this very message.
    Refused,
}

/// What a notification service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Takes,
    TakesLate,
    Refuses,
    NeverAnswers,
}

/// Random sequences of at most so many steps.
pub(super) fn sequences(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..=most)
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0_usize..8;
    let server = prop_oneof![
        14 => send().prop_map(Step::Send),
        3 => (which(), any::<bool>(), prop::bool::weighted(0.3))
            .prop_map(|(which, live, cut)| Step::Resend { which, live, cut }),
        1 => which().prop_map(|which| Step::Repeat { which }),
        2 => (which(), any::<bool>()).prop_map(|(which, live)| Step::Expire { which, live }),
        2 => which().prop_map(|which| Step::ReadElsewhere { which }),
        1 => which().prop_map(|which| Step::Unlist { which }),
    ];
    let network = prop_oneof![
        6 => fault(),
        1 => Just(Step::ExpireTokens),
        1 => Just(Step::RejectSid),
        1 => Just(Step::SignIn),
        3 => any::<bool>().prop_map(Step::Socket),
        2 => prop_oneof![Just(0), Just(20), Just(3_000)].prop_map(Step::Latency),
    ];
    let machine = prop_oneof![
        2 => prop_oneof![Just(0), Just(1), -600_i16..600].prop_map(Step::Clock),
        6 => prop_oneof![40 => 0_u32..40, 20 => 40_u32..700, 1 => 700_u32..15_000].prop_map(Step::Sleep),
        4 => prop_oneof![Just(0), 0_u16..50, 0_u16..5_000].prop_map(|after| Step::Crash { after }),
        1 => Just(Step::Restart),
        2 => prop_oneof![Just(Service::Takes), Just(Service::TakesLate), Just(Service::Refuses), Just(Service::NeverAnswers)]
            .prop_map(Step::Notifications),
        1 => any::<bool>().prop_map(|asks| Step::Settle { asks }),
    ];
    let person = prop_oneof![
        6 => which().prop_map(Step::MarkRead),
        2 => which().prop_map(Step::MarkUnread),
        1 => Just(Step::MarkAllRead),
        2 => which().prop_map(Step::Delete),
        1 => which().prop_map(Step::Open),
        1 => Just(Step::Refresh),
        1 => Just(Step::OpenWindow),
    ];
    prop_oneof![5 => server, 3 => network, 4 => machine, 3 => person]
}

fn send() -> impl Strategy<Value = Sending> {
    let way = prop_oneof![5 => Just(Way::Both), 3 => Just(Way::ListOnly), 1 => Just(Way::LiveOnly)];
    (
        way,
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.1),
        option::weighted(0.3, 4_u16..400),
        option::weighted(0.9, prop_oneof![4 => -60_i16..=0, 1 => 0_i16..1_000]),
    )
        .prop_map(|(way, cut, silent, without_id, expires_in_minutes, dated)| Sending {
            way,
            cut,
            silent,
            without_id,
            expires_in_minutes,
            dated,
        })
}

fn fault() -> impl Strategy<Value = Step> {
    let any_part = prop_oneof![
        1 => Just(Part::Config),
        1 => Just(Part::Login),
        1 => Just(Part::Authorization),
        3 => Just(Part::List),
        1 => Just(Part::One),
        3 => Just(Part::Mark),
    ];
    let passing = prop_oneof![
        3 => Just(Fault::Broken),
        1 => (1_u16..200).prop_map(Fault::Busy),
        1 => Just(Fault::Garbled),
        1 => Just(Fault::Dead),
        2 => Just(Fault::Lost),
    ];
    prop_oneof![
        5 => (any_part, passing, 1_u8..6).prop_map(|(part, fault, calls)| Step::Fault { part, fault, calls }),
        2 => (1_u8..3).prop_map(|calls| Step::Fault { part: Part::Mark, fault: Fault::Refused, calls }),
    ]
}
