//! [`Folder`]: the one folder all files of this program are in. It must never create a file that others can read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use inbox::{Code, Problem};

/// The data folder, absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// Where it is: `TRAYBELL_DATA_DIR`, or what Tauri calls `app_local_data_dir` (it does not roam on Windows).
    pub fn locate() -> Result<Self, Problem> {
        if let Some(moved) = std::env::var_os("TRAYBELL_DATA_DIR").filter(|value| !value.is_empty()) {
            return std::path::absolute(PathBuf::from(moved)).map(Self).map_err(|error| {
                Problem::new(
                    Code::BadInput,
                    format!("TRAYBELL_DATA_DIR is not a usable path: {error}."),
                    "Set it to a folder that you may write to, or unset it.",
                )
            });
        }
        dirs::data_local_dir().map(|base| Self(base.join(crate::IDENTIFIER))).ok_or_else(|| {
            Problem::new(
                Code::StoreFailed,
                "Your account has no folder for application data.",
                "Set HOME, or set TRAYBELL_DATA_DIR to a folder that you may write to.",
            )
        })
    }

    /// Creates it, readable by its owner alone.
    pub fn prepare(&self) -> Result<(), Problem> {
        private_dir(&self.0).map_err(|error| self.unwritable(&error))
    }

    /// What to tell the person when something in the folder cannot be written.
    pub fn unwritable(&self, error: &std::io::Error) -> Problem {
        Problem::new(
            Code::StoreFailed,
            format!("The data folder {} cannot be written: {error}.", self.0.display()),
            "Make the folder writable for your account, free space on its disk, or set TRAYBELL_DATA_DIR to another one.",
        )
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the log files are.
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// The log files there are, the oldest first.
    pub fn log_files(&self) -> Vec<PathBuf> {
        let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let entries = fs::read_dir(self.logs()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = entries.filter(|path| name(path).starts_with("traybell.log")).collect();
        files.sort_by_key(|path| std::cmp::Reverse(name(path)));
        files
    }

    /// What the webview keeps.
    pub fn webview(&self) -> PathBuf {
        self.0.join("webview")
    }

    /// The tray icon as a file, for systems whose tray reads one.
    pub fn tray(&self) -> PathBuf {
        self.0.join("tray")
    }

    /// The app's picture, for notification services, which take a file.
    pub fn icon(&self) -> PathBuf {
        self.0.join("icon.png")
    }

    /// The file whose lock says that a program uses the folder.
    pub fn lock(&self) -> PathBuf {
        self.0.join("traybell.lock")
    }
}

/// Creates a folder and its parents; the folder itself is for its owner alone, also when it was there before.
pub(crate) fn private_dir(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if fs::metadata(path)?.permissions().mode() & 0o777 != 0o700 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    {
        // The folder of local application data is the user's alone; what is created in it inherits that.
        fs::create_dir_all(path)
    }
}

/// How to open a file of ours: created for its owner alone.
pub(crate) fn private_file() -> fs::OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut))] // only Unix has a mode to set
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

#[cfg(test)]
impl Folder {
    /// A folder of a test.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_folder_is_made_for_its_owner_alone_even_when_it_was_open_before() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::at(&temp.path().join("a/b"));
        fs::create_dir_all(folder.path()).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        folder.prepare().unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_what_to_do() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), b"").unwrap();
        let problem = Folder::at(&temp.path().join("file/inside")).prepare().unwrap_err();
        assert_eq!(problem.code, Code::StoreFailed);
        assert!(problem.message.contains("inside"), "the path is named: {}", problem.message);
        assert!(problem.hint.contains("TRAYBELL_DATA_DIR"), "the way out is named: {}", problem.hint);
    }
}
