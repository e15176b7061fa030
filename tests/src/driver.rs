//! [`Window`]: the app's real window, driven by `WebDriver` (tauri-driver before `WebKitWebDriver`), found by the page's
//! test ids. The driver starts the app; closing the session ends it.

use std::process::Command;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};

use crate::desktop::Desktop;
use crate::process::{Program, free_port};
use crate::{programs, wait};

/// A row of the list as the page shows it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The message's id.
    pub id: String,
    /// Whether it is shown as unread.
    pub unread: bool,
    /// All its text.
    pub text: String,
}

/// The app's window.
pub struct Window {
    client: Client,
    // Ends WebKitWebDriver, and with it the app.
    driver: Program,
    /// Takes a picture of the screen when a test fails, while the window is still there.
    camera: Option<Command>,
}

impl Window {
    /// Starts the app by the driver and takes hold of its window.
    pub async fn open(desktop: &Desktop) -> Self {
        Self::open_with(desktop, &[]).await
    }

    /// Starts the app with these arguments.
    pub async fn open_with(desktop: &Desktop, arguments: &[&str]) -> Self {
        let (port, native) = (free_port(), free_port());
        let mut command = desktop.command(programs::tauri_driver());
        command.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        let driver = desktop.run("tauri-driver", command);
        let mut capabilities = Map::new();
        let options = json!({"application": programs::traybell(), "args": arguments});
        capabilities.insert("tauri:options".to_owned(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let address = format!("http://127.0.0.1:{port}");
        await_port(port).await;
        await_port(native).await;
        // A session is asked for once: each try would start the app again.
        let client = tokio::time::timeout(Duration::from_mins(1), builder.connect(&address))
            .await
            .unwrap_or_else(|_| panic!("no WebDriver session after a minute; the driver said: {}", driver.output()))
            .unwrap_or_else(|error| panic!("no WebDriver session: {error}; the driver said: {}", driver.output()));
        let window = Self { client, driver, camera: desktop.camera() };
        wait::until("a loaded page", || async {
            let state = window.run("return document.readyState", vec![]).await?;
            if state == "complete" { Ok(()) } else { Err(state.to_string()) }
        })
        .await;
        window
    }

    /// Ends the session, and with it the app, as a crash would.
    pub async fn end(mut self) {
        self.camera = None;
        // The app may have ended by itself; then the driver complains.
        let _ = tokio::time::timeout(Duration::from_secs(10), self.client.clone().close()).await;
        self.driver.kill();
    }

    /// The page's client, for what this type has no word for.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value, String> {
        self.client.execute(script, arguments).await.map_err(|error| error.to_string())
    }

    /// Waits until the element with this test id is shown.
    pub async fn shown(&self, id: &str) -> Element {
        wait::until(&format!("{id:?} in the window"), || async {
            let Some(element) = self.find(id).await? else { return Err(self.summary().await) };
            match element.is_displayed().await {
                Ok(true) => Ok(element),
                Ok(false) => Err(format!("{id:?} is there and not displayed; {}", self.summary().await)),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }

    /// Waits until no element with this test id is shown.
    pub async fn gone(&self, id: &str) {
        wait::until(&format!("no {id:?} in the window"), || async {
            match self.find(id).await? {
                None => Ok(()),
                Some(element) => match element.is_displayed().await {
                    Ok(true) => Err(self.summary().await),
                    Ok(false) | Err(_) => Ok(()),
                },
            }
        })
        .await;
    }

    /// Whether an element with this test id is shown now.
    pub async fn shows(&self, id: &str) -> bool {
        match self.find(id).await {
            Ok(Some(element)) => element.is_displayed().await.unwrap_or(false),
            _ => false,
        }
    }

    /// Clicks what has this test id, as soon as it can be clicked, and stands still: the driver clicks where it was, and what
    /// still slides is not there any more.
    pub async fn click(&self, id: &str) {
        let at = std::sync::Mutex::new(None);
        wait::until(&format!("{id:?} to be clicked"), || async {
            let Some(element) = self.find(id).await? else { return Err(self.summary().await) };
            if !element.is_enabled().await.unwrap_or(false) {
                return Err(format!("{id:?} is not enabled; {}", self.summary().await));
            }
            let place = self.place(&element).await?;
            let before = at.lock().map_err(|error| error.to_string())?.replace(place.clone());
            if before != Some(place) {
                return Err(format!("{id:?} moves; {}", self.summary().await));
            }
            element.click().await.map_err(|error| error.to_string())
        })
        .await;
    }

    /// Where an element is, once it has been scrolled to.
    async fn place(&self, element: &Element) -> Result<Value, String> {
        let script = "arguments[0].scrollIntoView({ block: 'nearest' });
            const { left, top, width, height } = arguments[0].getBoundingClientRect();
            return [left, top, width, height]";
        self.run(script, vec![json!(element)]).await
    }

    /// Writes into the field with this test id, in place of what stands there.
    pub async fn fill(&self, id: &str, text: &str) {
        let field = self.shown(id).await;
        field.clear().await.unwrap_or_else(|error| panic!("{id:?} cannot be cleared: {error}"));
        field.send_keys(text).await.unwrap_or_else(|error| panic!("{id:?} cannot be written into: {error}"));
    }

    /// Chooses `value` in the list with this test id.
    pub async fn choose(&self, id: &str, value: &str) {
        let field = self.shown(id).await;
        field.select_by_value(value).await.unwrap_or_else(|error| panic!("{id:?} has no {value:?}: {error}"));
    }

    /// The text of what has this test id.
    pub async fn text(&self, id: &str) -> String {
        self.shown(id).await.text().await.unwrap_or_default()
    }

    /// Waits until the text of what has this test id is as `wanted` says.
    pub async fn await_text(&self, id: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        wait::until(&format!("{id:?} to say {what}"), || async {
            let Some(element) = self.find(id).await? else { return Err(self.summary().await) };
            let text = element.text().await.map_err(|error| error.to_string())?;
            if wanted(&text) { Ok(text) } else { Err(format!("{text:?}")) }
        })
        .await
    }

    /// The rows of the list, top to bottom.
    pub async fn rows(&self) -> Result<Vec<Row>, String> {
        let script = "return [...document.querySelectorAll('[data-testid=\"row\"]')].map(row => ({
            id: row.dataset.id ?? '',
            unread: ['', 'true'].includes(row.getAttribute('data-unread')),
            text: row.innerText
        }))";
        let rows = self.run(script, vec![]).await?;
        let rows = rows.as_array().ok_or_else(|| format!("no rows: {rows}"))?;
        Ok(rows
            .iter()
            .map(|row| Row {
                id: row["id"].as_str().unwrap_or_default().to_owned(),
                unread: row["unread"] == true,
                text: row["text"].as_str().unwrap_or_default().to_owned(),
            })
            .collect())
    }

    /// Waits for a row with this title.
    pub async fn row(&self, title: &str) -> Row {
        self.await_row(title, "listed", |_| true).await
    }

    /// Waits for a row with this title that is as `wanted` says.
    pub async fn await_row(&self, title: &str, what: &str, wanted: impl Fn(&Row) -> bool) -> Row {
        wait::until(&format!("{title:?} {what} in the window"), || async {
            let rows = self.rows().await?;
            match rows.iter().find(|row| row.text.contains(title) && wanted(row)) {
                Some(row) => Ok(row.clone()),
                None => Err(format!("{rows:?}; {}", self.summary().await)),
            }
        })
        .await
    }

    /// Opens the message with this title.
    pub async fn open_row(&self, title: &str) -> Row {
        let row = self.row(title).await;
        let script = "const row = [...document.querySelectorAll('[data-testid=\"row\"]')]
            .find(row => row.dataset.id === arguments[0]);
            if (!row) return null;
            row.scrollIntoView({ block: 'nearest' });
            const { left, top, width, height } = row.getBoundingClientRect();
            if (!row.contains(document.elementFromPoint(left + width / 2, top + height / 2))) return null;
            return row.matches('button, a') ? row : row.querySelector('button, a') ?? row";
        wait::until(&format!("{title:?} to be opened"), || async {
            let found = self.client.execute(script, vec![json!(row.id)]).await.map_err(|error| error.to_string())?;
            // A detail that still slides away takes the click, and the driver may wait for ever for what comes of it.
            if found.is_null() {
                return Err("the row is not there, or covered".to_owned());
            }
            let element = self.element(&found)?;
            element.click().await.map_err(|error| error.to_string())
        })
        .await;
        self.await_text("detail-title", title, |text| text.contains(title)).await;
        row
    }

    /// What the body of the open message holds, as HTML: the page keeps it in a shadow root.
    pub async fn body_html(&self) -> Result<String, String> {
        let script = "const host = document.querySelector('[data-testid=\"detail-body\"]');
            return host ? (host.shadowRoot ?? host).innerHTML : null";
        let html = self.run(script, vec![]).await?;
        html.as_str().map(str::to_owned).ok_or_else(|| "no open message".to_owned())
    }

    /// Signs in by the form.
    pub async fn sign_in(&self, environment: &str, brand: &str, sid: &str) {
        self.choose("environment", "custom").await;
        self.fill("custom-url", environment).await;
        self.fill("brand", brand).await;
        self.fill("sid", sid).await;
        self.click("sign-in").await;
    }

    /// Waits until the pill says so.
    pub async fn await_pill(&self, text: &str) {
        self.await_text("pill", text, |seen| seen.contains(text)).await;
    }

    /// All the text that stands in the window, for messages of tests that fail.
    pub async fn summary(&self) -> String {
        let text = self.run("return document.body.innerText", vec![]).await;
        format!("the window says {text:?}")
    }

    async fn find(&self, id: &str) -> Result<Option<Element>, String> {
        match self.client.find(Locator::Css(&format!("[data-testid=\"{id}\"]"))).await {
            Ok(element) => Ok(Some(element)),
            Err(CmdError::Standard(error)) if error.error() == "no such element" => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn element(&self, value: &Value) -> Result<Element, String> {
        let reference = value
            .as_object()
            .and_then(|object| object.values().next())
            .and_then(Value::as_str)
            .ok_or_else(|| format!("no element: {value}"))?;
        let reference = fantoccini::elements::ElementRef::from(reference.to_owned());
        Ok(Element::from_element_id(self.client.clone(), reference))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(camera) = &mut self.camera
        {
            let _ = camera.status();
        }
    }
}

async fn await_port(port: u16) {
    wait::until(&format!("the driver on port {port}"), || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
}
