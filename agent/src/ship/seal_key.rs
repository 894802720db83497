//! The first key of an epoch, carried to Parameter Store, once: from then on this machine cannot read it back.
//!
//! Two parameters, neither of which is ever overwritten: `NAME/sha256`, a hash of the key's text in plain, and
//! `NAME/key`, the text itself, encrypted. The instance's role may put both and read the hash alone. So a reply that
//! was lost is told from a key that is somebody else's, without a permission to read keys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::aws::{Aws, Failure, Reason, Session};
use super::matters::{Matter, Matters};
use super::ssm::is_refusal;
use super::{Delivered, Shipper, Trouble};
use crate::journal::handover::{FILE, Handover, Offered};
use crate::journal::{Directory, Entry, Position};
use crate::policy::settings::Names;

/// The lane `seal-key`. Records only wake it: that there is a key to carry is told by its file.
#[derive(Debug)]
pub struct SealKey {
    template: String,
    aws: Arc<Aws>,
    matters: Matters,
    cursors: PathBuf,
    patience: Duration,
    refused: Option<Instant>,
}

/// Why a key is still here.
enum Unmoved {
    /// Nobody was reached, or not now.
    Later(Failure),
    /// Only somebody's hand can mend it: what it is about, what is there, and what ought to be.
    Stuck { subject: String, observed: String },
}

impl SealKey {
    /// `template` is the policy's name for the parameter.
    pub fn new(template: String, aws: Arc<Aws>, matters: Matters, cursors: PathBuf) -> Self {
        Self { template, aws, matters, cursors, patience: PATIENCE, refused: None }
    }

    /// Whoever refused is not asked again before.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn hand_over(&mut self) -> Result<(), Trouble> {
        if self.refused.is_some_and(|refused| refused.elapsed() < self.patience) {
            return Ok(());
        }
        match self.carry() {
            Ok(()) => {
                self.refused = None;
                Ok(())
            }
            Err(Unmoved::Stuck { subject, observed }) => {
                self.refused = Some(Instant::now());
                self.matters.open(Matter::SealKey, &subject, &observed, EXPECTED);
                Ok(())
            }
            Err(Unmoved::Later(failure)) => {
                if failure.reason == Reason::WrongAccount {
                    let expected = "credentials of the instance's own account";
                    self.matters.open(Matter::Account, NAME, &failure.text, expected);
                }
                Err(failure.into_retry())
            }
        }
    }

    fn carry(&self) -> Result<(), Unmoved> {
        let here =
            |cause: std::io::Error| Unmoved::Stuck { subject: FILE.to_owned(), observed: cause.to_string() };
        let directory = match Directory::open(&self.cursors) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            directory => directory.map_err(here)?,
        };
        let handover = Handover::at(directory);
        let Some(offered) = handover.offered().map_err(here)? else { return Ok(()) };
        let session = self.aws.session().map_err(Unmoved::Later)?;
        let name = self.name(&session, &offered);
        self.put(&session, &name, &offered.text)?;
        handover.take(&offered).map_err(here)?;
        self.matters.close(Matter::SealKey, &name);
        self.matters.close(Matter::SealKey, FILE);
        self.matters.close(Matter::Account, NAME);
        Ok(())
    }

    /// Both parameters are ours when it returns.
    fn put(&self, session: &Arc<Session>, name: &str, text: &Zeroizing<String>) -> Result<(), Unmoved> {
        let hash: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let (of_hash, of_key) = (format!("{name}/sha256"), format!("{name}/key"));
        let stuck = |failure: Failure| {
            if is_refusal(failure.reason) {
                Unmoved::Stuck { subject: name.to_owned(), observed: failure.text }
            } else {
                Unmoved::Later(failure)
            }
        };
        // Found once, it is remembered over a restart: by then the hash is there, and the key would pass for ours.
        let mut is_first = self.matters.is_open(Matter::SealKey, &of_key);
        match self.put_parameter(session, &of_hash, &hash, ParameterType::String) {
            Ok(()) => is_first = true,
            Err(failure) if failure.reason == Reason::Exists => {
                let there = self.parameter(session, &of_hash).map_err(stuck)?;
                if there != hash {
                    let observed =
                        format!("the first key of another journal is there: its SHA-256 is {there}");
                    return Err(Unmoved::Stuck { subject: name.to_owned(), observed });
                }
            }
            Err(failure) => return Err(stuck(failure)),
        }
        match self.put_parameter(session, &of_key, text, ParameterType::SecureString) {
            Ok(()) => {}
            // We put it and never heard of it.
            Err(failure) if failure.reason == Reason::Exists && !is_first => {}
            Err(failure) if failure.reason == Reason::Exists => {
                let observed = format!("{of_key} was there before this journal's key was told to anybody");
                return Err(Unmoved::Stuck { subject: of_key, observed });
            }
            Err(failure) => return Err(stuck(failure)),
        }
        self.matters.close(Matter::SealKey, &of_key);
        Ok(())
    }

    /// The SDK's own copies of the value live as long as the call.
    fn put_parameter(
        &self,
        session: &Arc<Session>,
        name: &str,
        value: &str,
        r#type: ParameterType,
    ) -> Result<(), Failure> {
        let put = session
            .ssm
            .put_parameter()
            .name(name)
            .value(value)
            .r#type(r#type)
            .tier(ParameterTier::Standard)
            // Said outright: the role's permission is conditional on it.
            .overwrite(false);
        self.aws.call(async move { put.send().await.map(drop).map_err(Failure::of("PutParameter")) })
    }

    fn parameter(&self, session: &Arc<Session>, name: &str) -> Result<String, Failure> {
        let get = session.ssm.get_parameter().name(name);
        let got = self.aws.call(async move { get.send().await.map_err(Failure::of("GetParameter")) })?;
        let value = got.parameter().and_then(|parameter| parameter.value());
        // Ours has 64 characters; whatever else is there is shown as far as that.
        Ok(value.unwrap_or_default().chars().take(64).collect())
    }

    fn name(&self, session: &Session, offered: &Offered) -> String {
        let (agent, epoch) = (offered.first.agent.to_string(), offered.first.epoch.to_string());
        let pin = &session.pin;
        let instance = pin.instance.as_deref().unwrap_or(&agent);
        Names { instance, agent: &agent, epoch: &epoch, account: &pin.account, region: &pin.region }
            .fill(&self.template)
    }
}

impl Shipper for SealKey {
    fn name(&self) -> &'static str {
        NAME
    }

    /// A key may wait here since before the last record.
    fn resume(&mut self, _after: Option<Position>) {
        // What went wrong is told with the first record.
        let _ = self.hand_over();
    }

    fn deliver(&mut self, batch: &[Entry]) -> Result<Delivered, Trouble> {
        self.matters.beat();
        self.hand_over()?;
        Ok(Delivered::first(batch.len()))
    }
}

const NAME: &str = "seal-key";
const EXPECTED: &str = "the first key of this journal, put there once";
/// Whoever mends it does so by hand. Heartbeats come as often.
const PATIENCE: Duration = Duration::from_secs(3600);
