//! What a verification asks AWS for: the events of a log group, and the first keys in Parameter Store.

use std::collections::BTreeMap;
use std::io::{Write as _, stderr};

use crate::cli::Failure;
use crate::cli::args::VerifyArgs;
use crate::cli::journal::verify_json::time;
use crate::cli::progress::Progress;
use crate::finding::Text;
use crate::finding::wire::key::FirstKey;
use crate::finding::wire::record::{Id, MAX_LINE};
use crate::fleet::{Asking, Event, LogGroup};
use crate::journal::verify::Verifier;
use crate::policy::settings::Names;

/// Nobody is asked where nothing of it was wanted.
pub(super) fn read(
    args: &VerifyArgs,
    verifier: &mut Verifier,
    progress: &mut Progress,
) -> Result<(), Failure> {
    if args.group.log_group.is_none() && args.key_parameters.is_empty() {
        return Ok(());
    }
    let var = |name: &str| std::env::var(name).ok();
    let asking = Asking::start(args.group.region.as_deref(), var).map_err(Failure::trouble)?;
    if let Some(name) = &args.group.log_group {
        let group = LogGroup {
            name: name.clone(),
            prefix: args.group.log_stream_prefix.clone(),
            since: args.group.since.map(jiff::Timestamp::as_millisecond),
            insights: args.group.insights,
        };
        let mut count = 0u64;
        let mut take = |event: Event<'_>| {
            count += 1;
            if count.is_multiple_of(SHOWN_EVERY) {
                let time = event.time.and_then(time).unwrap_or_default();
                progress.show(&format!("{name}: {count} events, {time}"));
            }
            take(verifier, name, event);
        };
        group.each(&asking, &mut take).map_err(Failure::trouble)?;
    }
    args.key_parameters.iter().try_for_each(|template| keys(template, &asking, verifier, progress))
}

/// An event has no line; its time is what finds it again.
fn take(verifier: &mut Verifier, group: &str, event: Event<'_>) {
    let source = format!("{group} {}", event.stream);
    let source = Text::from_bytes(source.as_bytes());
    let number = event.time.and_then(|time| u64::try_from(time).ok()).unwrap_or_default();
    match event.message.len() {
        0..=MAX_LINE => verifier.take(source.as_str(), number, event.message.as_bytes()),
        _ => verifier.take_overlong(source.as_str(), number),
    }
}

fn keys(
    template: &str,
    asking: &Asking,
    verifier: &mut Verifier,
    progress: &mut Progress,
) -> Result<(), Failure> {
    for (parameter, epochs) in parameters(template, asking, verifier) {
        if parameter.contains(['{', '}']) {
            return Err(Failure::trouble(format!(
                "--key-parameter {template}: only {{agent}} {{epoch}} {{instance}} {{region}} can be filled in"
            )));
        }
        progress.show(&format!("parameter {}", Text::new(&parameter)));
        match asking.first_key(&parameter).map_err(Failure::trouble)? {
            Some(key) if parameter != template && !epochs.contains(&(key.agent, key.epoch)) => {
                let (parameter, FirstKey { agent, epoch, .. }) = (Text::new(&parameter), &key);
                return Err(Failure::trouble(format!(
                    "the parameter {parameter}/key holds the key of another epoch: agent {agent} epoch {epoch}"
                )));
            }
            Some(key) => verifier.add_key(key),
            None if parameter == template => {
                let region = asking.region();
                return Err(Failure::trouble(format!("there is no parameter {parameter}/key in {region}")));
            }
            // An epoch may never have been sealed; that its seals were not opened is told with it.
            None => {
                progress.finish();
                let _ = writeln!(stderr(), "guestward: there is no parameter {}/key", Text::new(&parameter));
            }
        }
    }
    Ok(())
}

/// The names that a template becomes, and of which epochs.
fn parameters(template: &str, asking: &Asking, verifier: &Verifier) -> BTreeMap<String, Vec<(Id, Id)>> {
    let mut parameters: BTreeMap<String, Vec<(Id, Id)>> = BTreeMap::new();
    if !template.contains('{') {
        parameters.insert(template.to_owned(), Vec::new());
        return parameters;
    }
    for (agent, epoch, instance) in verifier.epochs() {
        let whose = (agent, epoch);
        let (agent, epoch) = (agent.to_string(), epoch.to_string());
        let instance = instance.as_ref().map_or(agent.as_str(), |name| name.as_str());
        let names =
            Names { instance, agent: &agent, epoch: &epoch, account: "{account}", region: asking.region() };
        parameters.entry(names.fill(template)).or_default().push(whose);
    }
    parameters
}

const SHOWN_EVERY: u64 = 1000;
