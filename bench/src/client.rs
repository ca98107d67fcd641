//! A client that costs next to nothing: requests ready as bytes, one connection kept open, one request at a time.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::{Fault, sample::Sample};

/// Bytes that an answer may have.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What all connections together have seen.
pub(crate) struct Seen {
    /// Of each request, from its first byte sent to its last byte read.
    pub latency: Sample,
    /// From the first request to the last answer.
    pub took: Duration,
}

/// A request with a body of JSON, or without one.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Send the requests of each connection one after the other, all connections at once.
pub(crate) async fn send(address: SocketAddr, connections: Vec<Vec<Vec<u8>>>) -> Result<Seen, Fault> {
    let mut open = Vec::new();
    for requests in connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        open.push((stream, requests));
    }
    let begun = Instant::now();
    let mut tasks: JoinSet<_> = open.into_iter().map(|(stream, requests)| one_by_one(stream, requests)).collect();
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    Ok(Seen { took: begun.elapsed(), latency: Sample::from_times(times) })
}

async fn one_by_one(mut stream: TcpStream, requests: Vec<Vec<u8>>) -> Result<Vec<Duration>, Fault> {
    let mut times = Vec::with_capacity(requests.len());
    let mut buffer = Vec::new();
    for request in requests {
        let begun = Instant::now();
        stream.write_all(&request).await?;
        read_answer(&mut stream, &mut buffer).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

/// Read one whole answer, which must be good.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Fault> {
    buffer.clear();
    while whole(buffer)?.is_none_or(|whole| buffer.len() < whole) {
        if stream.read_buf(buffer).await? == 0 || buffer.len() > ANSWER_BYTES_MAX {
            return Err("an answer was cut short, or is too long".into());
        }
    }
    if buffer.starts_with(b"HTTP/1.1 200 ") { Ok(()) } else { Err(String::from_utf8_lossy(buffer).into()) }
}

/// How many bytes the whole answer has, once its head is there.
fn whole(answer: &[u8]) -> Result<Option<usize>, Fault> {
    let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let lines = std::str::from_utf8(&answer[..head])?.lines();
    let length =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.ok_or("an answer without its length")?;
    Ok(Some(head + 4 + length.trim().parse::<usize>()?))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_when_its_body_is_there() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(whole(answer).ok(), Some(Some(answer.len())));
        assert_eq!(whole(&answer[..20]).ok(), Some(None));
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
