//! A network namespace of its own for a piece of a test: real rules and routes that touch nobody else's.

use std::io::Write as _;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, unshare};

/// Runs `work` on a thread in a new network namespace whose loopback is up. Programs that it starts are in it, too.
pub(crate) fn inside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace: these tests run as root");
            shell("ip link set lo up");
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A command line that must succeed.
pub(crate) fn shell(line: &str) {
    let output = Command::new("sh").args(["-c", line]).stdin(Stdio::null()).output().expect("a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Loads rules as nft(8) reads them.
pub(crate) fn nft(rules: &str) {
    let mut child = Command::new("/usr/sbin/nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nft");
    child.stdin.take().expect("a pipe").write_all(rules.as_bytes()).expect("rules");
    let output = child.wait_with_output().expect("nft ends");
    assert!(output.status.success(), "{rules}: {}", String::from_utf8_lossy(&output.stderr));
}
