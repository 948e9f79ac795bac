//! A device serves one host at a time: another one that calls is told so, and does not wait for ever.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use qenex_core::error::{Coded, DEVICE_BUSY};
use qenex_core::hsm::proto::Command;
use qenex_device::serve::{listen, serve};
use qenex_device::soft::{Person, SoftBoard};
use qenex_device::{Client, DeviceError};
use zeroize::Zeroizing;

const PATIENCE: Duration = Duration::from_millis(300);

/// A folder of its own for each test, gone afterwards.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A device on the socket of a folder.
fn start(name: &str) -> Folder {
    let folder = Folder(std::env::temp_dir().join(format!("qenex-device-{name}-{}", std::process::id())));
    let _ = std::fs::remove_dir_all(&folder.0);
    let mut device = SoftBoard::open(&folder.0.join("device"), Person::Confirms).unwrap().start().unwrap();
    let listener = listen(&folder.0.join("socket")).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A host that gave up is no failure of the device.
            let _ = serve(&mut device, stream.unwrap());
        }
    });
    folder
}

fn connect(at: &Path) -> Result<Client<qenex_device::port::Port>, DeviceError> {
    Client::connect_within(PATIENCE, at, &Zeroizing::new([7; 32]), None)
}

#[test]
fn a_host_that_calls_a_busy_device_is_told_so() {
    let folder = start("busy");
    let at = folder.0.join("socket");
    let mut first = connect(&at).unwrap();
    let called = Instant::now();
    let refused = connect(&at).map(drop).unwrap_err();
    assert_eq!(refused.code(), DEVICE_BUSY, "{refused}");
    assert!((PATIENCE..PATIENCE * 10).contains(&called.elapsed()), "{:?}", called.elapsed());
    // The first one noticed nothing, and once it has hung up the next one is served.
    first.tell(Command::Pair).unwrap();
    first.hang_up();
    connect(&at).unwrap().tell(Command::Logout).unwrap();
}

#[test]
fn what_is_asked_later_may_take_longer() {
    let folder = start("slow");
    let (at, slow) = (folder.0.join("socket"), folder.0.join("slow"));
    let listener = listen(&slow).unwrap();
    // Between host and device: what answers a request comes late, the two answers to the handshake do not.
    thread::spawn(move || {
        let host = listener.accept().unwrap().0;
        let device = UnixStream::connect(at).unwrap();
        let (mut to_device, mut from_host) = (device.try_clone().unwrap(), host.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from_host, &mut to_device));
        let mut frames = 0;
        for byte in BufReader::new(device).bytes() {
            let byte = byte.unwrap();
            // The end of a frame.
            if byte == 0 {
                frames += 1;
                if frames == 3 {
                    thread::sleep(2 * PATIENCE);
                }
            }
            (&host).write_all(&[byte]).unwrap();
        }
    });
    let mut client = connect(&slow).unwrap();
    let called = Instant::now();
    client.tell(Command::Pair).unwrap();
    assert!(called.elapsed() >= 2 * PATIENCE);
}
