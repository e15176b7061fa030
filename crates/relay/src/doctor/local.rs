//! What is checked on the machine itself: the files, the database, and the room there is.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use crate::{
    Configuration,
    secret_file::check_private,
    store::{Probe, missing_recipients, probe},
    tls::{Certificates, certificate_facts},
};

/// certbot renews thirty days before the end; what is left by then has not been renewed.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Below this a busy day could fill it.
const ENOUGH_BYTES: u64 = 512 * 1024 * 1024;

pub(super) fn secrets(configuration: &Configuration) -> Finding {
    const CHECK: &str = "secrets";
    let place = configuration.secrets();
    let read = place.read().and_then(|secrets| configuration.server_options(&secrets).map(drop));
    match read {
        Ok(()) => match configuration.custom_ids().count() {
            0 => Finding::good(CHECK, "No subscriptions are set up, which need them."),
            1 => Finding::good(CHECK, format!("{} has those of the subscription, for its owner alone.", place.name())),
            count => Finding::good(
                CHECK,
                format!("{} has those of {count} subscriptions, for its owner alone.", place.name()),
            ),
        },
        Err(error) => Finding::bad(CHECK, error.to_string(), "Until this is mended `serve` does not start."),
    }
}

/// Nothing where a reverse proxy does the TLS: then the address says whether it does.
pub(super) fn certificate(configuration: &Configuration) -> Option<Finding> {
    const CHECK: &str = "certificate";
    let tls = &configuration.tls()?;
    if let Err(error) = Certificates::read(tls) {
        return Some(Finding::bad(CHECK, error.to_string(), "Until this is mended `serve` does not start."));
    }
    let facts = match certificate_facts(&tls.certificate) {
        Ok(facts) => facts,
        Err(error) => {
            return Some(Finding::bad(CHECK, error.to_string(), "The file has just been changed; try again."));
        }
    };
    let left = facts.ends.duration_since(Timestamp::now());
    let days = left.as_hours() / 24;
    if left < RENEWED_BEFORE {
        let detail = format!("It ends in {days} days, on {}.", facts.ends);
        return Some(Finding::bad(CHECK, detail, "Renew it; a running relay takes the new one by itself."));
    }
    let url = url::Url::parse(&configuration.own_url()).ok()?;
    let host = url.host_str().unwrap_or_default();
    if !facts.is_for(host) {
        let detail = format!("It is for {}, and not for {host}.", facts.names.join(", "));
        return Some(Finding::bad(CHECK, detail, "Get one for the host of public_url."));
    }
    Some(Finding::good(CHECK, format!("It is for {host} and good for {days} days more.")))
}

/// The finding, and what was found for the other checks.
pub(super) fn database(path: &Path) -> (Finding, Option<Probe>) {
    const CHECK: &str = "database";
    let shown = path.display();
    if !path.exists() {
        return (
            Finding::bad(
                CHECK,
                format!("{shown} is not there."),
                "The first `serve` makes it. If there was one, put it back first.",
            ),
            None,
        );
    }
    if let Err(error) = check_private(path) {
        return (Finding::bad(CHECK, error.to_string(), "Everybody's messages are in it."), None);
    }
    match probe(path) {
        Ok(probe) => of_form(CHECK, &shown.to_string(), probe),
        Err(error) => {
            let hint = "If it is damaged, `traybell-relay restore` puts a backup in its place.";
            (Finding::bad(CHECK, format!("{shown}: {error}"), hint), None)
        }
    }
}

/// Whether this program works on a database of that form.
pub(super) fn of_form(check: &'static str, shown: &str, probe: Probe) -> (Finding, Option<Probe>) {
    let (version, known) = (probe.version, probe.known_version);
    if version > known {
        let detail = format!("A newer relay has written {shown}: form {version}, this one knows {known}.");
        return (Finding::bad(check, detail, "Use the newer program."), None);
    }
    if version < known {
        let detail = format!("{shown} is of an older relay: form {version} of {known}.");
        let hint = "Restart the relay with this program, which brings it up to date.";
        return (Finding::bad(check, detail, hint), Some(probe));
    }
    (Finding::good(check, format!("{shown} can be read, and is up to date.")), Some(probe))
}

pub(super) fn disk(database: &Path) -> Finding {
    const CHECK: &str = "disk";
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs4::available_space(folder) {
        Ok(bytes) if bytes < ENOUGH_BYTES => {
            let detail = format!("{} MiB are left in {}.", bytes / 1024 / 1024, folder.display());
            Finding::bad(CHECK, detail, "Free some, or keep less: [retention_days] in relay.toml.")
        }
        Ok(bytes) => Finding::good(CHECK, format!("{} MiB are left.", bytes / 1024 / 1024)),
        Err(error) => Finding::bad(
            CHECK,
            format!("{}: {error}", folder.display()),
            "The database's folder is made by the first `serve`.",
        ),
    }
}

/// Whether everybody that relay.toml names is there; nothing where it names nobody. Names that depend on the entity cannot be
/// checked.
pub(super) async fn recipients(configuration: &Configuration) -> Option<Finding> {
    const CHECK: &str = "recipients";
    let named = configuration.named_recipients();
    let count = named.users.len() + named.groups.len();
    if count == 0 {
        return None;
    }
    Some(match missing_recipients(configuration.database(), named).await {
        Ok(missing) if missing.is_empty() => Finding::good(CHECK, "Everybody that relay.toml names is there."),
        Ok(missing) => {
            let detail = format!("There is no {}: what is for them alone reaches no desk.", missing.join(", no "));
            Finding::bad(CHECK, detail, "`traybell-relay user add NAME --brand BRAND --group GROUP` adds one.")
        }
        Err(error) => Finding::bad(CHECK, error.to_string(), "Once the database can be read, this can be checked."),
    })
}
