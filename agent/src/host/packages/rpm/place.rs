//! Which file is rpm's database.
//!
//! rpm is told a directory (`%_dbpath`) and a form (`%_db_backend`) by its macros, and where the file of that form is absent
//! it takes the first other one that is there (lib/rpmdb.c, dbDetectBackend). The distribution's own macros decide here,
//! too, as far as they name what is known; then the newer directory, and SQLite before ndb before Berkeley DB.

use std::path::{Path, PathBuf};

use crate::host::{Host, Unreadable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Sqlite,
    Ndb,
    BerkeleyDb,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) form: Form,
}

/// None where there is no such file.
pub(super) fn find(host: &Host) -> Result<Option<Place>, Unreadable> {
    let (mut directories, mut forms) = (DIRECTORIES.map(Path::new), FORMS);
    let macros = match host.read(MACROS, MAX_MACROS) {
        Ok(macros) => macros,
        Err(cause) if cause.is_absent() => Vec::new(),
        Err(cause) => return Err(cause),
    };
    // What is named goes first; the order of the others stays.
    if let Some(told) = defined(&macros, b"%_dbpath") {
        directories.sort_by_key(|directory| directory.as_os_str().as_encoded_bytes() != told);
    }
    if let Some(told) = defined(&macros, b"%_db_backend") {
        forms.sort_by_key(|(_, _, name)| name.as_bytes() != told);
    }
    for directory in directories {
        for (form, name, _) in forms {
            let file = directory.join(name);
            if host.exists(&file)? {
                return Ok(Some(Place { file, form }));
            }
        }
    }
    Ok(None)
}

/// Whether something says that packages are rpm's, database or not.
pub(super) fn has_manager(host: &Host) -> Result<bool, Unreadable> {
    for path in MANAGERS {
        if host.exists(path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The last definition of a macro that takes up one word.
fn defined<'a>(macros: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut words = macros.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        (words.next()? == name).then(|| words.next())?
    });
    words.next_back()
}

/// `/usr/lib/sysimage/rpm` is where Fedora, SUSE and RHEL 10 have it, with a link at the other place.
pub(super) const DIRECTORIES: [&str; 2] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
const FORMS: [(Form, &str, &str); 3] = [
    (Form::Sqlite, "rpmdb.sqlite", "sqlite"),
    (Form::Ndb, "Packages.db", "ndb"),
    (Form::BerkeleyDb, "Packages", "bdb"),
];
const MACROS: &str = "/usr/lib/rpm/macros";
const MAX_MACROS: u64 = 1024 * 1024;
const MANAGERS: [&str; 3] = ["/etc/dnf", "/etc/yum.conf", "/etc/zypp"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(files: &[(&str, &str)]) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let place = find(&Host::at(root.path()).unwrap()).unwrap();
        place.map(|place| format!("{} {:?}", place.file.display(), place.form))
    }

    #[test]
    fn the_macros_decide_between_two_databases() {
        let two = [("var/lib/rpm/Packages", ""), ("usr/lib/sysimage/rpm/rpmdb.sqlite", "")];
        let told = |macros| found(&[two[0], two[1], ("usr/lib/rpm/macros", macros)]).unwrap();
        assert_eq!(found(&two).unwrap(), "/usr/lib/sysimage/rpm/rpmdb.sqlite Sqlite");
        assert_eq!(told("%_dbpath\t\t/var/lib/rpm\n"), "/var/lib/rpm/Packages BerkeleyDb");
        assert_eq!(told("%_dbpath %{_var}/lib/rpm\n"), "/usr/lib/sysimage/rpm/rpmdb.sqlite Sqlite");
        let same = [("var/lib/rpm/Packages.db", ""), ("var/lib/rpm/rpmdb.sqlite", "")];
        assert_eq!(found(&same).unwrap(), "/var/lib/rpm/rpmdb.sqlite Sqlite");
        let ndb = found(&[same[0], same[1], ("usr/lib/rpm/macros", "%_db_backend ndb\n")]);
        assert_eq!(ndb.unwrap(), "/var/lib/rpm/Packages.db Ndb");
        assert_eq!(found(&[("var/lib/rpm/.rpm.lock", "")]), None);
    }
}
