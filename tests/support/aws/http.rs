//! Just enough of HTTP/1.1 for a double of a server: connections that stay, both ways to send a body, and bounds.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

/// A request, whole.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case, in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.into() }
    }

    fn head(&self, length: usize) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {length}\r\n\r\n");
        head
    }
}

/// How an answer goes out.
#[derive(Debug)]
pub(crate) enum Reply {
    Whole(Answer),
    /// Whole, and the end of the connection; no segment of it goes further than so many hops.
    Last(Answer, u8),
    /// RST instead of an answer.
    Reset,
    /// Nothing, until the client or the test has enough.
    Silent,
    /// A byte of the body each time.
    Slow(Answer, Duration),
    /// The first half of the body, and the end of the connection.
    Cut(Answer),
    /// The body again and again, until so many bytes are out.
    Endless(Answer, usize),
}

/// The bytes of a connection, with or without TLS.
pub(crate) trait Wire: Read + Write + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// One connection, request after request.
pub(crate) struct Connection<'a> {
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) stop: &'a AtomicBool,
    buffer: Vec<u8>,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(wire: Box<dyn Wire>, stop: &'a AtomicBool) -> Self {
        Self { wire, stop, buffer: Vec::new() }
    }

    /// Until the client goes, breaks the rules or the test ends.
    pub(crate) fn serve(&mut self, answer: impl Fn(Request) -> Reply) -> io::Result<()> {
        while let Some(request) = self.request()? {
            let closes =
                request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            self.send(answer(request))?;
            if closes {
                break;
            }
        }
        Ok(())
    }

    /// `None` when the client is done.
    fn request(&mut self) -> io::Result<Option<Request>> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if self.buffer.len() > MOST_HEAD {
                return self.refuse(431);
            }
            if !self.more()? {
                return Ok(None);
            }
        };
        let rest = self.buffer.split_off(end + 4);
        let head = std::mem::replace(&mut self.buffer, rest);
        let Some(mut request) = parse(&head) else { return self.refuse(400) };
        let is_chunked =
            request.header("transfer-encoding").map(|value| value.eq_ignore_ascii_case("chunked"));
        let length = request.header("content-length").map(str::parse::<usize>);
        let body = match (is_chunked, length) {
            (Some(true), None) => self.chunked()?,
            (None, Some(Ok(length))) if length <= MOST_BODY => Some(self.take(length)?),
            (None, None) => Some(Vec::new()),
            (None, Some(Ok(_))) => None,
            // Both, or neither understood: how requests are smuggled.
            _ => return self.refuse(400),
        };
        // What AWS says to a body that is far too long is not known; its front end is said to answer 413.
        let Some(body) = body else { return self.refuse(413) };
        request.body = body;
        Ok(Some(request))
    }

    fn chunked(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| ErrorKind::InvalidData)?;
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(Some(body));
            }
            if size > MOST_BODY - body.len() {
                return Ok(None);
            }
            body.extend(self.take(size)?);
            if !self.line()?.is_empty() {
                return Err(ErrorKind::InvalidData.into());
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = self.take(end + 2)?;
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.buffer.len() > MOST_HEAD || !self.more()? {
                return Err(ErrorKind::InvalidData.into());
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Whether something came.
    fn more(&mut self) -> io::Result<bool> {
        let mut piece = [0; 64 * 1024];
        loop {
            match self.wire.read(&mut piece) {
                Ok(length) => {
                    self.buffer.extend_from_slice(&piece[..length]);
                    return Ok(length > 0);
                }
                Err(error) if !is_pause(&error) => return Err(error),
                Err(_) if self.stop.load(Ordering::Relaxed) => return Ok(false),
                Err(_) => {}
            }
        }
    }

    fn refuse<T>(&mut self, status: u16) -> io::Result<T> {
        let mut answer = Answer::new(status, "text/plain", "");
        answer.headers.push(("connection", "close".to_owned()));
        self.send(Reply::Whole(answer))?;
        Err(ErrorKind::InvalidData.into())
    }

    fn send(&mut self, reply: Reply) -> io::Result<()> {
        match reply {
            Reply::Whole(answer) => {
                let mut bytes = answer.head(answer.body.len()).into_bytes();
                bytes.extend_from_slice(&answer.body);
                self.write(&bytes)
            }
            Reply::Last(answer, hops) => {
                self.wire.tcp().set_ttl(hops.into())?;
                self.send(Reply::Whole(answer))?;
                Err(ErrorKind::ConnectionAborted.into())
            }
            Reply::Reset => {
                // Closing with nothing to linger for sends RST.
                setsockopt(self.wire.tcp(), sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 })?;
                Err(ErrorKind::ConnectionReset.into())
            }
            Reply::Silent => {
                while !self.stop.load(Ordering::Relaxed)
                    && self.wire.tcp().peek(&mut [0]).map_or_else(|e| is_pause(&e), |n| n > 0)
                {
                    std::thread::sleep(PAUSE);
                }
                Err(ErrorKind::ConnectionAborted.into())
            }
            Reply::Slow(answer, pause) => {
                self.write(answer.head(answer.body.len()).as_bytes())?;
                for byte in &answer.body {
                    self.write(&[*byte])?;
                    self.pause(pause)?;
                }
                Ok(())
            }
            Reply::Cut(answer) => {
                self.write(answer.head(answer.body.len()).as_bytes())?;
                self.write(&answer.body[..answer.body.len() / 2])?;
                Err(ErrorKind::UnexpectedEof.into())
            }
            Reply::Endless(answer, length) => {
                self.write(answer.head(length).as_bytes())?;
                let mut left = length;
                while left > 0 {
                    let piece = left.min(answer.body.len());
                    self.write(&answer.body[..piece])?;
                    left -= piece;
                }
                Ok(())
            }
        }
    }

    fn pause(&self, length: Duration) -> io::Result<()> {
        let until = std::time::Instant::now() + length;
        while let Some(left) = until.checked_duration_since(std::time::Instant::now()) {
            self.go_on()?;
            std::thread::sleep(left.min(PAUSE));
        }
        self.go_on()
    }

    fn go_on(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.wire.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                Err(error) if is_pause(&error) => self.go_on()?,
                Err(error) => return Err(error),
            }
        }
        loop {
            match self.wire.flush() {
                Err(error) if is_pause(&error) => self.go_on()?,
                done => return done,
            }
        }
    }
}

fn parse(head: &[u8]) -> Option<Request> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if version != "HTTP/1.1" || words.next().is_some() {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Vec::new(),
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        413 => "Payload Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Bad Request",
    }
}

/// How often who waits looks whether the test is over.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);
const MOST_HEAD: usize = 64 * 1024;
/// A batch of CloudWatch Logs is at most 1 MiB, and each byte of it may take six in JSON.
const MOST_BODY: usize = 16 * 1024 * 1024;
