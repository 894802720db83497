//! The time at 169.254.169.123, as EC2 gives it: the host's clock by SNTP (RFC 4330).

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use vm_tests::network::TIME;

/// Answers as long as it lives.
#[derive(Debug)]
pub(crate) struct TimeServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TimeServer {
    /// On the calling thread's network.
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind((TIME, 123)).expect("the address of a time server");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut request = [0; 512];
            while !stopping.load(Ordering::Relaxed) {
                let Ok((length, whom)) = socket.recv_from(&mut request) else { continue };
                if length >= LENGTH {
                    let _ = socket.send_to(&answer(&request[..LENGTH]), whom);
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for TimeServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(request: &[u8]) -> [u8; LENGTH] {
    let mut answer = [0; LENGTH];
    // No leap second, the version of the question, mode 4: a server.
    answer[0] = (request[0] & 0x38) | 4;
    // Stratum 3, a poll of 64 s, and as precise as a microsecond.
    answer[1..4].copy_from_slice(&[3, 6, 0xEC]);
    answer[12..16].copy_from_slice(&[169, 254, 169, 123]);
    let now = timestamp(SystemTime::now());
    answer[16..24].copy_from_slice(&now);
    // The time that it was asked at, as it said it; then when we heard it and when we answer.
    answer[24..32].copy_from_slice(&request[40..48]);
    answer[32..40].copy_from_slice(&now);
    answer[40..48].copy_from_slice(&now);
    answer
}

/// Seconds since 1900, and their 2^32nd parts.
fn timestamp(time: SystemTime) -> [u8; 8] {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    (((since.as_secs() + SINCE_1900) << 32) | fraction).to_be_bytes()
}

const LENGTH: usize = 48;
const SINCE_1900: u64 = 2_208_988_800;
