//! Events as the kernel lays them out, and as it never would.

use super::*;
use proptest::prelude::*;

fn info(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(INFO + body.len()).unwrap();
    [&[kind, 0][..], &length.to_ne_bytes(), body].concat()
}

fn fid(own: &[u8], name: &[u8]) -> Vec<u8> {
    let length = u32::try_from(own.len()).unwrap();
    [&[7; 8][..], &length.to_ne_bytes(), &1_i32.to_ne_bytes(), own, name].concat()
}

fn with_header(mask: u64, pid: i32, records: &[u8]) -> Vec<u8> {
    let length = u32::try_from(METADATA + records.len()).unwrap();
    let header = u16::try_from(METADATA).unwrap();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([VERSION, 0]);
    bytes.extend(header.to_ne_bytes());
    bytes.extend(mask.to_ne_bytes());
    bytes.extend((-1_i32).to_ne_bytes());
    bytes.extend(pid.to_ne_bytes());
    bytes.extend(records);
    bytes
}

fn all(bytes: &[u8]) -> Vec<Result<Event<'_>, Malformed>> {
    Events::of(bytes).collect()
}

#[test]
fn a_rename_has_both_names_and_the_file() {
    let records = [
        info(libc::FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, &fid(&[1; 8], b"old\0\0\0\0\0")),
        info(libc::FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, &fid(&[2; 8], b"new\0")),
        info(libc::FAN_EVENT_INFO_TYPE_FID, &fid(&[3; 8], b"")),
        info(libc::FAN_EVENT_INFO_TYPE_PIDFD, &5_i32.to_ne_bytes()),
        info(99, b"of a later kernel"),
    ];
    let bytes = with_header(libc::FAN_RENAME, 42, &records.concat());
    let events = all(&bytes);
    let [Ok(event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.pid, event.pidfd), (42, Some(5)));
    assert_eq!((event.name.unwrap().name, event.new_name.unwrap().name), (&b"old"[..], &b"new"[..]));
    assert_ne!(event.name.unwrap().directory, event.new_name.unwrap().directory);
    assert_eq!(event.object.unwrap().bytes(), fid(&[3; 8], b""));
}

#[test]
fn a_dot_and_no_name_both_mean_the_directory() {
    for (kind, name) in
        [(libc::FAN_EVENT_INFO_TYPE_DFID_NAME, &b".\0"[..]), (libc::FAN_EVENT_INFO_TYPE_DFID, b"")]
    {
        let bytes = with_header(libc::FAN_ATTRIB | libc::FAN_ONDIR, 1, &info(kind, &fid(&[1; 8], name)));
        assert_eq!(all(&bytes)[0].unwrap().name.unwrap().name, b"");
    }
}

#[test]
fn an_overflow_says_nothing_else_and_a_process_that_is_gone_has_no_descriptor() {
    let gone = info(libc::FAN_EVENT_INFO_TYPE_PIDFD, &libc::FAN_NOPIDFD.to_ne_bytes());
    let bytes = [with_header(libc::FAN_Q_OVERFLOW, 0, &[]), with_header(libc::FAN_ATTRIB, 9, &gone)].concat();
    let events = all(&bytes);
    assert!(events[0].unwrap().is_overflow() && events.len() == 2);
    assert_eq!(events[1].unwrap().pidfd, None);
}

#[test]
fn what_cannot_be_is_refused_and_ends_it() {
    let good = with_header(libc::FAN_ATTRIB, 1, &[]);
    let slash = info(libc::FAN_EVENT_INFO_TYPE_DFID_NAME, &fid(&[1; 8], b"a/b\0"));
    let long = info(libc::FAN_EVENT_INFO_TYPE_DFID_NAME, &fid(&[1; 8], &[b'a'; 1000]));
    let handle = info(libc::FAN_EVENT_INFO_TYPE_FID, &fid(&[1; 129], b""));
    for records in [slash, long, handle, info(libc::FAN_EVENT_INFO_TYPE_FID, b"short"), vec![1, 0, 3, 0]] {
        let bytes = [good.clone(), with_header(libc::FAN_ATTRIB, 1, &records), good.clone()].concat();
        let events = all(&bytes);
        assert!(events.len() == 2 && events[0].is_ok() && events[1].is_err(), "{events:?}");
    }
    let mut other = good.clone();
    other[4] = 4;
    assert!(all(&other)[0].is_err());
    assert!(all(&good[..23])[0].is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = all(&bytes);
        let _ = all(&with_header(libc::FAN_RENAME, 1, &bytes));
        for kind in [1, 2, 3, 4, 5, 10, 12] {
            let _ = all(&with_header(libc::FAN_RENAME, 1, &info(kind, &bytes)));
            let _ = all(&with_header(libc::FAN_RENAME, 1, &info(kind, &fid(&[1; 8], &bytes))));
        }
    }
}
