//! [`SystemBus`]: a private *system* bus beside a session's own, on which python-dbusmock plays logind and
//! `NetworkManager`. What a test says there, the programs of the session hear as from the real ones.

use std::collections::HashMap;

use zbus::{Connection, ObjectPath, Variant};

use crate::desktop::Desktop;
use crate::process::Program;
use crate::wait;

const LOGIND: &str = "org.freedesktop.login1";
const SESSION: &str = "org.freedesktop.login1.Session";
const OURS: &str = "/org/freedesktop/login1/session/c1";
const OTHERS: &str = "/org/freedesktop/login1/session/c2";
const NETWORK_MANAGER: &str = "org.freedesktop.NetworkManager";
const NETWORK_MANAGER_PATH: &str = "/org/freedesktop/NetworkManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const MOCK: &str = "org.freedesktop.DBus.Mock";

/// A running system bus and the services on it. It ends with the value.
pub struct SystemBus {
    connection: Connection,
    logind: Option<Program>,
    network_manager: Option<Program>,
    _bus: Program,
}

/// A network as `NetworkManager` tells of it: state, connectivity, and the path of the primary connection.
#[derive(Debug, Clone, Copy)]
pub struct Network(pub u32, pub u32, pub &'static str);

impl Network {
    /// `NM_STATE_CONNECTED_GLOBAL`, `NM_CONNECTIVITY_FULL`.
    pub const WIRED: Self = Self(70, 4, "/org/freedesktop/NetworkManager/ActiveConnection/1");
    /// The same by another connection.
    pub const WIRELESS: Self = Self(70, 4, "/org/freedesktop/NetworkManager/ActiveConnection/2");
    /// `NM_STATE_ASLEEP`, `NM_CONNECTIVITY_NONE`: flight mode.
    pub const NONE: Self = Self(10, 1, "/");
}

impl SystemBus {
    /// Starts the bus of `desktop`, with nobody on it.
    pub async fn start(desktop: &Desktop) -> Self {
        let rules = desktop.folders.root.join("system-bus.conf");
        std::fs::write(&rules, rules_of(&desktop.system_bus_address())).expect("the session's folder is ours");
        let mut command = desktop.command("dbus-daemon");
        command.arg(format!("--config-file={}", rules.display())).arg("--nofork");
        let bus = desktop.run("system-bus", command);
        let address = desktop.system_bus_address();
        let connection = wait::until("the private system bus", || async {
            let builder = zbus::connection::Builder::address(address.as_str()).method_timeout(wait::LIMIT);
            builder.build().await.map_err(|error| error.to_string())
        })
        .await;
        Self { connection, logind: None, network_manager: None, _bus: bus }
    }

    /// Starts logind: a session of this user, and one of somebody else.
    pub async fn start_logind(&mut self, desktop: &Desktop) {
        self.logind = Some(self.play(desktop, "logind", LOGIND).await);
        let me = std::fs::metadata(&desktop.folders.home).map(|home| std::os::unix::fs::MetadataExt::uid(&home));
        let me = me.expect("the home folder is there");
        for (id, user, name) in [("c1", me, "tester"), ("c2", me + 1, "somebody")] {
            let session = (id, "seat0", user, name, true);
            let _: String = self
                .proxy(LOGIND, "/org/freedesktop/login1", MOCK)
                .await
                .call("AddSession", &session)
                .await
                .expect("the mock takes a session");
        }
    }

    /// Starts `NetworkManager`, with this network.
    pub async fn start_network_manager(&mut self, desktop: &Desktop, network: Network) {
        self.network_manager = Some(self.play(desktop, "networkmanager", NETWORK_MANAGER).await);
        // The one property that the template leaves out.
        let none = Variant::from(ObjectPath::try_from("/").expect("a constant path"));
        self.proxy(NETWORK_MANAGER, NETWORK_MANAGER_PATH, MOCK)
            .await
            .call::<_, _, ()>("AddProperty", &(NETWORK_MANAGER, "PrimaryConnection", none))
            .await
            .expect("the mock takes a property");
        self.network(network).await;
    }

    /// `NetworkManager` ends, as for an update.
    pub async fn stop_network_manager(&mut self) {
        self.network_manager = None;
        self.await_owned(NETWORK_MANAGER, false).await;
    }

    /// The machine goes to sleep, or (`false`) wakes.
    pub async fn prepare_for_sleep(&self, sleeps: bool) {
        let arguments = vec![Variant::from(sleeps)];
        let path = "/org/freedesktop/login1";
        self.emit(LOGIND, path, "org.freedesktop.login1.Manager", "PrepareForSleep", "b", arguments).await;
    }

    /// The desktop says that this user's screen is locked, or not.
    pub async fn locked_hint(&self, locked: bool) {
        self.session_hint(OURS, locked).await;
    }

    /// The same of the other user's screen.
    pub async fn locked_hint_of_somebody_else(&self, locked: bool) {
        self.session_hint(OTHERS, locked).await;
    }

    /// Somebody asks for this user's screen to be unlocked (`loginctl unlock-session`).
    pub async fn unlock(&self) {
        self.emit(LOGIND, OURS, SESSION, "Unlock", "", Vec::new()).await;
    }

    /// The network is this one from now on, told as `NetworkManager` does: each property, and the state once more.
    pub async fn network(&self, Network(state, connectivity, primary): Network) {
        let primary = Variant::from(ObjectPath::try_from(primary).expect("a constant path"));
        // The mock's way for several properties at once takes no paths.
        self.proxy(NETWORK_MANAGER, NETWORK_MANAGER_PATH, PROPERTIES)
            .await
            .call::<_, _, ()>("Set", &(NETWORK_MANAGER, "PrimaryConnection", primary))
            .await
            .expect("the mock has this property");
        let properties =
            HashMap::from([("State", Variant::from(state)), ("Connectivity", Variant::from(connectivity))]);
        self.proxy(NETWORK_MANAGER, NETWORK_MANAGER_PATH, MOCK)
            .await
            .call::<_, _, ()>("UpdateProperties", &(NETWORK_MANAGER, properties))
            .await
            .expect("the mock has these properties");
        let arguments = vec![Variant::from(state)];
        self.emit(NETWORK_MANAGER, NETWORK_MANAGER_PATH, NETWORK_MANAGER, "StateChanged", "u", arguments).await;
    }

    /// Somebody who is not logind says what only logind may.
    pub async fn pretend_to_wake(&self) {
        let none: Option<&str> = None;
        self.connection
            .emit_signal(none, "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep", &false)
            .await
            .expect("anybody may say anything on this bus");
    }

    async fn session_hint(&self, session: &str, locked: bool) {
        let changed = HashMap::from([("LockedHint", Variant::from(locked))]);
        let invalidated: Vec<&str> = Vec::new();
        let arguments = vec![Variant::from(SESSION), Variant::from(changed), Variant::from(invalidated)];
        self.emit(LOGIND, session, PROPERTIES, "PropertiesChanged", "sa{sv}as", arguments).await;
    }

    async fn emit(
        &self,
        service: &'static str,
        path: &str,
        interface: &str,
        member: &str,
        signature: &str,
        arguments: Vec<Variant<'_>>,
    ) {
        self.proxy(service, path, MOCK)
            .await
            .call::<_, _, ()>("EmitSignal", &(interface, member, signature, arguments))
            .await
            .unwrap_or_else(|error| panic!("the mock does not say {member}: {error}"));
    }

    async fn play(&self, desktop: &Desktop, template: &str, name: &'static str) -> Program {
        let mut command = desktop.command("python3");
        command.args(["-m", "dbusmock", "--system", "--template", template]);
        let program = desktop.run(template, command);
        self.await_owned(name, true).await;
        program
    }

    async fn await_owned(&self, name: &'static str, owned: bool) {
        let bus = zbus::fdo::DBusProxy::new(&self.connection).await.expect("the bus describes itself");
        wait::until(&format!("{name} on the system bus: {owned}"), || async {
            let name = name.try_into().expect("a constant name");
            match bus.name_has_owner(name).await {
                Ok(is_owned) if is_owned == owned => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }

    async fn proxy<'a>(&'a self, service: &'static str, path: &str, interface: &'static str) -> zbus::Proxy<'a> {
        zbus::proxy::Builder::<zbus::Proxy<'_>>::new(&self.connection)
            .destination(service)
            .path(path.to_owned())
            .interface(interface)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .expect("constant names")
    }
}

fn rules_of(address: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow send_type="signal"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
    )
}
