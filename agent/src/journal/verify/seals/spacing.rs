//! Whether checkpoints come as often as they ought to.

use super::Point;
use crate::finding::wire::proof::Lifecycle;
use crate::journal::verify::gathered::{Fact, Gathered, NO_TIME};
use crate::journal::verify::{Judged, RemarkKind};

/// A long silence may be a stopped machine or a clock that jumped; it is worth a look, no more.
pub(super) fn look(gathered: &Gathered, points: &[Point<'_>], main: &[Fact], judged: &mut Judged<'_>) {
    let mut pauses: Vec<u64> = gathered
        .lifecycles
        .iter()
        .filter(|(_, said)| *said == Lifecycle::StartOrStop)
        .map(|(mark, _)| mark.seq)
        .collect();
    pauses.sort_unstable();
    let last = main.len().checked_sub(1);
    let ends = points.iter().map(|point| point.at).chain(last);
    let ends: Vec<usize> = ends.collect();
    for pair in ends.windows(2).filter(|_| !points.is_empty()) {
        let (a, b) = (&main[pair[0]], &main[pair[1]]);
        let paused = pauses.partition_point(|&seq| seq < a.seq) < pauses.partition_point(|&seq| seq <= b.seq);
        if paused || a.time == NO_TIME || b.time == NO_TIME {
            continue;
        }
        let silence = b.time.saturating_sub(a.time);
        if silence > LONGEST_SPACING {
            let text = format!(
                "{} minutes without a checkpoint after record {}, by the machine's clock, and the sensor neither stopped nor started",
                silence / 60_000,
                a.seq
            );
            judged.remark(RemarkKind::Spacing, (a.seq, b.seq), text);
        }
    }
}

/// Twice the hour in which a checkpoint is due, in milliseconds.
const LONGEST_SPACING: i64 = 2 * 3600 * 1000;
