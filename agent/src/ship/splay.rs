//! Each host's own moment: a fleet to which something happens at once does not tell of it at once.

use std::time::Duration;

use jiff::Timestamp;

use crate::finding::wire::record::{self, Hash};

/// How long until the host's next moment in a window that begins anew all the time. The host is known by its
/// agent's id in any record.
pub(super) fn wait(line: &[u8], window: Duration, now: Timestamp) -> Duration {
    let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    let Ok(record) = record::parse(line) else { return Duration::ZERO };
    if window == 0 {
        return Duration::ZERO;
    }
    let Hash(digest) = Hash::of(record.agent.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    let moment = u64::from_be_bytes(first) % window;
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0) % window;
    Duration::from_millis((moment + window - now) % window)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use super::*;
    use crate::finding::wire::record::{Id, Kind, Speaker};

    fn line(agent: [u8; 8]) -> Vec<u8> {
        let speaker = Speaker {
            agent: Id::new(agent),
            epoch: Id::new([2; 8]),
            boot: "0badcafe".into(),
            instance: None,
            account: None,
            region: None,
        };
        record::line(&speaker, 1, &Hash::NONE, Timestamp::UNIX_EPOCH, Kind::Drift, "{}").unwrap()
    }

    #[test]
    fn a_fleet_is_spread_over_the_window_and_each_host_has_its_moment() {
        let (window, now) = (Duration::from_secs(60), Timestamp::from_second(1_700_000_007).unwrap());
        let mut seconds = [0; 60];
        for host in 0..6000_u64 {
            let wait = wait(&line(host.to_be_bytes()), window, now);
            seconds[usize::try_from(wait.as_secs()).unwrap()] += 1;
        }
        assert!(seconds.iter().all(|hosts| (50..200).contains(hosts)), "{seconds:?}");
        let first = wait(&line([7; 8]), window, now);
        let later = wait(&line([7; 8]), window, now + jiff::SignedDuration::from_millis(1));
        assert!(first == later + Duration::from_millis(1) || first.is_zero());
        assert_eq!(wait(&line([7; 8]), Duration::ZERO, now), Duration::ZERO);
    }
}
