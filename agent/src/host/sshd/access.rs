//! Whom the settings let in at all, and whether passwords alone are enough.

use super::evaluate::{Context, Effective};
use super::pattern;
use super::{Origin, Version};

/// Why a user is turned away before any authentication counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    pub keyword: &'static str,
    pub origin: Origin,
}

impl Effective<'_> {
    /// AllowUsers and its kin. `None`: the user may try.
    pub fn turns_away(&self, context: &Context) -> Option<TurnedAway> {
        let away = |keyword| Some(TurnedAway { keyword, origin: self.origin(keyword) });
        if self.version() >= Version::new(9, 9) && self.is_on("RefuseConnection") {
            return away("RefuseConnection");
        }
        let is_user = |keyword| {
            self.values(keyword).iter().any(|pattern| {
                pattern::user_at_host(pattern, &context.user, &context.host, &context.address) == Ok(true)
            })
        };
        let in_group = |keyword| {
            let wanted = self.values(keyword);
            wanted.iter().any(|wanted| context.groups.iter().any(|group| pattern::matches(wanted, group)))
        };
        let is_set = |keyword| self.directives(keyword).next().is_some();
        if is_user("DenyUsers") {
            return away("DenyUsers");
        }
        if is_set("AllowUsers") && !is_user("AllowUsers") {
            return away("AllowUsers");
        }
        if in_group("DenyGroups") || (is_set("DenyGroups") && context.groups.is_empty()) {
            return away("DenyGroups");
        }
        if is_set("AllowGroups") && !in_group("AllowGroups") {
            return away("AllowGroups");
        }
        None
    }

    /// Whether a login needs nothing but what a person types, `method` among it.
    ///
    /// A list like `publickey,password` needs a key as well, and one with a method that is off leads nowhere.
    pub fn password_suffices(&self, method: &str) -> bool {
        self.values("AuthenticationMethods").iter().any(|list| {
            if **list == *b"any" {
                return self.is_enabled(method.as_bytes());
            }
            let mut methods = list.split(|&byte| byte == b',').map(plain);
            let typed = methods.clone().all(|one| TYPED.contains(&one) && self.is_enabled(one));
            typed && methods.any(|one| one == method.as_bytes())
        })
    }

    /// Whether anything at all can be used to log in.
    pub fn any_method(&self) -> bool {
        self.values("AuthenticationMethods").iter().any(|list| {
            if **list == *b"any" {
                return METHODS.iter().any(|method| self.is_enabled(method.as_bytes()));
            }
            list.split(|&byte| byte == b',').all(|method| self.is_enabled(method))
        })
    }
}

/// `keyboard-interactive:pam` without its device.
fn plain(method: &[u8]) -> &[u8] {
    method.split(|&byte| byte == b':').next().unwrap_or_default()
}

const TYPED: &[&[u8]] = &[b"password", b"keyboard-interactive", b"none"];
const METHODS: &[&str] = &["publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic"];
