//! A listener, a thread a connection, and an end for all of them.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::{Shutdown, shutdown};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::http::{Connection, PAUSE, Reply, Request, Wire};

/// Listens as long as it lives.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    listener: Arc<TcpListener>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// In the calling thread's network namespace, wherever the value goes.
    pub(crate) fn start_at(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener =
            TcpListener::bind(address).unwrap_or_else(|error| panic!("cannot listen at {address}: {error}"));
        let address = listener.local_addr().expect("an address");
        let listener = Arc::new(listener);
        let stop = Arc::new(AtomicBool::new(false));
        let (listening, stopping, answer) = (Arc::clone(&listener), Arc::clone(&stop), Arc::new(answer));
        let thread = thread::spawn(move || accept(&listening, tls.as_ref(), &stopping, &answer));
        Self { address, listener, stop, thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Whoever waits for a connection gets an error: one more connection may have no way from where this is dropped.
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept<A: Fn(Request) -> Reply + Send + Sync + 'static>(
    listener: &TcpListener,
    tls: Option<&Arc<ServerConfig>>,
    stop: &Arc<AtomicBool>,
    answer: &Arc<A>,
) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            // Errors of a network that was cut off are told here as well, and none of them is the end.
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let (tls, stop, answer) = (tls.cloned(), Arc::clone(stop), Arc::clone(answer));
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread::spawn(move || {
            // A client that goes away is no matter of the test's.
            if let Ok(wire) = wire(stream, tls) {
                let _ = Connection::new(wire, &stop).serve(&*answer);
            }
        }));
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn wire(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Box<dyn Wire>> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PAUSE))?;
    stream.set_write_timeout(Some(PAUSE))?;
    let Some(config) = tls else { return Ok(Box::new(stream)) };
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    Ok(Box::new(Secured(StreamOwned::new(connection, stream))))
}

struct Secured(StreamOwned<ServerConnection, TcpStream>);

impl Read for Secured {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Secured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Wire for Secured {
    fn tcp(&self) -> &TcpStream {
        &self.0.sock
    }
}

/// Any port of the loopback.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
