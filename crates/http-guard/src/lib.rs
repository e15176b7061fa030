//! What every HTTP client of ours keeps to: the system's own trust, bounded answers, and error texts without a server's
//! tricks, without addresses and without secrets.
//!
//! It knows no API, and must never decide what a status means.

mod body;
mod loopback;
mod retry;
mod scrub;
mod text;
mod tls;

pub use body::{BodyError, read_body};
pub use loopback::{is_loopback, is_loopback_host};
pub use retry::retry_after;
pub use scrub::without_secrets;
pub use text::{causes, cleaned};
pub use tls::tls_config;
