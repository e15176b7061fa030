//! The tray icon and its menu: draws [`inbox::TrayView`] and sends clicks on. It must never decide what they say.

pub mod icon;
#[cfg(target_os = "linux")]
pub mod panel;

use std::sync::{Mutex, PoisonError};

use image::RgbaImage;
use inbox::{Code, PauseFor, Problem, TrayAction, TrayItem, TrayView};
use tauri::{
    AppHandle, Wry,
    image::Image,
    menu::{IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu},
    tray::{TrayIcon, TrayIconBuilder},
};

use self::icon::Look;
use crate::folder::Folder;

/// The white form, for dark panels.
#[cfg(target_os = "linux")]
const LIGHT: &[u8] = include_bytes!("../../icons/tray-light.png");
/// The dark form, for light panels and for macOS, which colours it itself.
#[cfg(not(windows))]
const DARK: &[u8] = include_bytes!("../../icons/tray-dark.png");
/// In colour, for Windows, whose taskbar may be either.
#[cfg(windows)]
const COLOUR: &[u8] = include_bytes!("../../icons/128x128.png");

/// macOS takes the shape alone and colours it to suit the menu bar.
const LOOK: Look = if cfg!(target_os = "macos") { Look::Template } else { Look::Coloured };

/// The icon in the tray.
pub struct Tray {
    icon: TrayIcon,
    menu: Menu<Wry>,
    drawn: Mutex<Drawn>,
}

/// What is there now: only what differs is drawn again.
struct Drawn {
    base: RgbaImage,
    view: TrayView,
    items: Vec<Line>,
}

/// A line of the menu as Tauri holds it.
enum Line {
    Item(MenuItem<Wry>),
    Separator(PredefinedMenuItem<Wry>),
    Menu(Submenu<Wry>),
}

impl Tray {
    /// Puts the icon into the tray. To be called on the main thread.
    pub fn new(
        app: &AppHandle,
        folder: &Folder,
        view: &TrayView,
        on_action: impl Fn(&AppHandle, TrayAction) + Send + Sync + 'static,
    ) -> Result<Self, Problem> {
        #[cfg(target_os = "linux")]
        if !crate::platform::has_tray_library() {
            return Err(no_tray(
                "The library that draws the tray icon is not installed.",
                "Install libayatana-appindicator3-1 (Fedora: libayatana-appindicator-gtk3) and start Traybell again.",
            ));
        }
        remove_old_icons(&folder.tray());
        let base = base()?;
        let menu = Menu::new(app).map_err(|error| failed(&error))?;
        let items = fill(app, &menu, &view.menu).map_err(|error| failed(&error))?;
        let icon = TrayIconBuilder::with_id("traybell")
            .icon(picture(&compose(&base, view)))
            .icon_as_template(LOOK.is_template())
            .tooltip(&view.tooltip)
            .temp_dir_path(folder.tray())
            .menu(&menu)
            .on_menu_event(move |app, event: MenuEvent| {
                if let Some(action) = action_of(event.id().as_ref()) {
                    on_action(app, action);
                }
            })
            .build(app)
            .map_err(|error| failed(&error))?;
        Ok(Self { icon, menu, drawn: Mutex::new(Drawn { base, view: view.clone(), items }) })
    }

    /// Takes the form for a dark or a light panel. To be called on the main thread.
    #[cfg(target_os = "linux")]
    pub fn suit_panel(&self, is_dark: bool) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let drawing = read(if is_dark { LIGHT } else { DARK }).map(|base| {
            drawn.base = base;
            self.show(&compose(&drawn.base, &drawn.view))
        });
        match drawing {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the tray icon could not be drawn"),
            Err(problem) => tracing::warn!(%problem, "the tray icon could not be drawn"),
        }
    }

    /// Draws what changed. To be called on the main thread.
    pub fn draw(&self, app: &AppHandle, view: TrayView) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.draw_changes(app, &mut drawn, &view) {
            tracing::warn!(%error, "the tray could not be drawn");
        }
        drawn.view = view;
    }

    /// Setting a picture alone would take the template away with the one before.
    fn show(&self, icon: &RgbaImage) -> tauri::Result<()> {
        self.icon.set_icon_with_as_template(Some(picture(icon)), LOOK.is_template())
    }

    fn draw_changes(&self, app: &AppHandle, drawn: &mut Drawn, view: &TrayView) -> tauri::Result<()> {
        let shape = |view: &TrayView| (view.dot, view.badge, view.paused);
        if shape(&drawn.view) != shape(view) {
            self.show(&compose(&drawn.base, view))?;
        }
        if drawn.view.tooltip != view.tooltip {
            self.icon.set_tooltip(Some(&view.tooltip))?;
        }
        if drawn.view.menu == view.menu {
            return Ok(());
        }
        if same_shape(&drawn.view.menu, &view.menu) {
            // The open menu of a person stays open: only texts change.
            for (line, item) in drawn.items.iter().zip(&view.menu) {
                if let Line::Item(line) = line {
                    line.set_text(label(item))?;
                    line.set_enabled(is_enabled(item))?;
                }
            }
            return Ok(());
        }
        for line in drawn.items.drain(..) {
            self.menu.remove(line.as_item())?;
        }
        drawn.items = fill(app, &self.menu, &view.menu)?;
        Ok(())
    }
}

impl Line {
    fn as_item(&self) -> &dyn IsMenuItem<Wry> {
        match self {
            Self::Item(item) => item,
            Self::Separator(separator) => separator,
            Self::Menu(menu) => menu,
        }
    }
}

/// Icons that an ended program left are of no use; one that cannot be removed is written over.
fn remove_old_icons(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
}

fn compose(base: &RgbaImage, view: &TrayView) -> RgbaImage {
    icon::compose(base, view.dot, view.badge, view.paused, LOOK)
}

fn fill(app: &AppHandle, menu: &Menu<Wry>, view: &[TrayItem]) -> tauri::Result<Vec<Line>> {
    view.iter()
        .enumerate()
        .map(|(n, item)| {
            let line = match item {
                TrayItem::Separator => Line::Separator(PredefinedMenuItem::separator(app)?),
                TrayItem::Action { action, .. } => Line::Item(menu_item(app, id(*action), item)?),
                TrayItem::Text(_) => Line::Item(menu_item(app, &format!("text-{n}"), item)?),
                TrayItem::Menu { items, .. } => Line::Menu(submenu(app, item, items)?),
            };
            menu.append(line.as_item())?;
            Ok(line)
        })
        .collect()
}

fn menu_item(app: &AppHandle, id: &str, item: &TrayItem) -> tauri::Result<MenuItem<Wry>> {
    MenuItem::with_id(app, id, label(item), is_enabled(item), None::<&str>)
}

/// A line that opens to others, which are actions alone.
fn submenu(app: &AppHandle, line: &TrayItem, items: &[TrayItem]) -> tauri::Result<Submenu<Wry>> {
    let submenu = Submenu::new(app, label(line), true)?;
    for item in items {
        if let TrayItem::Action { action, .. } = item {
            submenu.append(&menu_item(app, id(*action), item)?)?;
        }
    }
    Ok(submenu)
}

/// Whether the same lines are there, so that only their texts differ.
fn same_shape(before: &[TrayItem], after: &[TrayItem]) -> bool {
    let kind = |item: &TrayItem| match item {
        TrayItem::Action { action, .. } => (1, Some(*action), None),
        TrayItem::Text(_) => (2, None, None),
        TrayItem::Separator => (3, None, None),
        // What these open to is not looked at line by line.
        TrayItem::Menu { .. } => (4, None, Some(item.clone())),
    };
    before.len() == after.len() && before.iter().map(kind).eq(after.iter().map(kind))
}

/// A label as the menu takes it, where a single `&` marks an access key.
fn label(item: &TrayItem) -> String {
    match item {
        TrayItem::Action { label, .. } | TrayItem::Text(label) | TrayItem::Menu { label, .. } => {
            label.replace('&', "&&")
        }
        TrayItem::Separator => String::new(),
    }
}

fn is_enabled(item: &TrayItem) -> bool {
    matches!(item, TrayItem::Action { enabled: true, .. })
}

fn id(action: TrayAction) -> &'static str {
    match action {
        TrayAction::Open => "open",
        TrayAction::MarkAllRead => "mark-all-read",
        TrayAction::Pause(PauseFor::HalfHour) => "pause-half-hour",
        TrayAction::Pause(PauseFor::Hour) => "pause-hour",
        TrayAction::Pause(PauseFor::Tomorrow) => "pause-tomorrow",
        TrayAction::Resume => "resume",
        TrayAction::Settings => "settings",
        TrayAction::SignOut => "sign-out",
        TrayAction::Quit => "quit",
    }
}

/// Every action there is.
const ACTIONS: [TrayAction; 9] = [
    TrayAction::Open,
    TrayAction::MarkAllRead,
    TrayAction::Pause(PauseFor::HalfHour),
    TrayAction::Pause(PauseFor::Hour),
    TrayAction::Pause(PauseFor::Tomorrow),
    TrayAction::Resume,
    TrayAction::Settings,
    TrayAction::SignOut,
    TrayAction::Quit,
];

fn action_of(id: &str) -> Option<TrayAction> {
    ACTIONS.into_iter().find(|action| self::id(*action) == id)
}

/// The base of the icon for this desktop's panel.
fn base() -> Result<RgbaImage, Problem> {
    #[cfg(windows)]
    let bytes = COLOUR;
    #[cfg(target_os = "macos")]
    let bytes = DARK;
    #[cfg(target_os = "linux")]
    let bytes = if panel::looks_dark() { LIGHT } else { DARK };
    read(bytes)
}

fn read(bytes: &[u8]) -> Result<RgbaImage, Problem> {
    image::load_from_memory_with_format(bytes, image::ImageFormat::Png)
        .map(image::DynamicImage::into_rgba8)
        .map_err(|error| no_tray(&format!("The tray icon cannot be read: {error}."), ""))
}

fn picture(image: &RgbaImage) -> Image<'static> {
    Image::new_owned(image.as_raw().clone(), image.width(), image.height())
}

fn failed(error: &tauri::Error) -> Problem {
    no_tray(&format!("The tray icon could not be made: {error}."), "")
}

/// Says that there is no tray icon, and that the program runs all the same.
pub fn no_tray(why: &str, hint: &str) -> Problem {
    Problem::new(Code::NoTray, format!("{why} Traybell runs without it: start it again to open its window."), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(label: &str, enabled: bool) -> TrayItem {
        TrayItem::Action { action: TrayAction::Open, label: label.into(), enabled }
    }

    #[test]
    fn an_ampersand_in_a_brand_is_shown_as_it_is() {
        assert_eq!(label(&TrayItem::Text("Fish & Chips".into())), "Fish && Chips");
    }

    #[test]
    fn texts_alone_keep_the_shape_of_a_menu_and_lines_change_it() {
        let before = [action("Open", true), TrayItem::Text("3 unread".into()), TrayItem::Separator];
        let texts = [action("Sign in…", false), TrayItem::Text("No unread".into()), TrayItem::Separator];
        assert!(same_shape(&before, &texts));
        assert!(!same_shape(&before, &before[..2]));
        assert!(!same_shape(&before, &[action("Open", true), TrayItem::Separator, TrayItem::Text("x".into())]));
    }

    #[test]
    fn every_action_is_found_again_by_its_id() {
        for action in ACTIONS {
            assert_eq!(action_of(id(action)), Some(action));
        }
        assert_eq!(action_of("text-1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_icons_of_the_program_can_be_read() {
        for bytes in [LIGHT, DARK] {
            assert_eq!(image::load_from_memory(bytes).unwrap().into_rgba8().dimensions(), (64, 64));
        }
    }
}
