//! A TCP connection to a host with several addresses. It must never wait for an address that does not answer while
//! another might (RFC 8305: half of the world has an IPv6 address that leads nowhere).

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::{TcpStream, lookup_host},
    time::sleep,
};
use url::Host;

/// How long an address has before the next one is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);
/// A name may have any number of addresses; this many are tried.
const MOST_ADDRESSES: usize = 8;

pub(crate) async fn connect(host: &Host, port: u16) -> io::Result<TcpStream> {
    let addresses = match host {
        Host::Ipv4(address) => VecDeque::from([SocketAddr::new(IpAddr::V4(*address), port)]),
        Host::Ipv6(address) => VecDeque::from([SocketAddr::new(IpAddr::V6(*address), port)]),
        Host::Domain(name) => in_turns(lookup_host((name.as_str(), port)).await?),
    };
    let stream = first_to_answer(addresses).await?;
    // Frames are small and each is wanted now.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn first_to_answer(mut addresses: VecDeque<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    loop {
        match addresses.pop_front() {
            Some(address) => attempts.push(TcpStream::connect(address)),
            None if attempts.is_empty() => return Err(failure),
            None => {}
        }
        tokio::select! {
            Some(outcome) = attempts.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            },
            () = sleep(HEAD_START), if !addresses.is_empty() => {}
        }
    }
}

/// The families in turns, the resolver's favourite first.
fn in_turns(found: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let (mut one, mut other): (VecDeque<_>, VecDeque<_>) = (VecDeque::new(), VecDeque::new());
    for address in found {
        let same = one.front().is_none_or(|first: &SocketAddr| first.is_ipv6() == address.is_ipv6());
        if same { one.push_back(address) } else { other.push_back(address) }
    }
    let mut turns = VecDeque::new();
    while turns.len() < MOST_ADDRESSES && !(one.is_empty() && other.is_empty()) {
        turns.extend(one.pop_front());
        turns.extend(other.pop_front());
    }
    turns.truncate(MOST_ADDRESSES);
    turns
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]);
        let turns = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]);
        assert_eq!(in_turns(found.into_iter()), turns);
    }

    #[test]
    fn a_name_with_too_many_addresses_is_cut() {
        let many = (1..=200).map(|n| SocketAddr::from(([10, 0, 0, n], 1)));
        assert_eq!(in_turns(many).len(), MOST_ADDRESSES);
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refused = {
            let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };
        let answered = first_to_answer([refused, server.local_addr().unwrap()].into()).await.unwrap();
        assert_eq!(answered.peer_addr().unwrap(), server.local_addr().unwrap());
        assert!(first_to_answer([refused].into()).await.is_err());
        assert!(first_to_answer(VecDeque::new()).await.is_err());
    }
}
