//! What a repository says of its modules, `modules.yaml`: names, streams, packages, and which stream is the default.
//!
//! Not YAML in general, but the form in which libmodulemd writes it: a key and its value on a line, lists of one value a
//! line, everything below `data` indented. Where a value that is needed has another form, that is an error.

/// A document that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    Stream { module: String, stream: String, artifacts: Vec<String> },
    Default { module: String, stream: String },
}

#[derive(Debug, Default)]
struct Reading {
    /// The keys that we are below, with their indentation; lists have the one of their key or more.
    keys: Vec<(usize, String)>,
    /// A text over several lines, deeper than this.
    text_below: Option<usize>,
    kind: String,
    name: String,
    module: String,
    stream: String,
    artifacts: Vec<String>,
}

/// Hands out every document.
pub(super) fn each(bytes: &[u8], mut each: impl FnMut(Document) -> Result<(), String>) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut reading = Reading::default();
    let mut is_open = false;
    for line in text.lines() {
        if line == "---" || line.starts_with("--- ") || line == "..." {
            reading = finish(reading, is_open, &mut each)?;
            is_open = line != "...";
            continue;
        }
        // An instruction before the first document.
        if !is_open && line.starts_with('%') {
            continue;
        }
        is_open |= !line.trim().is_empty() && !line.starts_with('#');
        reading.take(line)?;
    }
    finish(reading, is_open, &mut each)?;
    Ok(())
}

fn finish(
    reading: Reading,
    is_open: bool,
    each: &mut impl FnMut(Document) -> Result<(), String>,
) -> Result<Reading, String> {
    if !is_open {
        return Ok(Reading::default());
    }
    let Reading { kind, name, module, stream, artifacts, .. } = reading;
    match kind.as_str() {
        "modulemd" | "modulemd-stream" if name.is_empty() || stream.is_empty() => {
            return Err("a module has no name or stream".to_owned());
        }
        "modulemd" | "modulemd-stream" => each(Document::Stream { module: name, stream, artifacts })?,
        "modulemd-defaults" if module.is_empty() => return Err("a default is for no module".to_owned()),
        // A module may have default profiles and no default stream.
        "modulemd-defaults" if !stream.is_empty() => each(Document::Default { module, stream })?,
        "" => return Err("a document does not say what it is".to_owned()),
        _ => {}
    }
    Ok(Reading::default())
}

impl Reading {
    fn take(&mut self, line: &str) -> Result<(), String> {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if content.trim().is_empty() || self.text_below.is_some_and(|limit| indent > limit) {
            return Ok(());
        }
        self.text_below = None;
        if content.starts_with('#') {
            return Ok(());
        }
        if content.starts_with('\t') {
            return Err("a line is indented by a tab".to_owned());
        }
        if let Some(item) = content.strip_prefix("- ").or((content == "-").then_some("")) {
            self.keys.retain(|(depth, _)| *depth <= indent);
            if self.is_at(&["data", "artifacts", "rpms"]) {
                let item = scalar(item)?;
                self.artifacts.push(item);
                if self.artifacts.len() > MAX_ITEMS {
                    return Err("a list is too long".to_owned());
                }
            } else {
                // What an item goes on with is deeper, and nothing of it matters.
                self.text_below = Some(indent);
            }
            return Ok(());
        }
        self.keys.retain(|(depth, _)| *depth < indent);
        self.key(indent, content)
    }

    fn key(&mut self, indent: usize, content: &str) -> Result<(), String> {
        let colon = content.find(": ").or_else(|| content.ends_with(':').then(|| content.len() - 1));
        let Some(colon) = colon else { return Err("a line is neither a key nor an item".to_owned()) };
        let (key, value) = content.split_at(colon);
        let value = value.strip_prefix(':').unwrap_or_default().trim();
        self.keys.push((indent, scalar(key)?));
        if self.keys.len() > MAX_DEPTH {
            return Err("it is too deep".to_owned());
        }
        let place = [
            (&["document"][..], &mut self.kind),
            (&["data", "name"][..], &mut self.name),
            (&["data", "module"][..], &mut self.module),
            (&["data", "stream"][..], &mut self.stream),
        ];
        let keys: Vec<&str> = self.keys.iter().map(|(_, key)| key.as_str()).collect();
        for (path, target) in place {
            if keys == path {
                *target = scalar(value)?;
            }
        }
        let is_list =
            keys == ["data", "artifacts", "rpms"] || keys == ["data", "artifacts"] || keys == ["data"];
        if is_list && !matches!(value, "" | "[]" | "{}") {
            return Err(format!("what {key} has is written in a form that is not understood"));
        }
        // A text may go on below its key, indented.
        self.text_below = (!value.is_empty()).then_some(indent);
        Ok(())
    }

    fn is_at(&self, path: &[&str]) -> bool {
        self.keys.iter().map(|(_, key)| key.as_str()).eq(path.iter().copied())
    }
}

/// A value on one line: plain, or in quotes without anything that they would have to escape.
fn scalar(text: &str) -> Result<String, String> {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    if let Some(inner) = inner('"').or_else(|| inner('\'')) {
        return match inner.contains(['\\', '"', '\'']) {
            true => Err("a value has signs that are not understood".to_owned()),
            false => Ok(inner.to_owned()),
        };
    }
    if text.starts_with(['&', '*', '!', '|', '>', '{', '[', '"', '\'', '?', '@', '`', '%']) {
        return Err("a value is written in a form that is not understood".to_owned());
    }
    // A comment may follow.
    Ok(text.split_once(" #").map_or(text, |(text, _)| text.trim_end()).to_owned())
}

const MAX_ITEMS: usize = 200_000;
const MAX_DEPTH: usize = 32;

#[cfg(test)]
#[path = "modulemd/tests.rs"]
mod tests;
