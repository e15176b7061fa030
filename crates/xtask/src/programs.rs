//! What one build of the workspace made, as cargo itself reports it: above all the test programs, so that they can be run
//! by group, under wine, or with a filter, all from a single build with a single set of features.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::Call;

/// A test program, and the package that it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub struct TestProgram {
    /// The package's name
    pub package: String,
    /// The library, program or integration test that is tested
    pub target: String,
    /// The package's folder, in which cargo runs its tests
    pub dir: PathBuf,
    /// The program
    pub path: PathBuf,
}

/// Runs a cargo call that takes `--message-format` and gives the test programs that it made.
pub fn build(call: Call) -> Result<Vec<TestProgram>> {
    println!("$ {call}");
    let mut tests = parse(&call.arg("--message-format=json-render-diagnostics").read()?);
    // Cargo reports them as they get ready, which differs from run to run.
    tests.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
    Ok(tests)
}

/// All of the workspace in one go; the other steps use what this made.
pub fn build_workspace() -> Result<Vec<TestProgram>> {
    build(Call::cargo("build").args(["--locked", "--workspace", "--all-targets"]))
}

fn parse(messages: &str) -> Vec<TestProgram> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| test_program(&message)).collect()
}

fn test_program(message: &Value) -> Option<TestProgram> {
    if message.pointer("/profile/test")?.as_bool() != Some(true) {
        return None;
    }
    let dir = Path::new(message.get("manifest_path")?.as_str()?).parent()?;
    Some(TestProgram {
        package: package_name(message.get("package_id")?.as_str()?, dir),
        target: message.pointer("/target/name")?.as_str()?.to_owned(),
        dir: dir.to_path_buf(),
        path: PathBuf::from(message.get("executable")?.as_str()?),
    })
}

/// A package id ends in `…/folder#version` or, where the name is not the folder's, in `#name@version`.
fn package_name(id: &str, dir: &Path) -> String {
    let named = id.rsplit_once('#').and_then(|(_, tail)| tail.split_once('@')).map(|(name, _)| name.to_owned());
    named.unwrap_or_else(|| dir.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// What a test program says of its failed tests, told once more at the end of a run that is pages long.
#[derive(Debug, Default)]
struct Failures {
    told: String,
    /// How many more lines of the one that is being read are taken
    left: usize,
}

impl Failures {
    /// Of each: a panic's place and message stand first, a log may follow.
    const LINES: usize = 12;
    const LINE: usize = 400;

    fn read(&mut self, line: &str) {
        if line.starts_with("---- ") {
            self.left = Self::LINES;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.left = 0;
        }
        if self.left > 0 && !line.is_empty() {
            self.left -= 1;
            self.told.push_str("\n    ");
            self.told.extend(line.chars().take(Self::LINE));
        }
    }
}

fn lock(failures: &Mutex<Failures>) -> MutexGuard<'_, Failures> {
    failures.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs each of them in its package's folder, through `runner` when one is given; all run, and the failed ones are named.
pub fn run_all(programs: &[&TestProgram], filter: Option<&str>, prepare: impl Fn(&TestProgram) -> Call) -> Result<()> {
    if programs.is_empty() {
        bail!("the build made no test program for this level");
    }
    let mut failed = Vec::new();
    for program in programs {
        println!("\n{} · {}", program.package, program.target);
        let call = prepare(program).dir(&program.dir).env("CARGO_MANIFEST_DIR", &program.dir).args(filter);
        let failures = Arc::<Mutex<Failures>>::default();
        let watched = Arc::clone(&failures);
        let outcome = call.run_watched(move |line| lock(&watched).read(line));
        if let Err(error) = outcome.context(program.target.clone()) {
            failed.push(format!("{error:#}{}", lock(&failures).told));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("{} of {} test programs failed:\n  {}", failed.len(), programs.len(), failed.join("\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failed_test_the_first_lines_are_told_again_and_of_the_others_none() {
        let mut failures = Failures::default();
        let wide = "x".repeat(1000);
        let output =
            ["test a ... FAILED", "failures:", "", "---- a stdout ----", "thread 'a' panicked at a.rs:1:1:", "", &wide];
        let log = vec!["a line of a log"; 100];
        let end = ["failures:", "    a", "", "test result: FAILED. 0 passed; 1 failed"];
        output.into_iter().chain(log).chain(end).for_each(|line| failures.read(line));
        let again: Vec<_> = failures.told.lines().collect();
        assert_eq!(again[..3], ["", "    ---- a stdout ----", "    thread 'a' panicked at a.rs:1:1:"]);
        assert_eq!((again[3].len(), again.len()), (404, 13), "{again:?}");
    }

    #[test]
    fn test_programs_are_read_from_what_cargo_reports_and_all_else_is_passed_over() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/relay#0.1.0","manifest_path":"/w/crates/relay/Cargo.toml","target":{"name":"relay"},"profile":{"test":true},"executable":"/w/t/relay-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///w/tests#traybell-tests@0.1.0","manifest_path":"/w/tests/Cargo.toml","target":{"name":"black_box"},"profile":{"test":true},"executable":"/w/t/black_box-2"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/relay#0.1.0","manifest_path":"/w/crates/relay/Cargo.toml","target":{"name":"traybell-relay"},"profile":{"test":false},"executable":"/w/t/traybell-relay"}"#,
            "\nnot JSON\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found = parse(messages);
        let names: Vec<_> = found.iter().map(|p| (p.package.as_str(), p.target.as_str())).collect();
        assert_eq!(names, [("relay", "relay"), ("traybell-tests", "black_box")], "the program itself is no test");
        assert_eq!(found[0].dir, Path::new("/w/crates/relay"), "tests run in their package's folder");
    }
}
