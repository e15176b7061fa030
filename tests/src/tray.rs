//! The tray as a tray host sees it: `org.kde.StatusNotifierWatcher` knows the item, `com.canonical.dbusmenu` has its
//! menu, and a click is an `Event` call.

use std::collections::HashMap;

use zbus::{OwnedObjectPath, OwnedVariant, Proxy, Variant};

use crate::desktop::Desktop;
use crate::wait;

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuLine {
    /// What an event names.
    pub id: i32,
    /// What stands there, without access-key marks; empty for a separator.
    pub label: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// A line between.
    pub separator: bool,
}

/// An item in the tray.
pub struct TrayItem {
    bus: zbus::Connection,
    service: String,
    path: String,
}

/// The list of tray items.
pub async fn watcher(bus: &zbus::Connection) -> Proxy<'static> {
    Proxy::new(bus, "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher")
        .await
        .expect("constant names")
}

/// The items that are registered now.
pub async fn registered(desktop: &Desktop) -> Result<Vec<String>, String> {
    let bus = desktop.bus().await;
    let properties = zbus::fdo::PropertiesProxy::builder(&bus)
        .destination("org.kde.StatusNotifierWatcher")
        .path("/StatusNotifierWatcher")
        .build()
        .await
        .map_err(|error| error.to_string())?;
    let interface = "org.kde.StatusNotifierWatcher".try_into().expect("a constant name");
    let value = properties.get(interface, "RegisteredStatusNotifierItems").await.map_err(|error| error.to_string())?;
    Vec::<String>::try_from(value).map_err(|error| error.to_string())
}

/// A line of a menu as the protocol has it: id, properties, lines below.
type Layout = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

impl TrayItem {
    /// Waits for the one item of the session.
    pub async fn find(desktop: &Desktop) -> Self {
        let item = wait::until("one tray item", || async {
            match registered(desktop).await?.as_slice() {
                [one] => Ok(one.clone()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        let (service, path) = item.find('/').map_or((item.as_str(), "/StatusNotifierItem"), |at| item.split_at(at));
        Self { bus: desktop.bus().await, service: service.to_owned(), path: path.to_owned() }
    }

    /// A property of the item that is text.
    pub async fn text(&self, property: &str) -> Result<String, String> {
        let item = self.item().await?;
        item.get_property::<String>(property).await.map_err(|error| error.to_string())
    }

    /// The item's picture: a name or path of an icon, which changes with what it shows.
    pub async fn icon(&self) -> Result<String, String> {
        let item = self.item().await?;
        let name = item.get_property::<String>("IconName").await.map_err(|error| error.to_string())?;
        let folder = item.get_property::<String>("IconThemePath").await.unwrap_or_default();
        Ok(format!("{folder}|{name}"))
    }

    /// The menu, top to bottom, without what its lines open to.
    pub async fn menu(&self) -> Result<Vec<MenuLine>, String> {
        self.layout().await?.2.into_iter().map(|value| layout(value).map(|top| line(&top))).collect()
    }

    /// Every line that can be clicked: those that others open to as well.
    async fn lines(&self) -> Result<Vec<MenuLine>, String> {
        let mut lines = Vec::new();
        for value in self.layout().await?.2 {
            let top = layout(value)?;
            lines.push(line(&top));
            for below in top.2 {
                lines.push(line(&layout(below)?));
            }
        }
        Ok(lines)
    }

    async fn layout(&self) -> Result<Layout, String> {
        let menu = self.menu_proxy().await?;
        let names: Vec<&str> = Vec::new();
        let (_, layout): (u32, Layout) =
            menu.call("GetLayout", &(0_i32, -1_i32, names)).await.map_err(|error| error.to_string())?;
        Ok(layout)
    }

    /// The labels of the menu, `---` for a separator, `(…)` around what cannot be clicked.
    pub async fn labels(&self) -> Result<Vec<String>, String> {
        Ok(self.menu().await?.iter().map(MenuLine::shown).collect())
    }

    /// Waits until the menu's labels are as `wanted` says.
    pub async fn await_menu(&self, what: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        wait::until(&format!("a tray menu that {what}"), || async {
            let labels = self.labels().await?;
            if wanted(&labels) { Ok(labels) } else { Err(format!("{labels:?}")) }
        })
        .await
    }

    /// Clicks the line whose label begins so, which must be there and enabled.
    pub async fn click(&self, label: &str) -> Result<(), String> {
        let lines = self.lines().await?;
        let line = lines
            .iter()
            .find(|line| line.label.starts_with(label))
            .ok_or_else(|| format!("no line {label:?} in {lines:?}"))?;
        if !line.enabled {
            return Err(format!("{label:?} cannot be clicked now: {lines:?}"));
        }
        let menu = self.menu_proxy().await?;
        let data = Variant::from(0_i32);
        menu.call::<_, _, ()>("Event", &(line.id, "clicked", data, 0_u32)).await.map_err(|error| error.to_string())
    }

    async fn item(&self) -> Result<Proxy<'_>, String> {
        self.proxy(&self.path, "org.kde.StatusNotifierItem").await
    }

    async fn menu_proxy(&self) -> Result<Proxy<'_>, String> {
        let item = self.item().await?;
        let path: OwnedObjectPath = item.get_property("Menu").await.map_err(|error| error.to_string())?;
        self.proxy(path.as_str(), "com.canonical.dbusmenu").await
    }

    async fn proxy(&self, path: &str, interface: &'static str) -> Result<Proxy<'_>, String> {
        zbus::proxy::Builder::<Proxy<'_>>::new(&self.bus)
            .destination(self.service.clone())
            .path(path.to_owned())
            .interface(interface)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .map_err(|error| error.to_string())
    }
}

impl MenuLine {
    fn shown(&self) -> String {
        match (self.separator, self.enabled) {
            (true, _) => "---".to_owned(),
            (false, true) => self.label.clone(),
            (false, false) => format!("({})", self.label),
        }
    }
}

fn layout(value: OwnedVariant) -> Result<Layout, String> {
    value.try_into().map_err(|error: zbus::Error| error.to_string())
}

fn line((id, properties, _): &Layout) -> MenuLine {
    let text = |name: &str| properties.get(name).and_then(|value| <&str>::try_from(&**value).ok());
    let flag = |name: &str| properties.get(name).and_then(|value| bool::try_from(&**value).ok());
    MenuLine {
        id: *id,
        label: text("label").unwrap_or_default().replace("__", "\0").replace('_', "").replace('\0', "_"),
        enabled: flag("enabled").unwrap_or(true),
        separator: text("type") == Some("separator"),
    }
}
