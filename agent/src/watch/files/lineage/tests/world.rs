//! Processes made up at random, of which both queues are read at random moments: whoever is told without a doubt is told
//! right.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Fork,
    Exec(usize),
    Write,
    Uid(u32),
    Exit,
}

/// What happens to one of the processes that live then, and whether a queue is read afterwards.
fn steps() -> impl Strategy<Value = Vec<(usize, Step, bool)>> {
    let step = prop_oneof![
        3 => Just(Step::Fork),
        3 => (0..CHAINS.len()).prop_map(Step::Exec),
        6 => Just(Step::Write),
        1 => (0..3_u32).prop_map(Step::Uid),
        1 => Just(Step::Exit),
    ];
    proptest::collection::vec(
        (any::<proptest::sample::Index>().prop_map(|at| at.index(1 << 20)), step, any::<bool>()),
        1..60,
    )
}

const CHAINS: [&[&str]; 4] =
    [&["/bin/a", LOADER], &["/bin/b", LOADER], &["/srv/x.sh", "/bin/dash", LOADER], &["/bin/c", LOADER]];

#[derive(Clone)]
struct Is {
    pid: u32,
    path: String,
    uid: u32,
}

/// Of what happens, the queue that tells it.
enum Tells {
    Opens(u32, &'static str),
    Writes(Is),
    Does(ProcessEvent),
}

fn play(steps: &[(usize, Step, bool)]) -> Vec<(Tells, bool)> {
    let mut living = vec![Is { pid: 10, path: "/bin/bash".into(), uid: 0 }];
    let (mut told, mut next) = (Vec::new(), 100);
    for (who, step, is_read) in steps {
        let at = who % living.len();
        let pid = living[at].pid;
        let mut tell = |what| told.push((what, *is_read));
        match step {
            Step::Fork => {
                tell(Tells::Does(fork(pid, next)));
                let child = Is { pid: next, ..living[at].clone() };
                living.push(child);
                next += 1;
            }
            Step::Exec(chain) => {
                for path in CHAINS[*chain] {
                    tell(Tells::Opens(pid, path));
                }
                tell(Tells::Does(exec(pid)));
                living[at].path = CHAINS[*chain].iter().rfind(|path| **path != LOADER).unwrap().to_string();
            }
            Step::Write => tell(Tells::Writes(living[at].clone())),
            Step::Uid(to) => {
                if living[at].uid != *to {
                    living[at].uid = *to;
                    tell(Tells::Does(uid(pid, *to, *to)));
                }
            }
            // The first one stays, so that there is always somebody.
            Step::Exit if at > 0 => {
                tell(Tells::Does(exit(pid)));
                living.remove(at);
            }
            Step::Exit => {}
        }
    }
    told
}

proptest! {
    #[test]
    fn whoever_is_told_without_a_doubt_is_told_right(steps in steps(), late in proptest::collection::vec(0..4_usize, 60)) {
        let told = play(&steps);
        let mut rig = Rig::new();
        // Nobody lives long enough to be looked at.
        rig.living.lock().unwrap().clear();
        // How far each queue was read.
        let (mut files, mut events) = (0, 0);
        let mut late = late.into_iter().cycle();
        for (at, (_, is_read)) in told.iter().enumerate() {
            if !is_read && at + 1 != told.len() {
                continue;
            }
            let mut marks = Vec::new();
            for (what, _) in told.get(files..=at).unwrap_or_default() {
                match what {
                    Tells::Opens(pid, path) => rig.opens(*pid, &[path]),
                    Tells::Writes(is) => marks.push((is, rig.mark(is.pid))),
                    Tells::Does(_) => {}
                }
            }
            let began = files.min(at);
            files = files.max(at + 1);
            // The other queue is read a little later. In these microseconds nobody changes the user or executes a second
            // program here: what is written then, and read with the next batch, would be told of the wrong one.
            let is_again = |what: &Tells| match what {
                Tells::Does(ProcessEvent::Uid { .. }) => true,
                Tells::Does(ProcessEvent::Exec { pid }) => told[began..=at]
                    .iter()
                    .any(|(before, _)| matches!(before, Tells::Does(ProcessEvent::Exec { pid: of }) if of == pid)),
                _ => false,
            };
            let later = told[at + 1..].iter().take(late.next().unwrap());
            let later = later.take_while(|(what, _)| !is_again(what)).count();
            let end = (at + 1 + later).max(events);
            let batch: Vec<_> = told[events..end].iter().filter_map(|(what, _)| match what {
                Tells::Does(event) => Some(*event),
                _ => None,
            }).collect();
            events = end;
            rig.ends(&batch);
            for (is, mark) in marks {
                let actor = rig.actor(mark);
                prop_assert_eq!(actor.pid, is.pid);
                if actor.unknown.is_none() {
                    let path = actor.program.as_ref().map(|of| String::from_utf8_lossy(&of.path).into_owned());
                    prop_assert_eq!(path.as_deref(), Some(is.path.as_str()));
                    prop_assert_eq!(actor.uid, Some(is.uid));
                }
            }
        }
    }
}
