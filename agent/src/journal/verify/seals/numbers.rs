//! Whether the numbers in the checkpoints are those of the records between them.

use super::Point;
use crate::journal::verify::chain::Gaps;
use crate::journal::verify::gathered::Fact;
use crate::journal::verify::{Judged, ProblemKind};

pub(super) fn check(points: &[Point<'_>], main: &[Fact], gaps: &Gaps<'_>, judged: &mut Judged<'_>) {
    // Before record 1 there was nothing; before any other first record there is nothing to compare with.
    let is_from_the_start = main.first().is_some_and(|first| first.seq == 1);
    let mut last = is_from_the_start.then_some(Stand { seq: 0, at: None, gaps: 0, dropped: 0 });
    for point in points {
        let said = &point.sealed.said;
        let seq = point.seq();
        let mut wrong = Vec::new();
        if said.records != seq {
            wrong.push(format!("{} records where its own number is {seq}", said.records));
        }
        if let Some(last) = &last {
            compare_gaps(last, point, gaps, &mut wrong);
            compare_dropped(last, point, gaps, &mut wrong);
        }
        if said.key.is_some() != point.sealed.has_mac {
            let (has, has_not) = if said.key.is_some() { ("a key", "seal") } else { ("a seal", "key") };
            wrong.push(format!("{has} but no {has_not}"));
        }
        if !wrong.is_empty() {
            let text = format!("checkpoint {seq} names {}", wrong.join("; "));
            judged.problem(ProblemKind::Checkpoint, (seq, seq), point.place, text);
        }
        last = Some(Stand { seq, at: Some(point.at), gaps: said.gaps, dropped: said.dropped });
    }
}

/// What a checkpoint said, for the next one to be compared with.
struct Stand {
    seq: u64,
    at: Option<usize>,
    gaps: u64,
    dropped: u64,
}

fn compare_gaps(last: &Stand, point: &Point<'_>, gaps: &Gaps<'_>, wrong: &mut Vec<String>) {
    let seen = gaps.count_between(last.seq, point.seq());
    let least = last.gaps.saturating_add(seen);
    // Any of the records that are not here may have been a gap.
    let most = least.saturating_add(super::missing(last.seq, last.at, point));
    let said = point.sealed.said.gaps;
    if !(least..=most).contains(&said) {
        wrong.push(format!("{said} gaps where the records have {least}"));
    }
}

/// What was given up for want of room is in a gap of that cause; what else is lost may have been counted, too.
fn compare_dropped(last: &Stand, point: &Point<'_>, gaps: &Gaps<'_>, wrong: &mut Vec<String>) {
    let lost = gaps.lost_between(last.seq, point.seq());
    let least = last.dropped.saturating_add(lost.for_want_of_room);
    let is_all_here = super::missing(last.seq, last.at, point) == 0;
    let most = if is_all_here { last.dropped.saturating_add(lost.in_all) } else { u64::MAX };
    let said = point.sealed.said.dropped;
    if !(least..=most).contains(&said) {
        wrong.push(format!("{said} dropped records where the gaps tell of {least}"));
    }
}
