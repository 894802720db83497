//! Who may call: access keys, their signatures, the time on them, and what is denied.

use std::collections::BTreeSet;

use super::answer::Refusal;
use super::clock;
use super::http::Request;
use super::sigv4::{self, Authorization};
use super::{Account, Service};
use crate::support::keys::Pair;

/// The keys that the double knows, oldest first.
#[derive(Debug)]
pub(crate) struct Access {
    account: Account,
    keys: Vec<Key>,
    denied: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Key {
    id: String,
    secret: String,
    token: String,
    account: String,
    is_expired: bool,
}

/// Who a request is from, once its signature proved it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) arn: String,
}

impl Access {
    pub(crate) fn new(account: Account) -> Self {
        let mut access = Self { account, keys: Vec::new(), denied: BTreeSet::new() };
        access.make(account.id);
        access
    }

    /// Temporary ones of that account, as a role's: key id, secret and session token.
    pub(crate) fn make(&mut self, account: &str) -> (String, String, String) {
        let Pair { id, secret, token } = Pair::of("ASIA", &format!("{account} {}", self.keys.len()));
        let account = account.to_owned();
        self.keys.push(Key {
            id: id.clone(),
            secret: secret.clone(),
            token: token.clone(),
            account,
            is_expired: false,
        });
        (id, secret, token)
    }

    /// The newest of the account's own.
    pub(crate) fn newest(&self) -> (String, String, String) {
        let own = self.keys.iter().rev().find(|key| key.account == self.account.id);
        let key = own.expect("one was made at the start");
        (key.id.clone(), key.secret.clone(), key.token.clone())
    }

    /// All that there are, of every account; then others are made.
    pub(crate) fn expire(&mut self) {
        for key in &mut self.keys {
            key.is_expired = true;
        }
        self.make(self.account.id);
    }

    pub(crate) fn deny(&mut self, action: &str) {
        self.denied.insert(action.to_owned());
    }

    pub(crate) fn allow(&mut self, action: &str) {
        self.denied.remove(action);
    }

    /// Which of two wrongs AWS names first is not known; here it is the key, its token's age, the time, the signature.
    pub(crate) fn authenticate(
        &self,
        service: Service,
        request: &Request,
        now: i64,
    ) -> Result<Caller, Refusal> {
        let Some(header) = request.header("authorization") else {
            return Err(Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token"));
        };
        let incomplete = |what: &str| Refusal::new("IncompleteSignatureException", what);
        let authorization = Authorization::parse(header)
            .ok_or_else(|| incomplete("Authorization header is not understood"))?;
        let time = request.header("x-amz-date").ok_or_else(|| incomplete("X-Amz-Date is missing"))?;
        let token = request.header("x-amz-security-token").unwrap_or_default();
        let key = self.keys.iter().find(|key| key.id == authorization.key && key.token == token).ok_or_else(
            || {
                Refusal::new(
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                )
            },
        )?;
        if key.is_expired {
            return Err(Refusal::expired());
        }
        self.judge_scope(service, &authorization, time)?;
        judge_time(time, now)?;
        let must = ["host", "x-amz-date", "x-amz-security-token"];
        if let Some(missing) = must.iter().find(|name| !authorization.signed.iter().any(|is| is == *name)) {
            return Err(invalid(&format!("'{missing}' must be a signed header")));
        }
        let scope = &authorization.scope;
        let wanted = sigv4::signature(request, &authorization.signed, time, scope, &key.secret);
        if wanted.as_ref() != Some(&authorization.signature) {
            return Err(invalid(
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details.",
            ));
        }
        let arn = format!("arn:aws:sts::{}:assumed-role/web/i-0123456789abcdef0", key.account);
        Ok(Caller { account: key.account.clone(), arn })
    }

    fn judge_scope(&self, service: Service, is: &Authorization, time: &str) -> Result<(), Refusal> {
        let scope = &is.scope;
        let (region, name) = (self.account.region, service.name());
        if scope.region != region {
            return Err(invalid(&format!(
                "Credential should be scoped to a valid region, not '{}'.",
                scope.region
            )));
        }
        if scope.service != name {
            return Err(invalid(&format!("Credential should be scoped to correct service: '{name}'.")));
        }
        if !time.starts_with(&scope.date) {
            return Err(invalid(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date",
            ));
        }
        Ok(())
    }

    /// After the caller proved who it is.
    pub(crate) fn authorize(&self, service: Service, action: &str, caller: &Caller) -> Result<(), Refusal> {
        let name = format!("{}:{action}", service.name());
        let is_foreign = caller.account != self.account.id && service != Service::Sts;
        if !is_foreign && !self.denied.contains(&name) {
            return Ok(());
        }
        let text = format!(
            "User: {} is not authorized to perform: {name} because no identity-based policy allows the {name} action",
            caller.arn
        );
        Err(Refusal::new("AccessDeniedException", text))
    }
}

fn judge_time(time: &str, now: i64) -> Result<(), Refusal> {
    let signed = clock::parse_basic(time).ok_or_else(|| {
        Refusal::new("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'")
    })?;
    let now = now.div_euclid(1000);
    let text = clock::basic(now);
    let window = MOST_SKEW / 60;
    if signed < now - MOST_SKEW {
        let limit = clock::basic(now - MOST_SKEW);
        return Err(invalid(&format!(
            "Signature expired: {time} is now earlier than {limit} ({text} - {window} min.)"
        )));
    }
    if signed > now + MOST_SKEW {
        let limit = clock::basic(now + MOST_SKEW);
        return Err(invalid(&format!(
            "Signature not yet current: {time} is still later than {limit} ({text} + {window} min.)"
        )));
    }
    Ok(())
}

fn invalid(text: &str) -> Refusal {
    Refusal::new("InvalidSignatureException", text)
}

/// Seconds. Whether the very last one still counts at AWS is not known; here it does.
const MOST_SKEW: i64 = 300;
