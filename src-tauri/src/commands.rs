//! What the page may ask for: each command is one request to the controller. It must never hold state or decide
//! anything; who may call a command is said in `capabilities/main.json`.
#![allow(clippy::needless_pass_by_value)] // Tauri hands the arguments of commands over by value

use inbox::{Detail, Keep, MessageId, Page, Problem, Query, SignIn, View};
use secrecy::SecretString;
use serde::Serialize;
use tauri::State;

use crate::app::Shell;

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
pub async fn sign_out(shell: State<'_, Shell>, discard: bool) -> Answer<()> {
    shell.handle.sign_out(discard).await
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
