//! What the daemons have given up, as the kernel tells it of each of their threads.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::rig::{OFTEN, ROOTS, Rig};

#[test]
fn every_thread_of_both_daemons_has_given_up_what_it_does_not_need() {
    let rig = Rig::new(&[ROOTS], OFTEN);
    let sensor = rig.start("run");
    let shipper = rig.start("ship");
    rig.wait_for_first_look();
    for (name, pid, may) in [("sensor", sensor.pid(), OF_SENSOR), ("shipper", shipper.pid(), 0)] {
        let threads = threads(pid);
        assert!(threads.len() >= 3, "{name} has {} threads", threads.len());
        for thread in threads {
            let word = |key: &str| thread[key].as_str();
            let what = format!("{name}, thread {}", word("Name"));
            let powers = |key: &str| u64::from_str_radix(word(key), 16).unwrap();
            assert_eq!(powers("CapEff") & !may, 0, "{what} may do more");
            assert_eq!(powers("CapPrm") & !may, 0, "{what} may take more");
            for set in ["CapInh", "CapAmb", "CapBnd"] {
                assert_eq!(powers(set), 0, "{what} has {set}");
            }
            assert_eq!((word("NoNewPrivs"), word("Seccomp")), ("1", "2"), "{what}");
        }
    }
    let status = rig.status();
    let (run, ship) = (&status["sensor"]["confinement"], &status["shipper"]["confinement"]);
    for said in [run, ship] {
        assert_eq!((&said["no_new_privs"], &said["seccomp"]), (&json!(true), &json!(true)), "{said}");
        assert_eq!(said["trouble"], json!([]));
    }
    assert_eq!(ship["capabilities"], json!([]));
    assert!(run["capabilities"].as_array().unwrap().contains(&json!("CAP_SYS_PTRACE")), "{run}");
    assert_eq!(run["landlock"], json!(null), "it looks into other processes");
    assert!(rig.records().iter().all(|record| record["body"]["event"] != "trouble"));
}

/// What /proc says of each thread, by the words before the colons.
fn threads(pid: u32) -> Vec<BTreeMap<String, String>> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let status = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    status
        .map(|text| {
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            lines.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect()
        })
        .collect()
}

/// CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER and FSETID; NET_ADMIN and NET_RAW; SYS_PTRACE and SYS_ADMIN. By
/// hand, as root.
const OF_SENSOR: u64 = 0b1_1111 | 1 << 12 | 1 << 13 | 1 << 19 | 1 << 21;
