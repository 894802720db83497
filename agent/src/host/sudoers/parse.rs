//! The sentences of sudoers(5): aliases, settings, user specifications, inclusions. One line at a time, continuations
//! joined; what a line inherits, it inherits from its own left.

use std::path::Path;
use std::sync::Arc;

use super::token::{OptionName, Scope as Head, Token, Tokens};
use super::values::{directory, group, moment, number, seconds};
use super::{
    Alias, AliasKind, Command, Defect, DefectKind, Listed, Members, Options, Place, Rule, Scope, Setting,
    Tag, Tags, Value, What, Where, Who,
};

/// What a line says.
#[derive(Debug)]
pub(super) enum Entry {
    Alias(Alias),
    Defect(Defect),
    Include { place: Place, path: Vec<u8>, directory: bool },
    Rules(Vec<Rule>),
    Settings(Vec<Setting>),
}

/// Reads a file and hands over its entries in order.
pub(super) fn entries(path: &Arc<Path>, bytes: &[u8], take: &mut dyn FnMut(Entry)) {
    // sudo, too, gives the last line its break when it has none.
    let mut whole = std::borrow::Cow::Borrowed(bytes);
    if !bytes.ends_with(b"\n") {
        whole.to_mut().push(b'\n');
    }
    let mut tokens = Tokens::of(&whole);
    let mut words: Vec<(Token, usize)> = Vec::new();
    loop {
        match tokens.next() {
            Some((Token::Newline, _)) => {
                if !words.is_empty() {
                    line(path, &words, take);
                    words.clear();
                }
            }
            Some(word) => words.push(word),
            None => break,
        }
    }
    // A continuation at the end of the file continues with nothing, and sudo drops such a line.
    if !words.is_empty() || tokens.is_in_a_word() {
        words.push((Token::Wrong("the file ends in the middle of this line"), tokens.line()));
        line(path, &words, take);
    }
}

fn line(path: &Arc<Path>, words: &[(Token, usize)], take: &mut dyn FnMut(Entry)) {
    let mut line = Line { path, words, at: 0 };
    if let Err(what) = line.entry(take) {
        // What a word says about itself is better than "this word does not belong here".
        let wrong = words.iter().find_map(|(word, line)| match word {
            Token::Wrong(what) => Some((*what, *line)),
            _ => None,
        });
        let (what, at) = wrong.unwrap_or((what, line.number()));
        let place = Place { path: path.clone(), line: at };
        take(Entry::Defect(Defect { place, what: what.to_owned(), kind: DefectKind::Syntax }));
    }
}

struct Line<'a> {
    path: &'a Arc<Path>,
    words: &'a [(Token, usize)],
    at: usize,
}

pub(super) type Parsed<T> = Result<T, &'static str>;

impl<'a> Line<'a> {
    fn entry(&mut self, take: &mut dyn FnMut(Entry)) -> Parsed<()> {
        match self.peek() {
            Some(Token::Include) => self.inclusion(false, take),
            Some(Token::IncludeDirectory) => self.inclusion(true, take),
            Some(Token::AliasKind(kind)) => self.aliases(*kind, take),
            Some(Token::Defaults(head)) => self.settings(*head, take),
            _ => self.specification(take),
        }
    }

    fn inclusion(&mut self, directory: bool, take: &mut dyn FnMut(Entry)) -> Parsed<()> {
        let place = self.place();
        self.at += 1;
        let path = self.text("the name of a file is missing")?;
        self.end()?;
        take(Entry::Include { place, path, directory });
        Ok(())
    }

    fn aliases(&mut self, kind: AliasKind, take: &mut dyn FnMut(Entry)) -> Parsed<()> {
        self.at += 1;
        loop {
            let place = self.place();
            let Some(Token::Alias(name)) = self.next() else { return Err("the name of an alias is missing") };
            self.expect(&Token::Equals, "'=' is missing behind the name of an alias")?;
            let members = match kind {
                AliasKind::Command => Members::Commands(self.list(Self::command)?),
                AliasKind::Host => Members::Hosts(self.list(Self::host)?),
                AliasKind::Runas => Members::Runas(self.list(Self::user)?),
                AliasKind::User => Members::Users(self.list(Self::user)?),
            };
            let more = self.accept(&Token::Colon);
            if !more {
                self.end()?;
            }
            take(Entry::Alias(Alias { place, name: name.clone(), members }));
            if !more {
                return Ok(());
            }
        }
    }

    fn settings(&mut self, head: Head, take: &mut dyn FnMut(Entry)) -> Parsed<()> {
        self.at += 1;
        let scope = match head {
            Head::Everyone => Scope::Everyone,
            Head::Command => Scope::Commands(self.list(Self::command)?.into()),
            Head::Host => Scope::Hosts(self.list(Self::host)?.into()),
            Head::Runas => Scope::Runas(self.list(Self::user)?.into()),
            Head::User => Scope::Users(self.list(Self::user)?.into()),
        };
        let mut settings = Vec::new();
        loop {
            settings.push(self.setting(&scope)?);
            if !self.accept(&Token::Comma) {
                break;
            }
        }
        self.end()?;
        take(Entry::Settings(settings));
        Ok(())
    }

    fn setting(&mut self, scope: &Scope) -> Parsed<Setting> {
        let place = self.place();
        let negated = self.accept(&Token::Not);
        let Some(Token::Variable(name)) = self.next() else { return Err("the name of a setting is missing") };
        let name = name.clone();
        let value = |line: &mut Self, make: fn(Vec<u8>) -> Value| {
            line.at += 1;
            line.text("the value of a setting is missing").map(make)
        };
        let value = match self.peek() {
            Some(Token::Equals) if !negated => value(self, Value::Set)?,
            Some(Token::PlusEquals) if !negated => value(self, Value::Add)?,
            Some(Token::MinusEquals) if !negated => value(self, Value::Remove)?,
            _ => Value::Flag(!negated),
        };
        Ok(Setting { place, scope: scope.clone(), name, value })
    }

    fn specification(&mut self, take: &mut dyn FnMut(Entry)) -> Parsed<()> {
        let users: Arc<[Listed<Who>]> = self.list(Self::user)?.into();
        let mut rules = Vec::new();
        loop {
            let hosts: Arc<[Listed<Where>]> = self.list(Self::host)?.into();
            self.expect(&Token::Equals, "'=' is missing behind the hosts")?;
            let first = rules.len();
            loop {
                let mut rule = self.rule(&users, &hosts)?;
                if let Some(left) = rules.get(first..).and_then(<[Rule]>::last) {
                    inherit(&mut rule, left);
                }
                rules.push(rule);
                if !self.accept(&Token::Comma) {
                    break;
                }
            }
            if !self.accept(&Token::Colon) {
                break;
            }
        }
        self.end()?;
        take(Entry::Rules(rules));
        Ok(())
    }

    fn rule(&mut self, users: &Arc<[Listed<Who>]>, hosts: &Arc<[Listed<Where>]>) -> Parsed<Rule> {
        let (runas_users, runas_groups) = self.runas()?;
        let options = self.options()?;
        let mut tags = Tags::default();
        while let Some(Token::Tag(tag, on)) = self.peek() {
            tags.set(*tag, *on);
            self.at += 1;
        }
        let place = self.place();
        let command = self.command()?;
        if command.item.what == What::All && !command.negated && tags.set_environment.is_none() {
            tags.set_environment = Some(true);
            tags.set_environment_is_implied = true;
        }
        let (users, hosts) = (users.clone(), hosts.clone());
        Ok(Rule { place, users, hosts, runas_users, runas_groups, tags, options, command })
    }

    #[expect(clippy::type_complexity, reason = "two lists, each of which may be absent")]
    fn runas(&mut self) -> Parsed<(Option<Arc<[Listed<Who>]>>, Option<Arc<[Listed<Who>]>>)> {
        if !self.accept(&Token::Open) {
            return Ok((None, None));
        }
        let invoker = || Some(Arc::from([Listed { negated: false, item: Who::Invoker }]));
        if self.accept(&Token::Close) {
            return Ok((invoker(), None));
        }
        if self.accept(&Token::Colon) {
            if self.accept(&Token::Close) {
                return Ok((invoker(), None));
            }
            let groups = self.list(Self::target_group)?;
            self.expect(&Token::Close, "')' is missing")?;
            return Ok((None, Some(groups.into())));
        }
        let users = self.list(Self::user)?;
        let groups =
            if self.accept(&Token::Colon) { Some(self.list(Self::target_group)?.into()) } else { None };
        self.expect(&Token::Close, "')' is missing")?;
        Ok((Some(users.into()), groups))
    }

    fn options(&mut self) -> Parsed<Options> {
        let mut options = Options::default();
        while let Some(Token::Option(name)) = self.peek() {
            self.at += 1;
            self.expect(&Token::Equals, "'=' is missing behind an option")?;
            let value = self.text("the value of an option is missing")?;
            match name {
                OptionName::AppArmor => options.apparmor_profile = Some(value),
                OptionName::Chroot => options.chroot = Some(directory(value)?),
                OptionName::Cwd => options.cwd = Some(directory(value)?),
                OptionName::NotAfter => options.not_after = Some(moment(value)?),
                OptionName::NotBefore => options.not_before = Some(moment(value)?),
                OptionName::Role => options.role = Some(value),
                OptionName::Timeout => options.timeout = Some(seconds(&value).ok_or("not a timeout")?),
                OptionName::Type => options.selinux_type = Some(value),
            }
        }
        Ok(options)
    }

    fn user(&mut self) -> Parsed<Listed<Who>> {
        let negated = self.accept(&Token::Not);
        let item = match self.next() {
            Some(Token::All) => Who::All,
            Some(Token::Alias(name)) => Who::Alias(name.clone()),
            Some(Token::Netgroup(name)) => Who::Netgroup(name[1..].to_vec()),
            Some(Token::Group(name)) => group(name),
            Some(Token::Word(name)) => match number(name) {
                Some(uid) => Who::Uid(uid),
                None => Who::User(name.clone()),
            },
            _ => return Err("a user is missing"),
        };
        Ok(Listed { negated, item })
    }

    fn target_group(&mut self) -> Parsed<Listed<Who>> {
        let negated = self.accept(&Token::Not);
        let item = match self.next() {
            Some(Token::All) => Who::All,
            Some(Token::Alias(name)) => Who::Alias(name.clone()),
            Some(Token::Word(name)) => match number(name) {
                Some(gid) => Who::Gid(gid),
                None => Who::Group(name.clone()),
            },
            _ => return Err("a group is missing"),
        };
        Ok(Listed { negated, item })
    }

    fn host(&mut self) -> Parsed<Listed<Where>> {
        let negated = self.accept(&Token::Not);
        let item = match self.next() {
            Some(Token::All) => Where::All,
            Some(Token::Alias(name)) => Where::Alias(name.clone()),
            Some(Token::Netgroup(name)) => Where::Netgroup(name[1..].to_vec()),
            Some(Token::Address(address)) => Where::Address(address.clone()),
            Some(Token::Word(name)) => Where::Host(name.clone()),
            _ => return Err("a host is missing"),
        };
        Ok(Listed { negated, item })
    }

    fn command(&mut self) -> Parsed<Listed<Command>> {
        let mut digests = Vec::new();
        while let Some(Token::Sha(kind)) = self.peek() {
            self.at += 1;
            self.expect(&Token::Colon, "':' is missing behind the name of a digest")?;
            let Some(Token::Digest(digest)) = self.next() else { return Err("a digest is missing") };
            digests.push((*kind, digest.clone()));
            if !self.accept(&Token::Comma) {
                break;
            }
            if !matches!(self.peek(), Some(Token::Sha(_))) {
                return Err("a digest is missing");
            }
        }
        let negated = self.accept(&Token::Not);
        let what = match self.next() {
            Some(Token::All) => What::All,
            Some(Token::Alias(_)) if !digests.is_empty() => return Err("an alias cannot have a digest"),
            Some(Token::Alias(name)) => What::Alias(name.clone()),
            Some(Token::Command { path, .. }) if path.ends_with(b"/sudoedit") => {
                return Err("sudoedit is written without a path");
            }
            Some(Token::Command { path, arguments }) => {
                What::Command { path: path.clone(), arguments: arguments.clone() }
            }
            Some(Token::Word(name)) if name == b"list" => {
                What::Command { path: name.clone(), arguments: None }
            }
            Some(Token::Word(_)) => return Err("a command is written with its whole path"),
            _ => return Err("a command is missing"),
        };
        Ok(Listed { negated, item: Command { what, digests } })
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept(&Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn text(&mut self, missing: &'static str) -> Parsed<Vec<u8>> {
        match self.next() {
            Some(Token::Word(text)) => Ok(text.clone()),
            _ => Err(missing),
        }
    }

    fn peek(&self) -> Option<&'a Token> {
        self.words.get(self.at).map(|(word, _)| word)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let (word, _) = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    fn accept(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &Token, missing: &'static str) -> Parsed<()> {
        if self.accept(wanted) { Ok(()) } else { Err(missing) }
    }

    fn end(&self) -> Parsed<()> {
        if self.at == self.words.len() { Ok(()) } else { Err("nothing may follow here") }
    }

    fn number(&self) -> usize {
        let last = self.words.len().saturating_sub(1);
        self.words.get(self.at.min(last)).map_or(0, |(_, line)| *line)
    }

    fn place(&self) -> Place {
        Place { path: self.path.clone(), line: self.number() }
    }
}

/// A command takes over what it does not say itself from the command on its left.
fn inherit(rule: &mut Rule, left: &Rule) {
    let (tags, theirs) = (&mut rule.tags, &left.tags);
    tags.exec = tags.exec.or(theirs.exec);
    tags.follow = tags.follow.or(theirs.follow);
    tags.intercept = tags.intercept.or(theirs.intercept);
    tags.log_input = tags.log_input.or(theirs.log_input);
    tags.log_output = tags.log_output.or(theirs.log_output);
    tags.mail = tags.mail.or(theirs.mail);
    tags.password = tags.password.or(theirs.password);
    if tags.set_environment.is_none() && !theirs.set_environment_is_implied {
        tags.set_environment = theirs.set_environment;
    }
    if rule.runas_users.is_none() && rule.runas_groups.is_none() {
        rule.runas_users.clone_from(&left.runas_users);
        rule.runas_groups.clone_from(&left.runas_groups);
    }
    let (options, theirs) = (&mut rule.options, &left.options);
    if options.role.is_none() && options.selinux_type.is_none() {
        options.role.clone_from(&theirs.role);
        options.selinux_type.clone_from(&theirs.selinux_type);
    }
    for (own, theirs) in [
        (&mut options.apparmor_profile, &theirs.apparmor_profile),
        (&mut options.chroot, &theirs.chroot),
        (&mut options.cwd, &theirs.cwd),
        (&mut options.not_after, &theirs.not_after),
        (&mut options.not_before, &theirs.not_before),
    ] {
        if own.is_none() {
            own.clone_from(theirs);
        }
    }
    options.timeout = options.timeout.or(theirs.timeout);
}

impl Tags {
    fn set(&mut self, tag: Tag, on: bool) {
        let place = match tag {
            Tag::Exec => &mut self.exec,
            Tag::Follow => &mut self.follow,
            Tag::Intercept => &mut self.intercept,
            Tag::LogInput => &mut self.log_input,
            Tag::LogOutput => &mut self.log_output,
            Tag::Mail => &mut self.mail,
            Tag::Password => &mut self.password,
            Tag::SetEnvironment => &mut self.set_environment,
        };
        *place = Some(on);
    }
}
