//! What goes over the local socket: one JSON object a line, `{"v":4,…}`, bounded. It must never be read as anything but
//! data of the same user's programs, and the sid in it must never be printed.

use std::fmt;

use inbox::{Code, MessageId, PauseFor, Problem, Query};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use crate::link::SignInLink;

/// The version of the lines. One that is not known is refused with a hint, never guessed at.
pub const VERSION: u32 = 4;
/// The longest request; a sign-in is the largest.
pub const MAX_REQUEST: u64 = 64 * 1024;
/// The longest answer; a page of the list is the largest.
pub const MAX_ANSWER: u64 = 8 * 1024 * 1024;

/// What the command line, or a second start of the app, asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// Show the window: the app was started a second time.
    Show {
        /// By this link, which is offered in the window.
        link: Option<SignInLink>,
    },
    /// The view, once it says more than "connecting".
    View,
    /// The view now, and again each time it changes, until the asker hangs up.
    Watch,
    /// A page of the list.
    Page {
        /// Which rows.
        query: Query,
        /// Where it begins.
        cursor: Option<String>,
        /// How many rows.
        limit: u32,
    },
    /// Mark one read.
    MarkRead {
        /// Which.
        id: MessageId,
    },
    /// Mark every message read.
    MarkAllRead,
    /// Send the read marks that wait.
    Flush,
    /// Sign in.
    SignIn {
        /// `production`, `staging` or a base URL.
        environment: String,
        /// The brand's name.
        brand: String,
        /// The session id.
        sid: Sid,
        /// Keep the sid in memory alone.
        session_only: bool,
        /// Plain `http` to another machine was confirmed.
        insecure_confirmed: bool,
    },
    /// Sign out.
    SignOut {
        /// Give up read marks that wait.
        discard: bool,
        /// Whether the messages leave this device; none: as the settings say.
        purge: Option<bool>,
    },
    /// Pause notifications, or end a pause.
    Pause {
        /// For how long; none ends it.
        length: Option<PauseFor>,
    },
    /// What the person decided.
    Settings,
}

/// A session id, or a pairing code, on its way through the socket.
#[derive(Clone)]
pub struct Sid(pub SecretString);

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(…)")
    }
}

impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.expose_secret().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|sid| Self(SecretString::from(sid)))
    }
}

/// A line: the version and what it carries.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line<T> {
    v: u32,
    #[serde(flatten)]
    carries: T,
}

/// What the owner of the folder says first, once it has a place for the asker: before that it may end unasked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Greeting {
    /// What is asked now is answered.
    pub ready: bool,
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done, with what was asked for.
    Done(serde_json::Value),
    /// Not done, and why.
    Failed(Problem),
}

/// Writes one line.
pub fn write<T: Serialize>(carries: T) -> Result<Vec<u8>, Problem> {
    let mut line = serde_json::to_vec(&Line { v: VERSION, carries })
        .map_err(|error| Problem::new(Code::Internal, format!("A request could not be written: {error}."), ""))?;
    line.push(b'\n');
    Ok(line)
}

/// Reads one line of at most `limit` bytes; `None` when the other side hung up before one began.
pub async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncBufRead + Unpin),
    limit: u64,
) -> Result<Option<T>, Problem> {
    let mut line = Vec::new();
    let taken = from.take(limit).read_until(b'\n', &mut line).await.map_err(|error| broken(&error.to_string()))?;
    if taken == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(broken("a line is too long or cut"));
    }
    parse(&line).map(Some)
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Problem> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    // Errors name no content: a line may carry the sid.
    let version: Version = serde_json::from_slice(line).map_err(|_| broken("a line is no request"))?;
    if version.v != VERSION {
        return Err(Problem::new(
            Code::Internal,
            "The running Traybell is of another version than this command.",
            "Quit Traybell and start it again.",
        ));
    }
    serde_json::from_slice::<Line<T>>(line).map(|line| line.carries).map_err(|_| broken("a line is not understood"))
}

fn broken(why: &str) -> Problem {
    Problem::new(
        Code::Internal,
        format!("The running Traybell and this command do not understand each other: {why}."),
        "Quit Traybell and start it again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sign_in_goes_through_and_its_sid_is_never_printed() {
        let request = Request::SignIn {
            environment: "staging".into(),
            brand: "acme".into(),
            sid: Sid("s3cret".into()),
            session_only: false,
            insecure_confirmed: true,
        };
        assert!(!format!("{request:?}").contains("s3cret"), "Debug shows the sid");
        let line = write(&request).unwrap();
        let back: Request = read(&mut line.as_slice(), MAX_REQUEST).await.unwrap().unwrap();
        let Request::SignIn { brand, sid, insecure_confirmed, .. } = back else { panic!("another request came out") };
        assert_eq!((brand.as_str(), sid.0.expose_secret(), insecure_confirmed), ("acme", "s3cret", true));
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_refused_without_being_read_whole() {
        let line = format!("{{\"v\":4,\"ask\":\"{}\"}}\n", "x".repeat(100_000));
        let problem = read::<Request>(&mut line.as_bytes(), MAX_REQUEST).await.unwrap_err();
        assert!(problem.message.contains("too long"), "{}", problem.message);
    }

    #[tokio::test]
    async fn another_version_is_refused_with_what_to_do() {
        let problem = read::<Request>(&mut &b"{\"v\":1,\"ask\":\"view\"}\n"[..], MAX_REQUEST).await.unwrap_err();
        assert!(problem.message.contains("another version"), "{}", problem.message);
        assert!(problem.hint.contains("start it again"));
    }

    #[tokio::test]
    async fn what_is_not_understood_is_refused_without_repeating_it() {
        for line in [&b"sid=s3cret\n"[..], b"{\"v\":4,\"ask\":\"s3cret\"}\n", b"{\"v\":4}\n", b"[]\n"] {
            let problem = read::<Request>(&mut &line[..], MAX_REQUEST).await.unwrap_err();
            assert!(!problem.message.contains("s3cret"), "{}", problem.message);
        }
        assert!(read::<Request>(&mut &b""[..], MAX_REQUEST).await.unwrap().is_none(), "hung up");
    }
}
