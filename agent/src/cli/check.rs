//! `guestward check`: the posture now.

use std::io::{IsTerminal as _, Write, stdout};

use jiff::Timestamp;

use super::args::{CheckArgs, PostureFormat};
use super::paint::Paint;
use super::progress::Progress;
use super::{Exit, Failure, html, policy, report};
use crate::check::{self, controls};
use crate::finding::{Finding, Severity, Verdict, wire};
use crate::host::{Facts, Host};
use crate::journal::places::Places;

pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let policy = policy::load(args.policy.policy.as_ref())?;
    let host = Host::at(&args.target.root).map_err(|cause| Failure::trouble(format!("--root: {cause}")))?;
    let host = match args.imds_endpoint {
        Some(endpoint) => host.imds_at(endpoint),
        None => host,
    };
    // Below another root is another machine, whose agent was given nothing by our environment.
    let host = match host.is_live() {
        true => host.state_at(Places::from_env().state()).to_deliver(policy.uses_aws()),
        false => host,
    };
    let selected = check::select(&args.names, &policy);
    if selected.is_empty() {
        return Err(Failure::trouble(
            "the policy turns off every check that was asked for; name one by its id to run it",
        ));
    }

    let mut progress = Progress::start();
    let facts =
        Facts::gather(&host, check::wanted(&selected), Timestamp::now(), &mut |what| progress.show(what));
    progress.finish();
    let findings = check::judge(&facts, &policy, &selected);

    let fail_on = args.fail_on.unwrap_or_else(|| policy.fail_on());
    let exit = verdict(&findings, fail_on);
    let written = match args.format {
        PostureFormat::Text => report::posture(&facts, &findings, &report::Layout::of_stdout(args.all), out),
        PostureFormat::Json => json(&facts, &findings, out),
        PostureFormat::Ocsf => ocsf(&facts, &findings, out),
        PostureFormat::Html => {
            let frameworks = &controls::frameworks();
            let (facts, findings, exit_code) = (&facts, &findings, exit as u8);
            let patches = &check::packages::patches(facts, &policy);
            html::posture(&html::Posture { facts, findings, patches, fail_on, exit_code, frameworks }, out)
        }
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

fn verdict(findings: &[Finding], fail_on: Severity) -> Exit {
    if findings.iter().any(|finding| finding.is_open_failure() && finding.severity >= fail_on) {
        Exit::Found
    } else if findings.iter().any(|finding| finding.verdict == Verdict::Unknown) {
        Exit::Incomplete
    } else {
        Exit::Clean
    }
}

fn json(facts: &Facts, findings: &[Finding], out: &mut dyn Write) -> std::io::Result<()> {
    let document = wire::Posture::new(facts.now, &facts.identity, findings);
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// One event a line, so that a collector can read while we write.
fn ocsf(facts: &Facts, findings: &[Finding], out: &mut dyn Write) -> std::io::Result<()> {
    let names: Vec<_> =
        controls::frameworks().iter().map(|framework| (framework.id, framework.source)).collect();
    let look = wire::ocsf::Look { time: facts.now, identity: &facts.identity, frameworks: &names };
    for finding in findings {
        serde_json::to_writer(&mut *out, &wire::ocsf::Event::new(&look, finding))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

impl report::Layout {
    fn of_stdout(all: bool) -> Self {
        let terminal = stdout().is_terminal();
        let (width, paint) = (super::paint::width(terminal), Paint::for_terminal(terminal));
        Self { width, paint, all, is_root: nix::unistd::geteuid().is_root() }
    }
}
