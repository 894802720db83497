//! The list of a repository's packages as createrepo makes it for yum, `primary_db`: a database in SQLite, with a table of
//! the packages, and one for each kind of relation (createrepo_c's src/sqlite.c).
//!
//! It is read as `primary.xml` is, one row in memory at a time; only what is about an installed package is kept.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::super::database::source::{Source, malformed};
use super::super::database::sqlite::{Columns, Database, Value, column, columns};
use super::primary::{Offered, Relation, is_source};
use super::wanted::{Evr, Wanted};
use crate::host::Cause;

/// Hands out every package with an installed name, and those that would take an installed package's place.
pub(super) fn each(
    source: Source,
    wanted: &Wanted<'_>,
    mut each: impl FnMut(Offered) -> Result<(), String>,
) -> Result<(), Cause> {
    // The sum of the whole file is known, so that no log can have changed it.
    let mut database = Database::new(source, None)?;
    let mut replacing: HashMap<i64, Vec<Relation>> = HashMap::new();
    let mut count = Count::default();
    table(&mut database, "obsoletes", |row| {
        let relation = row.relation()?;
        if relation.replaces(wanted) {
            count.add()?;
            replacing.entry(row.number("pkgKey")?).or_default().push(relation);
        }
        Ok(())
    })?;
    let mut kept = Vec::new();
    let mut places = HashMap::new();
    table(&mut database, "packages", |row| {
        let key = row.number("pkgKey")?;
        let obsoletes = replacing.remove(&key).unwrap_or_default();
        if obsoletes.is_empty() && !wanted.has_bytes(row.bytes("name")?.unwrap_or_default()) {
            return Ok(());
        }
        let offered = row.package(obsoletes)?;
        if !is_source(&offered.architecture) {
            count.add()?;
            places.insert(key, kept.len());
            kept.push(offered);
        }
        Ok(())
    })?;
    table(&mut database, "provides", |row| {
        if let Some(offered) = places.get(&row.number("pkgKey")?).and_then(|place| kept.get_mut(*place)) {
            count.add()?;
            offered.provides.push(row.needed("name")?);
        }
        Ok(())
    })?;
    kept.into_iter().try_for_each(|offered| each(offered).map_err(malformed))
}

fn table(
    database: &mut Database,
    name: &str,
    mut each: impl FnMut(&Row<'_>) -> Result<(), String>,
) -> Result<(), Cause> {
    let table = database.table(name)?.ok_or_else(|| malformed(format!("it has no table of {name}")))?;
    let columns =
        columns(&table.statement).map_err(|what| malformed(format!("its table of {name}: {what}")))?;
    database.rows(&table, MAX_ROW, &mut |number, values| {
        let row = Row { columns: &columns, number, values };
        each(&row).map_err(|what| malformed(format!("row {number} of its {name}: {what}")))?;
        Ok(ControlFlow::Continue(()))
    })
}

struct Row<'a> {
    columns: &'a Columns,
    number: i64,
    values: &'a [u8],
}

impl Row<'_> {
    fn value(&self, name: &str) -> Result<Value<'_>, String> {
        let number = self.columns.find(name).ok_or_else(|| format!("there is no column {name}"))?;
        match column(self.values, number) {
            Some(Value::Null) if self.columns.row_number == Some(number) => Ok(Value::Number(self.number)),
            // A column that was added later would have its default.
            value => value.ok_or_else(|| format!("it ends before its {name}")),
        }
    }

    fn number(&self, name: &str) -> Result<i64, String> {
        match self.value(name)? {
            Value::Number(number) => Ok(number),
            _ => Err(format!("its {name} is no number")),
        }
    }

    fn bytes(&self, name: &str) -> Result<Option<&[u8]>, String> {
        match self.value(name)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(format!("its {name} is no text")),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let text = self.bytes(name)?.map(|bytes| std::str::from_utf8(bytes).map(str::to_owned));
        text.transpose().map_err(|_| format!("its {name} is not UTF-8"))
    }

    fn needed(&self, name: &str) -> Result<String, String> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| format!("it has no {name}"))
    }

    fn relation(&self) -> Result<Relation, String> {
        Relation::new(self.needed("name")?, |said| {
            let column = match said {
                "ver" => "version",
                "rel" => "release",
                other => other,
            };
            // What is not said is NULL, and was empty in the oldest.
            Ok(self.text(column)?.filter(|text| !text.is_empty()))
        })
    }

    fn package(&self, obsoletes: Vec<Relation>) -> Result<Offered, String> {
        let (epoch, version, release) = (self.text("epoch")?, self.text("version")?, self.text("release")?);
        let (Some(version), Some(release)) = (version, release) else {
            return Err("it has no version".to_owned());
        };
        Ok(Offered {
            name: self.needed("name")?,
            architecture: self.needed("arch")?,
            evr: Evr::new(epoch.as_deref(), &version, &release)?,
            vendor: self.text("rpm_vendor")?.unwrap_or_default(),
            obsoletes,
            provides: Vec::new(),
        })
    }
}

/// What is kept of a list, so that no list takes up the memory.
#[derive(Default)]
struct Count(usize);

impl Count {
    fn add(&mut self) -> Result<(), String> {
        self.0 += 1;
        if self.0 > MAX_KEPT { Err("it has too much about what is installed".to_owned()) } else { Ok(()) }
    }
}

/// Descriptions have some KiB.
const MAX_ROW: usize = 1024 * 1024;
/// Every version that Amazon Linux 2 ever had of what is installed: some ten thousand, of some ten relations each.
const MAX_KEPT: usize = 500_000;

#[cfg(test)]
#[path = "primary_db/tests.rs"]
mod tests;
