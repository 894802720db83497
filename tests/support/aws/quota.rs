//! How many calls a second an account has, action by action.
//!
//! The numbers are the published defaults of one account and region. How long a burst AWS lets through is not published;
//! here it is one second's worth.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Quotas(Mutex<HashMap<String, Bucket>>);

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    left: f64,
    since: Instant,
}

impl Quotas {
    /// So many at once, and so many more each second; none a second makes a test that no machine is too fast for.
    pub(crate) fn set(&self, action: &str, burst: u32, per_second: u32) {
        let bucket = Bucket {
            per_second: per_second.into(),
            burst: burst.into(),
            left: burst.into(),
            since: Instant::now(),
        };
        self.0.lock().expect("quotas").insert(action.to_owned(), bucket);
    }

    /// Whether one more call is welcome.
    pub(super) fn take(&self, action: &str) -> bool {
        let mut quotas = self.0.lock().expect("quotas");
        if !quotas.contains_key(action) {
            let Some((_, usual)) = USUAL.iter().find(|(name, _)| *name == action) else { return true };
            let usual = f64::from(*usual);
            let bucket = Bucket { per_second: usual, burst: usual, left: usual, since: Instant::now() };
            quotas.insert(action.to_owned(), bucket);
        }
        let bucket = quotas.get_mut(action).expect("it is there now");
        let now = Instant::now();
        let came = now.duration_since(bucket.since).as_secs_f64() * bucket.per_second;
        bucket.left = (bucket.left + came).min(bucket.burst);
        bucket.since = now;
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }
}

/// FilterLogEvents and GetLogEvents have more in some regions. Systems Manager publishes 40 for reading parameters; what
/// it has for PutParameter, PutInventory and PutComplianceItems is not known, so that those have none.
const USUAL: &[(&str, u32)] = &[
    ("PutLogEvents", 5000),
    ("CreateLogStream", 50),
    ("DescribeLogStreams", 25),
    ("DescribeLogGroups", 10),
    ("FilterLogEvents", 5),
    ("GetLogEvents", 10),
    ("StartQuery", 10),
    ("GetQueryResults", 10),
    ("GetParameter", 40),
    ("GetParametersByPath", 40),
];
