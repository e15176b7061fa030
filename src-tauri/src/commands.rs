//! What the page may ask for: each command is one request to the controller. It must never hold state or decide
//! anything; who may call a command is said in `capabilities/main.json`.
#![allow(clippy::needless_pass_by_value)] // Tauri hands the arguments of commands over by value

use inbox::{Detail, Held, Keep, MessageId, Page, PauseFor, Problem, Query, Settings, SignIn, SignOut, View};
use secrecy::SecretString;
use serde::Serialize;
use tauri::State;

use crate::{
    app::Shell,
    diagnostics::{self, Diagnostics},
};

type Answer<T> = Result<T, Problem>;

/// The whole state.
#[tauri::command]
pub async fn view(shell: State<'_, Shell>) -> Answer<View> {
    Ok(shell.handle.view().borrow().clone())
}

/// A page of the list.
#[tauri::command]
pub async fn page(shell: State<'_, Shell>, query: Query, cursor: Option<String>, limit: u32) -> Answer<Page> {
    shell.handle.page(query, cursor, limit).await
}

/// One message, whole.
#[tauri::command]
pub async fn detail(shell: State<'_, Shell>, id: MessageId) -> Answer<Detail> {
    shell.handle.detail(id).await
}

/// Signs in.
#[tauri::command]
pub async fn sign_in(
    shell: State<'_, Shell>,
    environment: String,
    brand: String,
    sid: String,
    session_only: bool,
    insecure_confirmed: bool,
) -> Answer<()> {
    let keep = if session_only { Keep::SessionOnly } else { Keep::Keyring };
    let sid = SecretString::from(sid);
    shell.handle.sign_in(SignIn { environment, brand, sid, keep, insecure_confirmed }).await
}

/// Signs out.
#[tauri::command]
pub async fn sign_out(shell: State<'_, Shell>, discard: bool, purge: Option<bool>) -> Answer<()> {
    shell.handle.sign_out(SignOut { discard, purge }).await
}

/// What the person decided.
#[tauri::command]
pub async fn settings(shell: State<'_, Shell>) -> Answer<Settings> {
    shell.handle.settings().await
}

/// Keeps other settings.
#[tauri::command]
pub async fn save_settings(shell: State<'_, Shell>, settings: Settings) -> Answer<Settings> {
    shell.handle.save_settings(settings).await
}

/// Pauses notifications.
#[tauri::command]
pub async fn pause(shell: State<'_, Shell>, length: PauseFor) -> Answer<Option<Held>> {
    shell.handle.pause(length).await
}

/// Ends a pause.
#[tauri::command]
pub async fn resume(shell: State<'_, Shell>) -> Answer<Option<Held>> {
    shell.handle.resume().await
}

/// What is known of this Traybell, to be read.
#[tauri::command]
pub async fn diagnostics(shell: State<'_, Shell>) -> Answer<Diagnostics> {
    let view = shell.handle.view().borrow().clone();
    Ok(Diagnostics::of(&view, &shell.folder))
}

/// Writes it with the log into a file for support; answers where.
#[tauri::command]
pub async fn export_diagnostics(shell: State<'_, Shell>) -> Answer<String> {
    let view = shell.handle.view().borrow().clone();
    let settings = shell.handle.settings().await?;
    let path = diagnostics::save_for_support(&shell.folder, &view, &settings).await?;
    Ok(path.display().to_string())
}

/// The window shows new messages as they come, or no more.
#[tauri::command]
pub async fn list_shown(shell: State<'_, Shell>, shown: bool) -> Answer<()> {
    shell.window.list_shown(shown);
    Ok(())
}

/// The person asks for this picture.
#[tauri::command]
pub async fn show_image(shell: State<'_, Shell>, id: MessageId) -> Answer<()> {
    shell.handle.show_image(id).await
}

/// Marks one message read.
#[tauri::command]
pub async fn mark_read(shell: State<'_, Shell>, id: MessageId) -> Answer<()> {
    shell.handle.mark_read(id).await
}

/// Marks one message unread on this device.
#[tauri::command]
pub async fn mark_unread(shell: State<'_, Shell>, id: MessageId) -> Answer<()> {
    shell.handle.mark_unread(id).await
}

/// Marks every message read; answers how many.
#[tauri::command]
pub async fn mark_all_read(shell: State<'_, Shell>) -> Answer<u64> {
    shell.handle.mark_all_read().await
}

/// Deletes one message from this device.
#[tauri::command]
pub async fn delete_message(shell: State<'_, Shell>, id: MessageId) -> Answer<()> {
    shell.handle.delete(id).await
}

/// Tries the connection and the list call now.
#[tauri::command]
pub async fn refresh(shell: State<'_, Shell>) -> Answer<()> {
    shell.handle.refresh().await
}

/// Opens the link of a button, named by message and index and never by its address.
#[tauri::command]
pub async fn open_link(shell: State<'_, Shell>, id: MessageId, index: usize, confirmed: bool) -> Answer<()> {
    shell.handle.open_link(id, index, confirmed).await
}

/// What the page is to open at once.
#[derive(Debug, Serialize)]
pub struct Ready {
    focus: Option<MessageId>,
}

/// The page has loaded: answers what it is to open, and the list is called again.
#[tauri::command]
pub async fn window_ready(shell: State<'_, Shell>) -> Answer<Ready> {
    let focus = shell.window.ready();
    shell.handle.window_opened().await?;
    Ok(Ready { focus })
}
