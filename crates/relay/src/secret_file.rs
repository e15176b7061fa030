//! Secrets that come from outside, each in a file of its own: for its owner's eyes only, as systemd's credentials and
//! a container's secrets are. `relay.toml` names such a file and never holds what is in it.

use std::{fs, io, io::Read as _, path::Path};

use secrecy::SecretString;

use crate::Error;

/// A secret is no longer than that.
const MAX_BYTES: u64 = 4096;

/// The secret in the file that this key of `relay.toml` names.
pub(crate) fn read_secret_of(key: &str, path: &Path) -> Result<SecretString, Error> {
    // Reading a pipe would wait for whoever writes to it.
    let is_pipe = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let no_file = || Err(Error::Input(format!("{} is no file", path.display())));
    let read = if is_pipe { no_file() } else { read_secret(path) };
    read.map_err(|error| Error::Input(format!("{key}: {error}")))
}

/// The secret in the file: its text without blanks and line ends around it. A file that others may read is refused.
pub(crate) fn read_secret(path: &Path) -> Result<SecretString, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    check_private(path)?;
    let mut text = String::new();
    fs::File::open(path).map_err(failed)?.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    let secret = text.trim();
    if secret.is_empty() || text.len() as u64 > MAX_BYTES || secret.contains(char::is_control) {
        let expected = "it holds no secret: one line of text, at most 4096 bytes";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, expected)));
    }
    Ok(secret.into())
}

#[cfg(unix)]
pub(crate) fn check_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    let others = mode & 0o077;
    if others == 0 || (others == 0o040 && is_credential(&fs::canonicalize(path).map_err(failed)?)) {
        return Ok(());
    }
    Err(Error::Input(format!(
        "{}: others than its owner may read or change this file of secrets (mode {:o}); `chmod 600` it, and renew what \
         is in it if they could have",
        path.display(),
        mode & 0o777
    )))
}

/// systemd lets the service's user read a credential by an access control list, whose mask shows where a group's rights
/// would; the folder is closed to everybody else.
#[cfg(unix)]
fn is_credential(path: &Path) -> bool {
    path.starts_with("/run/credentials")
}

/// Windows' folders of a user are the user's alone unless someone changed that.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the other systems can refuse")]
pub(crate) fn check_private(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_secret_is_one_line_without_what_is_around_it() {
        assert_eq!(read_secret(file("a secret\r\n").path()).unwrap().expose_secret(), "a secret");
        for none in ["", " \n", "two\nlines", &"x".repeat(5000)] {
            let refused = read_secret(file(none).path()).unwrap_err().to_string();
            assert!(refused.contains("one line of text") && !refused.contains("lines\n"), "{refused}");
        }
        assert!(read_secret(Path::new("/no/such/file")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = file("a secret");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read_secret(file.path()).unwrap_err().to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("a secret"), "{refused}");
        assert!(is_credential(Path::new("/run/credentials/traybell-relay.service/privkey.pem")));
        assert!(!is_credential(file.path()) && !is_credential(Path::new("/run/credentials-of-others/x")));
    }
}
