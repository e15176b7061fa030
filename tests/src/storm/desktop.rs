//! One desktop of the storm: the real controller, signed in, its keyring and its notification service in memory.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use inbox::{
    AccountId, Alert, AlertTarget, Handle, Handover, Host, Keep, Kept, MessageId, Options, Problem, Secrets, SignIn,
    Tab, TrayView, Withdrawal,
};
use secrecy::SecretString;

/// A desktop that is signed in.
pub(super) struct Desktop(Handle);

impl Desktop {
    pub(super) async fn start(data: &Path, environment: &str, sid: &str) -> anyhow::Result<Self> {
        let sid = SecretString::from(sid);
        let options = Options::new(data.to_owned(), Arc::new(InMemory(sid.clone())));
        let app = inbox::start(options, Arc::new(Nobody)).await?;
        let (environment, brand) = (environment.to_owned(), "acme".to_owned());
        let sign_in = SignIn { environment, brand, sid, keep: Keep::Keyring, insecure_confirmed: false };
        app.sign_in(sign_in).await.map_err(|problem| anyhow::anyhow!("{problem:?}")).context("sign-in")?;
        Ok(Self(app))
    }

    /// The titles of all messages in its list.
    pub(super) async fn titles(&self) -> anyhow::Result<Vec<String>> {
        let (mut titles, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.0.page(Tab::All.into(), cursor, 200).await;
            let page = page.map_err(|problem| anyhow::anyhow!("{problem:?}")).context("list")?;
            titles.extend(page.rows.into_iter().map(|row| row.title));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(titles);
            }
        }
    }
}

/// A keyring with one entry.
struct InMemory(SecretString);

impl Secrets for InMemory {
    fn get<'a>(&'a self, _: &'a AccountId) -> Kept<'a, Option<SecretString>> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }

    fn set<'a>(&'a self, _: &'a AccountId, _: &'a SecretString) -> Kept<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, _: &'a AccountId) -> Kept<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Nobody looks.
struct Nobody;

impl Host for Nobody {
    async fn alert(&self, _: Alert) -> Handover {
        Handover::Taken
    }

    async fn withdraw_alert(&self, _: AlertTarget) -> Withdrawal {
        Withdrawal::Withdrawn
    }

    fn set_tray(&self, _: TrayView) {}

    fn show_window(&self, _: Option<MessageId>) {}

    fn open_url(&self, _: url::Url) -> Result<(), Problem> {
        Ok(())
    }
}
