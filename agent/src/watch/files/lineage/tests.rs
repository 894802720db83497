//! Both queues by hand: what was opened, what processes told, and who it was then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::host::Text;
use crate::host::actor::{Actor, Details, Hand, Program};
use crate::sys::process_events::ProcessEvent;
use crate::watch::files::updates::{self, Recognised};
use crate::watch::files::who::{Executed, Mark, Who as _};

use super::{Lineage, Sources};

mod world;

/// What `/proc` would say.
type Living = Arc<Mutex<HashMap<u32, Details>>>;

struct Rig {
    lineage: Lineage,
    living: Living,
    now: Instant,
}

fn details(pid: u32, parent: u32, path: &str) -> Details {
    Details { pid, parent, ticks: u64::from(pid), program: Some(program(path)), ..Details::default() }
}

fn program(path: &str) -> Program {
    let file = file(path);
    Program { path: file.path, device: file.device, inode: file.inode, ..Program::default() }
}

/// Its inode follows from its path.
fn file(path: &str) -> Executed {
    let inode = path.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Executed { path: path.into(), device: 1, inode }
}

fn fork(parent: u32, child: u32) -> ProcessEvent {
    ProcessEvent::Fork { parent, child, at: 0 }
}

fn exec(pid: u32) -> ProcessEvent {
    ProcessEvent::Exec { pid }
}

fn uid(pid: u32, real: u32, effective: u32) -> ProcessEvent {
    ProcessEvent::Uid { pid, real, effective }
}

fn exit(pid: u32) -> ProcessEvent {
    ProcessEvent::Exit { pid }
}

impl Rig {
    /// PID 1 and a shell of root's, 10.
    fn new() -> Self {
        Self::with(Recognised::default(), vec![details(1, 0, "/sbin/init"), details(10, 1, "/bin/bash")])
    }

    fn with(recognised: Recognised, found: Vec<Details>) -> Self {
        let living: Living = Arc::new(Mutex::new(found.into_iter().map(|of| (of.pid, of)).collect()));
        let (look, pids) = (Arc::clone(&living), Arc::clone(&living));
        let sources = Sources {
            events: None,
            look: Box::new(move |pid| look.lock().unwrap().get(&pid).cloned()),
            pids: Box::new(move || pids.lock().unwrap().keys().copied().collect()),
        };
        let mut lineage = Lineage::start(sources, recognised);
        lineage.follows = true;
        lineage.seed();
        Self { lineage, living, now: Instant::now() }
    }

    fn lives(&self, details: Details) {
        self.living.lock().unwrap().insert(details.pid, details);
    }

    fn opens(&mut self, pid: u32, paths: &[&str]) {
        for path in paths {
            self.lineage.executed(pid, file(path));
        }
    }

    fn mark(&mut self, pid: u32) -> Mark {
        self.lineage.mark(pid, None)
    }

    fn ends(&mut self, events: &[ProcessEvent]) {
        self.lineage.batch_ends(events, false, self.now);
    }

    fn actor(&mut self, mark: Mark) -> Arc<Actor> {
        self.lineage.actor(&mark).unwrap()
    }

    /// Its program, a question mark behind it where something is not known.
    fn path(&mut self, mark: Mark) -> String {
        let actor = self.actor(mark);
        let path = actor
            .program
            .as_ref()
            .map_or_else(|| "-".into(), |of| String::from_utf8(of.path.clone()).unwrap());
        if actor.unknown.is_some() { path + "?" } else { path }
    }
}

const LOADER: &str = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";

#[test]
fn a_program_is_the_last_that_loads_nothing() {
    for (opened, is) in [
        (&["/bin/vim", LOADER][..], "/bin/vim"),
        (&["/opt/static"], "/opt/static"),
        (&["/srv/x.sh", "/bin/dash", LOADER], "/bin/dash"),
        (&["/srv/x", "/usr/bin/env", "/lib/ld-musl-x86_64.so.1"], "/usr/bin/env"),
        (&[LOADER], LOADER),
    ] {
        let mut rig = Rig::new();
        rig.opens(20, opened);
        let mark = rig.mark(20);
        rig.ends(&[fork(10, 20), exec(20), exit(20)]);
        assert_eq!(rig.path(mark), is);
        let actor = rig.actor(mark);
        let parents: Vec<_> = actor.parents.iter().map(|of| of.pid).collect();
        assert_eq!(parents, [10, 1]);
        assert!(Arc::ptr_eq(&actor, &rig.actor(mark)), "the same until it changes");
    }
}

#[test]
fn each_exec_is_the_next_program_and_a_child_is_what_its_parent_was() {
    let mut rig = Rig::new();
    let before = rig.mark(10);
    rig.opens(10, &["/bin/a", LOADER]);
    let (as_a, of_child) = (rig.mark(10), rig.mark(20));
    rig.opens(10, &["/bin/b", LOADER]);
    let as_b = rig.mark(10);
    rig.ends(&[exec(10), fork(10, 20), exec(10), exit(20), exit(10)]);
    assert_eq!(rig.path(before), "/bin/bash");
    assert_eq!(rig.path(as_a), "/bin/a");
    assert_eq!(rig.path(of_child), "/bin/a");
    assert_eq!(rig.path(as_b), "/bin/b");
}

#[test]
fn programs_without_a_loader_are_told_apart_by_how_many_were_executed() {
    let mut rig = Rig::new();
    rig.opens(20, &["/opt/one"]);
    let one = rig.mark(20);
    rig.opens(20, &["/opt/two", "/bin/three", LOADER]);
    let three = rig.mark(20);
    rig.ends(&[fork(10, 20), exec(20), exec(20), exec(20), exit(20)]);
    assert_eq!(rig.path(one), "/opt/one");
    assert_eq!(rig.path(three), "/bin/three");
}

#[test]
fn what_could_not_be_executed_was_not() {
    let mut rig = Rig::new();
    // A shell script without an interpreter's name: the shell reads it itself.
    rig.opens(20, &["/srv/script"]);
    let as_shell = rig.mark(20);
    rig.ends(&[fork(10, 20)]);
    assert_eq!(rig.path(as_shell), "/bin/bash");
    rig.ends(&[]);
    rig.opens(20, &["/bin/b", LOADER]);
    let as_b = rig.mark(20);
    rig.ends(&[exec(20)]);
    assert_eq!(rig.path(as_b), "/bin/b");
    // The same in one batch.
    rig.opens(21, &["/srv/script"]);
    let as_shell = rig.mark(21);
    rig.opens(21, &["/bin/b", LOADER]);
    let as_b = rig.mark(21);
    rig.ends(&[fork(10, 21), exec(21), exit(21)]);
    assert_eq!(rig.path(as_shell), "/bin/bash");
    assert_eq!(rig.path(as_b), "/bin/b");
}

#[test]
fn what_is_opened_across_two_batches_is_one_program() {
    for (first, rest, is) in [
        (&[][..], &["/bin/a", LOADER][..], "/bin/a"),
        (&["/bin/a"], &[LOADER], "/bin/a"),
        (&["/srv/x.sh"], &["/bin/dash", LOADER], "/bin/dash"),
        (&["/srv/x.sh", "/bin/dash"], &[LOADER], "/bin/dash"),
        (&["/srv/x.sh"], &["/opt/static"], "/opt/static"),
    ] {
        let mut rig = Rig::new();
        rig.opens(20, first);
        rig.ends(&[fork(10, 20), exec(20)]);
        rig.opens(20, rest);
        let as_it = rig.mark(20);
        rig.ends(&[fork(20, 21), exit(20)]);
        let of_child = rig.mark(21);
        rig.ends(&[exit(21)]);
        assert_eq!((rig.path(as_it), rig.path(of_child)), (is.to_owned(), is.to_owned()));
        // The other way round: opened, and told a batch later.
        let mut rig = Rig::new();
        rig.opens(20, first);
        rig.opens(20, rest);
        rig.ends(&[fork(10, 20)]);
        let as_it = rig.mark(20);
        rig.ends(&[exec(20), exit(20)]);
        assert_eq!(rig.path(as_it), is);
    }
}

#[test]
fn a_program_that_no_queue_of_files_tells_of_is_looked_at_or_said_to_be_unknown() {
    for lives in [true, false] {
        let mut rig = Rig::new();
        if lives {
            rig.lives(Details { command: Some("x".into()), ..details(20, 10, "/memfd:x") });
        }
        let near = rig.mark(20);
        rig.ends(&[fork(10, 20), exec(20)]);
        assert_eq!(rig.path(near), "/bin/bash?");
        let later = rig.mark(20);
        rig.ends(&[]);
        assert_eq!(rig.path(later), if lives { "/memfd:x" } else { "-?" });
        // And what it executes then is no program too late.
        rig.living.lock().unwrap().remove(&20);
        rig.opens(20, &["/bin/b", LOADER]);
        let as_b = rig.mark(20);
        rig.ends(&[exec(20), exit(20)]);
        assert_eq!(rig.path(as_b), "/bin/b");
    }
}

#[test]
fn another_user_is_told_from_then_on() {
    let mut rig = Rig::new();
    // A set-id program is another user's from its first instruction, and not before.
    rig.lives(Details { uid: 1000, euid: 1000, ..details(30, 1, "/bin/dash") });
    rig.mark(30);
    rig.ends(&[]);
    let actor = {
        let mark = rig.mark(30);
        rig.ends(&[]);
        rig.actor(mark)
    };
    assert_eq!((actor.uid, actor.euid), (Some(1000), Some(1000)));
    let before = rig.mark(30);
    rig.opens(30, &["/usr/bin/su", LOADER]);
    let as_su = rig.mark(30);
    rig.ends(&[uid(30, 1000, 0), exec(30)]);
    let (before, as_su) = (rig.actor(before), rig.actor(as_su));
    assert_eq!((before.uid, before.euid, &before.unknown), (Some(1000), Some(1000), &None));
    assert_eq!((as_su.uid, as_su.euid, &as_su.unknown), (Some(1000), Some(0), &None));
    // One that changes its own: what came first in the same batch is not known, and said so.
    let near = rig.mark(20);
    rig.ends(&[fork(10, 20), uid(20, 5, 5)]);
    let near = rig.actor(near);
    assert_eq!(near.uid, Some(5));
    assert!(near.unknown.as_ref().unwrap().as_str().ends_with("also was user 0 (effective 0)"), "{near:?}");
    let later = rig.mark(20);
    rig.ends(&[]);
    assert_eq!(rig.actor(later).unknown, None);
    assert_eq!(rig.actor(later).uid, Some(5));
}

#[test]
fn two_processes_with_one_number_in_one_batch_are_not_told_apart() {
    let mut rig = Rig::new();
    rig.ends(&[fork(10, 20)]);
    let either = rig.mark(20);
    rig.ends(&[exit(20), fork(10, 20)]);
    assert_eq!(rig.path(either), "-?");
    let second = rig.mark(20);
    rig.ends(&[]);
    assert_eq!(rig.path(second), "/bin/bash");
    // One that ended long before is nobody to be taken for another.
    rig.ends(&[exit(20)]);
    rig.ends(&[]);
    let third = rig.mark(20);
    rig.ends(&[fork(10, 20), exit(20)]);
    assert_eq!(rig.path(third), "/bin/bash");
}

#[test]
fn another_thread_than_the_first_may_execute_the_next_program() {
    let mut rig = Rig::new();
    rig.ends(&[fork(10, 20)]);
    rig.opens(20, &["/bin/a", LOADER]);
    rig.ends(&[exit(20), exec(20)]);
    let mark = rig.mark(20);
    rig.now += Duration::from_secs(60);
    rig.ends(&[]);
    assert_eq!(rig.path(mark), "/bin/a");
}

#[test]
fn what_was_lost_is_said_of_whoever_cannot_be_known() {
    let mut rig = Rig::new();
    rig.lives(details(30, 10, "/bin/changed"));
    let (shell, gone, changed) = (rig.mark(10), rig.mark(20), rig.mark(30));
    rig.opens(20, &["/bin/a", LOADER]);
    rig.lineage.batch_ends(&[], true, rig.now);
    assert_eq!(rig.lineage.overruns(), 1);
    assert_eq!(rig.path(shell), "/bin/bash", "it is as it was");
    assert_eq!(rig.path(changed), "/bin/changed?", "it may have been something else until now");
    assert_eq!(rig.path(gone), "/bin/a?");
    let later = rig.mark(30);
    rig.ends(&[]);
    assert_eq!(rig.path(later), "/bin/changed");
    // Executed meanwhile, and nobody told.
    rig.lives(details(30, 10, "/bin/other"));
    let changed = rig.mark(30);
    rig.lineage.batch_ends(&[], true, rig.now);
    assert_eq!(rig.path(changed), "/bin/other?");
}

#[test]
fn whose_hand_it_was_stays_with_all_that_come_of_it() {
    for (command, unit, hand) in [
        ("/usr/bin/ssm-document-worker 6d1c-4e 2>/x", None, Hand::Ssm { command: Some("6d1c-4e".into()) }),
        ("/bin/sh -c python3 /root/.ansible/tmp/ansible-tmp-17-1/AnsiballZ_copy.py", None, Hand::Ansible),
        ("/usr/bin/python3 x", Some("cloud-final.service"), Hand::CloudInit),
    ] {
        let mut rig = Rig::new();
        let path = command.split(' ').next().unwrap();
        rig.opens(20, &[path, LOADER]);
        let standing =
            Details { command: Some(command.into()), unit: unit.map(Text::from), ..details(20, 10, path) };
        rig.lives(standing);
        rig.ends(&[fork(10, 20), exec(20)]);
        let mut parent = 20;
        for child in 21..40 {
            rig.opens(child, &["/bin/a", LOADER]);
            rig.ends(&[fork(parent, child), exec(child)]);
            parent = child;
        }
        let mark = rig.mark(39);
        rig.ends(&[exit(39)]);
        let actor = rig.actor(mark);
        assert_eq!(actor.hand, Some(hand));
        assert_eq!(actor.parents.len(), crate::host::actor::MAX_PARENTS);
        assert_eq!(actor.unit.as_ref().map(Text::as_str), unit, "a child has its parent's unit");
    }
    let mut rig = Rig::new();
    let service = rig.mark(20);
    rig.ends(&[fork(1, 20), exit(20)]);
    assert_eq!(rig.actor(service).unit, None, "PID 1 puts its children elsewhere");
}

#[test]
fn the_table_has_an_end() {
    let mut rig = Rig::new();
    for pid in 100..140_000 {
        rig.ends(&[fork(10, pid), exit(pid)]);
    }
    assert!(rig.lineage.table.len() <= 65_536 && rig.lineage.ended.len() <= 65_536);
    rig.now += Duration::from_secs(60);
    rig.ends(&[]);
    assert_eq!((rig.lineage.table.len(), rig.lineage.ended.len()), (2, 0));
}

#[test]
fn without_the_kernels_word_whoever_lives_is_looked_at() {
    let mut rig = Rig::new();
    rig.lineage.follows = false;
    let (lives, gone) = (rig.mark(10), rig.mark(20));
    rig.opens(20, &["/bin/a", LOADER]);
    rig.lineage.drain();
    assert_eq!(rig.path(lives), "/bin/bash");
    assert_eq!(rig.path(gone), "/bin/a?");
    rig.lives(details(10, 1, "/bin/other"));
    let now = rig.mark(10);
    rig.lineage.drain();
    assert_eq!(rig.path(now), "/bin/other");
    rig.lineage.drain();
    assert!(rig.lineage.table.len() <= 2);
}

fn package_manager() -> Recognised {
    let recognised = Recognised::default();
    let of = |path: &str| updates::Program {
        device: 1,
        inode: file(path).inode,
        manager: "dpkg",
        path: path.into(),
    };
    recognised.set(vec![of("/usr/bin/dpkg"), of("/usr/bin/unattended-upgrade")]);
    recognised
}

#[test]
fn an_update_is_its_manager_and_all_that_come_of_it_until_two_seconds_are_quiet() {
    let mut rig =
        Rig::with(package_manager(), vec![details(1, 0, "/sbin/init"), details(10, 1, "/bin/bash")]);
    let before = rig.mark(20);
    rig.opens(20, &["/usr/bin/unattended-upgrade", "/usr/bin/python3.11", LOADER]);
    let script = rig.mark(20);
    rig.opens(21, &["/usr/bin/dpkg", LOADER]);
    let dpkg = rig.mark(21);
    rig.opens(22, &["/bin/dash", LOADER]);
    let postinst = rig.mark(22);
    let outside = rig.mark(10);
    rig.ends(&[fork(10, 20), exec(20), fork(20, 21), exec(21), fork(21, 22), exec(22), exit(22), exit(21)]);
    assert_eq!(rig.lineage.update(&before), None);
    assert_eq!(rig.lineage.update(&outside), None);
    let id = rig.lineage.update(&script).unwrap().id;
    let of = |rig: &Rig, mark| rig.lineage.updates_of(mark);
    assert_eq!(of(&rig, dpkg), Some((id, true)));
    assert_eq!(of(&rig, postinst), Some((id, false)));
    rig.now += Duration::from_secs(600);
    assert_eq!(rig.lineage.ended(rig.now), []);
    rig.ends(&[exit(20)]);
    rig.now += Duration::from_millis(1_500);
    assert_eq!(rig.lineage.ended(rig.now), []);
    // The next step comes in time.
    rig.opens(30, &["/usr/bin/dpkg", LOADER]);
    let again = rig.mark(30);
    rig.ends(&[fork(10, 30), exec(30), exit(30)]);
    assert_eq!(of(&rig, again), Some((id, true)));
    rig.now += Duration::from_millis(1_999);
    assert_eq!(rig.lineage.ended(rig.now), []);
    assert_eq!(rig.lineage.due(), Some(rig.now + Duration::from_millis(1)));
    rig.now += Duration::from_millis(1);
    let ended = rig.lineage.ended(rig.now);
    assert_eq!(
        (ended.len(), ended[0].id, ended[0].manager, ended[0].by.pid, ended[0].is_cut),
        (1, id, "dpkg", 20, false)
    );
    assert_eq!(of(&rig, again), Some((id, true)), "until it is asked again");
    assert_eq!(rig.lineage.ended(rig.now), []);
    assert_eq!(of(&rig, again), None);
    // And the next one is another.
    rig.opens(31, &["/usr/bin/dpkg", LOADER]);
    let next = rig.mark(31);
    rig.ends(&[fork(10, 31), exec(31)]);
    assert_ne!(of(&rig, next).unwrap().0, id);
    rig.now += Duration::from_secs(3600);
    assert!(rig.lineage.ended(rig.now)[0].is_cut);
    assert_eq!(rig.lineage.ended(rig.now), []);
    assert_eq!(of(&rig, next), None);
}

#[test]
fn a_manager_that_is_replaced_by_its_own_run_is_one_within_it() {
    let mut rig =
        Rig::with(package_manager(), vec![details(1, 0, "/sbin/init"), details(10, 1, "/bin/bash")]);
    let other = Executed { inode: 99, ..file("/usr/bin/dpkg") };
    // It was replaced before, by somebody else: a program like any other.
    rig.lineage.executed(19, other.clone());
    let alone = rig.mark(19);
    rig.ends(&[fork(10, 19), exec(19)]);
    assert_eq!(rig.lineage.update(&alone), None);
    rig.opens(20, &["/usr/bin/unattended-upgrade", "/usr/bin/python3.11", LOADER]);
    rig.lineage.executed(21, other.clone());
    let of_run = rig.mark(21);
    rig.lineage.executed(19, other.clone());
    let outside = rig.mark(19);
    rig.ends(&[fork(10, 20), exec(20), fork(20, 21), exec(21), exec(19)]);
    assert!(rig.lineage.update(&of_run).unwrap().is_manager);
    assert_eq!(rig.lineage.update(&outside), None);
}

#[test]
fn a_script_that_manages_is_its_interpreter_and_no_other_program_of_it() {
    for split in [false, true] {
        let mut rig =
            Rig::with(package_manager(), vec![details(1, 0, "/sbin/init"), details(10, 1, "/bin/bash")]);
        // The two queues are not read at once: the script may come a batch before its interpreter.
        if split {
            rig.opens(20, &["/usr/bin/unattended-upgrade"]);
            rig.ends(&[fork(10, 20), exec(20)]);
            rig.opens(20, &["/usr/bin/python3.11", LOADER]);
        } else {
            rig.opens(20, &["/usr/bin/unattended-upgrade", "/usr/bin/python3.11", LOADER]);
        }
        let script = rig.mark(20);
        rig.opens(21, &["/usr/bin/python3.11", LOADER]);
        let other = rig.mark(21);
        rig.opens(22, &["/srv/script", "/usr/bin/python3.11", LOADER]);
        let another = rig.mark(22);
        let begin = if split { vec![] } else { vec![fork(10, 20), exec(20)] };
        rig.ends(&[begin, vec![fork(20, 21), exec(21), fork(20, 22), exec(22)]].concat());
        let is_manager = |mark| rig.lineage.updates_of(mark).map(|(_, is_manager)| is_manager);
        assert_eq!(is_manager(script), Some(true), "split: {split}");
        assert_eq!((is_manager(other), is_manager(another)), (Some(false), Some(false)), "split: {split}");
    }
}

impl Lineage {
    fn updates_of(&self, mark: Mark) -> Option<(crate::watch::files::who::UpdateId, bool)> {
        let process = self.table.get(&mark.pid)?;
        let state = &process.phases.get(process.phase_at(mark.at))?.state;
        self.updates.of_run(state.update?, state.image.named().files()).map(|of| (of.id, of.is_manager))
    }
}
