//! `guestward journal verify`: reads what was exported or delivered, and says whether it holds.

use std::io::{self, BufReader, Write};
use std::path::Path;

use super::lines::{self, Line};
use super::{verify_group, verify_json, verify_text};
use crate::cli::args::{Format, VerifyArgs};
use crate::cli::progress::Progress;
use crate::cli::{Exit, Failure};
use crate::finding::Text;
use crate::finding::wire::key::FirstKey;
use crate::journal::verify::{Report, Verdict, Verifier};

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let keys = args.keys.iter().map(|path| key(path)).collect::<Result<_, _>>()?;
    let mut verifier = Verifier::new(keys, args.agent);
    if !args.key_parameters.is_empty() {
        verifier = verifier.awaiting_keys();
    }
    let mut progress = Progress::start();
    let read = args
        .files
        .iter()
        .try_for_each(|path| read(path, &mut verifier, &mut progress))
        .and_then(|()| verify_group::read(args, &mut verifier, &mut progress));
    progress.finish();
    read?;
    let report = verifier.finish();
    let exit = exit(&report);
    let written = match args.format.format {
        Format::Text => verify_text::write(&report, out),
        Format::Json => writeln!(out, "{}", verify_json::document(&report)),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

fn exit(report: &Report) -> Exit {
    match report.verdict() {
        Verdict::Clean => Exit::Clean,
        Verdict::Broken => Exit::Found,
        Verdict::Nothing => Exit::Incomplete,
    }
}

fn key(path: &Path) -> Result<FirstKey, Failure> {
    let trouble = |why: String| Failure::trouble(format!("--key {}: {why}", name(path)));
    let text = zeroize::Zeroizing::new(lines::whole(path).map_err(trouble)?);
    FirstKey::parse(&text).map_err(|why| trouble(why.to_string()))
}

fn read(path: &Path, verifier: &mut Verifier, progress: &mut Progress) -> Result<(), Failure> {
    let name = name(path);
    let mut take = |number: u64, line: Line<'_>| {
        if number.is_multiple_of(SHOWN_EVERY) {
            progress.show(&format!("{name}:{number}"));
        }
        match line {
            Line::Whole(line) => verifier.take(&name, number, line),
            Line::Overlong => verifier.take_overlong(&name, number),
            Line::Endless => verifier.take_endless(&name, number),
        }
    };
    let done = if path == Path::new("-") {
        lines::each(&mut io::stdin().lock(), &mut take)
    } else {
        let file = lines::open(path).map_err(|why| Failure::trouble(format!("cannot read {name}: {why}")))?;
        lines::each(&mut BufReader::with_capacity(BUFFER, file), &mut take)
    };
    done.map_err(|error| Failure::trouble(format!("cannot read {name}: {error}")))
}

fn name(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let name = if path == Path::new("-") {
        Text::from("standard input")
    } else {
        Text::from_bytes(path.as_os_str().as_bytes())
    };
    name.as_str().to_owned()
}

const SHOWN_EVERY: u64 = 10_000;
/// A hundred records at a read.
const BUFFER: usize = 64 * 1024;
