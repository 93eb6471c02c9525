//! Messages of the host, one a line, and an answer to those that are none.
//!
//! rmcp's own reader leaves broken JSON and overlong lines unanswered, and refuses others without
//! their id, so that a host waits for ever. What is written goes through rmcp's own writer.

use std::{future::Future, io};

use futures_util::{FutureExt as _, future::BoxFuture};
use rmcp::{
    RoleServer,
    model::{ErrorData, JsonRpcMessage, RequestId},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{Transport, async_rw::AsyncRwTransport},
};
use serde::{
    Deserializer as _,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, error::Category};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader, Empty};

/// The longest line that is read as a message.
const LONGEST: usize = 16 << 20;
/// What is kept of a longer one, to find its id: so much of its beginning, and of its end.
const BEGINNING: usize = 64 << 10;
const END: usize = 256;
/// A buffer that grew beyond this is given back after its line.
const LARGE: usize = 1 << 20;

/// A transport over a pair of streams.
pub(crate) struct Lines<R, W: AsyncWrite> {
    read: BufReader<R>,
    line: Line,
    write: AsyncRwTransport<RoleServer, Empty, W>,
    /// The answer to a line that was no message, on its way. Kept here, because receiving is
    /// given up and begun anew whenever something else happens.
    refusing: Option<BoxFuture<'static, io::Result<()>>>,
}

impl<R, W> Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    pub(crate) fn new(read: R, write: W) -> Self {
        Self {
            read: BufReader::new(read),
            line: Line::default(),
            write: AsyncRwTransport::new(tokio::io::empty(), write),
            refusing: None,
        }
    }

    /// Reads to the end of a line; false when there is none any more. What was read stays when
    /// this is given up.
    async fn fill_line(&mut self) -> bool {
        loop {
            let available = match self.read.fill_buf().await {
                Ok(available) => available,
                Err(error) => {
                    tracing::error!(%error, "the host's messages cannot be read any more");
                    return false;
                }
            };
            // A last line may lack its end.
            if available.is_empty() {
                return !self.line.is_empty();
            }
            let part = available.split(|byte| *byte == b'\n').next();
            let part = part.unwrap_or_default();
            let ends = part.len() < available.len();
            let taken = part.len() + usize::from(ends);
            self.line.push(part);
            self.read.consume(taken);
            if ends {
                return true;
            }
        }
    }
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.write.send(message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(refusing) = &mut self.refusing {
                let sent = refusing.await;
                self.refusing = None;
                sent.ok()?;
            }
            if !self.fill_line().await {
                return None;
            }
            match self.line.take() {
                Read::Message(message) => return Some(*message),
                Read::Nothing => {}
                Read::Refused(error, id) => {
                    tracing::debug!(cause = %error.message, "a line of the host is no message");
                    let answer = JsonRpcMessage::error(error, id);
                    self.refusing = Some(self.write.send(answer).boxed());
                }
            }
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        // Half-way it holds the writer, and nobody would drive it on.
        self.refusing = None;
        self.write.close()
    }
}

/// What a line came to.
enum Read {
    Message(Box<RxJsonRpcMessage<RoleServer>>),
    /// Nothing that wants an answer.
    Nothing,
    Refused(ErrorData, Option<RequestId>),
}

/// A line as far as it was read.
#[derive(Default)]
struct Line {
    /// All of it, or the beginning of one that is too long.
    kept: Vec<u8>,
    /// The end of one that is too long.
    end: Option<Vec<u8>>,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn push(&mut self, bytes: &[u8]) {
        let Some(end) = &mut self.end else {
            self.kept.extend_from_slice(bytes);
            if self.kept.len() > LONGEST {
                let end = self.kept.len() - END;
                self.end = Some(self.kept.split_off(end));
                self.kept.truncate(BEGINNING);
                self.kept.shrink_to_fit();
            }
            return;
        };
        end.extend_from_slice(bytes);
        end.drain(..end.len().saturating_sub(END));
    }

    /// Reads it, and is empty again.
    fn take(&mut self) -> Read {
        let read = match self.end.take() {
            None => message(&self.kept),
            Some(end) => too_long(&self.kept, &end),
        };
        if self.kept.capacity() > LARGE {
            self.kept = Vec::new();
        }
        self.kept.clear();
        read
    }
}

fn message(line: &[u8]) -> Read {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = line.trim_ascii();
    if line.is_empty() {
        return Read::Nothing;
    }
    let error = match serde_json::from_slice(line) {
        Ok(message) => return Read::Message(Box::new(message)),
        Err(error) => error,
    };
    let head = Head::of(line);
    if let Category::Syntax | Category::Eof = error.classify() {
        let error = ErrorData::parse_error("the message is not JSON", None);
        return Read::Refused(error, head.id_of_request());
    }
    // Nobody waits for an answer to a notification, nor to an answer.
    if head.asks && !head.has_id || head.answers && !head.asks {
        return Read::Nothing;
    }
    let cause = if line.starts_with(b"[") {
        "messages come one a line, not in batches"
    } else {
        "the message is not one of JSON-RPC 2.0"
    };
    Read::Refused(
        ErrorData::invalid_request(cause, None),
        head.id_of_request(),
    )
}

fn too_long(beginning: &[u8], end: &[u8]) -> Read {
    let head = Head::of(beginning);
    let id = head
        .id_of_request()
        .or_else(|| head.asks.then(|| id_at(end)).flatten());
    let cause = format!("the message is longer than {} MiB", LONGEST >> 20);
    Read::Refused(ErrorData::invalid_request(cause, None), id)
}

/// The id of a message that ends with it. Within a string its quotes would be escaped, within an
/// object more would follow.
fn id_at(end: &[u8]) -> Option<RequestId> {
    let end = String::from_utf8_lossy(end);
    let (_, rest) = end.rsplit_once("\"id\"")?;
    let value = rest.trim().strip_prefix(':')?.strip_suffix('}')?;
    serde_json::from_str(value).ok()
}

/// What could be seen of a message that is none, up to where it breaks.
#[derive(Debug, Default, PartialEq)]
struct Head {
    id: Option<RequestId>,
    has_id: bool,
    asks: bool,
    answers: bool,
}

impl Head {
    fn of(text: &[u8]) -> Self {
        let mut head = Self::default();
        let mut json = serde_json::Deserializer::from_slice(text);
        // What was seen before an error stays.
        let _ = json.deserialize_map(&mut head);
        head
    }

    /// With another's id, an answer would end a request that it does not answer.
    fn id_of_request(&self) -> Option<RequestId> {
        self.id.clone().filter(|_| self.asks)
    }
}

impl<'de> Visitor<'de> for &mut Head {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "id" => {
                    self.has_id = true;
                    self.id = serde_json::from_value(members.next_value::<Value>()?).ok();
                    continue;
                }
                "method" => self.asks = true,
                "result" | "error" => self.answers = true,
                _ => {}
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::RequestId;

    use crate::mcp::transport::lines::{BEGINNING, LONGEST, Line, Read};

    /// The code and id of the answer to a line that comes in pieces of this size.
    fn refused(line: &str, piece: usize) -> Option<(i32, Option<RequestId>)> {
        let mut read = Line::default();
        line.as_bytes()
            .chunks(piece)
            .for_each(|piece| read.push(piece));
        match read.take() {
            Read::Message(_) => panic!("{line} is no message"),
            Read::Nothing => None,
            Read::Refused(error, id) => Some((error.code.0, id)),
        }
    }

    #[test]
    fn what_is_no_message_is_answered_with_the_id_of_its_request() {
        let number = |id| Some(RequestId::Number(id));
        let text = |id: &str| Some(RequestId::String(id.into()));
        let cases = [
            ("{nonsense", Some((-32_700, None))),
            (
                r#"{"id":5,"method":"ping","params":{"#,
                Some((-32_700, number(5))),
            ),
            (
                r#"{"method":"ping","id":"a","x":tru}"#,
                Some((-32_700, text("a"))),
            ),
            (r#"{"id":5,"result":{"a":tru}}"#, Some((-32_700, None))),
            (
                r#"{"params":{"id":5,"method":"ping"},"x":tru}"#,
                Some((-32_700, None)),
            ),
            ("\u{feff}5", Some((-32_600, None))),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
                Some((-32_600, None)),
            ),
            (r#"{"id":5,"method":"ping"}"#, Some((-32_600, number(5)))),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
                Some((-32_600, None)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
                Some((-32_600, None)),
            ),
            (r#"{"jsonrpc":"1.0","method":"tell"}"#, None),
            (r#"{"jsonrpc":"2.0","id":{},"result":5}"#, None),
            (" \r", None),
        ];
        for (line, expected) in cases {
            assert_eq!(refused(line, 7), expected, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_by_its_id_wherever_that_stands() {
        let long = "x".repeat(LONGEST);
        let number = |id| Some((-32_600, Some(RequestId::Number(id))));
        let cases = [
            (
                format!(r#"{{"id":1,"method":"m","params":"{long}"}}"#),
                number(1),
            ),
            (
                format!(r#"{{"method":"m","params":"{long}","id": 2 }}"#),
                number(2),
            ),
            (
                format!(r#"{{"params":"{long}","method":"m","id":3}}"#),
                Some((-32_600, None)),
            ),
            (
                format!(r#"{{"method":"m","params":"{long}\"id\":4}}"#),
                Some((-32_600, None)),
            ),
            (
                format!(r#"{{"method":"m","params":{{"x":"{long}","id":5}}}}"#),
                Some((-32_600, None)),
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(
                refused(&line, 60_000),
                expected,
                "{}",
                line.get(..40).unwrap()
            );
        }
    }

    #[test]
    fn a_line_takes_no_more_memory_than_it_must_and_gives_it_back() {
        let mut line = Line::default();
        for _ in 0..LONGEST / 1_000 + 1_000 {
            line.push(&[b'x'; 1_000]);
        }
        assert!(
            line.kept.capacity() <= BEGINNING,
            "{}",
            line.kept.capacity()
        );
        line.take();
        assert!(line.is_empty() && line.end.is_none());
        line.push(b"{}");
        assert_eq!(line.kept, b"{}");
    }
}
