//! What a command says, and how it fails. It must never let text from the network drive the terminal.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use inbox::Problem;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

/// Standard output.
#[derive(Debug)]
pub struct Output {
    out: io::Stdout,
}

/// Why a command failed; wrong usage never comes this far.
#[derive(Debug)]
pub enum Failure {
    /// It could not be done, or not all of it.
    Problems(Vec<Problem>),
    /// It was done, and has said already what it found wrong.
    Said,
    /// Nobody reads what it says any more, as in `… | head`.
    Unread,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Unread
    }
}

impl Failure {
    /// Says it on stderr and gives the exit status.
    pub fn report(self) -> ExitCode {
        match self {
            Self::Problems(problems) => {
                for (number, problem) in problems.iter().enumerate() {
                    eprintln!("traybell: {}", printable(&problem.message));
                    // Once for all that it helps against.
                    let is_last = problems.get(number + 1).is_none_or(|next| next.hint != problem.hint);
                    if is_last && !problem.hint.is_empty() {
                        eprintln!("traybell: {}", printable(&problem.hint));
                    }
                }
            }
            Self::Said | Self::Unread => {}
        }
        ExitCode::FAILURE
    }
}

impl Output {
    /// The program's.
    pub fn new() -> Self {
        Self { out: io::stdout() }
    }

    /// One line of text.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.out, "{}", printable(text))?;
        Ok(())
    }

    /// A piece of JSON text as it is.
    pub fn raw(&mut self, text: &str) -> Result<(), Failure> {
        write!(self.out, "{text}")?;
        Ok(self.out.flush()?)
    }

    /// One value as a line of JSON.
    pub fn json<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        self.raw(&format!("{}\n", json(value)?))
    }
}

/// A value as JSON on one line.
pub fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|error| Problem::new(inbox::Code::Internal, format!("Cannot be written as JSON: {error}."), "").into())
}

/// A time of the person's clock.
pub fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Text without what a terminal would obey: control characters, and those that turn the direction of what follows.
pub fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\u{202e}d"), "a [2Jb  c d");
        assert_eq!(printable("naïve 🎉 שלום"), "naïve 🎉 שלום");
    }
}
