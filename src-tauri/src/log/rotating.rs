//! A log file that begins anew when it is full and keeps a few of the old ones, so that the log never grows without
//! bound. It must never let a full disk stop the program: what cannot be written is dropped.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use crate::folder::{private_dir, private_file};

/// A file begins anew past this many bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// `traybell.log` and this many before it, `traybell.log.1` the latest.
const KEPT: u32 = 4;

/// The current log file.
#[derive(Debug)]
pub struct Rotating {
    folder: PathBuf,
    file: File,
    written: u64,
    max_bytes: u64,
}

impl Rotating {
    /// Opens the log in `folder` and goes on where the last start ended.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        Self::with_limit(folder, MAX_BYTES)
    }

    fn with_limit(folder: PathBuf, max_bytes: u64) -> io::Result<Self> {
        private_dir(&folder)?;
        let file = private_file().create(true).append(true).open(folder.join("traybell.log"))?;
        let written = file.metadata()?.len();
        Ok(Self { folder, file, written, max_bytes })
    }

    fn path(&self, age: u32) -> PathBuf {
        self.folder.join(if age == 0 { "traybell.log".to_owned() } else { format!("traybell.log.{age}") })
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        for age in (0..KEPT).rev() {
            match fs::rename(self.path(age), self.path(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.file = private_file().create(true).append(true).open(self.path(0))?;
        self.written = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.written >= self.max_bytes && self.begin_anew().is_err() {
            // Tried again with the next line; this one is not worth growing without bound for.
            return Ok(line.len());
        }
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_begins_anew_and_only_a_few_old_ones_are_kept() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = Rotating::with_limit(temp.path().to_owned(), 10).unwrap();
        for n in 0..20 {
            log.write_all(format!("line {n:05}\n").as_bytes()).unwrap();
        }
        let mut names: Vec<_> =
            fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(
            names,
            ["traybell.log", "traybell.log.1", "traybell.log.2", "traybell.log.3", "traybell.log.4"],
            "the oldest are gone"
        );
        assert_eq!(fs::read_to_string(temp.path().join("traybell.log")).unwrap(), "line 00019\n");
        assert_eq!(fs::read_to_string(temp.path().join("traybell.log.4")).unwrap(), "line 00015\n");
    }

    #[test]
    fn a_new_start_goes_on_in_the_same_file() {
        let temp = tempfile::tempdir().unwrap();
        for text in ["first\n", "second\n"] {
            Rotating::open(temp.path().to_owned()).unwrap().write_all(text.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(temp.path().join("traybell.log")).unwrap(), "first\nsecond\n");
    }
}
