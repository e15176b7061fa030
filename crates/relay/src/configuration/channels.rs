//! `[channels]`: the channel server elsewhere. Without the table the relay is one itself.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use crate::{ChannelServer, ChannelServerPlace, Error, secret_file::read_secret_of};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenChannels {
    app_id: String,
    key: String,
    secret_file: PathBuf,
    /// One of Pusher's own.
    cluster: Option<String>,
    /// Where the relay calls a server of one's own.
    url: Option<Url>,
    /// Where desktops connect to it, when that is another address.
    desktop_url: Option<Url>,
    /// Plain http to another machine.
    #[serde(default)]
    insecure: bool,
}

impl WrittenChannels {
    /// Refuses what makes no sense; the secret's file is read later.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::Input(format!("channels: {text}")));
        let is_word = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            (1..=128).contains(&text.len()) && text.bytes().all(fits)
        };
        if !is_word(&self.app_id) || !is_word(&self.key) {
            return refuse("app_id and key are made of letters, digits, dashes, underscores and dots");
        }
        match (&self.cluster, &self.url) {
            (Some(_), Some(_)) | (None, None) => {
                return refuse("either cluster, for Pusher's own servers, or url, for another");
            }
            (Some(cluster), None) if !is_word(cluster) => return refuse("cluster is a name as \"eu\" or \"mt1\""),
            (Some(_), None) if self.desktop_url.is_some() => return refuse("desktop_url goes with url"),
            _ => {}
        }
        for (name, url) in [("url", &self.url), ("desktop_url", &self.desktop_url)] {
            let Some(url) = url else { continue };
            let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_bare || !url.username().is_empty() {
                return refuse(&format!("{name} is http:// or https:// with a host and without a path"));
            }
            if url.scheme() == "http" && !self.insecure && !http_guard::is_loopback(url) {
                return refuse(&format!(
                    "{name} is unencrypted: what messages say would be readable on the way. Use https, or say insecure = true"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn read(&self, folder: &Path) -> Result<ChannelServer, Error> {
        let place = match (&self.cluster, &self.url) {
            (Some(cluster), _) => ChannelServerPlace::Cluster(cluster.clone()),
            (None, Some(api)) => {
                let desktops = self.desktop_url.as_ref().unwrap_or(api);
                ChannelServerPlace::Address { api: api.clone(), desktops: desktops.clone() }
            }
            (None, None) => return Err(Error::Input("channels: neither cluster nor url".into())),
        };
        let secret = read_secret_of("channels.secret_file", &folder.join(&self.secret_file))?;
        Ok(ChannelServer { app_id: self.app_id.clone(), key: self.key.clone(), secret, place })
    }
}
