//! The load: so many senders at once, each sending its next call-out when the last was answered.

use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;

use crate::{
    limit,
    postgres::Cluster,
    programs::{Handler, Relay},
};

/// Of the signature.
pub const HEADER: &str = "tracktik-subscription-secret";
/// The handler's; the relay makes its own.
pub const SECRET: &str = "a-secret-for-the-benchmark";
/// How many send at once.
const SENDERS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
/// Of 100, 99 are to be answered within this.
const WITHIN: Duration = Duration::from_millis(50);

/// Where call-outs go, and how they are signed.
pub struct Target {
    pub url: String,
    pub secret: String,
}

/// What a number of senders achieved.
#[derive(Debug, Clone, Copy)]
struct Seen {
    a_second: f64,
    p99: Duration,
}

/// Measures both databases, and prints a table.
pub async fn run(short: bool) {
    let cluster = Cluster::start().await;
    println!("| database | senders | handler /s | p99 ms | relay /s | p99 ms | ratio |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut best = Vec::new();
    for database in ["SQLite", "PostgreSQL"] {
        let folder = tempfile::tempdir().unwrap();
        let (limits, relays) = if database == "SQLite" {
            (folder.path().join("limit.sqlite").to_str().unwrap().to_owned(), "relay.sqlite".to_owned())
        } else {
            (cluster.new_database("limits"), cluster.new_database("relays"))
        };
        let handler = Handler::start(limit::environment(&limits));
        let relay = Relay::start(folder.path(), &relays, "", 1, if short { 1_000 } else { 200_000 }).await;
        let (mut handler_best, mut relay_best) = (0.0_f64, 0.0_f64);
        for senders in SENDERS.into_iter().take(if short { 1 } else { SENDERS.len() }) {
            let lasting = Duration::from_millis(if short { 200 } else { 4000 });
            let beside = send(&handler.target, senders, lasting).await;
            let ours = send(&relay.target, senders, lasting).await;
            println!(
                "| {database} | {senders} | {:.0} | {:.1} | {:.0} | {:.1} | {:.2} |",
                beside.a_second,
                milliseconds(beside.p99),
                ours.a_second,
                milliseconds(ours.p99),
                ours.a_second / beside.a_second,
            );
            for (seen, best) in [(beside, &mut handler_best), (ours, &mut relay_best)] {
                if seen.p99 < WITHIN {
                    *best = best.max(seen.a_second);
                }
            }
        }
        best.push((database, handler_best, relay_best));
    }
    println!("\n| database | most /s at p99 < 50 ms: handler | relay | ratio |");
    println!("|---|---:|---:|---:|");
    for (database, handler, relay) in best {
        println!("| {database} | {handler:.0} | {relay:.0} | {:.2} |", relay / handler);
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

async fn send(target: &Target, senders: usize, lasting: Duration) -> Seen {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(senders).build().unwrap();
    let begin = Instant::now();
    let sending = (0..senders).map(|sender| {
        let (client, url, secret) = (client.clone(), target.url.clone(), target.secret.clone());
        tokio::spawn(async move {
            let mut took = Vec::new();
            while begin.elapsed() < lasting {
                let body = body(&format!("{sender}-{}-{}", took.len(), begin.elapsed().as_nanos()));
                let signature = sign(&secret, &body);
                let asked = Instant::now();
                let request = client.post(&url).header("content-type", "application/json").header(HEADER, signature);
                let answer = request.body(body).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 200);
                took.push(asked.elapsed());
            }
            took
        })
    });
    let mut took = Vec::new();
    for sender in sending.collect::<Vec<_>>() {
        took.extend(sender.await.unwrap());
    }
    let elapsed = begin.elapsed();
    took.sort_unstable();
    let p99 = took[(took.len() - 1) * 99 / 100];
    #[allow(clippy::cast_precision_loss, reason = "a count of seconds' worth of calls")]
    let a_second = took.len() as f64 / elapsed.as_secs_f64();
    Seen { a_second, p99 }
}

/// Of the size of an employee.
pub fn body(employee: &str) -> String {
    let filler = "x".repeat(700);
    format!(
        r#"{{"id":7,"employeeId":"{employee}","firstName":"Ada","lastName":"Lovelace","region":{{"id":31}},"notes":"{filler}"}}"#
    )
}

pub fn sign(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).unwrap();
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}
