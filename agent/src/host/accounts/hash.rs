//! crypt(5): what the second field of passwd(5) and shadow(5) can be, told apart by shape alone.
//!
//! What has no known shape matches no password: crypt(3) never returns it.

use std::fmt;

/// What a password field means for whoever tries to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Password {
    /// No password is asked for.
    Empty,
    /// `!` or `*` in front; behind a `!` there may be a hash that waits to be unlocked.
    Locked {
        behind: Option<Scheme>,
    },
    /// No password gives this.
    Unmatchable,
    Usable(Scheme),
}

impl Password {
    pub fn of(field: &[u8]) -> Self {
        match field {
            [] => Self::Empty,
            [b'!' | b'*', ..] => {
                let start = field.iter().position(|&byte| byte != b'!').unwrap_or(field.len());
                Self::Locked { behind: Scheme::of(&field[start..]) }
            }
            _ => Scheme::of(field).map_or(Self::Unmatchable, Self::Usable),
        }
    }

    pub fn is_usable(self) -> bool {
        matches!(self, Self::Usable(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The letter behind the 2, and the logarithm of the cost.
    Bcrypt {
        variant: u8,
        cost: u32,
    },
    /// DES over more than eight characters, in blocks.
    Bigcrypt,
    /// BSDi's extended DES.
    BsdiDes,
    Des,
    GostYescrypt,
    Md5,
    NtHash,
    Scrypt,
    Sha1,
    Sha256 {
        rounds: u32,
    },
    Sha512 {
        rounds: u32,
    },
    SunMd5,
    Yescrypt,
}

impl Scheme {
    pub fn of(hash: &[u8]) -> Option<Self> {
        if let Some(rest) = hash.strip_prefix(b"_") {
            return (rest.len() == 19 && all_base64(rest)).then_some(Self::BsdiDes);
        }
        let Some(rest) = hash.strip_prefix(b"$") else { return des(hash) };
        let (name, rest) = split(rest)?;
        match name {
            b"1" => salted(rest, 8, 22).then_some(Self::Md5),
            b"2a" | b"2b" | b"2x" | b"2y" => bcrypt(name[1], rest),
            b"3" => {
                let digits = rest.strip_prefix(b"$")?;
                (digits.len() == 32 && digits.iter().all(is_lower_hex)).then_some(Self::NtHash)
            }
            b"5" => {
                let (rounds, rest) = sha_rounds(rest)?;
                salted(rest, 16, 43).then_some(Self::Sha256 { rounds })
            }
            b"6" => {
                let (rounds, rest) = sha_rounds(rest)?;
                salted(rest, 16, 86).then_some(Self::Sha512 { rounds })
            }
            b"7" => {
                let (setting, hash) = split(rest)?;
                ((11..=97).contains(&setting.len()) && all_base64(setting) && is_hash(hash, 43))
                    .then_some(Self::Scrypt)
            }
            b"y" => yescrypt(rest).then_some(Self::Yescrypt),
            b"gy" => yescrypt(rest).then_some(Self::GostYescrypt),
            b"sha1" => sha1(rest).then_some(Self::Sha1),
            _ => (name == b"md5" || name.starts_with(b"md5,rounds="))
                .then(|| sun_md5(name, rest).then_some(Self::SunMd5))
                .flatten(),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bcrypt { variant, cost } => write!(f, "bcrypt (2{}, cost {cost})", char::from(*variant)),
            Self::Bigcrypt => f.write_str("bigcrypt (DES)"),
            Self::BsdiDes => f.write_str("extended DES"),
            Self::Des => f.write_str("DES"),
            Self::GostYescrypt => f.write_str("gost-yescrypt"),
            Self::Md5 => f.write_str("MD5"),
            Self::NtHash => f.write_str("NT hash (MD4)"),
            Self::Scrypt => f.write_str("scrypt"),
            Self::Sha1 => f.write_str("SHA-1"),
            Self::Sha256 { rounds } => write!(f, "SHA-256 ({rounds} rounds)"),
            Self::Sha512 { rounds } => write!(f, "SHA-512 ({rounds} rounds)"),
            Self::SunMd5 => f.write_str("Sun MD5"),
            Self::Yescrypt => f.write_str("yescrypt"),
        }
    }
}

fn des(hash: &[u8]) -> Option<Scheme> {
    // A salt of two, then eleven for each block of eight characters, sixteen blocks at most.
    let is_des =
        all_base64(hash) && hash.len() >= 13 && (hash.len() - 2).is_multiple_of(11) && hash.len() <= 178;
    is_des.then_some(if hash.len() == 13 { Scheme::Des } else { Scheme::Bigcrypt })
}

fn bcrypt(variant: u8, rest: &[u8]) -> Option<Scheme> {
    let (cost, hash) = split(rest)?;
    let cost = number(cost).filter(|cost| (4..=31).contains(cost)).filter(|_| rest[2] == b'$')?;
    is_hash(hash, 53).then_some(Scheme::Bcrypt { variant, cost })
}

/// `rounds=N$`, if it is there; 5000 otherwise.
fn sha_rounds(rest: &[u8]) -> Option<(u32, &[u8])> {
    match rest.strip_prefix(b"rounds=") {
        None => Some((SHA_ROUNDS, rest)),
        Some(rest) => {
            let (digits, rest) = split(rest)?;
            let rounds = number(digits).filter(|_| digits[0] != b'0')?;
            Some((rounds, rest))
        }
    }
}

fn yescrypt(rest: &[u8]) -> bool {
    let Some((parameters, rest)) = split(rest) else { return false };
    let Some((salt, hash)) = split(rest) else { return false };
    !parameters.is_empty()
        && all_base64(parameters)
        && salt.len() <= 86
        && all_base64(salt)
        && is_hash(hash, 43)
}

fn sha1(rest: &[u8]) -> bool {
    let Some((rounds, rest)) = split(rest) else { return false };
    let Some((salt, hash)) = split(rest) else { return false };
    number(rounds).is_some_and(|rounds| rounds > 0)
        && (1..=64).contains(&salt.len())
        && all_base64(salt)
        && is_hash(hash, 28)
}

fn sun_md5(name: &[u8], rest: &[u8]) -> bool {
    let rounds_fit = name
        .strip_prefix(b"md5,rounds=")
        .is_none_or(|rounds| number(rounds).is_some_and(|rounds| rounds > 0) && rounds[0] != b'0');
    let Some((salt, hash)) = split(rest) else { return false };
    // The second `$` belongs to the salt in the one dialect and is missing in the other.
    let hash = hash.strip_prefix(b"$").unwrap_or(hash);
    rounds_fit && salt.len() <= 8 && all_base64(salt) && is_hash(hash, 22)
}

fn salted(rest: &[u8], longest_salt: usize, hash_length: usize) -> bool {
    split(rest).is_some_and(|(salt, hash)| {
        salt.len() <= longest_salt
            && !salt.iter().any(|byte| matches!(byte, b':' | b'\n'))
            && is_hash(hash, hash_length)
    })
}

fn is_hash(hash: &[u8], length: usize) -> bool {
    hash.len() == length && all_base64(hash)
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == b'$')?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

fn all_base64(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
}

fn is_lower_hex(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// What SHA-crypt does when nobody says otherwise.
pub const SHA_ROUNDS: u32 = 5_000;
