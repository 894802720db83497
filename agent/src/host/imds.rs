//! What the instance metadata service answers here, and whether it is the real one: the facts.
//!
//! On anything but EC2 nothing is asked and nothing is sent: a link-local address belongs to somebody else there.

mod client;
mod conversation;
mod document;
mod endpoint;
mod settings;
mod translations;
mod way;

use std::fmt;

pub use client::{Answer, NoReply, Reply};
pub use conversation::{Conversation, Conversations, WithoutToken};
pub use document::{Document, Malformed, Unverified, document};
pub use endpoint::{Endpoint, VARIABLE};
pub use settings::{Seen, Setting, Settings, Target, in_config, in_environment};
pub use translations::{Translation, Translations};
pub use way::{Closed, Local, Route, Way, listeners_in};

use super::{Cause, Host, Surroundings, Text, Unreadable};

#[derive(Debug)]
pub struct Imds {
    /// What the service said, or why it was not asked.
    pub answers: Result<Conversations, Silence>,
    /// Where requests for it go.
    pub way: Result<Way, Silence>,
    /// What sends programs elsewhere.
    pub settings: Result<Settings, Silence>,
}

/// Why nobody was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    NotEc2,
    /// Nothing runs below this root, or its kernel is not the one that runs.
    NoKernel,
    /// Something stood in the way.
    Trouble(Unreadable),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEc2 => f.write_str("this is not an EC2 instance, so nothing was asked"),
            Self::NoKernel => f.write_str("only the running system can be asked, and this is not its root"),
            Self::Trouble(cause) => cause.fmt(f),
        }
    }
}

impl Imds {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let surroundings = Surroundings::of(host)?;
        let given = host.imds();
        let silence = match surroundings.is_ec2 {
            Ok(true) => None,
            _ if given.is_some() => None,
            Ok(false) => Some(Silence::NotEc2),
            Err(cause) => Some(Silence::Trouble(cause)),
        };
        if let Some(silence) = silence {
            return Ok(Self {
                answers: Err(silence.clone()),
                way: Err(silence.clone()),
                settings: Err(silence),
            });
        }
        let answers = match (given, host.has_kernel()) {
            (None, false) => Err(Silence::NoKernel),
            _ => Conversations::with(given).map_err(|error| {
                Silence::Trouble(Unreadable::from_io("the metadata service".as_ref(), &error))
            }),
        };
        let way = if host.has_kernel() { Ok(Way::of(host)) } else { Err(Silence::NoKernel) };
        Ok(Self { answers, way, settings: Ok(Settings::of(host)) })
    }
}
