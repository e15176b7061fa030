//! What a person asks of the controller, request by request.

use std::time::Duration;

use fasttrack_client::Environment;
use tokio::time::Instant;

use super::{
    Controller, Flow, SigningIn,
    news::{Scope, SignedIn, What},
    problems, session, sign_out,
};
use crate::{
    AlertTarget, ButtonView, Code, Detail, Host, Keep, LastAccount, Message, MessageId, Page, Problem, Query, SignIn,
    Step,
    handle::{Answer, Request},
    images::{Picture, Pictures},
    link::{self, Judgement},
    store::StoreError,
};

const PAGE_ROWS: u32 = 200;

impl<H: Host> Controller<H> {
    pub(super) fn on_request(&mut self, request: Request) -> Flow {
        match request {
            Request::SignIn(sign_in, answer) => self.sign_in(sign_in, answer),
            Request::SignOut(sign_out, answer) => self.sign_out(sign_out, answer),
            Request::Page { query, cursor, limit, answer } => {
                let page = self.page(&query, cursor.as_deref(), limit.clamp(1, PAGE_ROWS));
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
            Request::ShowImage(id, answer) => give(answer, self.show_image(id)),
            Request::Settings(answer) => give(answer, Ok(self.kept.settings.clone())),
            Request::SaveSettings(settings, answer) => give(answer, self.save_settings(*settings)),
            Request::Pause(length, answer) => give(answer, self.pause(length)),
            Request::Focused(focused) => self.watching.focused = focused,
            Request::ListShown(shown) => self.watching.list_shown = shown,
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

    /// A page of the list. A search may be what finds the index damaged, which is made good at once.
    fn page(&mut self, query: &Query, cursor: Option<&str>, limit: u32) -> Result<Page, Problem> {
        let now = self.now();
        let mut active = self.active.as_ref().ok_or_else(problems::not_signed_in)?;
        let mut found = active.store.page(query, cursor, limit, now);
        if matches!(found, Err(StoreError::Corrupt { .. })) {
            self.start_store_anew();
            active = self.active.as_ref().ok_or_else(problems::not_signed_in)?;
            found = active.store.page(query, cursor, limit, now);
        }
        let (rows, next) = found?;
        Ok(Page { rows, next, revision: (self.generation << 32) + active.store.revision() })
    }

    /// Reads from the signed-in account's store.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(&mut super::Active) -> Result<T, StoreError>,
    ) -> Result<T, Problem> {
        let active = self.active.as_mut().ok_or_else(problems::not_signed_in)?;
        read(active).map_err(Problem::from)
    }

    /// Refuses what is about a message that is not here.
    fn known(&mut self, id: &MessageId) -> Result<(), Problem> {
        self.read(|active| active.store.row(id))?.map(drop).ok_or_else(problems::not_found)
    }

    /// Changes the signed-in account's store; a failure is a notice as well, since it will happen again.
    fn change<T>(&mut self, change: impl Fn(&mut super::Active) -> Result<T, StoreError>) -> Result<T, Problem> {
        let active = self.active.as_mut().ok_or_else(problems::not_signed_in)?;
        let mut changed = change(active);
        if matches!(changed, Err(StoreError::Corrupt { .. })) {
            // It may be the index of the search alone, which is made good at once.
            self.start_store_anew();
            changed = change(self.active.as_mut().ok_or_else(problems::not_signed_in)?);
        }
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
            self.network.http.clone(),
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
            if let Some(left) = self.active.take() {
                self.let_go(left);
            }
            self.take_on(opened);
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
            if let Err(problem) = sign_out::forget_sid(&keeper, before).await {
                tracing::warn!(%problem, "the sid of the sign-in before stays in the keyring");
            }
        });
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
            image: self.image_view(message),
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
            let message = message.ok_or_else(problems::not_found)?;
            self.may_show_image(&message)?;
            let address = message.image_url.ok_or_else(problems::not_found)?;
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
