//! A gateway in front of the sandbox, for the faults that a service cannot have by itself: nothing
//! listens, the answer never ends, is another one, or is dated by another clock.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use managed_sessions_mcp::sandbox::Sandbox;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::Place;

/// How far the other clock is ahead.
const AHEAD: Duration = Duration::from_secs(26 * 3600);
/// The pause after each byte of a trickle.
const TRICKLE: Duration = Duration::from_millis(50);

/// What happens to a request. The sandbox carries it out, unless a variant says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GatewayFault {
    /// Not carried out, and nothing listens from then on.
    Down,
    /// No answer comes.
    NoAnswer,
    /// The answer comes byte by byte, and takes longer than any call.
    Trickle,
    /// Another body with status 200.
    Body(&'static str),
    /// The records of other sessions, as if two answers had been mixed up.
    OtherSession,
    /// The answer, dated by a clock that is more than a day ahead.
    ClockAhead,
    /// Not carried out: too many requests, with a `retry-after` by that clock.
    LimitByClockAhead,
}

/// A fault for the requests of a place.
#[derive(Debug, Clone, Copy)]
struct Pending {
    fault: GatewayFault,
    times: u32,
    place: Place,
}

pub(crate) struct Gateway {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// The address of the sandbox.
    sandbox: Mutex<String>,
    pending: Mutex<Option<Pending>>,
    down: CancellationToken,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.down.cancel();
        self.task.abort();
    }
}

impl Gateway {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            sandbox: Mutex::default(),
            pending: Mutex::new(None),
            down: CancellationToken::new(),
        });
        let gateway = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            // The listener is closed with the task.
            while let Some(Ok((stream, _))) =
                gateway.down.run_until_cancelled(listener.accept()).await
            {
                let gateway = Arc::clone(&gateway);
                tokio::spawn(async move {
                    let down = gateway.down.clone();
                    down.run_until_cancelled(gateway.forward(stream)).await;
                });
            }
        });
        Self { port, shared, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Forwards to this sandbox from now on.
    pub(crate) fn connect(&self, sandbox: &Sandbox) {
        *self.shared.sandbox.lock().expect("no panic before") = address(sandbox);
    }

    pub(crate) async fn inject(&mut self, fault: GatewayFault, times: u32, place: Place) {
        if fault == GatewayFault::Down && place.is_none() {
            self.shared.down.cancel();
            let _ = (&mut self.task).await;
            return;
        }
        let pending = Pending { fault, times, place };
        *self.shared.pending.lock().expect("no panic before") = Some(pending);
    }

    pub(crate) fn remove_faults(&self) {
        *self.shared.pending.lock().expect("no panic before") = None;
    }
}

impl Shared {
    /// Serves one request, which is all that a connection may carry.
    async fn forward(&self, mut stream: TcpStream) {
        let Some(request) = read_request(&mut stream).await else {
            return;
        };
        let line = String::from_utf8_lossy(&request);
        let line = line.split(" HTTP/").next().unwrap_or_default().to_owned();
        let fault = self.take_fault(&line);
        match fault {
            Some(GatewayFault::Down) => return self.down.cancel(),
            Some(GatewayFault::LimitByClockAhead) => {
                let (date, later) = (date_ahead(0), date_ahead(1));
                let head = format!("HTTP/1.1 429 X\r\ndate: {date}\r\nretry-after: {later}\r\n");
                let head = format!("{head}content-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                return;
            }
            _ => {}
        }
        let sandbox = self.sandbox.lock().expect("no panic before").clone();
        let answer = send(&sandbox, &request).await;
        let answer = match fault {
            Some(GatewayFault::NoAnswer) => {
                // Until the client gives up.
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            Some(GatewayFault::Trickle) => {
                let _ = stream.set_nodelay(true);
                for byte in answer {
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(TRICKLE).await;
                }
                return;
            }
            Some(GatewayFault::Body(body)) => with_body(&answer, body),
            Some(GatewayFault::OtherSession) => {
                let text = String::from_utf8_lossy(&answer).replace("\"sesn_", "\"sesn_other_");
                let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
                with_body(&answer, body)
            }
            Some(GatewayFault::ClockAhead) => with_date_ahead(&answer),
            _ => answer,
        };
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    }

    /// The fault that this request (method and path) meets.
    fn take_fault(&self, line: &str) -> Option<GatewayFault> {
        let mut pending = self.pending.lock().expect("no panic before");
        let pending = pending.as_mut()?;
        let meets = pending.place.is_none_or(|(method, path)| {
            line.split(' ').next() == Some(method) && line.contains(path)
        });
        if !meets || pending.times == 0 {
            return None;
        }
        pending.times -= 1;
        Some(pending.fault)
    }
}

/// The answer with another body.
fn with_body(answer: &[u8], body: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer);
    let line = text.split("\r\n").next().unwrap_or_default();
    let length = body.len();
    format!("{line}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes()
}

fn with_date_ahead(answer: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    let lines = head.split("\r\n").filter(|line| !line.starts_with("date:"));
    let head = lines.collect::<Vec<&str>>().join("\r\n");
    let date = date_ahead(0);
    format!("{head}\r\ndate: {date}\r\n\r\n{body}").into_bytes()
}

fn date_ahead(seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::now() + AHEAD + Duration::from_secs(seconds))
}

fn address(sandbox: &Sandbox) -> String {
    sandbox.base_url().trim_start_matches("http://").to_owned()
}

/// A whole request, changed to be the last of its connection.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().expect("a length"))
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(format!("{head}\r\nconnection: close\r\n\r\n{body}").into_bytes());
        }
    }
}

/// The sandbox's answer to a request.
async fn send(address: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("the sandbox listens");
    let mut answer = Vec::new();
    // A reset is a fault of the sandbox, and passed on as an empty answer.
    let _ = stream.write_all(request).await;
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

/// Asks the sandbox directly; returns the status, and the body or null if it is not JSON.
pub(crate) async fn ask(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    body: &Value,
) -> (String, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (host, length) = (address(sandbox), body.len());
    let key = sandbox.api_key();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
         anthropic-version: 2026-10-21\r\nanthropic-beta: managed-agents-2026-04-01\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n\
         {body}"
    );
    let answer = send(&host, request.as_bytes()).await;
    let text = String::from_utf8(answer).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    let status = head.split(' ').nth(1).expect("a status").to_owned();
    (status, serde_json::from_str(body).unwrap_or_default())
}
