//! The names that rpm records of owners, as the numbers that they have on this machine.
//!
//! rpm asks /etc/passwd and /etc/group when it installs a file, and when it verifies one (rpm's lib/rpmug.c): so does this.

use std::collections::HashMap;

use crate::host::{Host, Unreadable};

/// Pairs of a user and a group, each once.
#[derive(Debug, Default)]
pub(super) struct People {
    users: HashMap<Vec<u8>, u32>,
    groups: HashMap<Vec<u8>, u32>,
    pairs: Vec<(Option<u32>, Option<u32>)>,
    /// Nearly all are root's: by names, so that no other question is asked.
    last: Option<(Vec<u8>, Vec<u8>, u16)>,
}

impl People {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let (users, groups) = (read(host, "/etc/passwd")?, read(host, "/etc/group")?);
        Ok(Self { users, groups, ..Self::default() })
    }

    pub(super) fn of_names(&mut self, user: &[u8], group: &[u8]) -> u16 {
        if let Some((last_user, last_group, place)) = &self.last
            && (last_user.as_slice(), last_group.as_slice()) == (user, group)
        {
            return *place;
        }
        let pair = (id(&self.users, user), id(&self.groups, group));
        let place = self.pairs.iter().position(|known| *known == pair).unwrap_or(self.pairs.len());
        let Ok(number) = u16::try_from(place) else { return u16::MAX };
        if place == self.pairs.len() {
            self.pairs.push(pair);
        }
        self.last = Some((user.to_vec(), group.to_vec(), number));
        number
    }

    pub(super) fn get(&self, place: u16) -> (Option<u32>, Option<u32>) {
        self.pairs.get(usize::from(place)).copied().unwrap_or_default()
    }
}

/// root is 0 also where there is no passwd (rpm's lib/rpmug.c).
fn id(known: &HashMap<Vec<u8>, u32>, name: &[u8]) -> Option<u32> {
    if name == b"root" { Some(0) } else { known.get(name).copied() }
}

/// `name:password:id:…`, a line each; the first of a name counts, as in getpwnam(3).
fn read(host: &Host, path: &str) -> Result<HashMap<Vec<u8>, u32>, Unreadable> {
    let bytes = match host.read(path, MAX) {
        Err(cause) if cause.is_absent() => Vec::new(),
        bytes => bytes?,
    };
    Ok(ids(&bytes))
}

fn ids(bytes: &[u8]) -> HashMap<Vec<u8>, u32> {
    let mut found = HashMap::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let mut fields = line.split(|&byte| byte == b':');
        let (name, id) = (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
        let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
        if let Some(id) = id.filter(|_| !name.is_empty()) {
            found.entry(name.to_vec()).or_insert(id);
        }
    }
    found
}

/// A machine with a hundred thousand people has less.
const MAX: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_its_first_number_and_an_unknown_one_is_none() {
        let users = ids(b"root:x:0:0::/:\nmail:x:8:8::/:\nmail:x:9:9\nodd\nbad:x:minus\n");
        let groups = ids(b"root:x:0:\nmail:x:12:\n");
        let mut people = People { users, groups, ..People::default() };
        let mut told = |user: &str, group: &str| {
            let place = people.of_names(user.as_bytes(), group.as_bytes());
            (place, people.get(place))
        };
        assert_eq!(told("root", "root"), (0, (Some(0), Some(0))));
        assert_eq!(told("mail", "mail"), (1, (Some(8), Some(12))));
        assert_eq!(told("root", "root"), (0, (Some(0), Some(0))));
        assert_eq!(told("bad", "nobody"), (2, (None, None)));
        assert_eq!(People::default().get(7), (None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(
            prop_oneof![Just(b':'), Just(b'\n'), Just(b'1'), any::<u8>()], 0..200))
        {
            let _ = ids(&bytes);
        }
    }
}
