//! Talking to a running QEMU over its monitor
//! (<https://www.qemu.org/docs/master/system/monitor.html>).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::VmError;

/// Saving a machine's state takes longest.
const PATIENCE: Duration = Duration::from_secs(120);

/// Has QEMU do something, and waits until it has.
pub(super) fn tell(socket: &Path, command: &str) -> Result<String, VmError> {
    let failed = || VmError::outside("talking to QEMU");
    let mut socket = UnixStream::connect(socket).map_err(failed())?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(failed())?;
    // It greets, and asks for a command; then it does it, and asks again.
    let mut said = until_asked(&mut socket)?;
    socket.write_all(format!("{command}\n").as_bytes()).map_err(failed())?;
    said.push_str(&until_asked(&mut socket)?);
    if said.contains("Error") {
        return Err(VmError::Inside { doing: command.to_owned(), said });
    }
    Ok(said)
}

fn until_asked(socket: &mut UnixStream) -> Result<String, VmError> {
    let mut text = Vec::new();
    let mut buffer = [0; 512];
    while !text.ends_with(b"(qemu) ") {
        match socket.read(&mut buffer).map_err(VmError::outside("listening to QEMU"))? {
            0 => break,
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
