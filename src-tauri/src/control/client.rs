//! [`Client`]: asks the program that owns the data folder.

use std::time::Duration;

use inbox::{Code, Problem};
use interprocess::local_socket::tokio::{Stream, prelude::*};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    time::timeout,
};

use super::{
    address::Address,
    protocol::{self, Greeting, MAX_ANSWER, MAX_REQUEST, Outcome, Request},
};
use crate::folder::Folder;

/// Signing in is the longest: several calls, each with a limit of its own.
const ANSWER_LIMIT: Duration = Duration::from_secs(150);

/// One connection to the owner of the folder.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Stream>,
    _address: Address,
}

impl Client {
    /// Connects and waits for a place. `None` when nobody listens, or when the one who did has ended: then nothing was
    /// asked, and the folder may be free.
    pub async fn connect(folder: &Folder) -> Result<Option<Self>, Problem> {
        let Ok(address) = Address::to_connect(folder) else { return Ok(None) };
        let name = address.name().map_err(|error| folder.unwritable(&error))?;
        let Ok(stream) = Stream::connect(name).await else { return Ok(None) };
        let mut stream = BufReader::new(stream);
        if stream.fill_buf().await.map_or(true, <[u8]>::is_empty) {
            return Ok(None);
        }
        let greeting: Option<Greeting> = protocol::read(&mut stream, MAX_REQUEST).await?;
        Ok(greeting.filter(|greeting| greeting.ready).map(|_| Self { stream, _address: address }))
    }

    /// One request, one answer.
    pub async fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, Problem> {
        self.send(request).await?;
        match timeout(ANSWER_LIMIT, self.next()).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(gone()),
            Ok(Err(problem)) => Err(problem),
            Err(_) => Err(Problem::new(
                Code::Internal,
                "The running Traybell did not answer in time.",
                "Look at its log, or quit it and start it again.",
            )),
        }
    }

    /// Sends a request that has more than one answer; read them by [`Self::next`].
    pub async fn send(&mut self, request: &Request) -> Result<(), Problem> {
        let line = protocol::write(request)?;
        self.stream.get_mut().write_all(&line).await.map_err(|_| gone())
    }

    /// The next answer; `None` when the other program ended.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Problem> {
        match protocol::read(&mut self.stream, MAX_ANSWER).await? {
            None => Ok(None),
            Some(Outcome::Failed(problem)) => Err(problem),
            Some(Outcome::Done(value)) => serde_json::from_value(value).map(Some).map_err(|error| {
                Problem::new(Code::Internal, format!("The running Traybell's answer is not understood: {error}."), "")
            }),
        }
    }
}

fn gone() -> Problem {
    Problem::new(Code::Internal, "The running Traybell ended before it answered.", "Try again.")
}
