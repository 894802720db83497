//! Names with placeholders, and what AWS allows in a name.

/// What a name may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// 1 to 512 of `A-Z a-z 0-9 . - _ / #`, not beginning with `aws/` (CreateLogGroup).
    LogGroup,
    /// 1 to 512 without `:` and `*` (CreateLogStream).
    LogStream,
    /// A path of `A-Z a-z 0-9 . - _` below which there is room for one more level: PutParameter takes 1,011
    /// characters and 15 levels.
    Parameter,
    /// Twelve digits.
    Account,
    /// As `eu-central-1`.
    Region,
    /// 1 to 255 of what CloudWatch takes in namespaces and dimensions alike.
    Word,
}

/// What stands for the placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names<'a> {
    /// The instance's id, or the agent's where there is none.
    pub instance: &'a str,
    pub agent: &'a str,
    pub epoch: &'a str,
    pub account: &'a str,
    pub region: &'a str,
}

impl Names<'_> {
    /// The template with every placeholder filled in.
    pub fn fill(&self, template: &str) -> String {
        PLACEHOLDERS
            .iter()
            .fold(template.to_owned(), |name, (placeholder, of)| name.replace(placeholder, of(self)))
    }
}

impl Rule {
    /// Whether a template of such a name is right; if not, what is allowed.
    pub fn check(self, template: &str) -> Result<(), &'static str> {
        let name = match self {
            Self::LogGroup | Self::LogStream | Self::Parameter => SAMPLE.fill(template),
            Self::Account | Self::Region | Self::Word => template.to_owned(),
        };
        if self.allows(&name) { Ok(()) } else { Err(self.allowed()) }
    }

    fn allows(self, name: &str) -> bool {
        let only = |extra: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c));
        match self {
            Self::LogGroup => (1..=512).contains(&name.len()) && only(".-_/#") && !name.starts_with("aws/"),
            Self::LogStream => {
                (1..=512).contains(&name.chars().count())
                    && !name.contains([':', '*', '{', '}'])
                    && !name.chars().any(char::is_control)
            }
            Self::Parameter => {
                let levels = name.split('/').skip(1);
                let is_whole = levels.clone().all(|level| !level.is_empty()) && levels.count() <= 14;
                let is_free =
                    !["/aws", "/ssm"].iter().any(|taken| name.to_ascii_lowercase().starts_with(taken));
                name.starts_with('/') && name.len() <= 1004 && only(".-_/") && is_whole && is_free
            }
            Self::Account => name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Region => {
                let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                (5..=32).contains(&name.len()) && name.chars().all(is_plain) && name.contains('-')
            }
            Self::Word => (1..=255).contains(&name.len()) && only(".-_/#") && !name.starts_with("AWS/"),
        }
    }

    /// What stands behind "must be".
    pub fn allowed(self) -> &'static str {
        match self {
            Self::LogGroup => {
                "a log group's name: letters, digits and . - _ / #, and {instance} {agent} {account} {region}"
            }
            Self::LogStream => {
                "a log stream's name without : and *, and {instance} {agent} {epoch} {account} {region}"
            }
            Self::Parameter => {
                "a parameter's path: / and levels of letters, digits and . - _, and {instance} {agent} {epoch} {account} {region}"
            }
            Self::Account => "an account's twelve digits",
            Self::Region => "a region's name, as eu-central-1",
            Self::Word => "letters, digits and . - _ / #, and not begin with AWS/",
        }
    }
}

type Of = for<'n> fn(&'n Names<'_>) -> &'n str;

const PLACEHOLDERS: &[(&str, Of)] = &[
    ("{instance}", |names| names.instance),
    ("{agent}", |names| names.agent),
    ("{epoch}", |names| names.epoch),
    ("{account}", |names| names.account),
    ("{region}", |names| names.region),
];

const SAMPLE: Names<'static> = Names {
    instance: "i-0123456789abcdef0",
    agent: "0123456789abcdef",
    epoch: "0123456789abcdef",
    account: "123456789012",
    region: "ap-southeast-1",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_judged_as_the_name_that_it_becomes() {
        for (rule, name, is_right) in [
            (Rule::LogGroup, "/guestward/{account}", true),
            (Rule::LogGroup, "/guestward/{host}", false),
            (Rule::LogGroup, "aws/lambda", false),
            (Rule::LogGroup, "", false),
            (Rule::LogStream, "{instance}/{epoch}", true),
            (Rule::LogStream, "a:b", false),
            (Rule::LogStream, "{epoc}", false),
            (Rule::Parameter, "/guestward/seal/{agent}/{epoch}", true),
            (Rule::Parameter, "/guestward//seal", false),
            (Rule::Parameter, "guestward", false),
            (Rule::Parameter, "/aws/seal", false),
            (Rule::Account, "123456789012", true),
            (Rule::Account, "12345678901", false),
            (Rule::Region, "us-gov-west-1", true),
            (Rule::Region, "http://x", false),
            (Rule::Word, "AWS/EC2", false),
            (Rule::Word, "Guestward", true),
        ] {
            assert_eq!(rule.check(name).is_ok(), is_right, "{rule:?} {name}");
        }
    }

    #[test]
    fn every_placeholder_is_filled_in() {
        assert_eq!(
            SAMPLE.fill("{instance}/{agent}/{epoch}/{account}/{region}/{x}"),
            "i-0123456789abcdef0/0123456789abcdef/0123456789abcdef/123456789012/ap-southeast-1/{x}"
        );
    }
}
