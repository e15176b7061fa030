//! [`Tinyproxy`]: a real HTTP proxy, as an office has one between its desks and the world.

use std::path::PathBuf;

use crate::desktop::Desktop;
use crate::process::{Program, free_port};
use crate::wait;

/// A running tinyproxy on loopback. It resolves no names: what is asked of it goes to one server, unless it is on loopback
/// itself.
pub struct Tinyproxy {
    program: Option<Program>,
    config: PathBuf,
    port: u16,
}

impl Tinyproxy {
    /// Starts one that sends everybody to the server at this loopback port; returns when it answers.
    pub async fn start(desktop: &Desktop, upstream: u16) -> Self {
        let port = free_port();
        let config = desktop.folders.root.join("tinyproxy.conf");
        let settings = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nAllow 127.0.0.1\n\
             Upstream http 127.0.0.1:{upstream}\nUpstream none \"127.0.0.1\"\n"
        );
        std::fs::write(&config, settings).expect("the session's folder is ours");
        let mut proxy = Self { program: None, config, port };
        proxy.launch(desktop).await;
        proxy
    }

    /// What `http_proxy` names.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it has told of its connections.
    pub fn output(&self) -> String {
        self.program.as_ref().map_or_else(String::new, Program::output)
    }

    /// Ends it: connections to it are refused.
    pub fn stop(&mut self) {
        self.program = None;
    }

    /// Starts it again on the same port.
    pub async fn launch(&mut self, desktop: &Desktop) {
        let mut command = desktop.command("tinyproxy");
        command.arg("-d").arg("-c").arg(&self.config);
        self.program = Some(desktop.run("tinyproxy", command));
        let address = ("127.0.0.1", self.port);
        wait::until("tinyproxy", || async {
            tokio::net::TcpStream::connect(address).await.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }
}
