//! Against the kernel's own fanotify, where this process may have it.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;

use super::super::who::Nobody;
use super::super::{How, Lost, Touched};
use super::*;

/// Everything below a folder, but what is below its `elsewhere`.
#[derive(Debug)]
struct Below {
    root: Vec<u8>,
    agreed: Mutex<Agreed>,
}

type Agreed = HashMap<(u64, u64), Vec<Vec<u8>>>;

impl Interest for Below {
    fn generation(&self) -> u64 {
        0
    }

    fn wants(&self, path: &[u8]) -> bool {
        let inside = path.strip_prefix(&self.root[..]).is_some_and(|rest| rest.first() == Some(&b'/'));
        inside && !path[self.root.len()..].starts_with(b"/elsewhere")
    }

    fn leads_on(&self, directory: &[u8]) -> bool {
        super::super::names::below(&self.root, directory).is_some()
            || directory == self.root
            || self.wants(directory)
    }

    fn names_of(&self, device: u64, inode: u64) -> Vec<Vec<u8>> {
        self.agreed.lock().unwrap().get(&(device, inode)).cloned().unwrap_or_default()
    }
}

struct Scene {
    folder: TempDir,
    watch: Watch,
    held: Held,
    interest: Arc<Below>,
    noticed: Vec<Noticed>,
}

/// On each kind of file system that is there; none where this process may not watch.
fn scenes(prepare: impl Fn(&Path)) -> Vec<Scene> {
    if Group::new(false).is_err() {
        return Vec::new();
    }
    let folders = ["/dev/shm", "/tmp"].map(Path::new);
    folders
        .into_iter()
        .map(|folder| {
            let folder = tempfile::tempdir_in(folder).unwrap();
            fs::create_dir(folder.path().join("elsewhere")).unwrap();
            prepare(folder.path());
            Scene::new(folder, Vec::new(), Vec::new())
        })
        .collect()
}

impl Scene {
    fn new(folder: TempDir, decoys: Vec<Vec<u8>>, hot: Vec<Vec<u8>>) -> Self {
        let held = Held::default();
        let root = folder.path().as_os_str().as_bytes().to_vec();
        let interest = Arc::new(Below { root, agreed: Mutex::default() });
        let setup = Setup {
            interest: interest.clone(),
            held: held.clone(),
            decoys,
            hot,
            kinds: Vec::new(),
            who: Box::new(Nobody),
        };
        let mut watch = Watch::start(setup);
        // Whatever the tests do, they do in this process.
        watch.kernel.own = 0;
        Self { folder, watch, held, interest, noticed: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn agree(&self, name: &str) {
        let found = fs::symlink_metadata(self.path(name)).unwrap();
        let path = self.path(name).into_os_string().into_encoded_bytes();
        self.interest.agreed.lock().unwrap().entry((found.dev(), found.ino())).or_default().push(path);
    }

    /// Turns until that was noticed.
    fn until(&mut self, what: &str, is_enough: impl Fn(&[Noticed]) -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is_enough(&self.noticed) {
            assert!(Instant::now() < end, "{what} was not noticed, but {}", shown(&self.noticed));
            let noticed = &mut self.noticed;
            self.watch.turn(Duration::from_millis(50), &mut |one| {
                noticed.push(one);
                Ok(())
            });
        }
    }

    /// What was noticed of a name until it was touched in all these ways.
    fn touched(&mut self, name: &str, how: How) -> Touched {
        let path = self.path(name).into_os_string().into_encoded_bytes();
        let all = |noticed: &[Noticed]| {
            let mut of_it = touched(noticed).filter(|touched| touched.path == path);
            of_it.next().map(|first| {
                of_it.fold(first.clone(), |mut sum, more| {
                    sum.how.insert(more.how);
                    sum.is_tree |= more.is_tree;
                    sum.count += more.count;
                    sum.alias = sum.alias.or_else(|| more.alias.clone());
                    sum
                })
            })
        };
        self.until(&format!("{name} {how:?}"), |noticed| {
            all(noticed).is_some_and(|touched| touched.how.contains(how))
        });
        all(&self.noticed).unwrap()
    }

    /// Everything that happened until now is noticed: what happens next was noticed, too.
    fn settle(&mut self) {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("settle-{number}");
        fs::write(self.path(&name), "x").unwrap();
        self.touched(&name, How::WRITTEN);
    }

    fn was_touched(&self, name: &str) -> bool {
        let path = self.path(name).into_os_string().into_encoded_bytes();
        touched(&self.noticed).any(|touched| touched.path == path)
    }

    fn losses(&self) -> Vec<&Lost> {
        // Whoever else is busy on this machine may fill the queue.
        let lost = self.noticed.iter().filter_map(lost_of);
        lost.filter(|lost| lost.why != Why::Queue).collect()
    }
}

fn shown(noticed: &[Noticed]) -> String {
    let shown = |one: &Noticed| match one {
        Noticed::Touched(list) => {
            let touched = list.iter().map(|touched| {
                let names: Vec<_> = touched.how.names().collect();
                format!("{} {names:?} {}", touched.path.escape_ascii(), touched.count)
            });
            touched.collect::<Vec<_>>().join("\n")
        }
        other => format!("{other:?}"),
    };
    noticed.iter().map(shown).collect::<Vec<_>>().join("\n")
}

fn lost_of(noticed: &Noticed) -> Option<&Lost> {
    if let Noticed::Lost(lost) = noticed { Some(lost) } else { None }
}

fn touched(noticed: &[Noticed]) -> impl Iterator<Item = &Touched> {
    noticed.iter().flat_map(|one| if let Noticed::Touched(list) = one { &list[..] } else { &[] })
}

fn how(parts: &[How]) -> How {
    How(parts.iter().fold(0, |all, how| all | how.0))
}

#[test]
fn what_is_made_written_changed_moved_and_deleted_is_touched() {
    for mut scene in scenes(|_| {}) {
        fs::write(scene.path("a"), "x").unwrap();
        let made = scene.touched("a", how(&[How::CREATED, How::WRITTEN]));
        assert!(!made.is_tree && made.alias.is_none() && made.actors[0].pid == std::process::id());
        fs::set_permissions(scene.path("a"), fs::Permissions::from_mode(0o4755)).unwrap();
        scene.touched("a", How::ATTRIBUTES);
        fs::rename(scene.path("a"), scene.path("b")).unwrap();
        scene.touched("a", How::MOVED_AWAY);
        scene.touched("b", How::MOVED_HERE);
        fs::remove_file(scene.path("b")).unwrap();
        scene.touched("b", How::DELETED);
        symlink("nowhere", scene.path("link")).unwrap();
        scene.touched("link", How::CREATED);
        assert_eq!(scene.losses(), Vec::<&Lost>::new());
    }
}

#[test]
fn what_takes_the_place_of_another_file_is_touched_there() {
    let prepare = |folder: &Path| {
        fs::write(folder.join("a"), "old").unwrap();
        fs::write(folder.join("elsewhere/b"), "new").unwrap();
        fs::write(folder.join("elsewhere/c"), "newer").unwrap();
    };
    for mut scene in scenes(prepare) {
        fs::rename(scene.path("elsewhere/b"), scene.path("a")).unwrap();
        scene.touched("a", How::MOVED_HERE);
        let name = |name: &str| CString::new(scene.path(name).as_os_str().as_bytes()).unwrap();
        let (one, other) = (name("a"), name("elsewhere/c"));
        let flags = nix::fcntl::RenameFlags::RENAME_EXCHANGE;
        let at = nix::fcntl::AT_FDCWD;
        nix::fcntl::renameat2(at, one.as_c_str(), at, other.as_c_str(), flags).unwrap();
        scene.touched("a", how(&[How::MOVED_HERE, How::MOVED_AWAY]));
        assert!(!scene.was_touched("elsewhere/c"));
    }
}

#[test]
fn a_write_through_another_name_is_told_of_the_agreed_one() {
    let prepare = |folder: &Path| {
        fs::write(folder.join("a"), "x").unwrap();
        fs::hard_link(folder.join("a"), folder.join("elsewhere/alias")).unwrap();
    };
    for mut scene in scenes(prepare) {
        scene.agree("a");
        fs::write(scene.path("elsewhere/alias"), "evil").unwrap();
        let told = scene.touched("a", How::WRITTEN);
        assert_eq!(told.alias.as_deref(), Some(scene.path("elsewhere/alias").as_os_str().as_bytes()));
        fs::hard_link(scene.path("a"), scene.path("elsewhere/another")).unwrap();
        scene.touched("a", How::ATTRIBUTES);
        fs::remove_file(scene.path("elsewhere/another")).unwrap();
        scene.settle();
        assert!(!scene.was_touched("elsewhere/alias") && scene.losses().is_empty());
    }
}

#[test]
fn a_file_that_had_no_name_is_touched_where_it_gets_one() {
    for mut scene in scenes(|_| {}) {
        let open = nix::fcntl::open(
            &scene.path("elsewhere"),
            nix::fcntl::OFlag::O_TMPFILE | nix::fcntl::OFlag::O_WRONLY,
            nix::sys::stat::Mode::from_bits_truncate(0o600),
        );
        let file = File::from(open.unwrap());
        std::io::Write::write_all(&mut &file, b"evil").unwrap();
        use std::os::fd::AsRawFd as _;
        let link = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let (at, flags) = (nix::fcntl::AT_FDCWD, nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW);
        nix::unistd::linkat(at, &link, at, &scene.path("named"), flags).unwrap();
        scene.touched("named", How::CREATED);
        std::io::Write::write_all(&mut &file, b" more").unwrap();
        drop(file);
        scene.touched("named", How::WRITTEN);
        assert!(scene.losses().is_empty());
    }
}

#[test]
fn directories_come_go_and_move_as_trees() {
    let prepare = |folder: &Path| {
        fs::create_dir_all(folder.join("old/deep")).unwrap();
        fs::create_dir_all(folder.join("elsewhere/coming/deep")).unwrap();
        fs::write(folder.join("old/deep/file"), "x").unwrap();
    };
    for mut scene in scenes(prepare) {
        fs::write(scene.path("old/deep/file"), "y").unwrap();
        scene.touched("old/deep/file", How::WRITTEN);
        fs::rename(scene.path("old"), scene.path("new")).unwrap();
        assert!(scene.touched("old", How::MOVED_AWAY).is_tree);
        assert!(scene.touched("new", How::MOVED_HERE).is_tree);
        fs::write(scene.path("new/deep/file"), "z").unwrap();
        scene.touched("new/deep/file", How::WRITTEN);
        fs::rename(scene.path("elsewhere/coming"), scene.path("came")).unwrap();
        assert!(scene.touched("came", How::MOVED_HERE).is_tree);
        fs::write(scene.path("came/deep/file"), "z").unwrap();
        scene.touched("came/deep/file", How::WRITTEN);
        fs::create_dir(scene.path("made")).unwrap();
        assert!(scene.touched("made", How::CREATED).is_tree);
        fs::set_permissions(scene.path("made"), fs::Permissions::from_mode(0o700)).unwrap();
        scene.touched("made", How::ATTRIBUTES);
        fs::write(scene.path("made/file"), "x").unwrap();
        fs::remove_dir_all(scene.path("made")).unwrap();
        assert!(scene.touched("made", How::DELETED).is_tree);
        scene.settle();
        assert_eq!(scene.losses(), Vec::<&Lost>::new());
    }
}

#[test]
fn what_is_mapped_or_held_open_is_told_when_it_is_let_go() {
    for mut scene in scenes(|folder| fs::write(folder.join("a"), [b'x'; 4096]).unwrap()) {
        let file = File::options().read(true).write(true).open(scene.path("a")).unwrap();
        let before = fs::metadata(scene.path("a")).unwrap().ino();
        fs::rename(scene.path("a"), scene.path("b")).unwrap();
        scene.touched("b", How::MOVED_HERE);
        std::io::Write::write_all(&mut &file, b"evil").unwrap();
        drop(file);
        scene.touched("b", How::WRITTEN);
        assert_eq!(before, fs::metadata(scene.path("b")).unwrap().ino());
    }
}

#[test]
fn odd_names_are_only_names() {
    for mut scene in scenes(|_| {}) {
        for name in ["#1", "gone (deleted)", "a\nb", " "] {
            fs::write(scene.path(name), "x").unwrap();
            scene.touched(name, How::WRITTEN);
            fs::create_dir(scene.path(&format!("{name} directory (deleted)"))).unwrap();
            fs::write(scene.path(&format!("{name} directory (deleted)/x")), "x").unwrap();
            scene.touched(&format!("{name} directory (deleted)/x"), How::WRITTEN);
        }
        assert!(scene.losses().is_empty());
    }
}

#[test]
fn a_decoy_is_told_when_it_is_opened_whoever_took_its_place() {
    if Group::new(false).is_err() {
        return;
    }
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let decoy = folder.path().join("elsewhere-decoy");
    let hot = folder.path().join("hot");
    fs::write(&decoy, "secret").unwrap();
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let mut scene = Scene::new(folder, vec![bytes(&decoy)], vec![bytes(&hot)]);
    let opened = |noticed: &[Noticed]| -> u64 {
        let count = |one: &Noticed| if let Noticed::Opened(opened) = one { opened.count } else { 0 };
        noticed.iter().map(count).sum()
    };
    drop(File::open(&decoy).unwrap());
    scene.until("the opening", |noticed| opened(noticed) == 1);
    fs::write(scene.path("new"), "another").unwrap();
    fs::rename(scene.path("new"), &decoy).unwrap();
    scene.settle();
    drop(File::open(&decoy).unwrap());
    scene.until("the opening of the other", |noticed| opened(noticed) == 2);
    fs::rename(&decoy, scene.path("elsewhere-moved")).unwrap();
    drop(File::open(scene.path("elsewhere-moved")).unwrap());
    scene.until("the opening under another name", |noticed| opened(noticed) == 3);
    // Written, and not closed.
    let file = File::create(&hot).unwrap();
    scene.touched("hot", How::CREATED);
    std::io::Write::write_all(&mut &file, b"line").unwrap();
    scene.touched("hot", How::MODIFIED);
    assert!(!scene.touched("hot", How::CREATED).how.contains(How::WRITTEN));
}

#[test]
fn what_nobody_takes_is_kept_and_counted_on() {
    if Group::new(false).is_err() {
        return;
    }
    let mut scene = Scene::new(tempfile::tempdir_in("/dev/shm").unwrap(), Vec::new(), Vec::new());
    let path = scene.path("a");
    let (mut refused, mut wrote) = (0, 0);
    while refused < 20 {
        fs::write(&path, "x").unwrap();
        wrote += 1;
        scene.watch.turn(Duration::from_millis(50), &mut |noticed| {
            refused += 1;
            Err(noticed)
        });
    }
    assert!(scene.held.is_held(path.as_os_str().as_bytes()));
    scene.until("all of it", |noticed| touched(noticed).any(|one| one.count > 1));
    scene.settle();
    let told: u64 =
        touched(&scene.noticed).filter(|one| one.path.ends_with(b"/a")).map(|one| one.count).sum();
    // Truncated, written and closed are one or two events, as the kernel puts them together.
    assert!(told >= wrote, "{told} of {wrote}");
}

#[test]
fn a_full_queue_is_told_and_nothing_known_before_it_is_believed() {
    let room = fs::read_to_string("/proc/sys/fs/fanotify/max_queued_events").unwrap_or_default();
    let Some(room) = room.trim().parse::<usize>().ok().filter(|room| *room <= 65_536) else { return };
    if Group::new(false).is_err() {
        return;
    }
    let mut scene = Scene::new(tempfile::tempdir_in("/dev/shm").unwrap(), Vec::new(), Vec::new());
    fs::create_dir(scene.path("old")).unwrap();
    fs::write(scene.path("old/file"), "x").unwrap();
    scene.touched("old/file", How::WRITTEN);
    for number in 0..room {
        fs::write(scene.path(&format!("storm-{number}")), "x").unwrap();
    }
    fs::rename(scene.path("old"), scene.path("new")).unwrap();
    scene.until("the loss", |noticed| {
        noticed.iter().filter_map(lost_of).any(|lost| lost.why == Why::Queue && lost.places.is_empty())
    });
    fs::write(scene.path("new/file"), "y").unwrap();
    scene.touched("new/file", How::WRITTEN);
}

#[test]
fn another_turn_is_woken() {
    let mut scene = Scene::new(tempfile::tempdir_in("/dev/shm").unwrap(), Vec::new(), Vec::new());
    scene.watch.waker().wake();
    let began = Instant::now();
    scene.watch.turn(Duration::from_secs(600), &mut |_| Ok(()));
    assert!(began.elapsed() < Duration::from_secs(300));
}

#[test]
fn the_next_process_goes_on_where_this_one_stopped() {
    for scene in scenes(|_| {}) {
        let kept = scene.watch.descriptor().unwrap().try_clone_to_owned().unwrap();
        let Scene { folder, watch, held, interest, .. } = scene;
        drop(watch);
        fs::write(folder.path().join("between"), "x").unwrap();
        let setup = Setup {
            interest: interest.clone(),
            held: held.clone(),
            decoys: Vec::new(),
            hot: Vec::new(),
            kinds: Vec::new(),
            who: Box::new(Nobody),
        };
        let mut watch = Watch::resume(kept, setup);
        watch.kernel.own = 0;
        let mut scene = Scene { folder, watch, held, interest, noticed: Vec::new() };
        scene.touched("between", How::WRITTEN);
        assert!(scene.losses().is_empty());
    }
}

mod measured {
    mod tests;
}
mod mounted {
    mod tests;
}
