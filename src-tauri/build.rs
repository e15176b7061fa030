//! Tauri's build step. The permissions of `permissions/` are the app's manifest: with it, a command that no capability
//! allows is refused, so that adding one to `commands.rs` alone opens nothing.

fn main() {
    let manifest = tauri_build::AppManifest::new().permissions_path_pattern("./permissions/*.toml");
    println!("cargo:rerun-if-changed=permissions");
    // The page, the pictures of the tray and the config are read at compile time.
    println!("cargo:rerun-if-changed=../ui/app");
    println!("cargo:rerun-if-changed=../icons");
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        // A build script says why and stops; there is no caller to hand an error to.
        eprintln!("{error:#}");
        std::process::exit(1);
    }
}
