//! [`Program`]: a program started by a test, in a process group of its own, with its output in a file. It ends with its
//! owner, and with the test process should that be killed; nothing that was not started here is ever ended.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A running program that ends with its owner.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

/// A command for `program` that the kernel ends when the starting thread is gone: a test run that is killed leaves
/// nothing behind. The process id stays the program's own.
pub fn tied(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program.as_ref());
    command
}

impl Program {
    /// Starts `command`, its output going to `{folder}/{name}.log` (appended when started again).
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).expect("the session's folder is ours");
        let errors = file.try_clone().expect("a file can be opened twice");
        let child = command
            .stdout(file)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} could not be started ({command:?}): {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// What it was started as.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Its end, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// What is to be written to its standard input.
    pub fn take_input(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Asks it to end, and waits up to `limit` for that.
    pub fn terminate(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.signal("TERM");
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Ends it at once with everything in its process group, as a power cut would.
    pub fn kill(&mut self) {
        self.signal("KILL");
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends this signal to it and to everything in its process group.
    pub fn signal(&mut self, signal: &str) {
        if self.ended().is_some() {
            return;
        }
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill")
            .args(["-s", signal, "--", &group])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes whose environment names `marker`: the whole session of one test, whoever started them.
pub fn marked(marker: &str) -> Vec<u32> {
    processes()
        .filter(|id| {
            std::fs::read(format!("/proc/{id}/environ"))
                .is_ok_and(|environment| contains(&environment, marker.as_bytes()))
        })
        .collect()
}

/// All process ids there are.
pub fn processes() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether `needle` stands in `bytes`.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
}

/// Ends these processes, found by [`marked`], at once.
pub fn kill_all(ids: &[u32]) {
    for id in ids {
        let _ = Command::new("kill")
            .args(["-s", "KILL", &id.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// A loopback port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .expect("loopback has a free port")
}
