//! A small HTTP client that costs little, so that on two cores mostly the server is measured.

use std::net::SocketAddr;
use std::time::{Duration, Instant as Stopwatch};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection that is kept open.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    key: String,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr, key: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024), key: key.to_owned() })
    }

    /// Sends a request and reads the whole answer. Gives its status and how long it took.
    pub(super) async fn call(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, Duration)> {
        let begun = Stopwatch::now();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let status = self.answer().await?;
        Ok((status, begun.elapsed()))
    }

    /// The value of a text field of the last answer's JSON.
    pub(super) fn field(&self, name: &str) -> anyhow::Result<String> {
        let text = String::from_utf8_lossy(&self.buffer);
        let begin = text.find(&format!("\"{name}\":\"")).with_context(|| format!("an answer with {name}"))?;
        let rest = &text[begin + name.len() + 4..];
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }

    /// Reads an answer that comes in chunks, and keeps none of it. Gives the number of lines and how long it took.
    pub(super) async fn download(&mut self, path: &str) -> anyhow::Result<(u64, Duration)> {
        let begun = Stopwatch::now();
        let key = &self.key;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        let (mut n_lines, mut tail) = (0, Vec::new());
        loop {
            self.buffer.clear();
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server broke the download off");
            }
            n_lines += self.buffer.iter().filter(|byte| **byte == b'\n').count();
            tail.extend_from_slice(&self.buffer);
            tail.drain(..tail.len().saturating_sub(5));
            if tail == b"0\r\n\r\n" {
                return Ok((u64::try_from(n_lines)?, begun.elapsed()));
            }
        }
    }

    async fn answer(&mut self) -> anyhow::Result<u16> {
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            let Some(end) = find(&self.buffer, b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).context("the head of an answer")?;
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())?.ok()
            });
            let length = length.context("an answer with a length")?;
            let status = head.get(9..12).and_then(|status| status.parse().ok()).context("a status")?;
            let missing = (end + 4 + length).saturating_sub(self.buffer.len());
            let begin = self.buffer.len();
            self.buffer.resize(begin + missing, 0);
            self.stream.read_exact(&mut self.buffer[begin..]).await?;
            return Ok(status);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
