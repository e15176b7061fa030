//! [`Cluster`]: a real PostgreSQL of its own, on a loopback port and in a temporary folder, that can be killed and started
//! again on the same files. It ends with its owner, however that ends.
//!
//! It needs nothing of its neighbours, so that a crate's own tests can include it.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Who runs it when we are root, whom it refuses: `nobody`.
const NOBODY: u32 = 65_534;
/// It answers within this time, on the most loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running (or killed) server.
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    /// Stays the same over restarts.
    pub port: u16,
    server: Option<Child>,
}

impl Cluster {
    /// Makes one; returns when it answers.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let mut cluster = Self { programs: programs(), folder, port, server: None };
        if Self::is_root() {
            std::os::unix::fs::chown(cluster.folder.path(), Some(NOBODY), Some(NOBODY)).expect("we are root");
        }
        let data = cluster.data();
        let mut make = cluster.command("initdb");
        make.arg("--pgdata").arg(&data).args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]);
        succeed(&mut make);
        cluster.restart().await;
        cluster
    }

    /// A new database, as an address.
    pub fn new_database(&self, name: &str) -> String {
        let mut create = self.command("createdb");
        succeed(create.args(["--host=127.0.0.1", "--username=postgres", "--port", &self.port.to_string(), name]));
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Ends it as a crash would, with all that belongs to it.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let group = format!("-{}", server.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        killed.expect("every system has kill");
        server.wait().expect("it was ours to wait for");
    }

    /// Starts it again on its files; returns when it answers.
    pub async fn restart(&mut self) {
        self.kill();
        let begin = Instant::now();
        loop {
            let (data, port) = (self.data(), self.port.to_string());
            let mut serve = self.command("postgres");
            serve.arg("-D").arg(&data).arg("-k").arg(self.folder.path());
            serve.args(["-h", "127.0.0.1", "-p", &port, "-c", "max_connections=200"]);
            let log = std::fs::File::options().create(true).append(true).open(self.log()).expect("the folder is ours");
            let server = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
            self.server = Some(server.expect("it was found before"));
            if self.answers(begin).await {
                return;
            }
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            assert!(begin.elapsed() < PATIENCE, "PostgreSQL does not answer: {log}");
        }
    }

    /// Waits until it does, or has ended: what was killed may still be in its way for a moment.
    async fn answers(&mut self, begin: Instant) -> bool {
        loop {
            let mut asked = self.command("pg_isready");
            asked.args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()]);
            if asked.status().expect("it was found before").success() {
                return true;
            }
            let ended = self.server.as_mut().and_then(|server| server.try_wait().ok().flatten()).is_some();
            if ended || begin.elapsed() > PATIENCE {
                self.kill();
                return false;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One of its programs, as whoever may run it; killed when we are.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if Self::is_root() {
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
        }
        command.arg(self.programs.join(program)).process_group(0).current_dir(self.folder.path());
        command
    }

    fn is_root() -> bool {
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("postgres.log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}

fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("setpriv is part of every Linux");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where its programs are: on the path, or where Debian and Fedora put those of each version.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = ["/usr/lib/postgresql", "/usr"].into_iter().flat_map(|place| {
        let entries = std::fs::read_dir(place).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.path().join("bin"))
    });
    let has_it =
        |folder: &PathBuf| ["initdb", "postgres", "pg_isready", "createdb"].iter().all(|it| is_there(folder, it));
    let found = versions.chain(std::env::split_paths(&path)).find(has_it);
    found.expect("PostgreSQL's server is installed: `cargo xtask test` does that")
}

fn is_there(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file()
}
