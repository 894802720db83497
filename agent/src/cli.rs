//! The commands: what was asked, which room answers it, and how the process ends.
//!
//! Exit codes are part of the contract: 0 nothing at or above `--fail-on`; 1 something is; 2 usage, policy or
//! internal error; 3 the look was incomplete and nothing failed at or above `--fail-on`.

mod args;
mod baseline;
mod check;
mod describe;
mod doctor;
mod enforce;
mod html;
mod journal;
mod packages;
mod paint;
mod policy;
mod progress;
mod report;
mod run;
mod ship;
mod status;

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser as _;

pub use args::command;
use args::{Args, Command};

/// The whole program.
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and version come this way too, with exit code 0.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Trouble.into() } else { Exit::Clean.into() };
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let done = dispatch(&args.command, &mut out).and_then(|exit| match out.flush() {
        Ok(()) => Ok(exit),
        Err(error) => Err(Failure::output(error, exit)),
    });
    match done {
        Ok(exit) => exit.into(),
        Err(Failure::ReaderLeft(exit)) => exit.into(),
        Err(Failure::Trouble(what)) => {
            let _ = writeln!(io::stderr(), "guestward: {what}");
            Exit::Trouble.into()
        }
    }
}

fn dispatch(command: &Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Baseline(args) => baseline::run(args, out),
        Command::Check(args) => check::run(args, out),
        Command::Checks(args) => describe::list(args, out),
        Command::Doctor(args) => doctor::run(args, out),
        Command::Enforce(args) => enforce::run(args, out),
        Command::Explain(args) => describe::explain(args, out),
        Command::Packages(args) => packages::run(args, out),
        Command::Ship(args) => ship::run(args),
        Command::Journal(args) => journal::run(args, out),
        Command::Policy(args) => policy::run(args, out),
        Command::Run(args) => run::run(args),
        Command::Status(args) => status::run(args, out),
    }
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Clean = 0,
    Found = 1,
    Trouble = 2,
    Incomplete = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not finish.
#[derive(Debug)]
enum Failure {
    /// The reader of our output went away (`| head`): no error, and the answer stands.
    ReaderLeft(Exit),
    Trouble(String),
}

impl Failure {
    fn trouble(what: impl fmt::Display) -> Self {
        Self::Trouble(what.to_string())
    }

    fn output(error: io::Error, exit: Exit) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderLeft(exit),
            _ => Self::Trouble(format!("cannot write the output: {error}")),
        }
    }
}
