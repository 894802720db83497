//! What it costs to accept records durably: one engine, one process, one line of JSON. `tests/bench-journal` runs it.
//!
//! ```text
//! journal-bench ENGINE --records N --group G --bytes B --dir D     ENGINE: guestward, sqlite, redb, floor
//! journal-bench table < lines                                      medians, and ratios to guestward
//! ```
//!
//! All engines keep the same bytes: lines as guestward renders them. The clock runs while a group is accepted and not
//! while its records are made up. guestward is handed bodies, so that its rendering, its chain and its checksums are
//! in its time; the others are handed finished lines.

mod engine;
mod floor;
mod journal;
mod measure;
mod records;
mod redb;
#[cfg(feature = "sqlite")]
mod sqlite;
mod table;

use std::env;
use std::error::Error;
use std::io::{self, BufRead as _};
use std::path::PathBuf;
use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the command line asks for.
#[derive(Debug)]
struct Wish {
    engine: String,
    records: usize,
    group: usize,
    bytes: usize,
    dir: PathBuf,
}

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("journal-bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Outcome<String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "table") {
        let lines: Vec<String> = io::stdin().lock().lines().collect::<Result<_, _>>()?;
        return table::table(&lines);
    }
    let wish = Wish::parse(&arguments)?;
    let measured = match wish.engine.as_str() {
        "guestward" => measure::measure::<journal::Guestward>(&wish),
        "redb" => measure::measure::<redb::Redb>(&wish),
        #[cfg(feature = "sqlite")]
        "sqlite" => measure::measure::<sqlite::Sqlite>(&wish),
        "floor" => measure::measure::<floor::Floor>(&wish),
        other => Err(format!("no engine is called '{other}' (guestward, sqlite, redb, floor)").into()),
    }?;
    Ok(format!("{}\n", serde_json::to_string(&measured)?))
}

impl Wish {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let (engine, options) =
            arguments.split_first().ok_or("which engine? (guestward, sqlite, redb, floor)")?;
        let mut wish =
            Self { engine: engine.clone(), records: 100_000, group: 1000, bytes: 400, dir: PathBuf::new() };
        for pair in options.chunks(2) {
            let [name, value] = pair else { return Err(format!("{} needs a value", pair[0]).into()) };
            match name.as_str() {
                "--records" => wish.records = value.parse()?,
                "--group" => wish.group = value.parse::<usize>()?.max(1),
                "--bytes" => wish.bytes = value.parse()?,
                "--dir" => wish.dir = value.into(),
                _ => return Err(format!("unknown option '{name}'").into()),
            }
        }
        match wish.dir.as_os_str().is_empty() {
            true => Err("--dir says where to write: a directory that does not exist yet".into()),
            false => Ok(wish),
        }
    }
}
