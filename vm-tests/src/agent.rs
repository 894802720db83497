//! The guest agent at the other end of a virtio serial line: commands and files, also with the network cut, the packet
//! filter shut and sshd dead.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::line::Line;

/// An agent that answers.
#[derive(Debug)]
pub struct Agent {
    line: Line,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Of a shell: 128 and the signal for what a signal ended.
    pub code: i64,
    pub stdout: String,
    pub stderr: String,
}

impl Agent {
    /// Waits until the guest has booted so far that its agent answers.
    pub fn connect(path: &Path, until: Instant) -> io::Result<Self> {
        let mut line = Line::connect(path, until)?;
        for number in 1_u64.. {
            // Whatever the agent has of somebody else's request ends with this byte.
            let request = json!({ "execute": "guest-sync-delimited", "arguments": { "id": number } });
            line.send(&[&[0xFF], format!("{request}\n").as_bytes()].concat(), until)?;
            let soon = until.min(Instant::now() + KNOCK);
            match wait_for(&mut line, soon, |answer| answer["return"] == number) {
                Ok(_) => break,
                Err(error) if error.kind() != io::ErrorKind::TimedOut || Instant::now() >= until => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        Ok(Self { line })
    }

    /// Runs a script in the guest's `sh`, as root.
    pub fn sh(&mut self, script: &str, patience: Duration) -> io::Result<Ended> {
        let until = Instant::now() + patience;
        let arguments = json!({ "path": "/bin/sh", "arg": ["-c", script], "capture-output": true });
        let started = self.call("guest-exec", &arguments, until)?;
        let mut pause = Duration::from_millis(10);
        loop {
            let status = self.call("guest-exec-status", &json!({ "pid": started["pid"] }), until)?;
            if status["exited"] == true {
                return Ok(ended(&status));
            }
            if Instant::now() >= until {
                let why = format!("not done after {} s: {script}", patience.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// A request of the agent's protocol.
    pub fn call(&mut self, command: &str, arguments: &Value, until: Instant) -> io::Result<Value> {
        let request = json!({ "execute": command, "arguments": arguments });
        self.line.send(format!("{request}\n").as_bytes(), until)?;
        let mut answer = wait_for(&mut self.line, until, |_| true)?;
        match answer.get("error") {
            Some(error) => Err(io::Error::other(format!("{command}: {error}"))),
            None => Ok(answer["return"].take()),
        }
    }
}

fn wait_for(line: &mut Line, until: Instant, is_it: impl Fn(&Value) -> bool) -> io::Result<Value> {
    loop {
        let answer = line.receive(until)?;
        if is_it(&answer) {
            return Ok(answer);
        }
    }
}

fn ended(status: &Value) -> Ended {
    let text = |name: &str| {
        let bytes = status[name].as_str().map(|text| STANDARD.decode(text).unwrap_or_default());
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    };
    let signal = status["signal"].as_i64().map(|signal| signal + 128);
    let code = signal.or_else(|| status["exitcode"].as_i64()).unwrap_or(-1);
    Ended { code, stdout: text("out-data"), stderr: text("err-data") }
}

/// How long one knock at an agent that may not be there yet is waited for.
const KNOCK: Duration = Duration::from_secs(2);
