//! A server that misbehaves on demand, one request a connection.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

/// What the server does with one connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Closes without reading.
    ResetBefore,
    /// Reads the request and closes, as if it had acted.
    ResetAfter,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes after a delay.
    Late(Duration, Vec<u8>),
    /// Sends these bytes one by one.
    Trickle(Duration, Vec<u8>),
    /// Never responds; records when the client hangs up.
    Hang,
}

/// A request as received.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} was sent twice");
        value
    }
}

#[derive(Default)]
struct State {
    acts: VecDeque<Act>,
    seen: Vec<Seen>,
    hung_up: bool,
}

pub(crate) struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Does `acts` in order, and repeats the last one.
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state =
            Arc::new(Mutex::new(State { acts: acts.into_iter().collect(), ..State::default() }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let act = {
                    let mut state = shared.lock().unwrap();
                    match state.acts.len() {
                        0 | 1 => state.acts.front().cloned().unwrap_or(Act::ResetBefore),
                        _ => state.acts.pop_front().unwrap(),
                    }
                };
                tokio::spawn(serve(stream, act, Arc::clone(&shared)));
            }
        });
        Self { port, state, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    pub(crate) fn hung_up(&self) -> bool {
        self.state.lock().unwrap().hung_up
    }
}

async fn serve(mut stream: TcpStream, act: Act, state: Arc<Mutex<State>>) {
    if matches!(act, Act::ResetBefore) {
        return;
    }
    let Some(seen) = read(&mut stream).await else {
        return;
    };
    state.lock().unwrap().seen.push(seen);
    match act {
        Act::ResetBefore | Act::ResetAfter => {}
        Act::Send(bytes) => drop(stream.write_all(&bytes).await),
        Act::Late(wait, bytes) => {
            sleep(wait).await;
            let _ = stream.write_all(&bytes).await;
        }
        Act::Trickle(pause, bytes) => {
            for byte in bytes {
                sleep(pause).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
        Act::Hang => {
            let _ = stream.read(&mut [0; 1]).await;
            state.lock().unwrap().hung_up = true;
        }
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(chunk.get(..count)?);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.split("\r\n");
        let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().unwrap());
        if body.len() >= length {
            let body = body.to_owned();
            return Some(Seen { line, headers, body });
        }
    }
}

/// A complete response.
pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Act {
    Act::Send(bytes(status, headers, body))
}

pub(crate) fn bytes(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        head.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
    }
    let mut bytes = (head + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A session, archived or not.
pub(crate) fn session(archived: bool) -> Act {
    let at = if archived { "\"2026-01-01T00:00:00Z\"" } else { "null" };
    let body = format!(r#"{{"id":"sesn_1","status":"idle","archived_at":{at}}}"#);
    response(200, &[("request-id", "req_ok")], body)
}

/// An error in the API's envelope.
pub(crate) fn http_error(status: u16) -> Act {
    let body =
        r#"{"type":"error","error":{"type":"some_error","message":"no"},"request_id":"req_body"}"#;
    response(status, &[], body)
}
