//! A first key on its way, in a directory that the test makes.

use std::fs;
use std::path::Path;

use super::*;
use crate::finding::wire::record::Id;

fn at(folder: &Path) -> Handover {
    Handover::at(Directory::create(&folder.join("cursors"), 0o770, None).unwrap())
}

fn first(of: u8) -> FirstKey {
    let (agent, epoch) = (Id::new([1; 8]), Id::new([of; 8]));
    FirstKey { agent, epoch, from_seq: 2, index: 0, key: Zeroizing::new([of; 32]) }
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder.join("cursors")).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_is_prepared_is_offered_to_nobody_until_it_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let handover = at(folder.path());
    handover.prepare(&first(1)).unwrap();
    assert!(handover.offered().unwrap().is_none());
    assert_eq!(handover.prepared().unwrap(), Some(first(1)));
    handover.offer().unwrap();
    let offered = handover.offered().unwrap().unwrap();
    assert_eq!((&offered.first, &*offered.text), (&first(1), &*first(1).to_json()));
    handover.take(&offered).unwrap();
    assert_eq!(files(folder.path()), [""; 0]);
    assert!(handover.offered().unwrap().is_none());
}

#[test]
fn the_file_is_overwritten_before_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let handover = at(folder.path());
    handover.prepare(&first(1)).unwrap();
    handover.offer().unwrap();
    let path = folder.path().join("cursors").join(FILE);
    let other_name = folder.path().join("the same inode");
    fs::hard_link(&path, &other_name).unwrap();
    handover.take(&handover.offered().unwrap().unwrap()).unwrap();
    assert!(fs::read(&other_name).unwrap().iter().all(|&byte| byte == 0));
}

#[test]
fn a_newer_key_is_not_taken_with_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let handover = at(folder.path());
    handover.prepare(&first(1)).unwrap();
    handover.offer().unwrap();
    let old = handover.offered().unwrap().unwrap();
    handover.prepare(&first(2)).unwrap();
    handover.offer().unwrap();
    handover.take(&old).unwrap();
    assert_eq!(handover.offered().unwrap().unwrap().first, first(2));
}

#[test]
fn a_shipper_that_was_killed_while_it_took_the_key_ends_what_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let handover = at(folder.path());
    let cursors = folder.path().join("cursors");
    fs::write(cursors.join(TAKEN), first(1).to_json().as_bytes()).unwrap();
    let offered = handover.offered().unwrap().unwrap();
    handover.take(&offered).unwrap();
    fs::write(cursors.join(TAKEN), [0; 100]).unwrap();
    assert!(handover.offered().unwrap().is_none());
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn what_is_no_key_is_said_to_be_none_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let handover = at(folder.path());
    fs::write(folder.path().join("cursors").join(FILE), "secret").unwrap();
    let error = handover.offered().unwrap_err();
    assert_eq!(error.to_string(), "first-key.json is no first key");
    assert_eq!(files(folder.path()), [FILE]);
}
