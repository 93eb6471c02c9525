//! A gateway in front of the sandbox that does what the sandbox cannot do to itself: be gone,
//! answer drop by drop or never, with something else, or by another clock.

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

/// How far the other clock is off.
const SKEW: Duration = Duration::from_secs(26 * 3600);

/// What becomes of a request that the sandbox has carried out, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twist {
    /// Nothing is carried out, and nobody listens any more.
    Gone,
    /// The answer never comes.
    Late,
    /// The answer comes byte by byte, and takes longer than anybody waits.
    Trickle,
    /// Another body with status 200.
    Other(&'static str),
    /// The record of another session, as if two answers had been mixed up.
    MixedUp,
    /// The answer, dated by a clock that is more than a day ahead.
    Ahead,
    /// Not carried out: too many requests, the time to come back told by that clock.
    LimitedAhead,
}

/// What happens to which requests, and how often.
#[derive(Debug, Clone, Copy)]
struct Turn {
    twist: Twist,
    times: u32,
    place: Place,
}

pub(crate) struct Gateway {
    port: u16,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

struct Way {
    /// Where it leads to.
    sandbox: Mutex<String>,
    turn: Mutex<Option<Turn>>,
    gone: CancellationToken,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.way.gone.cancel();
        self.task.abort();
    }
}

impl Gateway {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let way = Arc::new(Way {
            sandbox: Mutex::default(),
            turn: Mutex::new(None),
            gone: CancellationToken::new(),
        });
        let shared = Arc::clone(&way);
        let task = tokio::spawn(async move {
            // The listener is closed with the task.
            while let Some(Ok((stream, _))) =
                shared.gone.run_until_cancelled(listener.accept()).await
            {
                let way = Arc::clone(&shared);
                tokio::spawn(async move {
                    let gone = way.gone.clone();
                    gone.run_until_cancelled(way.pass(stream)).await;
                });
            }
        });
        Self { port, way, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn lead_to(&self, sandbox: &Sandbox) {
        *self.way.sandbox.lock().expect("no panic before") = address(sandbox);
    }

    /// From now on. A gateway that is gone before any request is gone at once.
    pub(crate) async fn turn(&mut self, twist: Twist, times: u32, place: Place) {
        if twist == Twist::Gone && place.is_none() {
            self.way.gone.cancel();
            let _ = (&mut self.task).await;
            return;
        }
        *self.way.turn.lock().expect("no panic before") = Some(Turn {
            twist,
            times,
            place,
        });
    }

    pub(crate) fn forget(&self) {
        *self.way.turn.lock().expect("no panic before") = None;
    }
}

impl Way {
    /// One request a connection.
    async fn pass(&self, mut stream: TcpStream) {
        let Some(request) = request(&mut stream).await else {
            return;
        };
        let line = String::from_utf8_lossy(&request);
        let line = line.split(" HTTP/").next().unwrap_or_default().to_owned();
        let twist = self.take(&line);
        if twist == Some(Twist::Gone) {
            return self.gone.cancel();
        }
        if twist == Some(Twist::LimitedAhead) {
            let (date, later) = (by_the_other_clock(0), by_the_other_clock(1));
            let head = format!("HTTP/1.1 429 X\r\ndate: {date}\r\nretry-after: {later}\r\n");
            let head = format!("{head}content-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            return;
        }
        let sandbox = self.sandbox.lock().expect("no panic before").clone();
        let answer = carried_out(&sandbox, &request).await;
        match twist {
            None => drop(stream.write_all(&answer).await),
            Some(Twist::Late) => drop(stream.read(&mut [0; 1]).await),
            Some(Twist::Trickle) => {
                let _ = stream.set_nodelay(true);
                for byte in answer {
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Some(Twist::Other(body)) => drop(stream.write_all(&with(&answer, body)).await),
            Some(Twist::MixedUp) => {
                let text = String::from_utf8_lossy(&answer).replace("\"sesn_", "\"sesn_other_");
                let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
                let _ = stream.write_all(&with(&answer, body)).await;
            }
            Some(Twist::Ahead) => {
                let text = String::from_utf8_lossy(&answer);
                let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
                let lines = head.split("\r\n").filter(|line| !line.starts_with("date:"));
                let head: Vec<&str> = lines.collect();
                let head = head.join("\r\n");
                let date = by_the_other_clock(0);
                let text = format!("{head}\r\ndate: {date}\r\n\r\n{body}");
                let _ = stream.write_all(text.as_bytes()).await;
            }
            Some(Twist::Gone | Twist::LimitedAhead) => {}
        }
        let _ = stream.shutdown().await;
    }

    fn take(&self, line: &str) -> Option<Twist> {
        let mut pending = self.turn.lock().expect("no panic before");
        let turn = pending.as_mut()?;
        let meant = turn.place.is_none_or(|(method, path)| {
            line.split(' ').next() == Some(method) && line.contains(path)
        });
        if !meant || turn.times == 0 {
            return None;
        }
        turn.times -= 1;
        Some(turn.twist)
    }
}

/// The answer with status 200 and another body.
fn with(answer: &[u8], body: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer);
    let line = text.split("\r\n").next().unwrap_or_default();
    let length = body.len();
    format!("{line}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes()
}

fn by_the_other_clock(seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::now() + SKEW + Duration::from_secs(seconds))
}

fn address(sandbox: &Sandbox) -> String {
    sandbox.base_url().trim_start_matches("http://").to_owned()
}

/// A whole request, changed to be the last of its connection.
async fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream
            .read(&mut chunk)
            .await
            .ok()
            .filter(|count| *count > 0)?;
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

/// What the sandbox answers to it.
async fn carried_out(address: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the sandbox listens");
    let mut answer = Vec::new();
    // A reset on purpose is an answer too.
    let _ = stream.write_all(request).await;
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

/// Asks the sandbox past every gateway: the status and the JSON, if it is any.
pub(crate) async fn ask(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    body: &Value,
) -> (String, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (host, length) = (address(sandbox), body.len());
    let key = sandbox.api_key();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
         anthropic-version: 2026-10-21\r\nanthropic-beta: managed-agents-2026-04-01\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n\
         {body}"
    );
    let answer = carried_out(&host, request.as_bytes()).await;
    let text = String::from_utf8(answer).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    let status = head.split(' ').nth(1).expect("a status").to_owned();
    (status, serde_json::from_str(body).unwrap_or_default())
}
