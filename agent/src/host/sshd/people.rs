//! What sshd's configuration may ask about an account: its groups, and whether it has a password.

use std::collections::{HashMap, HashSet};

use crate::host::Unreadable;
use crate::host::accounts::Accounts;

/// Who is in which groups, without asking for every user and every group.
pub(super) struct Membership<'a> {
    by_gid: HashMap<u32, Vec<&'a [u8]>>,
    by_member: HashMap<&'a [u8], Vec<&'a [u8]>>,
}

impl<'a> Membership<'a> {
    pub(super) fn of(accounts: &'a Accounts) -> Result<Self, Unreadable> {
        let mut membership = Self { by_gid: HashMap::new(), by_member: HashMap::new() };
        for group in accounts.groups.as_ref().map_err(Clone::clone)? {
            membership.by_gid.entry(group.gid).or_default().push(&group.name);
            for member in &group.members {
                membership.by_member.entry(member).or_default().push(&group.name);
            }
        }
        Ok(membership)
    }

    pub(super) fn of_user(&self, name: &[u8], gid: u32) -> Vec<Vec<u8>> {
        let primary = self.by_gid.get(&gid).into_iter().flatten();
        let member = self.by_member.get(name).into_iter().flatten();
        primary.chain(member).map(|group| group.to_vec()).collect()
    }
}

/// The accounts with a password that could be guessed; `None` if shadow(5) could not be read.
pub(super) fn passwords(accounts: &Accounts) -> Option<HashSet<&[u8]>> {
    let credentials = accounts.passwords().ok()?;
    let usable = credentials.into_iter().filter(|credential| credential.password.is_usable());
    Some(usable.map(|credential| credential.user.name.as_slice()).collect())
}
