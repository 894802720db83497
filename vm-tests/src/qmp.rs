//! QEMU's monitor protocol: stop, save, cut the cable, break a disk.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::line::Line;

/// An open monitor.
#[derive(Debug)]
pub struct Qmp {
    line: Line,
}

impl Qmp {
    pub fn connect(path: &Path) -> io::Result<Self> {
        let until = Instant::now() + PATIENCE;
        let mut line = Line::connect(path, until)?;
        // Its greeting.
        line.receive(until)?;
        let mut qmp = Self { line };
        qmp.call("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// What the command returns. Events in between are nobody's.
    pub fn call(&mut self, command: &str, arguments: &Value) -> io::Result<Value> {
        let until = Instant::now() + PATIENCE;
        let request = json!({ "execute": command, "arguments": arguments });
        self.line.send(format!("{request}\n").as_bytes(), until)?;
        loop {
            let mut answer = self.line.receive(until)?;
            if let Some(error) = answer.get("error") {
                return Err(io::Error::other(format!("{command}: {error}")));
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    /// The same, where a refusal is a defect of the test.
    pub fn must(&mut self, command: &str, arguments: &Value) -> Value {
        self.call(command, arguments).unwrap_or_else(|error| panic!("the monitor: {error}"))
    }

    /// Waits until the machine is no longer in `state`.
    pub fn leave(&mut self, state: &str) {
        let until = Instant::now() + PATIENCE;
        while self.must("query-status", &json!({}))["status"] == state {
            assert!(Instant::now() < until, "the machine stays in state {state}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
