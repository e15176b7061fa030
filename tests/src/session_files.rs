//! The files a private desktop session is made of: the bus's rules, the services it may start, the panel's layout, the
//! notification daemons' settings, and the browser's stand-in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const SYSTEM_LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";

/// The folders of one session, all below one temporary folder.
pub struct Folders {
    /// Everything is below this.
    pub root: PathBuf,
    /// `HOME`.
    pub home: PathBuf,
    /// `XDG_RUNTIME_DIR`.
    pub run: PathBuf,
    /// What each program wrote.
    pub logs: PathBuf,
    /// First in `PATH`: stand-ins for programs that would leave the session.
    pub bin: PathBuf,
    /// `TRAYBELL_DATA_DIR`.
    pub data: PathBuf,
}

impl Folders {
    /// Lays out the session below `root`. `accessibility`: whether the bus may start the accessibility bus.
    pub fn lay_out(root: &Path, accessibility: bool) -> Self {
        let folders = Self {
            root: root.to_path_buf(),
            home: root.join("home"),
            run: root.join("run"),
            logs: root.join("logs"),
            bin: root.join("bin"),
            data: root.join("data"),
        };
        let settings = folders.home.join(".config/xfce4/xfconf/xfce-perchannel-xml");
        let services = root.join("services");
        for folder in [&folders.run, &folders.logs, &folders.bin, &settings, &services] {
            fs::create_dir_all(folder).expect("a temporary folder can be filled");
        }
        for folder in [".local/share", ".cache"] {
            fs::create_dir_all(folders.home.join(folder)).expect("a temporary folder can be filled");
        }
        fs::set_permissions(&folders.run, fs::Permissions::from_mode(0o700)).expect("our own folder");
        write(&root.join("bus.conf"), &bus_rules(&folders.run, &services));
        write(&services.join("org.xfce.Xfconf.service"), &service("org.xfce.Xfconf", &xfconf()));
        if accessibility {
            write(&services.join("org.a11y.Bus.service"), &service("org.a11y.Bus", "/usr/libexec/at-spi-bus-launcher"));
        }
        write(&settings.join("xfce4-panel.xml"), PANEL);
        write(&settings.join("xfce4-notifyd.xml"), XFCE_NOTIFICATIONS);
        write(&root.join("dunstrc"), DUNST);
        let browser = folders.bin.join("xdg-open");
        write(&browser, &format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\n", folders.opened().display()));
        fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).expect("our own file");
        folders
    }

    /// The addresses the browser's stand-in was asked to open, one a line.
    pub fn opened(&self) -> PathBuf {
        self.root.join("opened-links")
    }
}

/// Where Debian keeps xfce4-notifyd.
pub fn xfce_notifyd() -> PathBuf {
    first_of(&[&format!("{SYSTEM_LIBRARIES}/xfce4/notifyd/xfce4-notifyd"), "/usr/lib/xfce4/notifyd/xfce4-notifyd"])
}

fn xfconf() -> String {
    first_of(&[&format!("{SYSTEM_LIBRARIES}/xfce4/xfconf/xfconfd"), "/usr/lib/xfce4/xfconf/xfconfd"])
        .display()
        .to_string()
}

fn first_of(candidates: &[&str]) -> PathBuf {
    candidates.iter().map(PathBuf::from).find(|path| path.is_file()).unwrap_or_else(|| {
        panic!("none of {candidates:?} is installed: `cargo xtask test black-box` installs what the session is made of")
    })
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{} could not be written: {error}", path.display()));
}

fn bus_rules(run: &Path, services: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        run.display(),
        services.display()
    )
}

fn service(name: &str, program: &str) -> String {
    format!("[D-BUS Service]\nName={name}\nExec={program}\n")
}

/// One panel at the top with the status tray alone.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="false"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray"/>
    <property name="plugin-3" type="string" value="separator">
      <property name="style" type="uint" value="0"/>
    </property>
  </property>
</channel>
"#;

/// Bubbles stay until they are closed, without fading: a test looks at them when it is ready.
const XFCE_NOTIFICATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-notifyd" version="1.0">
  <property name="do-fadeout" type="bool" value="false"/>
  <property name="do-slideout" type="bool" value="false"/>
  <property name="expire-timeout-enabled" type="bool" value="false"/>
  <property name="expire-timeout" type="int" value="-1"/>
  <property name="initial-opacity" type="double" value="1.0"/>
  <property name="notify-location" type="uint" value="2"/>
  <property name="log-level" type="uint" value="0"/>
</channel>
"#;

/// Markup is read, as by default, and nothing is cut or timed out.
const DUNST: &str = "[global]\n    markup = full\n    history_length = 100\n    ignore_newline = no\n    stack_duplicates = false\n[urgency_low]\n    timeout = 0\n[urgency_normal]\n    timeout = 0\n[urgency_critical]\n    timeout = 0\n";
