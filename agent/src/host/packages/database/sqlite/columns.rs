//! The names of a table's columns, from the statement that made it: SQLite keeps that as somebody wrote it, and a row has
//! its values in the same order (sqlite.org/lang_createtable.html).

use std::iter::Peekable;

/// In the order of a row's values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::host::packages) struct Columns {
    names: Vec<String>,
    /// The one that is the row's number, and has no value of its own (`INTEGER PRIMARY KEY`).
    pub(in crate::host::packages) row_number: Option<usize>,
}

impl Columns {
    /// SQLite's names are the same in capitals.
    pub(in crate::host::packages) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other.eq_ignore_ascii_case(name))
    }

    fn add(&mut self, definition: &[Token]) -> Result<(), String> {
        let (Some(name), rest) = (definition.first().and_then(Token::name), definition.get(1..)) else {
            return Err("a column has no name".to_owned());
        };
        let rest = rest.unwrap_or_default();
        // A virtual one has no value in the row.
        if rest.iter().any(|token| token.is("GENERATED") || token.is("AS")) {
            return Err("a column is made of others".to_owned());
        }
        if self.names.len() == MAX_COLUMNS {
            return Err("it has too many columns".to_owned());
        }
        let is_key = rest.windows(2).any(|pair| matches!(pair, [a, b] if a.is("PRIMARY") && b.is("KEY")));
        if is_key && rest.first().is_some_and(|token| token.is("INTEGER")) {
            self.row_number = Some(self.names.len());
        }
        self.names.push(name.to_owned());
        Ok(())
    }
}

pub(in crate::host::packages) fn columns(statement: &[u8]) -> Result<Columns, String> {
    let text = std::str::from_utf8(statement).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut tokens = Tokens { rest: text }.peekable();
    if !head(&mut tokens)? {
        return Err("it makes no table".to_owned());
    }
    let mut columns = Columns::default();
    let mut definition = Vec::new();
    let mut depth = 1_usize;
    while depth > 0 {
        let token = tokens.next().ok_or("it ends in the middle")??;
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            _ => {}
        }
        if depth == 0 || depth == 1 && token == Token::Sign(',') {
            // What begins with one of these is no column, and no column comes after it.
            if definition.first().is_some_and(|first: &Token| CONSTRAINTS.iter().any(|word| first.is(word))) {
                break;
            }
            columns.add(&definition)?;
            definition.clear();
        } else if depth == 1 {
            definition.push(token);
        }
    }
    for token in tokens {
        // Such a table's rows are in a tree of another form.
        if token?.is("WITHOUT") {
            return Err("its rows have no numbers".to_owned());
        }
    }
    Ok(columns)
}

/// `CREATE TABLE name (`; SQLite leaves the rest out.
fn head(tokens: &mut Peekable<Tokens<'_>>) -> Result<bool, String> {
    let mut next = || tokens.next().unwrap_or_else(|| Err("it ends in the middle".to_owned()));
    let is_table = next()?.is("CREATE") && next()?.is("TABLE");
    Ok(is_table && next()?.name().is_some() && next()? == Token::Sign('('))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// Never a keyword.
    Quoted(String),
    Sign(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Quoted(name) => Some(name),
            Self::Sign(_) => None,
        }
    }
}

struct Tokens<'a> {
    rest: &'a str,
}

impl Tokens<'_> {
    /// Blanks and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            self.rest = if let Some(comment) = self.rest.strip_prefix("--") {
                comment.split_once('\n').map_or("", |(_, after)| after)
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                comment.split_once("*/").map_or("", |(_, after)| after)
            } else {
                return;
            };
        }
    }

    /// Up to the end, which stands for itself where it is there twice.
    fn quoted(&mut self, end: char) -> Result<Token, String> {
        let mut text = String::new();
        loop {
            let (before, after) = self.rest.split_once(end).ok_or("a name has no end")?;
            text.push_str(before);
            self.rest = after;
            match after.strip_prefix(end) {
                Some(after) if end != ']' => {
                    text.push(end);
                    self.rest = after;
                }
                _ => return Ok(Token::Quoted(text)),
            }
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip();
        let first = self.rest.chars().next()?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii();
        if is_word(first) {
            let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            let (word, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Some(Ok(Token::Word(word.to_owned())));
        }
        self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
        Some(match first {
            '"' | '\'' | '`' => self.quoted(first),
            '[' => self.quoted(']'),
            other => Ok(Token::Sign(other)),
        })
    }
}

const CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
/// SQLITE_MAX_COLUMN.
const MAX_COLUMNS: usize = 32_767;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(statement: &str) -> Result<Vec<String>, String> {
        columns(statement.as_bytes()).map(|columns| columns.names)
    }

    /// Each was made by SQLite, and asked for with `PRAGMA table_info`.
    #[test]
    fn names_are_found_in_what_sqlite_keeps() {
        for (statement, expected) in [
            ("CREATE TABLE a(b)", "b"),
            ("CREATE TABLE obsoletes (  name TEXT,  flags TEXT,  epoch TEXT)", "name flags epoch"),
            ("CREATE TABLE \"a b\" (\"c d\" TEXT, [e,f] x, `g``h`, 'i(j' INT)", "c d e,f g`h i(j"),
            ("CREATE TABLE t (a DECIMAL(10,5) DEFAULT (1+(2)), b -- c, d\n, e /* , f */ TEXT)", "a b e"),
            ("CREATE TABLE t (a TEXT DEFAULT ',', \"primary\" TEXT, PRIMARY KEY (a))", "a primary"),
            ("CREATE TABLE t (a, b, CONSTRAINT c UNIQUE (a, b), CHECK (a > 0))", "a b"),
        ] {
            assert_eq!(names(statement).unwrap().join(" "), expected, "{statement}");
        }
        for bad in [
            "",
            "CREATE",
            "CREATE INDEX a ON b (c)",
            "CREATE TABLE a",
            "CREATE TABLE a(",
            "CREATE TABLE a(b",
            "CREATE TABLE a(b,)",
            "CREATE TABLE a(\"b)",
            "CREATE TABLE a(b INT PRIMARY KEY) WITHOUT ROWID",
            "CREATE TABLE a(b, c AS (b + 1))",
        ] {
            assert!(names(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_number_of_the_row_is_a_column() {
        let number = |text: &str| columns(text.as_bytes()).unwrap().row_number;
        assert_eq!(number("CREATE TABLE a(b TEXT, c INTEGER PRIMARY KEY)"), Some(1));
        assert_eq!(number("CREATE TABLE a(b INT PRIMARY KEY, c INTEGER)"), None);
        assert_eq!(columns(b"CREATE TABLE a(b, pkgKey)").unwrap().find("PKGKEY"), Some(1));
    }

    proptest! {
        #[test]
        fn a_name_is_found_however_it_is_written(
            all in prop::collection::vec(("[a-z_,() \"'`é-]{1,12}", 0..4_usize, 0..4_usize), 1..20)
        ) {
            let written = all.iter().map(|(name, quotes, kind)| {
                let name = match quotes {
                    0 => format!("\"{}\"", name.replace('"', "\"\"")),
                    1 => format!("`{}`", name.replace('`', "``")),
                    2 => format!("'{}'", name.replace('\'', "''")),
                    _ => format!("[{name}]"),
                };
                let kind = ["", " TEXT", " DECIMAL(1, 2) DEFAULT ('),')", " INTEGER /* ) */"][*kind];
                format!("{name}{kind}")
            });
            let statement = format!("CREATE TABLE t ({})", written.collect::<Vec<_>>().join(","));
            let expected: Vec<String> = all.iter().map(|(name, ..)| name.clone()).collect();
            prop_assert_eq!(names(&statement).unwrap(), expected);
        }

        #[test]
        fn no_bytes_stop_it(
            text in "(CREATE TABLE a ?\\()?[a-z,()\"'`\\[\\] \n/*-]{0,60}",
            bytes in prop::collection::vec(any::<u8>(), 0..60)
        ) {
            let _ = (columns(text.as_bytes()), columns(&bytes));
        }
    }
}
