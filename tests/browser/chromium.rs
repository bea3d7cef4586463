//! Chromium without a window, with an empty profile.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    ops::Deref,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::{
    ChromiumLikeCapabilities as _, Cookie, DesiredCapabilities, WebDriver,
    extensions::query::{ElementPoller, ElementPollerWithTimeout, IntoElementPoller},
    prelude::*,
};

const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A host that is neither localhost nor https, which browsers trust less.
    "--host-resolver-rules=MAP shop.test 127.0.0.1",
];

/// The limit of every wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser for one test. It ends with the test.
pub(crate) struct Chromium {
    driver: WebDriver,
    // Ends before its folder is deleted, because fields are dropped in this order.
    _process: ChromeDriver,
    _folder: TempDir,
}

impl Chromium {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts it with further arguments.
    pub(crate) async fn with(arguments: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = ChromeDriver::start(&folder);
        // chromedriver uses this name for Chromium, too.
        let mut options = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            options.add_arg(argument).unwrap();
        }
        for argument in arguments {
            options.add_arg(argument).unwrap();
        }
        options.add_arg(&format!("--user-data-dir={}", folder.path().join("profile").display())).unwrap();
        let driver = WebDriver::new(format!("http://127.0.0.1:{}", process.port), options).await;
        let driver = driver.expect("chromedriver finds no Chromium of its version");
        process.browser = driver.capabilities().get("goog:processID").and_then(Value::as_u64);
        driver.set_poller(Arc::new(Often));
        Self { driver, _process: process, _folder: folder }
    }

    /// Waits for an element.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        self.driver.query(By::Css(css)).first().await.unwrap()
    }

    /// Waits for this headline.
    pub(crate) async fn read(&self, headline: &str) {
        let found = self.driver.query(By::XPath(format!("//h2[normalize-space()='{headline}']"))).first().await;
        if let Err(error) = found {
            panic!("no {headline:?}: {error}\n{}", self.text().await);
        }
    }

    /// Returns the page's text.
    pub(crate) async fn text(&self) -> String {
        self.script("return document.body.innerText").await
    }

    /// Returns the result of a script, and waits for it if it is a promise.
    pub(crate) async fn script<T: serde::de::DeserializeOwned>(&self, script: &str) -> T {
        self.driver.execute(script, Vec::new()).await.unwrap().convert().unwrap()
    }

    /// Loads a page.
    pub(crate) async fn open(&self, url: impl AsRef<str>) {
        self.driver.goto(url.as_ref()).await.unwrap();
    }

    /// Returns the cookies that it would send for this page, with those that scripts cannot read.
    pub(crate) async fn cookies(&self) -> Vec<Cookie> {
        self.driver.get_all_cookies().await.unwrap()
    }

    /// Returns the cookie of this page. There must be one.
    pub(crate) async fn cookie(&self) -> Cookie {
        let [cookie]: [Cookie; 1] = self.cookies().await.try_into().unwrap();
        cookie
    }
}

impl Deref for Chromium {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.driver
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // `ChromeDriver` ends the browser in any case. The client would try it once more.
        let _ = self.driver.clone().leak();
    }
}

/// The program that starts the browser, and that the test talks to.
struct ChromeDriver {
    process: Child,
    port: u16,
    browser: Option<u64>,
}

impl ChromeDriver {
    fn start(folder: &TempDir) -> Self {
        let process = Command::new("chromedriver")
            .arg("--port=0")
            // If a slow browser is killed, its files are deleted with the folder.
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(
                "this test needs chromedriver and Chromium: `tests/run` installs them, or `apt-get install chromium \
                 chromium-driver` does, or `brew install chromedriver` beside a Chrome of the same version",
            );
        let mut started = Self { port: 0, browser: None, process };
        let mut lines = BufReader::new(started.process.stdout.take().unwrap()).lines().map_while(Result::ok);
        // "ChromeDriver was started successfully on port 38387."
        let line = lines.find(|line| line.contains("successfully on port")).expect("chromedriver does not start");
        started.port = line.trim_end_matches('.').rsplit(' ').next().unwrap().parse().unwrap();
        started
    }

    /// Stops it, and its browser first.
    fn shut_down(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", self.port)?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        // A killed chromedriver leaves its browser behind.
        if self.shut_down().is_err()
            && let Some(browser) = self.browser
        {
            let _ = Command::new("kill").arg(browser.to_string()).status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Polls more often than twice a second.
#[derive(Debug)]
struct Often;

impl IntoElementPoller for Often {
    fn start(&self) -> Box<dyn ElementPoller + Send + Sync> {
        Box::new(ElementPollerWithTimeout::new(PATIENCE, Duration::from_millis(20)))
    }
}
