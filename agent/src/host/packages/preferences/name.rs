//! The packages that a pin names.

use std::sync::Arc;

use super::architecture::{Names, Wanted};
use super::pattern::Pattern;

/// A word of `Package: x lib*:any src:/^y/`.
#[derive(Debug, Clone)]
pub(in super::super) struct Name {
    is_source: bool,
    form: Form,
    architecture: Wanted,
}

#[derive(Debug, Clone)]
enum Form {
    Plain(String),
    Pattern(Pattern),
}

impl Name {
    /// What is not understood is the error. `names` is asked only if [`Name::asks_for_tables`].
    pub(super) fn parse(text: &str, names: &Arc<Names>) -> Result<Self, &'static str> {
        let (is_source, text) = match text.strip_prefix("src:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        // The last colon is that of an architecture, even within `/[[:alpha:]]/`.
        let (name, architecture) = text.rsplit_once(':').unwrap_or((text, ""));
        let is_pattern = Pattern::is_expression(name) || name.contains(['*', '?', '[']);
        let form =
            if is_pattern { Form::Pattern(Pattern::parse(name)?) } else { Form::Plain(name.to_owned()) };
        Ok(Self { is_source, form, architecture: Wanted::parse(architecture, names) })
    }

    /// Whether dpkg's tables of architectures decide about it.
    pub(super) fn asks_for_tables(text: &str) -> bool {
        let text = text.strip_prefix("src:").unwrap_or(text);
        text.rsplit_once(':').is_some_and(|(_, architecture)| !Wanted::is_plain(architecture))
    }

    pub(in super::super) fn matches(
        &self,
        package: &str,
        source: &str,
        architecture: &str,
        native: &str,
    ) -> bool {
        let name = if self.is_source { source } else { package };
        self.architecture.matches(architecture, native)
            && match &self.form {
                Form::Plain(plain) => plain == name,
                Form::Pattern(pattern) => pattern.matches(name),
            }
    }

    /// Whether it decides about a foreign package only if something asks for that package with `:any`.
    ///
    /// apt knows what is asked for by the name `x:any`. A pattern that finds that name becomes a pin of its own, which
    /// is then about `x` of any architecture.
    pub(in super::super) fn depends_on_any(&self, package: &str, source: &str) -> bool {
        let name = if self.is_source { source } else { package };
        let is_found = |pattern: &Pattern| pattern.matches(&format!("{name}:any"));
        matches!((&self.form, &self.architecture), (Form::Pattern(pattern), Wanted::Native) if is_found(pattern))
    }
}
