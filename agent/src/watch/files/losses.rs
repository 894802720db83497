//! What went unseen and is not told yet: one for each reason.

use jiff::Timestamp;

use super::{Lost, Why};

#[derive(Debug, Default)]
pub struct Losses {
    list: Vec<Loss>,
}

#[derive(Debug)]
struct Loss {
    lost: Lost,
    is_everywhere: bool,
}

impl Losses {
    /// Without a place it is everywhere.
    pub(super) fn add(&mut self, why: Why, place: Option<&[u8]>, at: Timestamp) {
        let known = self.list.iter_mut().find(|loss| is_same(&loss.lost.why, &why));
        match known {
            Some(loss) => {
                loss.lost.until = at;
                if let (Why::Unresolved(before), Why::Unresolved(more)) = (&mut loss.lost.why, &why) {
                    *before += more;
                }
                loss.add_place(place);
            }
            None => {
                let lost = Lost { why, since: at, until: at, places: Vec::new() };
                let mut loss = Loss { lost, is_everywhere: false };
                loss.add_place(place);
                self.list.push(loss);
            }
        }
    }

    /// Together with what else is lost for that reason.
    pub fn merge(&mut self, lost: Lost) {
        let Lost { why, since, until, places } = lost;
        // Counted once.
        let again = if matches!(why, Why::Unresolved(_)) { Why::Unresolved(0) } else { why.clone() };
        let first = places.first().map(Vec::as_slice);
        self.add(why, first, since);
        self.add(again.clone(), first, until);
        for place in places.iter().skip(1) {
            self.add(again.clone(), Some(place), until);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Each is told once.
impl Iterator for Losses {
    type Item = Lost;

    fn next(&mut self) -> Option<Lost> {
        (!self.list.is_empty()).then(|| self.list.remove(0).lost)
    }
}

impl Loss {
    fn add_place(&mut self, place: Option<&[u8]>) {
        match place {
            _ if self.is_everywhere => {}
            Some(place) if self.lost.places.iter().any(|known| known == place) => {}
            Some(place) if self.lost.places.len() < MAX_PLACES => self.lost.places.push(place.to_vec()),
            _ => {
                self.is_everywhere = true;
                self.lost.places.clear();
            }
        }
    }
}

fn is_same(one: &Why, other: &Why) -> bool {
    match (one, other) {
        (Why::Unresolved(_), Why::Unresolved(_)) => true,
        (one, other) => one == other,
    }
}

/// So many places are as good as everywhere.
const MAX_PLACES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_of_one_reason_are_one_and_too_many_places_are_everywhere() {
        let mut losses = Losses::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        losses.add(Why::Unresolved(1), Some(b"/a"), at(1));
        losses.add(Why::Queue, None, at(2));
        losses.add(Why::Unresolved(2), Some(b"/b"), at(3));
        losses.add(Why::Queue, Some(b"/c"), at(4));
        for number in 0..=MAX_PLACES {
            losses.add(Why::Room, Some(format!("/{number}").as_bytes()), at(5));
        }
        let lost: Vec<Lost> = losses.by_ref().collect();
        assert_eq!(lost.len(), 3);
        assert_eq!((&lost[0].why, lost[0].since, lost[0].until), (&Why::Unresolved(3), at(1), at(3)));
        assert_eq!(lost[0].places, [b"/a".to_vec(), b"/b".to_vec()]);
        assert!(lost[1].places.is_empty() && lost[2].places.is_empty());
        assert!(losses.is_empty());
        for mut lost in [lost[0].clone(), lost[0].clone(), lost[2].clone()] {
            lost.until = at(9);
            losses.merge(lost);
        }
        let merged: Vec<Lost> = losses.by_ref().collect();
        assert_eq!(merged.len(), 2);
        let (why, places) = (Why::Unresolved(6), lost[0].places.clone());
        assert_eq!(merged[0], Lost { why, since: at(1), until: at(9), places });
        assert_eq!(merged[1], Lost { until: at(9), ..lost[2].clone() });
    }
}
