//! Against the kernel's own inotify.

use std::time::Duration;

use jiff::Timestamp;

use super::*;

#[derive(Debug)]
struct Below(Vec<u8>);

impl Interest for Below {
    fn generation(&self) -> u64 {
        0
    }

    fn wants(&self, path: &[u8]) -> bool {
        below(path, &self.0).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(b"/elsewhere"))
    }

    fn leads_on(&self, directory: &[u8]) -> bool {
        directory == self.0 || below(&self.0, directory).is_some() || self.wants(directory)
    }

    fn names_of(&self, _: u64, _: u64) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

struct Scene {
    folder: tempfile::TempDir,
    interest: Below,
    fallback: Fallback,
    touches: Vec<Touch>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        fs::create_dir_all(folder.path().join("a/deep")).unwrap();
        fs::create_dir_all(folder.path().join("elsewhere/deep")).unwrap();
        let place = folder.path().as_os_str().as_bytes().to_vec();
        let interest = Below(place.clone());
        let mut fallback = Fallback::start(Waker::new()).unwrap();
        fallback.cover(&place, &interest).unwrap();
        assert_eq!(fallback.count(&place), Some(3));
        Self { folder, interest, fallback, touches: Vec::new() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn until(&mut self, name: &str, how: How) -> Touch {
        let path = self.path(name);
        let end = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let mut of_it = self.touches.iter().filter(|touch| *touch.path == *path.as_os_str().as_bytes());
            if let Some(touch) = of_it.find(|touch| touch.how.contains(how)) {
                return touch.clone();
            }
            assert!(std::time::Instant::now() < end, "{name} {how:?}: {:#?}", self.touches);
            let mut batch = Batch::new(Timestamp::now());
            assert_eq!(self.fallback.drain(&self.interest, &mut batch), None);
            self.touches.extend(batch.touches.into_iter().map(|(touch, _)| touch));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn what_happens_in_the_directories_is_touched_and_what_is_read_is_not() {
    let mut scene = Scene::new();
    fs::write(scene.path("a/deep/file"), "x").unwrap();
    scene.until("a/deep/file", How::WRITTEN);
    fs::read(scene.path("a/deep/file")).unwrap();
    fs::write(scene.path("elsewhere/file"), "x").unwrap();
    fs::rename(scene.path("a/deep/file"), scene.path("a/moved")).unwrap();
    scene.until("a/deep/file", How::MOVED_AWAY);
    scene.until("a/moved", How::MOVED_HERE);
    fs::remove_file(scene.path("a/moved")).unwrap();
    scene.until("a/moved", How::DELETED);
    assert!(scene.touches.iter().all(|touch| !touch.path.ends_with(b"elsewhere/file")));
    assert_eq!(scene.touches.iter().filter(|touch| touch.how.contains(How::WRITTEN)).count(), 1);
}

#[test]
fn directories_that_come_are_watched_and_those_that_move_follow() {
    let mut scene = Scene::new();
    fs::create_dir_all(scene.path("new/deep")).unwrap();
    assert!(scene.until("new", How::CREATED).is_tree);
    fs::write(scene.path("new/deep/file"), "x").unwrap();
    scene.until("new/deep/file", How::WRITTEN);
    fs::rename(scene.path("new"), scene.path("other")).unwrap();
    assert!(scene.until("new", How::MOVED_AWAY).is_tree);
    assert!(scene.until("other", How::MOVED_HERE).is_tree);
    fs::write(scene.path("other/deep/another"), "x").unwrap();
    scene.until("other/deep/another", How::WRITTEN);
}

#[test]
fn what_was_not_kept_is_said_to_be_lost() {
    let mut scene = Scene::new();
    scene.fallback.has_lost.store(true, Ordering::Relaxed);
    let mut batch = Batch::new(Timestamp::now());
    scene.fallback.drain(&scene.interest, &mut batch);
    let mut losses = super::super::losses::Losses::default();
    batch.tell(&mut losses);
    assert_eq!(losses.next().unwrap().why, super::super::Why::Queue);
}
