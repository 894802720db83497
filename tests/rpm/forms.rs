//! The database in its other forms, against rpm's own reader of one of them.

use std::fs;

use super::{FORMAT, installed, read, some};
use crate::support::rpm::forms::{berkeley, headers, ndb};
use crate::support::rpm::{Root, VAR, rpm, sorted};

#[test]
fn a_hash_of_berkeley_db_says_what_the_database_says_that_it_was_made_from() {
    let root = Root::knowing(VAR, &some());
    let (headers, told) = (headers(&root.place().join("rpmdb.sqlite")), root.query(FORMAT));
    fs::remove_file(root.place().join("rpmdb.sqlite")).unwrap();
    for (page_size, is_big) in [(512, false), (4096, false), (4096, true), (65536, true)] {
        berkeley(&headers, page_size, is_big, &root.place().join("Packages"));
        assert_eq!(read(root.path()), told, "{page_size} {is_big}");
        // rpm says on standard error which indexes are not there, and reads without them.
        let mut query = rpm(root.path(), VAR, "bdb_ro");
        let judge = query.args(["-qa", "--qf", &format!("{FORMAT}\n")]).output().unwrap();
        assert_eq!(sorted(&judge), told, "{page_size} {is_big}");
    }
    // An environment that somebody left behind is no business of ours.
    fs::write(root.place().join("__db.001"), "x").unwrap();
    assert_eq!(read(root.path()), told);
}

#[test]
fn rpms_own_form_says_what_the_database_says_that_it_was_made_from() {
    let root = Root::knowing(VAR, &some());
    let (mut headers, told) = (headers(&root.place().join("rpmdb.sqlite")), root.query(FORMAT));
    fs::remove_file(root.place().join("rpmdb.sqlite")).unwrap();
    let file = root.place().join("Packages.db");
    ndb(&headers, &file);
    assert_eq!(read(root.path()), told);
    // More slots than there is room for on a page.
    let header = headers[0].1.clone();
    headers.extend((1000..1300).map(|number| (number, header.clone())));
    ndb(&headers, &file);
    assert_eq!(installed(root.path()).unwrap().packages.len(), told.len() + 300);
    ndb(&[], &file);
    assert!(installed(root.path()).unwrap_err().to_string().contains("no package at all"));
}
