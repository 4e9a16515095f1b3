//! Where audit records come from: the audit system's multicast group (`CAP_AUDIT_READ`), or the kernel's log, in which
//! they stand too where no audit daemon takes them.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::record::Record;

/// The records of a run.
#[derive(Debug)]
pub struct Audit {
    state: Mutex<(Source, VecDeque<Record>)>,
}

#[derive(Debug)]
enum Source {
    Multicast(OwnedFd),
    KernelLog(File),
}

/// `AUDIT_NLGRP_READLOG`, as a bit.
const READLOG: u32 = 1;
/// More than the containers leave that are watched at the same time, if nobody floods.
const MOST_RECORDS: usize = 10_000;
/// How many bytes of messages the kernel may queue: a refusal is three messages of about a kilobyte each, and where a policy refuses
/// what the marks ask for, every guarded call leaves one. The usual 200 KiB hold the first part of a container's.
const QUEUE: libc::c_int = 8 << 20;

impl Audit {
    /// Begins to listen; the error says why nothing can be heard.
    pub fn open() -> Result<Self, String> {
        let source = match multicast() {
            Ok(socket) => Source::Multicast(socket),
            Err(error) if an_audit_daemon_runs() => {
                return Err(format!(
                    "the audit system does not let this run listen (CAP_AUDIT_READ): {error}; and the kernel's log has no records, because an audit daemon takes them"
                ));
            }
            Err(error) => Source::KernelLog(kernel_log().map_err(|_| {
                format!(
                    "audit records take root (CAP_AUDIT_READ), or the right to read the kernel's log: {error}"
                )
            })?),
        };
        Ok(Self { state: Mutex::new((source, VecDeque::new())) })
    }

    /// The records so far, the latest [`MOST_RECORDS`] of them.
    pub fn take(&self) -> Vec<Record> {
        self.read();
        self.lock().1.iter().cloned().collect()
    }

    /// Reads what has come. Whoever does not read for long loses records: the kernel queues only so many.
    pub fn read(&self) {
        let mut state = self.lock();
        let (source, records) = &mut *state;
        let mut buffer = vec![0u8; 16 * 1024];
        while let Some(length) = source.next(&mut buffer) {
            let record = match source {
                Source::Multicast(_) => message(&buffer[..length]),
                Source::KernelLog(_) => log_entry(&buffer[..length]),
            };
            records.extend(record);
            if records.len() > MOST_RECORDS {
                records.pop_front();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Source, VecDeque<Record>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    /// Reads one message or entry, if there is one.
    fn next(&mut self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            let read = match self {
                Self::Multicast(socket) => {
                    // SAFETY: `buffer` is live memory of its length.
                    let length = unsafe {
                        libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0)
                    };
                    usize::try_from(length).map_err(|_| std::io::Error::last_os_error())
                }
                Self::KernelLog(log) => log.read(buffer),
            };
            match read {
                Ok(length) => return (length > 0).then_some(length),
                // Messages did not fit in the queue, or entries were overwritten before they were read: others are there.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOBUFS | libc::EPIPE)) => {}
                Err(_) => return None,
            }
        }
    }
}

fn multicast() -> std::io::Result<OwnedFd> {
    // SAFETY: numbers, and an address of the size that is passed; the descriptor is checked and then owned.
    unsafe {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let fd = libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_AUDIT);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        let socket = OwnedFd::from_raw_fd(fd);
        // Past the usual limit by CAP_NET_ADMIN; without it the usual queue has to do.
        let queue = QUEUE;
        let size = size_of_val(&queue) as u32;
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, (&raw const queue).cast(), size);
        let mut address: libc::sockaddr_nl = mem::zeroed();
        address.nl_family = libc::AF_NETLINK as u16;
        address.nl_groups = READLOG;
        let size = size_of_val(&address) as u32;
        match libc::bind(fd, (&raw const address).cast(), size) {
            0 => Ok(socket),
            _ => Err(std::io::Error::last_os_error()),
        }
    }
}

/// Whether the kernel hands its records to a daemon, which then writes them down itself.
fn an_audit_daemon_runs() -> bool {
    let is_one = |pid: &str| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.trim_end() == "auditd"
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|entry| entry.file_name().into_string().ok()).any(|pid| is_one(&pid))
}

/// The kernel's log, from now on.
fn kernel_log() -> std::io::Result<File> {
    let mut log = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg")?;
    log.seek(SeekFrom::End(0))?;
    Ok(log)
}

/// A netlink message: a header of 16 bytes (the type is the third half-word) and the text. The length field is not to
/// be trusted here: the kernel leaves the header out of it.
fn message(bytes: &[u8]) -> Option<Record> {
    let (header, text) = bytes.split_at_checked(16)?;
    let kind = u16::from_ne_bytes([header[4], header[5]]);
    Record::parse(kind, String::from_utf8_lossy(text).trim_end_matches(['\0', '\n']))
}

/// `6,1234,5678,-;audit: type=1400 audit(…): …`
fn log_entry(bytes: &[u8]) -> Option<Record> {
    let text = String::from_utf8_lossy(bytes);
    let (_, entry) = text.split_once(';')?;
    let (kind, text) = entry.strip_prefix("audit: type=")?.split_once(' ')?;
    Record::parse(kind.parse().ok()?, text.lines().next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "audit(1.2:3): pid=5 syscall=164 code=0x50000";

    #[test]
    fn the_same_record_from_either_source() {
        let mut bytes = vec![0u8; 16];
        bytes[4..6].copy_from_slice(&1326u16.to_ne_bytes());
        bytes.extend_from_slice(TEXT.as_bytes());
        let from_socket = message(&bytes);
        assert_eq!(from_socket.as_ref().and_then(|record| record.pid), Some(5));
        let entry = format!("5,1,2,-;audit: type=1326 {TEXT}\n SUBSYSTEM=x\n");
        assert_eq!(log_entry(entry.as_bytes()), from_socket);
    }

    #[test]
    fn other_bytes_are_no_record() {
        assert_eq!(message(b"short"), None);
        assert_eq!(log_entry(b"6,1,2,-;usb 1-1: new device"), None);
        assert_eq!(log_entry(b"no separator"), None);
    }
}
