//! The settings at work: what the person decides is kept before it holds, and what follows from it is done at once.

use jiff::{Timestamp, Zoned};
use tokio::time::Instant;

use super::{
    Controller,
    policy::{self, Moment},
    problems,
};
use crate::{Code, Held, Host, ImageView, Images, Message, MessageId, PauseFor, Problem, Settings, settings::Kept};

/// What the person looks at.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// The window has the focus.
    pub(super) focused: bool,
    /// It shows new messages as they come.
    pub(super) list_shown: bool,
    /// The screen is locked: whatever has the focus behind it is not seen.
    pub(super) locked: bool,
}

impl Watching {
    /// What comes now is seen.
    pub(super) fn is_watching(&self) -> bool {
        self.focused && self.list_shown && !self.locked
    }
}

impl<H: Host> Controller<H> {
    /// The clock on the wall, where the person is.
    pub(super) fn here(&self) -> Zoned {
        self.wall().to_zoned((self.options.zone)())
    }

    /// Whether notifications wait now.
    pub(super) fn held(&self) -> Option<Held> {
        let here = self.here();
        policy::held(Moment {
            settings: &self.kept.settings,
            now: &here,
            paused_until: self.kept.paused_until(here.timestamp()),
            watching: false,
        })
    }

    /// When the clock on the wall will show `at`.
    pub(super) fn instant_of(&self, at: Timestamp) -> Instant {
        let wait = at.duration_since(self.wall()).try_into().unwrap_or_default();
        // The tick looks again: the clock may be set, or the machine sleep.
        Instant::now() + std::cmp::min(wait, super::TICK)
    }

    pub(super) fn save_settings(&mut self, settings: Settings) -> Result<Settings, Problem> {
        settings.check()?;
        self.keep(Kept { settings: settings.clone(), ..self.kept.clone() })?;
        Ok(settings)
    }

    pub(super) fn pause(&mut self, length: Option<PauseFor>) -> Result<Option<Held>, Problem> {
        let paused_until = length.map(|length| length.end(&self.here()));
        self.keep(Kept { paused_until, ..self.kept.clone() })?;
        Ok(self.held())
    }

    /// Keeps what was decided; what cannot be written does not hold.
    fn keep(&mut self, kept: Kept) -> Result<(), Problem> {
        if std::mem::take(&mut self.settings_unusable) {
            Kept::set_aside(&self.options.data_dir);
        }
        kept.write(&self.options.data_dir)?;
        let is_retention_new = kept.settings.retention != self.kept.settings.retention;
        self.kept = kept;
        self.clear_notice(Code::SettingsReset);
        self.alerts_possible();
        if is_retention_new {
            self.retain_soon();
        }
        Ok(())
    }

    pub(super) fn show_image(&mut self, id: MessageId) -> Result<(), Problem> {
        if self.kept.settings.images == Images::Never {
            return Err(problems::images_off());
        }
        let active = self.active.as_mut().ok_or_else(problems::not_signed_in)?;
        active.images_asked.insert(id);
        Ok(())
    }

    pub(super) fn image_view(&self, message: &Message) -> ImageView {
        if message.image_url.is_none() {
            return ImageView::None;
        }
        let asked = self.active.as_ref().is_some_and(|active| active.images_asked.contains(&message.id));
        match self.kept.settings.images {
            Images::Always => ImageView::Show,
            Images::Ask if asked => ImageView::Show,
            Images::Ask => ImageView::Ask,
            Images::Never => ImageView::Off,
        }
    }

    /// Refuses a picture that the person has not asked for where the settings say so.
    pub(super) fn may_show_image(&self, message: &Message) -> Result<(), Problem> {
        match self.image_view(message) {
            ImageView::Show | ImageView::None => Ok(()),
            ImageView::Ask => Err(Problem::new(
                Code::ImageHeld,
                "The picture is not loaded unasked.",
                "Choose \u{201c}Show picture\u{201d} in the message.",
            )),
            ImageView::Off => Err(problems::images_off()),
        }
    }
}
