//! Podman's own API beside Docker's, on the same socket: what a container is made with. One request a connection, so
//! that no client library is needed.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::error::PodmanError;

/// The oldest version of the API that every Podman from 4.0 on speaks.
const VERSION: &str = "/v4.0.0/libpod";

/// How long the service may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer is a few thousand bytes.
const LONGEST: u64 = 16 << 20;

/// A service's socket.
#[derive(Clone, Debug)]
pub(super) struct Libpod {
    pub(super) socket: PathBuf,
}

impl Libpod {
    pub(super) fn get(&self, doing: &str, path: &str) -> Result<Value, PodmanError> {
        self.ask(doing, "GET", path, None)
    }

    pub(super) fn post(&self, doing: &str, path: &str, body: Option<&Value>) -> Result<Value, PodmanError> {
        self.ask(doing, "POST", path, body)
    }

    pub(super) fn delete(&self, doing: &str, path: &str) -> Result<Value, PodmanError> {
        self.ask(doing, "DELETE", path, None)
    }

    fn ask(&self, doing: &str, method: &str, path: &str, body: Option<&Value>) -> Result<Value, PodmanError> {
        let refused = |why: String| PodmanError::Refused { doing: doing.to_owned(), why };
        let body = body.map(Value::to_string).unwrap_or_default();
        let text = exchange(&self.socket, method, path, &body).map_err(|error| refused(error.to_string()))?;
        let (status, answer) =
            read(&text).ok_or_else(|| refused("the service's answer is not HTTP".to_owned()))?;
        if (200..400).contains(&status) {
            return Ok(serde_json::from_str(answer).unwrap_or(Value::Null));
        }
        let said: Value = serde_json::from_str(answer).unwrap_or(Value::Null);
        let said = said["message"].as_str().unwrap_or(answer).trim();
        Err(refused(format!("podman says: {said}")))
    }
}

/// In version 1.0 an answer ends with the connection, and comes in one piece.
fn exchange(socket: &Path, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut connection = UnixStream::connect(socket)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    write!(
        connection,
        "{method} {VERSION}{path} HTTP/1.0\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut text = String::new();
    connection.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Status and body.
fn read(text: &str) -> Option<(u16, &str)> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, body))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("HTTP/1.0 201 Created\r\nA: b\r\n\r\n{}", Some((201, "{}")))]
    #[case("HTTP/1.1 204 No Content\r\n\r\n", Some((204, "")))]
    #[case("HTTP/1.0 abc\r\n\r\n", None)]
    #[case("SSH-2.0-x\r\n", None)]
    #[case("", None)]
    fn answers(#[case] text: &str, #[case] expected: Option<(u16, &str)>) {
        assert_eq!(read(text), expected);
    }
}
