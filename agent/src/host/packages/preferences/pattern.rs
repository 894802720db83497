//! What a pin asks of a text: `/expression/` or a glob (`pkgVersionMatch::ExpressionMatches` of apt).

use super::expression::Expression;
use crate::host::glob;

#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Expression(Expression),
    /// In small letters.
    Glob(String),
}

impl Pattern {
    /// What is not understood is the error.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if Self::is_expression(text) {
            // A single slash is both the first and the last, and apt takes it for an empty expression.
            let inner = text.strip_prefix('/').and_then(|text| text.strip_suffix('/')).unwrap_or_default();
            return Expression::parse(inner).map(Self::Expression);
        }
        let is_set = text.split_once('[').is_some_and(|(_, rest)| rest.contains(']'));
        if is_set && ["[:", "[.", "[=", "\\"].iter().any(|special| text.contains(special)) {
            return Err("a glob with a class of characters or with an escape");
        }
        Ok(Self::Glob(text.to_ascii_lowercase()))
    }

    pub(super) fn is_expression(text: &str) -> bool {
        text.starts_with('/') && text.ends_with('/')
    }

    /// Without regard to case, as fnmatch(3) is asked to look.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Expression(expression) => expression.matches(text),
            Self::Glob(glob) => glob::matches(glob.as_bytes(), text.to_ascii_lowercase().as_bytes()),
        }
    }
}
