//! The posture in Systems Manager, and the first key in Parameter Store: the two shippers against the double of AWS.

mod posture;
mod seal_key;

use std::path::PathBuf;
use std::sync::Arc;

use guestward::journal::{Directory, Draft, Entry, Limits, Position, Reader};
use guestward::ship::Stop;
use guestward::ship::aws::endpoints::Endpoints;
use guestward::ship::aws::{Identify, Pin, Source};
use guestward::ship::matters::Matters;
use serde_json::Value;

use super::support::aws::{Account, Aws, Metadata};
use super::support::journal::State;

const ACCOUNT: Account = Account { id: "111122223333", region: "eu-central-1" };
const INSTANCE: &str = "i-0123456789abcdef0";

/// An account, an instance in it, and a state directory on that.
struct Cloud {
    aws: Aws,
    metadata: Metadata,
    state: State,
    read: Option<Position>,
}

impl Cloud {
    fn new() -> Self {
        let aws = Aws::start(ACCOUNT);
        let metadata = Metadata::start(&aws);
        let state = State::new();
        std::fs::create_dir_all(state.path().join("cursors")).unwrap();
        Self { aws, metadata, state, read: None }
    }

    fn client(&self, instance: Option<&'static str>) -> Arc<guestward::ship::aws::Aws> {
        let url = self.aws.url();
        let endpoints =
            Endpoints::from_vars(|name| (name == "AWS_ENDPOINT_URL").then(|| url.clone())).unwrap();
        let identify: Identify = Box::new(move || {
            let (account, region) = (ACCOUNT.id.to_owned(), ACCOUNT.region.to_owned());
            Ok(Pin { account, region, instance: instance.map(str::to_owned) })
        });
        let source = Source::Imds(self.metadata.address());
        guestward::ship::aws::Aws::start(source, endpoints, identify, Stop::new()).unwrap()
    }

    fn cursors(&self) -> PathBuf {
        self.state.path().join("cursors")
    }

    fn matters(&self) -> Matters {
        Matters::at(&self.cursors())
    }

    /// What stands in the way, as the sensor reads it: matter and what was observed.
    fn open(&self) -> Vec<(String, String)> {
        let bytes = std::fs::read(self.cursors().join("delivery.json")).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let matters = document["matters"].as_array().unwrap();
        let text = |matter: &Value, name: &str| matter[name].as_str().unwrap().to_owned();
        matters.iter().map(|matter| (text(matter, "matter"), text(matter, "observed"))).collect()
    }

    /// Records them, and reads what is new in the journal.
    fn record(&mut self, drafts: &[Draft]) -> Vec<Entry> {
        let mut journal = self.state.journal(Limits::default());
        journal.append(drafts, jiff::Timestamp::now()).unwrap();
        drop(journal);
        let directory = Directory::open(&self.state.path().join("journal")).unwrap();
        let batch = Reader::new(directory, self.read).next_batch(1000, 1 << 20).unwrap();
        self.read = batch.entries.last().map(|entry| entry.position).or(self.read);
        batch.entries
    }

    /// How often that was asked for.
    fn count(&self, action: &str) -> usize {
        self.aws.calls().iter().filter(|call| call.action == action).count()
    }
}
