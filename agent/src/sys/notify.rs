//! What the service manager is told of us, and what it wants to hear: sd_notify(3), sd_watchdog_enabled(3).
//!
//! Nothing here waits and nothing here fails the daemon: a manager that does not listen is no reason to stop watching.
//! The environment is only read; the variables stay, for nothing that we start could inherit them.

pub mod stored;

use std::env;
use std::ffi::OsStr;
use std::io::IoSlice;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::time::Duration;

use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use nix::time::{ClockId, clock_gettime};

/// The way to the service manager, if there is one. Each call tells whether the manager took the message, so that
/// one it must not miss can be repeated.
#[derive(Debug)]
pub struct Notifier {
    way: Option<(UnixDatagram, SocketAddr)>,
}

impl Notifier {
    /// To whoever started us; to nobody when that was not a service manager.
    pub fn from_env() -> Self {
        Self::to(env::var_os("NOTIFY_SOCKET").as_deref())
    }

    /// To an address as `$NOTIFY_SOCKET` has it: an absolute path, or `@` and a name in the abstract namespace.
    pub fn to(address: Option<&OsStr>) -> Self {
        let way = || {
            let address = parse(address?.as_bytes())?;
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, address))
        };
        Self { way: way() }
    }

    /// Whether anybody may be listening.
    pub fn is_heard(&self) -> bool {
        self.way.is_some()
    }

    /// The start, or a reload, is done; `status` is what `systemctl status` shows.
    pub fn ready(&self, status: &str) -> bool {
        self.send(&format!("READY=1\n{}", line(status)))
    }

    pub fn status(&self, status: &str) -> bool {
        self.send(&line(status))
    }

    /// The configuration is being read anew; [`Notifier::ready`] has to follow.
    pub fn reloading(&self) -> bool {
        // Since systemd 253 the time belongs to it: a manager tells by it which reload a later READY=1 ends.
        let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return false };
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}\n", Duration::from(now).as_micros()))
    }

    pub fn stopping(&self) -> bool {
        self.send("STOPPING=1\n")
    }

    /// We still live: at least once in each [`ping_interval`].
    pub fn ping(&self) -> bool {
        self.send("WATCHDOG=1\n")
    }

    /// Keep this for who comes after us, should we die: [`stored::take`]. The name is ours.
    pub fn keep(&self, name: &str, descriptor: BorrowedFd<'_>) -> bool {
        let Some((socket, address)) = &self.way else { return false };
        let address = match (address.as_pathname(), address.as_abstract_name()) {
            (Some(path), _) => UnixAddr::new(path),
            (None, Some(name)) => UnixAddr::new_abstract(name),
            (None, None) => return false,
        };
        let Ok(address) = address else { return false };
        let message = format!("FDSTORE=1\nFDNAME={name}\n");
        let (bytes, with) = ([IoSlice::new(message.as_bytes())], [descriptor.as_raw_fd()]);
        let with = [ControlMessage::ScmRights(&with)];
        sendmsg(socket.as_raw_fd(), &bytes, &with, MsgFlags::MSG_NOSIGNAL, Some(&address)).is_ok()
    }

    /// What was kept under this name is of no use.
    pub fn forget(&self, name: &str) -> bool {
        // What others named must not become another assignment.
        !name.contains(char::is_control) && self.send(&format!("FDSTOREREMOVE=1\nFDNAME={name}\n"))
    }

    fn send(&self, message: &str) -> bool {
        let Some((socket, address)) = &self.way else { return false };
        socket.send_to_addr(message.as_bytes(), address).is_ok()
    }
}

/// How often the service manager wants a ping: half of what it allows, as sd_watchdog_enabled(3) advises.
/// `None` where it wants none, or wants it of another process.
pub fn ping_interval() -> Option<Duration> {
    interval(env::var_os("WATCHDOG_USEC").as_deref(), env::var_os("WATCHDOG_PID").as_deref(), process::id())
}

fn interval(micros: Option<&OsStr>, pid: Option<&OsStr>, own: u32) -> Option<Duration> {
    if let Some(pid) = pid
        && number(pid) != Some(u64::from(own))
    {
        return None;
    }
    let half = number(micros?)? / 2;
    (half > 0).then(|| Duration::from_micros(half))
}

fn number(text: &OsStr) -> Option<u64> {
    text.to_str()?.parse().ok()
}

fn parse(address: &[u8]) -> Option<SocketAddr> {
    match address {
        [b'@', name @ ..] if !name.is_empty() => SocketAddr::from_abstract_name(name).ok(),
        [b'/', ..] => SocketAddr::from_pathname(OsStr::from_bytes(address)).ok(),
        // vsock: is for machine managers, who are outside of the guest.
        _ => None,
    }
}

/// One assignment on one line: whatever is in a status, it must not become another assignment.
fn line(status: &str) -> String {
    let status: String =
        status.chars().take(MAX_STATUS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("STATUS={status}\n")
}

/// `systemctl status` shows one line of it.
const MAX_STATUS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;

    #[test]
    fn a_path_and_an_abstract_name_are_both_reached() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let at_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("guestward-notify-{}", process::id());
        let abstract_ = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();

        for (receiver, address) in [(at_path, path.into_os_string()), (abstract_, format!("@{name}").into())]
        {
            let notifier = Notifier::to(Some(&address));
            assert!(notifier.is_heard());
            assert!(notifier.ready("watching") && notifier.ping() && notifier.stopping());
            assert_eq!(received(&receiver), "READY=1\nSTATUS=watching\n");
            assert_eq!(received(&receiver), "WATCHDOG=1\n");
            assert_eq!(received(&receiver), "STOPPING=1\n");
        }
    }

    #[test]
    fn a_reload_carries_the_monotonic_time() {
        let (notifier, receiver, _folder) = pair();
        let before = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_micros();
        assert!(notifier.reloading());
        let after = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_micros();
        let message = received(&receiver);
        let micros = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end();
        assert!((before..=after).contains(&micros.parse().unwrap()), "{message}");
    }

    #[test]
    fn a_status_cannot_become_another_assignment() {
        let (notifier, receiver, _folder) = pair();
        assert!(notifier.status("evil\nMAINPID=1\u{1b}[2J"));
        assert_eq!(received(&receiver), "STATUS=evil MAINPID=1 [2J\n");
        assert!(notifier.status(&"ä".repeat(10_000)));
        assert!(received(&receiver).len() < 1024);
    }

    #[test]
    fn a_manager_that_never_reads_is_not_waited_for() {
        let (notifier, _receiver, _folder) = pair();
        // A receiver's queue has room for some ten datagrams (net.unix.max_dgram_qlen); a hang here is the failure.
        assert!((0..100_000).any(|_| !notifier.ping()));
    }

    #[test]
    fn a_descriptor_is_kept_under_its_name_and_forgotten_by_it() {
        let (notifier, receiver, _folder) = pair();
        let (ours, theirs) = std::io::pipe().unwrap();
        assert!(notifier.keep("inputs", ours.as_fd()));
        let (message, received_fd) = with_descriptor(&receiver);
        assert_eq!(message, "FDSTORE=1\nFDNAME=inputs\n");
        drop((ours, theirs));
        assert!(received_fd.is_some_and(|fd| fd > 2));

        assert!(notifier.forget("inputs"));
        assert_eq!(received(&receiver), "FDSTOREREMOVE=1\nFDNAME=inputs\n");
        assert!(!notifier.forget("x\nMAINPID=1"));
    }

    fn with_descriptor(receiver: &UnixDatagram) -> (String, Option<i32>) {
        let (mut bytes, mut space) = ([0; 256], nix::cmsg_space!([std::os::fd::RawFd; 1]));
        let mut buffers = [std::io::IoSliceMut::new(&mut bytes)];
        let message = nix::sys::socket::recvmsg::<()>(
            receiver.as_raw_fd(),
            &mut buffers,
            Some(&mut space),
            MsgFlags::empty(),
        );
        let message = message.unwrap();
        let descriptor = message.cmsgs().unwrap().find_map(|with| match with {
            nix::sys::socket::ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
            _ => None,
        });
        let length = message.bytes;
        (String::from_utf8(bytes[..length].to_vec()).unwrap(), descriptor)
    }

    #[test]
    fn nobody_to_tell_is_no_failure() {
        for address in
            [None, Some(""), Some("@"), Some("relative"), Some("vsock:2:9999"), Some("/gone/notify")]
        {
            let notifier = Notifier::to(address.map(OsStr::new));
            assert!(!notifier.ready("watching"), "{address:?}");
        }
        let too_long = format!("/{}", "x".repeat(200));
        assert!(!Notifier::to(Some(OsStr::new(&too_long))).is_heard());
    }

    #[test]
    fn half_of_the_watchdogs_time_is_the_interval_and_only_for_the_process_that_is_meant() {
        let of = |micros: &str, pid: Option<&str>| interval(Some(micros.as_ref()), pid.map(OsStr::new), 42);
        assert_eq!(of("30000000", None), Some(Duration::from_secs(15)));
        assert_eq!(of("30000000", Some("42")), Some(Duration::from_secs(15)));
        for (micros, pid) in [
            ("30000000", Some("41")),
            ("30000000", Some("x")),
            ("0", None),
            ("1", None),
            ("-1", None),
            ("x", None),
        ] {
            assert_eq!(of(micros, pid), None, "{micros} {pid:?}");
        }
        assert_eq!(interval(None, None, 42), None);
    }

    fn pair() -> (Notifier, UnixDatagram, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        (Notifier::to(Some(path.as_os_str())), receiver, folder)
    }

    fn received(socket: &UnixDatagram) -> String {
        socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}
