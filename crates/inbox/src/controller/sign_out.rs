//! Sign-out: held until the read marks have reached the server or are given up; then sid and messages leave the device, or the
//! messages stay for the same user's next sign-in.

use super::{Active, Controller, problems, requests::give};
use crate::{Code, Host, Keep, LastAccount, Problem, SignOut, handle::Answer, secrets::Keeper};

/// What fails first may have been on its way before the sign-out was asked for.
const TRIES: u8 = 1;

/// A sign-out that waits for the outbox to be empty.
pub(super) struct Leaving {
    sign_out: SignOut,
    answer: Answer<()>,
    /// The marks are sent again so often before it is given up.
    tries: u8,
}

impl<H: Host> Controller<H> {
    pub(super) fn sign_out(&mut self, sign_out: SignOut, answer: Answer<()>) {
        if self.signing_in.is_some() {
            // It is about to write a sid to the keyring, which would then stay there.
            let hint = "Wait until it has ended, then sign out.";
            return give(answer, Err(Problem::new(Code::AlreadySignedIn, "A sign-in is under way.", hint)));
        }
        let waiting = match self.read(|active| active.store.outbox_len()) {
            Ok(waiting) => waiting,
            Err(problem) if sign_out.discard && problem.code != Code::NotSignedIn => 0,
            Err(problem) => return give(answer, Err(problem)),
        };
        if sign_out.discard || waiting == 0 {
            return self.leave(sign_out, answer);
        }
        self.retry_marks_now();
        let Some(active) = &mut self.active else { return };
        if let Some(earlier) = active.leaving.replace(Leaving { sign_out, answer, tries: TRIES }) {
            let hint = "Wait until the read marks have reached the server.";
            give(earlier.answer, Err(Problem::new(Code::OutboxNotEmpty, "Another sign-out was asked for.", hint)));
        }
    }

    /// Goes on with a sign-out that waits, once there is nothing to wait for or no use in it.
    pub(super) fn leave_if_ready(&mut self) {
        if self.active.as_ref().is_none_or(|active| active.leaving.is_none()) {
            return;
        }
        if let Some(active) = &mut self.active
            && active.leaving.as_ref().is_some_and(|leaving| leaving.answer.is_closed())
        {
            // Whoever asked for it waits no more, and may have changed their mind.
            active.leaving = None;
            return;
        }
        let Some(sent) = self.sent() else { return };
        let waiting = self.read(|active| active.store.outbox_len()).unwrap_or_default();
        let Some(active) = &mut self.active else { return };
        if let (Err(_), Some(leaving @ Leaving { tries: 1.., .. })) = (&sent, &mut active.leaving) {
            leaving.tries -= 1;
            return self.retry_marks_now();
        }
        let Some(Leaving { sign_out, answer, .. }) = active.leaving.take() else { return };
        match sent {
            Ok(()) => self.leave(sign_out, answer),
            Err(why) => give(answer, Err(problems::marks_wait(waiting, &why))),
        }
    }

    /// Another user has signed in, in place of one whose session had ended. Messages go as at a sign-out, but for read marks
    /// that have not reached the server: nobody was asked about them.
    pub(super) fn let_go(&self, mut left: Active) {
        left.end_flush(&Err(problems::not_signed_in()));
        self.withdraw_all(&left.store);
        if !bool::from(self.kept.settings.purge_at_sign_out) || left.store.outbox_len().unwrap_or(1) > 0 {
            return;
        }
        if let Err(error) = left.store.delete() {
            tracing::warn!(%error, "the messages of the user before stay on this device");
        }
    }

    fn leave(&mut self, sign_out: SignOut, answer: Answer<()>) {
        let Some(mut active) = self.active.take() else { return give(answer, Err(problems::not_signed_in())) };
        self.epoch += 1;
        self.generation += 1;
        self.sign_in_problem = None;
        let now = self.wall();
        if let Some(client) = active.drop_session(now) {
            tokio::spawn(async move { client.shutdown().await });
        }
        active.end_flush(&Err(problems::not_signed_in()));
        if let Some(earlier) = active.leaving.take() {
            give(earlier.answer, Ok(()));
        }
        // Each step is tried whatever the others did: what can be removed is removed, and the first failure is told.
        let noted = match active.account.keep {
            Keep::Keyring => self.keeper.note(&active.account.id),
            Keep::SessionOnly => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "should the sid stay in the keyring, the next start does not know of it");
        }
        let account = active.account;
        self.withdraw_all(&active.store);
        let purge = sign_out.purge.unwrap_or_else(|| self.kept.settings.purge_at_sign_out.into());
        // Before it is forgotten who it was: a program that is killed in between finds the account again, not its messages.
        let deleted = if purge { active.store.delete().map_err(Problem::from) } else { Ok(()) };
        let forgotten = LastAccount::forget(&self.options.data_dir).map_err(Problem::from);
        let keeper = self.keeper.clone();
        // The keyring may ask the person first; the controller does not wait for it.
        tokio::spawn(async move {
            let sid = forget_sid(&keeper, account).await.map_err(|problem| {
                Problem::new(
                    problem.code,
                    format!(
                        "Signed out, but the session id could not be removed from the keyring: {}",
                        problem.message
                    ),
                    "Traybell tries again at its next start. To be sure, remove the entry \u{201c}Traybell\u{201d} in the keyring by hand.",
                )
            });
            give(answer, forgotten.and(deleted).and(sid));
        });
    }
}

/// Removes an account's sid from the keyring.
pub(super) async fn forget_sid(keeper: &Keeper, account: LastAccount) -> Result<(), Problem> {
    match account.keep {
        Keep::Keyring => keeper.forget(&account.id).await,
        Keep::SessionOnly => Ok(()),
    }
}
