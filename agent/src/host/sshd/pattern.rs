//! Patterns as sshd matches them: wildcards, lists with negation, networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A list of networks that sshd refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inconsistent;

/// What a list says about a value. A negated entry that matches settles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    Yes,
    No,
    Negated,
}

/// `*` and `?`; linear in practice, because only the last `*` is ever retried.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
                continue;
            }
            _ => {}
        }
        let Some((after_star, from)) = retry else { return false };
        retry = Some((after_star, from + 1));
        p = after_star;
        t = from + 1;
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// `a*,!ab` against a value.
pub fn list(patterns: &[u8], text: &[u8]) -> Match {
    let mut found = Match::No;
    for (negated, pattern) in entries(patterns) {
        if pattern.len() > LONGEST {
            return Match::No;
        }
        if matches(pattern, text) {
            if negated {
                return Match::Negated;
            }
            found = Match::Yes;
        }
    }
    found
}

/// The entries of a list, each with whether it is negated.
pub fn entries(patterns: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    // A comma at the end does not begin another entry.
    let patterns = patterns.strip_suffix(b",").unwrap_or(patterns);
    let none = patterns.is_empty();
    patterns.split(|&byte| byte == b',').filter(move |_| !none).map(|entry| match entry {
        [b'!', pattern @ ..] => (true, pattern),
        _ => (false, entry),
    })
}

/// A host name against a list: neither side's case counts.
pub fn host_list(patterns: &[u8], host: &[u8]) -> Match {
    list(&patterns.to_ascii_lowercase(), &host.to_ascii_lowercase())
}

/// Any of a user's groups; a negated entry that matches any of them loses.
pub fn group_list(patterns: &[u8], groups: &[Vec<u8>]) -> bool {
    let mut found = false;
    for group in groups {
        match list(patterns, group) {
            Match::Negated => return false,
            Match::Yes => found = true,
            Match::No => {}
        }
    }
    found
}

/// An address against a list of networks and wildcards. `Err` is a list that sshd refuses; without an address
/// only that is told.
pub fn address_list(patterns: &[u8], address: Option<&[u8]>) -> Result<Match, Inconsistent> {
    let parsed = address.map(parse_address);
    if parsed == Some(None) {
        return Ok(Match::No);
    }
    let parsed = parsed.flatten();
    let mut found = Match::No;
    for entry in patterns.split(|&byte| byte == b',') {
        let (negated, entry) = match entry {
            [b'!', rest @ ..] => (true, rest),
            _ => (false, entry),
        };
        if entry.is_empty() {
            return Err(Inconsistent);
        }
        let hit = match Network::parse(entry) {
            Ok(network) => parsed.is_some_and(|address| network.contains(address)),
            Err(NotANetwork::Inconsistent) => return Err(Inconsistent),
            Err(NotANetwork::Other) => address.is_some_and(|address| matches(entry, address)),
        };
        if hit {
            if negated {
                return Ok(Match::Negated);
            }
            found = Match::Yes;
        }
    }
    Ok(found)
}

/// `user`, or `user@host`, as AllowUsers and DenyUsers have them. `Err` is a pattern that sshd refuses.
pub fn user_at_host(pattern: &[u8], user: &[u8], host: &[u8], address: &[u8]) -> Result<bool, Inconsistent> {
    let Some(at) = pattern.iter().position(|&byte| byte == b'@') else { return Ok(matches(pattern, user)) };
    if !matches(&pattern[..at], user) {
        return Ok(false);
    }
    let place = &pattern[at + 1..];
    let by_address = address_list(place, Some(address))?;
    if by_address == Match::Negated {
        return Ok(false);
    }
    Ok(match host_list(place, host) {
        Match::Negated => false,
        Match::Yes => true,
        Match::No => by_address == Match::Yes,
    })
}

/// Whether sshd takes a pattern of AllowUsers or DenyUsers.
pub fn is_user_pattern(pattern: &[u8]) -> bool {
    match pattern.iter().position(|&byte| byte == b'@') {
        Some(at) => address_list(&pattern[at + 1..], None).is_ok(),
        None => true,
    }
}

/// `192.0.2.0/24`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    pub bits: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotANetwork {
    /// A mask that is too long, or set bits behind it: sshd refuses the whole configuration.
    Inconsistent,
    Other,
}

impl Network {
    pub fn parse(text: &[u8]) -> Result<Self, NotANetwork> {
        if text.len() >= LONGEST_NETWORK {
            return Err(NotANetwork::Other);
        }
        let slash = text.iter().position(|&byte| byte == b'/');
        let (address, bits) = match slash {
            None => (text, None),
            Some(at) => {
                let digits = &text[at + 1..];
                let bits = std::str::from_utf8(digits)
                    .ok()
                    .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
                    .and_then(|digits| digits.parse::<u32>().ok())
                    .filter(|&bits| bits <= 128)
                    .ok_or(NotANetwork::Other)?;
                (&text[..at], Some(bits))
            }
        };
        let address = parse_address(address).ok_or(NotANetwork::Other)?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(widest);
        if bits > widest {
            return Err(NotANetwork::Inconsistent);
        }
        let network = Self { address, bits: u8::try_from(bits).unwrap_or(128) };
        // An address with no bits behind the mask left over.
        if network.first() == address { Ok(network) } else { Err(NotANetwork::Inconsistent) }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Self { address, ..*self }.first() == self.address
    }

    /// The lowest address.
    fn first(&self) -> IpAddr {
        self.with_host_bits(|bits, mask| bits & mask)
    }

    /// Addresses in the network, apart from each other: near its ends and between.
    pub fn inside(&self) -> Vec<IpAddr> {
        let widest = if self.address.is_ipv4() { 32 } else { 128 };
        if u32::from(self.bits) == widest {
            return vec![self.address];
        }
        let near_begin = self.with_host_bits(|bits, mask| (bits & mask) | 1);
        let near_end = self.with_host_bits(|bits, mask| (bits & mask) | (!mask & !1));
        let between = self.with_host_bits(|bits, mask| (bits & mask) | (!mask & ALTERNATING));
        vec![near_begin, near_end, between]
    }

    /// Addresses in the networks next to it; none if the network is everything.
    pub fn outside(&self) -> Vec<IpAddr> {
        // One of the last bits of the mask, flipped.
        let neighbours: [fn(u128, u128) -> u128; 3] = [
            |bits, mask| (bits & mask) ^ (mask & mask.wrapping_neg()),
            |bits, mask| (bits & mask) ^ (mask & (mask.wrapping_neg() << 1)),
            |bits, mask| (bits & mask) ^ (mask & (mask.wrapping_neg() << 2)),
        ];
        let addresses = neighbours.into_iter().map(|neighbour| self.with_host_bits(neighbour));
        addresses.filter(|&address| !self.contains(address)).collect()
    }

    fn with_host_bits(&self, change: fn(u128, u128) -> u128) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                let bits = change(u128::from(address.to_bits()), u128::from(mask));
                IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(0)))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(change(address.to_bits(), mask)))
            }
        }
    }
}

/// An address as inet_aton(3) and inet_pton(3) read it: `10.1` is `10.0.0.1`.
pub fn parse_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let parts: Vec<u32> = text.split('.').map(c_number).collect::<Option<_>>()?;
    let (last, front) = parts.split_last()?;
    if front.len() > 3 || front.iter().any(|&part| part > 255) {
        return None;
    }
    let room = 32 - 8 * u32::try_from(front.len()).ok()?;
    if room < 32 && *last >> room != 0 {
        return None;
    }
    let front = front.iter().zip([24, 16, 8]).fold(0, |sum, (part, shift)| sum | part << shift);
    Some(IpAddr::V4(Ipv4Addr::from_bits(front | last)))
}

/// Decimal, `0x` hexadecimal or `0` octal.
fn c_number(digits: &str) -> Option<u32> {
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (&digits[1..], 8),
        None => (digits, 10),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

const ALTERNATING: u128 = 0x5555_5555_5555_5555_5555_5555_5555_5555;
/// sshd copies each entry of a list to a buffer of 1024.
const LONGEST: usize = 1022;
/// sshd copies a network to a buffer of 64.
const LONGEST_NETWORK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negated_entry_settles_a_list() {
        assert_eq!(list(b"b*,!bob", b"bob"), Match::Negated);
        assert_eq!(list(b"!bob", b"alice"), Match::No);
        assert_eq!(list(b"b*,!bob", b"bill"), Match::Yes);
        assert_eq!(list(b"", b""), Match::No);
    }

    #[test]
    fn networks_are_matched_by_their_bits_and_refused_with_bits_left_over() {
        assert_eq!(address_list(b"10.0.0.0/8,!10.1.0.0/16", Some(b"10.2.0.1")), Ok(Match::Yes));
        assert_eq!(address_list(b"10.0.0.0/8,!10.1.0.0/16", Some(b"10.1.0.1")), Ok(Match::Negated));
        assert_eq!(address_list(b"10.0.0.1/8", None), Err(Inconsistent));
        assert_eq!(address_list(b"2001:db8::/32", Some(b"2001:db8:1::1")), Ok(Match::Yes));
        assert_eq!(address_list(b"0.0.0.0/0", Some(b"::1")), Ok(Match::No));
        assert_eq!(address_list(b"192.168.*", Some(b"192.168.7.7")), Ok(Match::Yes));
    }

    #[test]
    fn a_network_has_an_inside_and_an_outside() {
        let network = Network::parse(b"10.0.0.0/8").unwrap();
        assert!(network.inside().into_iter().all(|address| network.contains(address)));
        assert!(!network.outside().is_empty());
        assert!(!network.outside().into_iter().any(|address| network.contains(address)));
        assert!(Network::parse(b"::/0").unwrap().outside().is_empty());
    }
}
