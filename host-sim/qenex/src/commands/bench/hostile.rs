//! Who misbehaves while a node is measured: heads that never end, sent a byte at a time, and bodies that are longer than anything that the node takes.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::interface::Durations;

/// Between two bytes of a head that never ends.
const PACE: Duration = Duration::from_millis(500);

/// Between two bodies that are too long.
const PAUSE: Duration = Duration::from_millis(200);

/// What such a body has, if it is ever taken.
const BODY_BYTES: usize = 1 << 30;

/// What became of them.
#[derive(Default)]
pub struct Hostile {
    /// How long each head was listened to.
    heads: Durations,
    /// How many answers of which status the bodies got; zero where the connection was only closed.
    bodies: BTreeMap<u16, u64>,
    /// The most bytes of a body that could be sent.
    most_bytes: usize,
}

impl Hostile {
    /// Adds what somebody else saw.
    pub fn join(&mut self, other: Self) {
        self.heads.0.extend(other.heads.0);
        other.bodies.into_iter().for_each(|(status, count)| *self.bodies.entry(status).or_default() += count);
        self.most_bytes = self.most_bytes.max(other.most_bytes);
    }

    /// For a person.
    pub fn line(&self) -> String {
        format!(
            "heads that never end: cut off after {:.1} s at the most, {} times; bodies that are too long, by status: {:?}, of which {} KB could be sent",
            self.heads.at(1.0) / 1e3,
            self.heads.0.len(),
            self.bodies,
            self.most_bytes / 1_000,
        )
    }

    /// For a program.
    pub fn json(&self) -> Value {
        json!({
            "heads": self.heads.0.len(),
            "heads_ms_max": self.heads.at(1.0),
            "bodies": self.bodies,
            "body_bytes_max": self.most_bytes,
        })
    }
}

/// Whether the other end has closed a connection; what it says meanwhile is added.
fn is_closed(stream: &mut TcpStream, said: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 1_024];
    match stream.read(&mut buffer) {
        Ok(0) => true,
        Ok(count) => {
            said.extend_from_slice(&buffer[..count]);
            false
        }
        Err(error) => {
            !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
        }
    }
}

fn connect(port: u16, wait: Duration) -> Option<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    stream.set_write_timeout(Some(Duration::from_secs(10))).ok()?;
    Some(stream)
}

/// Sends heads that never end, one after the other, until it is told to stop. One that is listened to until then counts, too.
pub fn slow_heads(port: u16, stop: &AtomicBool) -> Hostile {
    let mut hostile = Hostile::default();
    while !stop.load(Ordering::Relaxed) {
        let Some(mut stream) = connect(port, PACE) else {
            std::thread::sleep(PACE);
            continue;
        };
        let begun = Instant::now();
        let mut sent = stream.write_all(b"GET /api/status HTTP/1.1\r\nhost: x\r\nx-slow: ");
        while sent.is_ok() && !is_closed(&mut stream, &mut Vec::new()) && !stop.load(Ordering::Relaxed) {
            sent = stream.write_all(b"a");
        }
        hostile.heads.0.push(begun.elapsed());
    }
    hostile
}

/// Sends bodies that are too long until it is told to stop: in turn one that says how long it is, and one that does not.
pub fn long_bodies(port: u16, key: &str, stop: &AtomicBool) -> Hostile {
    let mut hostile = Hostile::default();
    let chunk = [b'0'; 16 << 10];
    for says_so in [true, false].into_iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(PAUSE);
        let Some(mut stream) = connect(port, Duration::from_millis(1)) else { continue };
        let length = match says_so {
            true => format!("content-length: {BODY_BYTES}"),
            false => "transfer-encoding: chunked".into(),
        };
        let head =
            format!("POST /api/tx HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{length}\r\n\r\n");
        let (mut sent, mut said) = (0, Vec::new());
        let mut write = stream.write_all(head.as_bytes());
        while write.is_ok() && sent < BODY_BYTES && !is_closed(&mut stream, &mut said) {
            write = match says_so {
                true => stream.write_all(&chunk),
                false => write!(stream, "{:x}\r\n", chunk.len())
                    .and_then(|()| stream.write_all(&chunk))
                    .and_then(|()| stream.write_all(b"\r\n")),
            };
            sent += if write.is_ok() { chunk.len() } else { 0 };
        }
        // The answer may still be on its way.
        while !is_closed(&mut stream, &mut said) && said.is_empty() && !stop.load(Ordering::Relaxed) {}
        let status = std::str::from_utf8(&said).ok().and_then(|said| said.get(9..12)?.parse().ok());
        *hostile.bodies.entry(status.unwrap_or(0)).or_default() += 1;
        hostile.most_bytes = hostile.most_bytes.max(sent);
    }
    hostile
}
