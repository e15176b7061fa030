//! What a person asks of the controller, request by request.

use std::time::Duration;

use fasttrack_client::Environment;
use tokio::time::Instant;

use super::{
    Controller, Flow, SigningIn,
    news::{Scope, SignedIn, What},
    problems, session,
};
use crate::{
    AlertTarget, ButtonView, Code, Detail, Host, Keep, LastAccount, Message, MessageId, Problem, SignIn, Step,
    handle::{Answer, Request},
    images::{Picture, Pictures},
    link::{self, Judgement},
    secrets::Keeper,
    store::StoreError,
};

const PAGE_ROWS: u32 = 200;

impl<H: Host> Controller<H> {
    pub(super) fn on_request(&mut self, request: Request) -> Flow {
        match request {
            Request::SignIn(sign_in, answer) => self.sign_in(sign_in, answer),
            Request::SignOut { discard, answer } => self.sign_out(discard, answer),
            Request::Page { tab, cursor, limit, answer } => {
                let now = self.now();
                let generation = self.generation;
                let page = self.read(|active| {
                    let (rows, next) = active.store.page(tab, cursor.as_deref(), limit.clamp(1, PAGE_ROWS), now)?;
                    let revision = (generation << 32) + active.store.revision();
                    Ok(crate::Page { rows, next, revision })
                });
                give(answer, page);
            }
            Request::Detail(id, answer) => self.detail(&id, answer),
            Request::MarkRead(id, answer) => {
                let now = self.now();
                let marked = self.known(&id).and_then(|()| self.change(|active| active.store.mark_read(&id, now)));
                if marked.is_ok() {
                    self.withdraw([id]);
                }
                give(answer, marked.map(drop));
            }
            Request::MarkUnread(id, answer) => {
                let marked = self.known(&id).and_then(|()| self.change(|active| active.store.mark_unread(&id)));
                give(answer, marked.map(drop));
            }
            Request::MarkAllRead(answer) => {
                let now = self.now();
                let marked = self.change(|active| active.store.mark_all_read(now));
                give(
                    answer,
                    marked.map(|ids| {
                        let many = ids.len() as u64;
                        self.withdraw(ids);
                        many
                    }),
                );
            }
            Request::Delete(id, answer) => {
                let now = self.now();
                let deleted =
                    self.known(&id).and_then(|()| self.change(|active| active.store.delete_message(&id, now)));
                if deleted.is_ok() {
                    self.withdraw([id]);
                }
                give(answer, deleted.map(drop));
            }
            Request::Refresh(answer) => give(answer, self.refresh()),
            Request::OpenLink { id, index, confirmed, answer } => {
                let opened = self.open_link(&id, index, confirmed);
                give(answer, opened);
            }
            Request::Picture(id, answer) => self.picture(&id, answer),
            Request::WindowOpened(answer) => {
                if let Some(active) = &mut self.active {
                    active.person_is_here();
                    active.list.trigger(Instant::now(), Duration::ZERO);
                }
                give(answer, Ok(()));
            }
            Request::AlertActivated(target) => self.host.show_window(match target {
                AlertTarget::Message(id) => Some(id),
                AlertTarget::Summary | AlertTarget::SignIn => None,
            }),
            Request::Notice(problem, true) => self.set_notice(problem),
            Request::Notice(problem, false) => {
                self.clear_notice(problem.code);
                if problem.code == Code::NoNotifications {
                    self.alerts_possible();
                }
            }
            Request::Nudge(nudge) => self.nudged(nudge),
            Request::Flush(answer) => self.flush(answer),
            Request::Shutdown(done) => return Flow::Stop(Some(done)),
        }
        Flow::Continue
    }

    /// Reads from the signed-in account's store.
    fn read<T>(&mut self, read: impl FnOnce(&mut super::Active) -> Result<T, StoreError>) -> Result<T, Problem> {
        let active = self.active.as_mut().ok_or_else(problems::not_signed_in)?;
        read(active).map_err(Problem::from)
    }

    /// Refuses what is about a message that is not here.
    fn known(&mut self, id: &MessageId) -> Result<(), Problem> {
        self.read(|active| active.store.row(id))?.map(drop).ok_or_else(problems::not_found)
    }

    /// Changes the signed-in account's store; a failure is a notice as well, since it will happen again.
    fn change<T>(&mut self, change: impl FnOnce(&mut super::Active) -> Result<T, StoreError>) -> Result<T, Problem> {
        let active = self.active.as_mut().ok_or_else(problems::not_signed_in)?;
        let changed = change(active);
        changed.map_err(|error| {
            let problem = Problem::from(error);
            if problem.code == Code::StoreFailed {
                self.set_notice(problem.clone());
            }
            problem
        })
    }

    fn sign_in(&mut self, mut sign_in: SignIn, answer: Answer<()>) {
        for field in [&mut sign_in.brand, &mut sign_in.environment] {
            *field = field.trim().into();
        }
        let needs_person = self.active.as_ref().is_none_or(|active| active.link.needs_person());
        if !needs_person || self.signing_in.is_some() {
            let problem = Problem::new(Code::AlreadySignedIn, "Somebody is signed in already.", "Sign out first.");
            return give(answer, Err(problem));
        }
        self.epoch += 1;
        self.sign_in_problem = None;
        self.signing_in = Some(SigningIn { step: Step::Brand, answer });
        let signed_in = session::sign_in(
            self.http.clone(),
            self.keeper.clone(),
            sign_in,
            Scope::Session(self.epoch),
            self.news.clone(),
        );
        self.spawn_for_session(async move { What::SignedIn(signed_in.await.map(Box::new)) });
    }

    /// The person's sign-in ended.
    pub(super) async fn signed_in(&mut self, outcome: Result<Box<SignedIn>, Problem>) {
        let Some(signing_in) = self.signing_in.take() else { return };
        let (outcome, kept) = match outcome {
            Ok(signed_in) => {
                let kept = signed_in.newly_kept.then(|| session::account_id(&signed_in.sign_in, &signed_in.session));
                (self.adopt(*signed_in).await, kept)
            }
            Err(problem) => (Err(problem), None),
        };
        let Err(problem) = &outcome else { return give(signing_in.answer, outcome) };
        match &mut self.active {
            None => self.sign_in_problem = Some(problem.clone()),
            // A resume that was under way is dropped by the sign-in: it is tried again.
            Some(active) if active.session.is_none() && active.link.rejected.is_none() => {
                active.resume_at.get_or_insert_with(Instant::now);
            }
            Some(_) => {}
        }
        let Some(kept) = kept else { return give(signing_in.answer, outcome) };
        // Nobody is signed in with it, so no sign-out would ever remove it.
        let keeper = self.keeper.clone();
        tokio::spawn(async move {
            if let Err(problem) = keeper.forget(&kept).await {
                tracing::warn!(%problem, "the sid of a sign-in that failed stays in the keyring");
            }
            give(signing_in.answer, outcome);
        });
    }

    /// Takes the new session on: the same account goes on with its store, another one gets its own.
    async fn adopt(&mut self, signed_in: SignedIn) -> Result<(), Problem> {
        let SignedIn { session, sign_in, .. } = signed_in;
        let SignIn { sid, keep, insecure_confirmed, .. } = &sign_in;
        let user = session.user();
        let id = session::account_id(&sign_in, &session);
        let name = format!("{} {}", user.first_name, user.last_name).trim().to_owned();
        let account = LastAccount { id, name, keep: *keep, insecure_confirmed: *insecure_confirmed };
        let before = self.active.as_ref().map(|active| active.account.clone());
        // Opened before anything of the account before is let go: what fails here leaves that as it was.
        let opened = match &before {
            Some(before) if before.id == account.id => None,
            _ => Some(self.open(account.clone())?),
        };
        let replaced = before.filter(|before| before.keep == Keep::Keyring && !account.keeps_sid_of(&before.id));
        if let Some(replaced) = &replaced {
            self.keeper.note(&replaced.id)?;
        }
        account.write(&self.options.data_dir)?;
        if *keep == Keep::Keyring
            && let Err(error) = self.keeper.claim(&account.id)
        {
            // The next start finds that it is settled.
            tracing::info!(%error, "the note of a sid stays");
        }
        if let Some(replaced) = replaced {
            self.forget_before(replaced);
        }
        if let Some(opened) = opened {
            self.active = Some(opened);
        }
        if let Some(active) = &mut self.active {
            active.account = account;
            active.session_only_sid = (*keep == Keep::SessionOnly).then(|| sid.clone());
        }
        self.session_stands(session).await;
        Ok(())
    }

    /// Removes the sid that a new sign-in is in place of, in the background: it is not what the person waits for.
    fn forget_before(&self, before: LastAccount) {
        let keeper = self.keeper.clone();
        tokio::spawn(async move {
            if let Err(problem) = forget_sid(&keeper, before).await {
                tracing::warn!(%problem, "the sid of the sign-in before stays in the keyring");
            }
        });
    }

    fn sign_out(&mut self, discard: bool, answer: Answer<()>) {
        if let Err(problem) = self.may_sign_out(discard) {
            return give(answer, Err(problem));
        }
        let Some(mut active) = self.active.take() else { return give(answer, Err(problems::not_signed_in())) };
        self.epoch += 1;
        self.generation += 1;
        self.sign_in_problem = None;
        let now = self.wall();
        if let Some(client) = active.drop_session(now) {
            tokio::spawn(async move { client.shutdown().await });
        }
        active.end_flush(&Err(problems::not_signed_in()));
        // Each step is tried whatever the others did: what can be removed is removed, and the first failure is told.
        let noted = match active.account.keep {
            Keep::Keyring => self.keeper.note(&active.account.id),
            Keep::SessionOnly => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "should the sid stay in the keyring, the next start does not know of it");
        }
        let forgotten = LastAccount::forget(&self.options.data_dir).map_err(Problem::from);
        let account = active.account;
        self.withdraw_all(&active.store);
        let deleted = active.store.delete().map_err(Problem::from);
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

    /// Refuses a sign-out that would lose read marks, or cross a sign-in.
    fn may_sign_out(&mut self, discard: bool) -> Result<(), Problem> {
        if self.signing_in.is_some() {
            // It is about to write a sid to the keyring, which would then stay there.
            let hint = "Wait until it has ended, then sign out.";
            return Err(Problem::new(Code::AlreadySignedIn, "A sign-in is under way.", hint));
        }
        if discard {
            return Ok(());
        }
        match self.read(|active| active.store.outbox_len())? {
            0 => Ok(()),
            waiting => Err(Problem::new(
                Code::OutboxNotEmpty,
                match waiting {
                    1 => "1 read mark has not reached the server yet.".to_owned(),
                    n => format!("{n} read marks have not reached the server yet."),
                },
                "Wait until they have, or sign out and discard them.",
            )),
        }
    }

    fn detail(&mut self, id: &MessageId, answer: Answer<Detail>) {
        let found = self.read(|active| active.store.get(id));
        match found {
            Ok(Some(message)) if message.incomplete => {
                self.complete_opened(message, answer);
            }
            Ok(Some(message)) => {
                let detail = self.compose_detail(&message);
                give(answer, detail);
            }
            Ok(None) => give(answer, Err(problems::not_found())),
            Err(problem) => give(answer, Err(problem)),
        }
    }

    /// One message as the window shows it.
    pub(super) fn compose_detail(&mut self, message: &Message) -> Result<Detail, Problem> {
        let row = self.read(|active| active.store.row(&message.id))?.ok_or_else(problems::not_found)?;
        let buttons = message.buttons.iter().map(button_view).collect();
        Ok(Detail {
            row,
            body_html: message.body_html.clone(),
            footer_html: message.footer_html.clone(),
            buttons,
            has_image: message.image_url.is_some(),
            cut: None,
            expires: message.expires,
        })
    }

    /// *Try now*: the socket, the session and the list, at once.
    fn refresh(&mut self) -> Result<(), Problem> {
        let active = self.active.as_mut().ok_or_else(problems::not_signed_in)?;
        if let Some((problem, _)) = &active.link.rejected {
            return Err(problem.clone());
        }
        if let Some(client) = &active.live {
            client.retry_now();
        }
        if active.resume_at.is_some() {
            active.resume_at = Some(Instant::now());
        }
        active.person_is_here();
        active.list.trigger_now(Instant::now());
        self.retry_marks_now();
        Ok(())
    }

    fn open_link(&mut self, id: &MessageId, index: usize, confirmed: bool) -> Result<(), Problem> {
        let message = self.read(|active| active.store.get(id))?.ok_or_else(problems::not_found)?;
        let button = message.buttons.get(index).ok_or_else(problems::not_found)?;
        match link::judge(&button.link) {
            Judgement::Open(url) => self.host.open_url(url),
            Judgement::Confirm(url) if confirmed => self.host.open_url(url),
            Judgement::Confirm(url) => Err(Problem::new(
                Code::ConfirmLink,
                format!("This link is not encrypted: {url}"),
                "Open it only if you trust the network you are on.",
            )),
            Judgement::Never => Err(Problem::new(
                Code::BadLink,
                "This link cannot be opened: it is not a web address.",
                "Tell the brand that its button is broken.",
            )),
        }
    }

    fn picture(&mut self, id: &MessageId, answer: Answer<Picture>) {
        let found = self.read(|active| active.store.get(id)).and_then(|message| {
            let address = message.and_then(|message| message.image_url).ok_or_else(problems::not_found)?;
            Ok((address, self.pictures()?))
        });
        match found {
            Ok((address, pictures)) => {
                tokio::spawn(async move { give(answer, pictures.fetch(&address).await) });
            }
            Err(problem) => give(answer, Err(problem)),
        }
    }

    /// The account's pictures; set up by the first that is asked for, since most sessions show none.
    fn pictures(&mut self) -> Result<Pictures, Problem> {
        let active = self.active.as_mut().ok_or_else(problems::not_signed_in)?;
        if let Some(pictures) = &active.pictures {
            return Ok(pictures.clone());
        }
        let server = match active.account.id.environment.parse() {
            Ok(Environment::Custom(url)) => Some(url),
            Ok(Environment::Production | Environment::Staging) | Err(_) => None,
        };
        let pictures = Pictures::new(server.as_ref(), active.account.insecure_confirmed)?;
        active.pictures = Some(pictures.clone());
        Ok(pictures)
    }
}

/// Removes an account's sid from the keyring.
async fn forget_sid(keeper: &Keeper, account: LastAccount) -> Result<(), Problem> {
    match account.keep {
        Keep::Keyring => keeper.forget(&account.id).await,
        Keep::SessionOnly => Ok(()),
    }
}

fn button_view(button: &crate::Button) -> ButtonView {
    let (target, allowed, confirm) = match link::judge(&button.link) {
        Judgement::Open(url) => (url.to_string(), true, false),
        Judgement::Confirm(url) => (url.to_string(), true, true),
        Judgement::Never => (crate::text::bound(&button.link, 200), false, false),
    };
    ButtonView { text: button.text.clone(), target, allowed, confirm }
}

/// Answers; whoever asked may be gone, and then nobody misses the answer.
pub(super) fn give<T>(answer: Answer<T>, outcome: Result<T, Problem>) {
    let _ = answer.send(outcome);
}
