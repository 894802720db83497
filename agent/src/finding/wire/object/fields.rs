//! One field of an object in a few words, by the name that drift gives it.

use super::{Attribute, Described, Told};

impl Described {
    /// What stands there; a dash for what it does not have.
    pub fn field(&self, name: &str) -> String {
        let attributes = &self.attributes;
        let told = |word: &Option<Told>| word.as_ref().map(|word| word.as_str().to_owned());
        let word = match name {
            "content" => self.hash(),
            "size" => self.size.map(|size| size.to_string()),
            "type" => Some(self.kind.as_str().to_owned()),
            "mode" => Some(self.mode.as_str().to_owned()),
            "owner" => Some(self.owner.to_string()),
            "group" => Some(self.group.to_string()),
            "target" => told(&self.target),
            "links" => Some(self.links.to_string()),
            "device" => told(&self.device),
            "mtime" => Some(self.mtime.as_str().to_owned()),
            "flags" => joined(self.flags.iter().map(|flag| flag.as_str().to_owned())),
            "verity" => told(&self.verity),
            "selinux" => told(&attributes.selinux),
            "capabilities" => told(&attributes.capabilities),
            "acl" => joined([&attributes.acl, &attributes.default_acl].into_iter().filter_map(told)),
            "xattrs" => joined(attributes.xattrs.iter().map(Attribute::shown)),
            _ => None,
        };
        word.unwrap_or_else(|| "-".to_owned())
    }

    /// As much of the hash as tells one from another.
    fn hash(&self) -> Option<String> {
        let (name, hash) = match (&self.sha256, &self.blake3, &self.unread) {
            (Some(hash), ..) => ("sha256", hash),
            (_, Some(hash), _) => ("blake3", hash),
            (.., unread) => return unread.as_ref().map(|why| format!("({})", why.as_str())),
        };
        Some(format!("{name} {}…", hash.as_str().get(..SHOWN_OF_HASH).unwrap_or_default()))
    }
}

impl Attribute {
    fn shown(&self) -> String {
        let value = [&self.value, &self.sha256].into_iter().flatten().next();
        format!("{}={}", self.name.as_str(), value.map_or("…", Told::as_str))
    }
}

fn joined(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(" "))
}

const SHOWN_OF_HASH: usize = 16;
