//! `traybell-relay demo`: a relay to try Traybell with.

use std::{io::Write as _, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Args;
use relay::demo::{BRAND, Demo, DemoOptions};
use secrecy::ExposeSecret as _;

use super::stop::Stop;

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Port to listen on [default: the one used before with the same --data, else any free one]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    /// Seconds between two messages, such as 5 or 0.5
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    every: Duration,

    /// Send this many messages, then go on serving without new ones [default: no end]
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Folder to keep messages and session id in, so that they are there the next time [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    // The text stands in an attribute: in a doc comment its braces would want marks that `--help` prints as they are.
    #[arg(long, help = r#"Print one line of JSON when ready, {"url","brand","sid","pusher_key"}, and nothing else"#)]
    json: bool,
}

pub async fn demo(arguments: DemoArguments) -> anyhow::Result<()> {
    let DemoArguments { port, every, count, data, json } = arguments;
    // From before the first line is out: who reads it may end us at once.
    let mut stop = Stop::new()?;
    let demo = Demo::start(DemoOptions { port, every, count, data }).await?;
    let ready = if json { demo.ready_line() + "\n" } else { welcome(&demo, every, count) };
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(ready.as_bytes()).and_then(|()| stdout.flush()).context("cannot write to stdout")?;
    drop(stdout);
    let ran = tokio::select! {
        ran = demo.run() => ran.context("the demo's messages have come to an end"),
        () = stop.wanted() => Ok(()),
    };
    demo.shutdown().await;
    ran
}

fn welcome(demo: &Demo, every: Duration, count: Option<u64>) -> String {
    let (url, sid, user) = (demo.server().url(), demo.sid().expose_secret(), demo.user());
    let (first, last) = (&user.first_name, &user.last_name);
    let seconds = every.as_secs_f64();
    let messages = count.map_or(String::from("A new message"), |count| format!("{count} messages, one"));
    format!(
        "The Traybell Relay demo is ready for {first} {last}.

  Environment  {url}
  Brand        {BRAND}
  Session id   {sid}

Give these three to Traybell's sign-in window, or type:

  echo {sid} | traybell sign-in --environment {url} --brand {BRAND}

{messages} every {seconds} s. Ctrl-C ends the demo.
"
    )
}

fn seconds(text: &str) -> Result<Duration, String> {
    let expected = "a number of seconds from 0.001 to 86400";
    let seconds: f64 = text.parse().map_err(|_| expected.to_owned())?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err(expected.to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| expected.to_owned())
}
