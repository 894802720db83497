//! A metadata service of our own: as EC2's where that matters, and as nasty as a test wants it.
//!
//! It lives at the real addresses, in a network namespace beside the one that the test is in, behind a pair of veth.
//! Modelled after the EC2 user guide: PUT for a token with a time of 1 to 21600 seconds and without X-Forwarded-For,
//! 401 without one where it is required, 403 where all is off, and a time to live on the token's answer alone.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};

use super::namespace::shell;

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) tokens: Tokens,
    pub(crate) hops: u8,
    pub(crate) ipv6: bool,
    pub(crate) role: Option<&'static str>,
    pub(crate) mood: Mood,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokens {
    Required,
    Optional,
    Off,
}

/// How it answers, beyond what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Sound,
    /// Takes the connection and says nothing.
    Silent,
    /// A body without an end.
    Endless,
    /// A header without an end.
    Babbling,
    /// A byte every fifty milliseconds.
    Slow,
    /// Leads everybody to 192.0.2.80.
    Redirecting,
    Garbage,
    /// A page with status 200 for everything.
    Portal,
    /// Every PUT is met with 405.
    NoPut,
    /// An answer's head, and then the connection is reset.
    Broken,
}

impl Default for Options {
    fn default() -> Self {
        Self { tokens: Tokens::Required, hops: 1, ipv6: false, role: Some("web"), mood: Mood::Sound }
    }
}

impl Options {
    /// `tokens=required hops=1 ipv6=on role=web mood=silent`
    pub(crate) fn parse(text: &str) -> Self {
        let mut options = Self::default();
        for word in text.split_whitespace() {
            match word.split_once('=').unwrap_or((word, "")) {
                ("tokens", "required") => options.tokens = Tokens::Required,
                ("tokens", "optional") => options.tokens = Tokens::Optional,
                ("tokens", "off") => options.tokens = Tokens::Off,
                ("hops", hops) => options.hops = hops.parse().expect("a hop limit"),
                ("ipv6", state) => options.ipv6 = state == "on",
                ("role", "web") => options.role = Some("web"),
                ("role", "none") => options.role = None,
                ("mood", mood) => options.mood = Mood::parse(mood),
                _ => panic!("imds: what is {word}?"),
            }
        }
        options
    }
}

impl Mood {
    fn parse(word: &str) -> Self {
        match word {
            "sound" => Self::Sound,
            "silent" => Self::Silent,
            "endless" => Self::Endless,
            "babbling" => Self::Babbling,
            "slow" => Self::Slow,
            "redirecting" => Self::Redirecting,
            "garbage" => Self::Garbage,
            "portal" => Self::Portal,
            "no-put" => Self::NoPut,
            "broken" => Self::Broken,
            _ => panic!("imds: no mood is {word}"),
        }
    }
}

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) has_token: bool,
    /// The address that was asked.
    pub(crate) at: IpAddr,
    pub(crate) headers: HashMap<String, String>,
}

/// The service as long as the value lives.
#[derive(Debug)]
pub(crate) struct MetadataService {
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MetadataService {
    /// In a namespace of its own, with a way to it from the calling thread's.
    pub(crate) fn beside_us(options: Options) -> Self {
        let (asked, stop) = (Arc::default(), Arc::<AtomicBool>::default());
        let (tell, hear) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn({
            let (asked, stop) = (Arc::clone(&asked), Arc::clone(&stop));
            move || {
                unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace: these tests run as root");
                tell.send(nix::unistd::gettid()).expect("a listener");
                wait.recv().expect("a way here");
                for line in THERE {
                    shell(line);
                }
                let addresses = ["169.254.169.254:80", "[fd00:ec2::254]:80", "192.0.2.80:80"];
                let count = if options.ipv6 { 2 } else { 1 };
                let mut listeners: Vec<_> = addresses[..count]
                    .iter()
                    .map(|address| TcpListener::bind(address).expect("a port"))
                    .collect();
                // Whoever comes here was sent here.
                listeners.push(TcpListener::bind(addresses[2]).expect("a port"));
                ready.send(()).expect("a listener");
                serve(&listeners, &options, &asked, &stop);
            }
        });
        let id = hear.recv().expect("the service's thread");
        shell(&format!(
            "ip link add eth0 address 02:00:00:00:00:05 type veth \
             peer name eth0 address 02:00:00:00:00:01 netns {id}"
        ));
        for line in HERE {
            shell(line);
        }
        go.send(()).expect("the service's thread");
        is_ready.recv().expect("the service listens");
        for address in ["169.254.169.254:80", "[fd00:ec2::254]:80"] {
            wait_for_the_way(address.parse().expect("an address"));
        }
        Self { asked, stop, thread: Some(thread) }
    }

    /// In the calling thread's namespace, on addresses that are there already.
    pub(crate) fn at(addresses: &[&str], options: Options) -> Self {
        let (asked, stop) = (Arc::default(), Arc::<AtomicBool>::default());
        let listeners: Vec<_> =
            addresses.iter().map(|address| TcpListener::bind(address).expect("a port")).collect();
        let thread = std::thread::spawn({
            let (asked, stop) = (Arc::clone(&asked), Arc::clone(&stop));
            move || serve(&listeners, &options, &asked, &stop)
        });
        Self { asked, stop, thread: Some(thread) }
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a log").clone()
    }
}

impl Drop for MetadataService {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A link loses packets in its first moments, and TCP tries again after a second: knock until somebody opens, or
/// says that nobody lives there. A connection without a request is not in the log.
fn wait_for_the_way(address: SocketAddr) {
    for _ in 0..500 {
        match TcpStream::connect_timeout(&address, Duration::from_millis(20)) {
            Ok(_) => return,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => return,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    panic!("there is no way to {address}");
}

/// What an instance has: an address from the subnet, and a way to the link-local ones.
const HERE: &[&str] = &[
    "ip link set eth0 addrgenmode none",
    "ip addr add 10.0.0.5/24 dev eth0",
    "ip -6 addr add fd00:10::5/64 dev eth0 nodad",
    "ip link set eth0 up",
    "ip route add 169.254.169.254 dev eth0 scope link",
    "ip route add default via 10.0.0.1",
    "ip -6 route add fd00:ec2::254 dev eth0",
    // A question for a neighbour that gets lost is asked again after a second.
    "ip -6 neigh replace fd00:ec2::254 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
    "ip neigh replace 169.254.169.254 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
];

const THERE: &[&str] = &[
    "ip link set lo up",
    "ip link set eth0 addrgenmode none",
    "ip addr add 10.0.0.1/24 dev eth0",
    "ip addr add 169.254.169.254/32 dev eth0",
    "ip addr add 192.0.2.80/32 dev eth0",
    "ip -6 addr add fd00:10::1/64 dev eth0 nodad",
    "ip -6 addr add fd00:ec2::254/128 dev eth0 nodad",
    "ip link set eth0 up",
    "ip -6 neigh replace fd00:10::5 lladdr 02:00:00:00:00:05 dev eth0 nud permanent",
    "ip neigh replace 10.0.0.5 lladdr 02:00:00:00:00:05 dev eth0 nud permanent",
];

fn serve(
    listeners: &[TcpListener],
    options: &Options,
    asked: &Arc<Mutex<Vec<Asked>>>,
    stop: &Arc<AtomicBool>,
) {
    let tokens = Arc::<Mutex<HashMap<String, Instant>>>::default();
    let mut threads = Vec::new();
    for listener in listeners {
        listener.set_nonblocking(true).expect("a socket");
    }
    while !stop.load(Ordering::Relaxed) {
        for (stream, _) in listeners.iter().filter_map(|listener| listener.accept().ok()) {
            let mut connection = Connection {
                options: options.clone(),
                asked: Arc::clone(asked),
                stop: Arc::clone(stop),
                tokens: Arc::clone(&tokens),
                stream,
            };
            threads.push(std::thread::spawn(move || connection.serve()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    for thread in threads {
        let _ = thread.join();
    }
}

struct Connection {
    options: Options,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
    tokens: Arc<Mutex<HashMap<String, Instant>>>,
    stream: TcpStream,
}

impl Connection {
    fn serve(&mut self) {
        self.stream.set_nonblocking(false).expect("a socket");
        self.stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket");
        self.stream.set_write_timeout(Some(Duration::from_millis(50))).expect("a socket");
        while let Some(request) = self.request() {
            self.asked.lock().expect("a log").push(request.clone());
            if self.answer(&request).is_err() {
                return;
            }
        }
    }

    fn request(&mut self) -> Option<Asked> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock) => {
                    if self.stop.load(Ordering::Relaxed) {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.lines();
        let mut words = lines.next()?.split(' ').map(str::to_owned);
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Some(Asked {
            method: words.next()?,
            path: words.next()?,
            has_token: headers.contains_key("x-aws-ec2-metadata-token"),
            at: self.stream.local_addr().map(|address: SocketAddr| address.ip()).ok()?,
            headers,
        })
    }

    fn answer(&mut self, request: &Asked) -> std::io::Result<()> {
        match self.options.mood {
            Mood::Sound => {}
            Mood::NoPut if request.method != "PUT" => {}
            Mood::NoPut => return self.send(405, "Not Allowed"),
            Mood::Portal => return self.send(200, "<html>Please log in</html>"),
            Mood::Garbage => return self.stream.write_all(b"\x00\xff\x1b[2J SSH-2.0-nonsense\r\n\r\n\r\n"),
            Mood::Broken => {
                self.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\ni-01")?;
                return Err(std::io::ErrorKind::Other.into());
            }
            Mood::Redirecting => {
                let place = "Location: http://192.0.2.80/latest/api/token\r\n";
                let answer = format!("HTTP/1.1 307 Temporary Redirect\r\n{place}Content-Length: 0\r\n\r\n");
                return self.stream.write_all(answer.as_bytes());
            }
            Mood::Silent => return self.forever(b"", Duration::from_millis(10)),
            Mood::Slow => {
                self.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")?;
                return self.forever(b"i", Duration::from_millis(50));
            }
            Mood::Endless => {
                self.stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                return self.forever(&[b'i'; 4096], Duration::ZERO);
            }
            Mood::Babbling => {
                self.stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
                return self.forever(b"X-Header: and another\r\n", Duration::ZERO);
            }
        }
        let (status, body) = self.sound(request);
        // Only the answer that carries a token has the hop limit.
        if status == 200 && request.method == "PUT" && request.at.is_ipv4() {
            self.stream.set_ttl(u32::from(self.options.hops))?;
        }
        self.send(status, &body)?;
        if request.at.is_ipv4() { self.stream.set_ttl(64) } else { Ok(()) }
    }

    /// The status and body of EC2's own service.
    fn sound(&self, request: &Asked) -> (u16, String) {
        if self.options.tokens == Tokens::Off {
            return (403, "Forbidden".to_owned());
        }
        if request.path == "/latest/api/token" {
            return self.token(request);
        }
        match request.headers.get("x-aws-ec2-metadata-token") {
            None if self.options.tokens == Tokens::Optional => {}
            None => return (401, "Unauthorized".to_owned()),
            Some(token) => match self.tokens.lock().expect("tokens").get(token) {
                Some(until) if *until > Instant::now() => {}
                _ => return (401, "Unauthorized".to_owned()),
            },
        }
        match (request.path.as_str(), self.options.role) {
            ("/latest/meta-data/instance-id", _) => (200, "i-0123456789abcdef0".to_owned()),
            ("/latest/meta-data/iam/security-credentials/", Some(role)) => (200, role.to_owned()),
            _ => (404, "Not Found".to_owned()),
        }
    }

    fn token(&self, request: &Asked) -> (u16, String) {
        if request.method != "PUT" {
            return (405, "Not Allowed".to_owned());
        }
        if request.headers.contains_key("x-forwarded-for") {
            return (403, "Forbidden".to_owned());
        }
        let seconds = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds");
        match seconds.and_then(|seconds| seconds.parse::<u64>().ok()) {
            Some(seconds @ 1..=21_600) => {
                let mut tokens = self.tokens.lock().expect("tokens");
                let token = format!("AQAEAFakeTokenOfATestNumber{:029}", tokens.len());
                tokens.insert(token.clone(), Instant::now() + Duration::from_secs(seconds));
                (200, token)
            }
            _ => (400, "Bad Request".to_owned()),
        }
    }

    fn send(&mut self, status: u16, body: &str) -> std::io::Result<()> {
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(answer.as_bytes())
    }

    /// Until the other side has enough, or the test is over.
    fn forever(&mut self, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            match self.stream.write_all(bytes) {
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Err(error),
                _ => std::thread::sleep(pause),
            }
        }
        Err(std::io::ErrorKind::Other.into())
    }
}
