//! Starting other programs: shown before they run, their failure told with what was run. Never through a shell.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fmt, thread};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A program to run, started in the root of the checkout.
pub struct Call {
    command: Command,
}

impl Call {
    /// A call of `program`, looked up in `PATH` unless it is a path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(workspace::root());
        // `cargo run` describes this very package to us. Build scripts that watch those variables (ring's does) would
        // build anew each time the task, and not the developer's shell, calls cargo.
        for (name, _) in env::vars_os() {
            let described = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_PRIMARY_PACKAGE"
            });
            if described {
                command.env_remove(name);
            }
        }
        Self { command }
    }

    /// A call of the cargo that runs this task.
    pub fn cargo(subcommand: &str) -> Self {
        Self::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).arg(subcommand)
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Hides a variable of our own environment.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Starts in another folder.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs to the end with our own output; a failure is an error.
    pub fn run(mut self) -> Result<()> {
        println!("$ {self}");
        let status = self.command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {self}"))?;
        if !status.success() {
            bail!("{self}: {status}");
        }
        Ok(())
    }

    /// Runs to the end like [`Self::run`], and shows each line of its output to `watch` too.
    pub fn run_watched(mut self, mut watch: impl FnMut(&str) + Send + 'static) -> Result<()> {
        println!("$ {self}");
        let child = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {self}"))?;
        let output = child.stdout.take().context("its output is ours")?;
        let (ended, all_read) = mpsc::channel::<()>();
        thread::spawn(move || {
            let _ended = ended;
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                watch(&line);
            }
        });
        let status = child.wait().with_context(|| format!("cannot wait for {self}"))?;
        // Something that it left behind may hold its output open for ever.
        let _ = all_read.recv_timeout(Duration::from_secs(5));
        if !status.success() {
            bail!("{self}: {status}");
        }
        Ok(())
    }

    /// Runs to the end and gives what it wrote to standard output; a failure is an error.
    pub fn read(mut self) -> Result<String> {
        let output = self
            .command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {self}"))?;
        if !output.status.success() {
            bail!("{self}: {}", output.status);
        }
        String::from_utf8(output.stdout).with_context(|| format!("{self} did not write UTF-8"))
    }

    /// Whether it ran and succeeded, whatever it wrote.
    pub fn succeeds(mut self) -> bool {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Starts it beside us; it is ended when the answer is dropped.
    pub fn start(mut self, stdin: Stdio, stdout: Stdio) -> Result<Running> {
        let child = self.command.stdin(stdin).stdout(stdout).spawn().with_context(|| format!("cannot start {self}"))?;
        Ok(Running(child))
    }
}

/// As one would type it, without the environment.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = Path::new(self.command.get_program());
        write!(f, "{}", program.file_name().unwrap_or(program.as_os_str()).display())?;
        self.command.get_args().try_for_each(|arg| write!(f, " {}", arg.display()))
    }
}

/// A program started by us, ended with us.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a program of this name can be started.
pub fn available(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path).any(|dir| dir.join(program).is_file() || dir.join(format!("{program}.exe")).is_file())
    })
}
