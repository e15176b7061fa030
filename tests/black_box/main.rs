//! The built programs on real parts: one module a subject, each test's name a sentence. See the library for the stage.
#![cfg(target_os = "linux")]
// Tests: what fails here fails the test, and what is measured is said.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod accessibility;
mod bad_input;
mod command_line;
mod command_line_alone;
mod cut_messages;
mod data_folder;
mod expired_sid;
mod hostile_html;
mod keyboard;
mod keyring;
mod main_story;
mod no_services;
mod notification_text;
mod proxy;
mod reconnect;
mod relay_callout;
mod relay_demo;
mod relay_seed;
mod settings;
mod sign_in_link;
mod soak;
mod stage;
mod trace_log;
mod tray;
mod wake;
mod window;
mod window_again;
