//! A headless Chromium, driven over chromedriver's WebDriver protocol with plain HTTP on the loopback.
//!
//! Both are stopped by what started them: closing the session ends the browser, and dropping the value the driver.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

pub(crate) struct Browser {
    driver: Child,
    /// Kept open: a driver that cannot write its words ends.
    _words: BufReader<ChildStdout>,
    port: u16,
    session: String,
    /// Goes away with the value.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// A browser with a fresh profile and a window of that width, which notes what its pages ask of the network.
    pub(crate) fn start(width: u32) -> Self {
        let profile = tempfile::tempdir().expect("a directory for a profile");
        let mut driver = Command::new("/usr/bin/chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver (package chromium-driver)");
        let mut words = BufReader::new(driver.stdout.take().expect("a pipe"));
        let port = port(&mut words);
        let mut browser = Self { driver, _words: words, port, session: String::new(), _profile: profile };
        let folder = browser._profile.path().display().to_string();
        let size = format!("--window-size={width},1000");
        let mut arguments: Vec<String> = FLAGS.iter().map(ToString::to_string).collect();
        arguments.extend([format!("--user-data-dir={folder}"), size]);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": arguments },
        }}});
        let answer = browser.ask("POST", "/session", &wanted);
        browser.session = answer["sessionId"].as_str().expect("a session").to_owned();
        // The first tab shows a page of the browser's own; what that asks for is not ours to judge.
        browser.open("about:blank");
        browser.requests();
        browser.console();
        browser
    }

    pub(crate) fn open(&self, address: &str) {
        self.post("url", &json!({ "url": address }));
    }

    /// What a function's body returns in the page.
    pub(crate) fn run(&self, body: &str) -> Value {
        self.post("execute/sync", &json!({ "script": body, "args": [] }))
    }

    /// A click as a person makes it: on what is in sight.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// Colour scheme and medium, as the DevTools protocol emulates them.
    pub(crate) fn emulate(&self, medium: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "media": medium, "features": features }));
    }

    /// The width of the page, narrower than a window can be.
    pub(crate) fn resize(&self, width: u32) {
        let size = json!({ "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// A picture of the page, as far down as a browser paints one (16,384 pixels).
    pub(crate) fn picture(&self) -> Vec<u8> {
        let size = self.run("const r = document.documentElement; return [r.clientWidth, r.scrollHeight]");
        let height = size[1].as_f64().unwrap_or(0.0).min(16_000.0);
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": height, "scale": 1 });
        let whole = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        decode(&self.devtools("Page.captureScreenshot", &whole)["data"])
    }

    /// The page on A4, as a PDF.
    pub(crate) fn print(&self) -> Vec<u8> {
        let page =
            json!({ "page": { "width": 21.0, "height": 29.7 }, "shrinkToFit": false, "background": false });
        decode(&self.post("print", &page))
    }

    /// What the console said since the last time.
    pub(crate) fn console(&self) -> Vec<String> {
        self.log("browser")
    }

    /// The addresses that were asked for since the last time.
    pub(crate) fn requests(&self) -> Vec<String> {
        let events = self.log("performance").into_iter().filter_map(|event| {
            let event: Value = serde_json::from_str(&event).ok()?;
            let message = &event["message"];
            let sent = message["method"] == "Network.requestWillBeSent";
            sent.then(|| message["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
        });
        events.collect()
    }

    fn log(&self, kind: &str) -> Vec<String> {
        let entries = self.post("se/log", &json!({ "type": kind }));
        let entries = entries.as_array().expect("a log").clone();
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }));
        let found = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("nothing is {selector}")).to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}/{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = exchange(self.port, method, path, &body.to_string());
        let mut answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no JSON: {answer}"));
        assert!(status == 200, "{method} {path}: {status} {}", answer["value"]["message"]);
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let (port, path) = (self.port, format!("/session/{}", self.session));
        // A second panic on the way out of the first would hide what went wrong.
        let _ = std::panic::catch_unwind(|| exchange(port, "DELETE", &path, ""));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The port that the driver chose, from the line in which it says so.
fn port(words: &mut BufReader<ChildStdout>) -> u16 {
    for line in words.lines() {
        let line = line.expect("the driver's words");
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return port.trim_end_matches('.').parse().expect("a port");
        }
    }
    panic!("chromedriver did not start");
}

/// One request and its answer: status and body.
fn exchange(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("chromedriver listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status");
    let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().expect("a length");
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer).expect("a body");
    (status, String::from_utf8(answer).expect("UTF-8"))
}

fn decode(base64: &Value) -> Vec<u8> {
    let text = base64.as_str().expect("base64");
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

/// Root needs --no-sandbox; the rest keeps the browser from asking the network for anything of its own.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
];
/// Longer than the slowest start of a browser on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
