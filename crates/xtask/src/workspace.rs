//! Where things are: the checkout, its target folder, and the cache of built tools. Creates no file of its own.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn root() -> PathBuf {
    // The folder of this package is known when it is compiled, and two above it is the workspace: an invariant of the layout.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Cargo's target folder, as the caller may have moved it.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Bytes that are free where `target` is; nothing when the system does not say.
pub fn free_disk() -> Option<u64> {
    fs4::available_space(root()).ok()
}

/// A program that `cargo build` has made, in the debug profile of this machine.
pub fn built(name: &str) -> PathBuf {
    target().join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// Where tools that took minutes to build are kept, outside `target`, for every checkout of this user.
pub fn cache() -> PathBuf {
    let base = env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let base = base.or_else(|| env::home_dir().map(|home| home.join(".cache"))).unwrap_or_else(target);
    base.join("traybell-dev")
}
