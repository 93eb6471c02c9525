//! Newline-delimited JSON-RPC. Unlike rmcp's reader, answers malformed and oversized lines, so
//! that no host waits for an answer forever. Writes with rmcp's writer.

use std::{future::Future, io, mem};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use rmcp::{
    RoleServer,
    model::{ClientNotification, ErrorData, JsonRpcMessage, RequestId},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{Transport, async_rw::AsyncRwTransport},
};
use serde_json::error::Category;
use tokio::io::{AsyncRead, AsyncWrite, Empty};
use tokio_util::{
    bytes::{Buf as _, BufMut as _, BytesMut},
    codec::{Decoder, FramedRead},
};

use crate::mcp::transport::{
    envelope::Envelope, handshake::malformed_initialize, opening::Opening, pending::Pending,
};

const MAX_LINE: usize = 16 << 20;
/// How much of an oversized line is kept from its beginning and from its end, to find its id.
const KEPT: usize = 64 << 10;

pub(crate) struct Lines<R, W: AsyncWrite> {
    read: FramedRead<R, LineDecoder>,
    write: AsyncRwTransport<RoleServer, Empty, W>,
    /// The answer to a bad line while it is sent. Kept here since `receive` may be cancelled.
    rejection: Option<BoxFuture<'static, io::Result<()>>>,
    opening: Opening,
    pending: Pending,
}

impl<R: AsyncRead, W: AsyncWrite + Send + Unpin + 'static> Lines<R, W> {
    fn reject(&mut self, (error, id): Rejection) {
        tracing::debug!(cause = %error.message, "rejected a line from the host");
        let answer = JsonRpcMessage::error(error, id);
        self.rejection = Some(self.write.send(answer).boxed());
    }

    /// Notes what is still to be answered. Rejects a second request with the id of one that is: its
    /// answer could not be told from the other's.
    fn enter(&self, message: &RxJsonRpcMessage<RoleServer>) -> Option<Rejection> {
        match message {
            JsonRpcMessage::Request(request) if !self.pending.enter(&request.id) => {
                let cause = "another request with this id has not been answered yet";
                let error = ErrorData::invalid_request(cause, None);
                return Some((error, Some(request.id.clone())));
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.pending.cancel(id);
                }
            }
            _ => {}
        }
        None
    }

    pub(crate) fn new(read: R, write: W) -> Self {
        Self {
            read: FramedRead::new(read, LineDecoder::default()),
            write: AsyncRwTransport::new(tokio::io::empty(), write),
            rejection: None,
            opening: Opening::default(),
            pending: Pending::default(),
        }
    }
}

impl<R: AsyncRead + Send + Unpin, W: AsyncWrite + Send + Unpin + 'static> Transport<RoleServer>
    for Lines<R, W>
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            _ => None,
        };
        let answer = answered.map(|id| self.pending.answer(id));
        let sent = self.write.send(message);
        async move {
            let result = sent.await;
            drop(answer);
            result
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(rejection) = &mut self.rejection {
                let sent = rejection.await;
                self.rejection = None;
                sent.ok()?;
            }
            self.pending.room().await;
            let line = self.read.next().await?;
            let line = line.inspect_err(|error| tracing::error!(%error, "stdin cannot be read"));
            match line.ok()?.parse() {
                Ok(Some(message)) => match malformed_initialize(&message) {
                    Some(rejection) => self.reject(rejection),
                    None if !self.opening.accepts(&message) => {}
                    None => match self.enter(&message) {
                        Some(rejection) => self.reject(rejection),
                        None => return Some(message),
                    },
                },
                Ok(None) => {}
                Err(rejection) => self.reject(*rejection),
            }
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        // A half-sent rejection holds the writer's lock.
        self.rejection = None;
        self.write.close()
    }
}

#[derive(Debug)]
struct Line {
    text: BytesMut,
    /// Too long, so that `text` may lack its middle.
    is_oversized: bool,
}

/// Splits a stream into lines; the last one may lack its newline.
#[derive(Debug, Default)]
struct LineDecoder {
    /// How much of the buffer is known to hold no newline.
    searched: usize,
    is_oversized: bool,
}

impl Decoder for LineDecoder {
    type Item = Line;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        let mut unsearched = buffer.iter().skip(self.searched);
        if let Some(newline) = unsearched.position(|byte| *byte == b'\n') {
            let text = buffer.split_to(self.searched + newline);
            buffer.advance(1);
            if text.len() > KEPT {
                // A shared buffer would keep the memory of a large line.
                *buffer = BytesMut::from(buffer.as_ref());
            }
            let is_oversized = mem::take(self).is_oversized || text.len() > MAX_LINE;
            return Ok(Some(Line { text, is_oversized }));
        }
        self.is_oversized |= buffer.len() > MAX_LINE;
        if self.is_oversized && buffer.len() > 4 * KEPT {
            let end = buffer.split_off(buffer.len() - KEPT);
            buffer.truncate(KEPT);
            *buffer = BytesMut::from([buffer.as_ref(), &end].concat().as_slice());
        }
        self.searched = buffer.len();
        Ok(None)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        if !buffer.is_empty() && !buffer.ends_with(b"\n") {
            buffer.put_u8(b'\n');
        }
        self.decode(buffer)
    }
}

/// An error, and the id of the request that it answers, if that is known.
type Rejection = (ErrorData, Option<RequestId>);

impl Line {
    /// The message, `None` for a line that needs no answer, or the answer to a bad line.
    fn parse(&self) -> Result<Option<RxJsonRpcMessage<RoleServer>>, Box<Rejection>> {
        let text = self.text.strip_prefix(b"\xef\xbb\xbf");
        let text = text.unwrap_or(&self.text).trim_ascii();
        let invalid = |cause: String| ErrorData::invalid_request(cause, None);
        if self.is_oversized {
            // Without its middle the text is usually still JSON, since one string makes it long.
            // If it is not, only its beginning can be trusted.
            let envelope = match Envelope::of(text) {
                (envelope, true) => envelope,
                _ => Envelope::of(text.get(..KEPT).unwrap_or(text)).0,
            };
            let error = invalid(format!("the message is longer than {} MiB", MAX_LINE >> 20));
            return Err(Box::new((error, envelope.request_id())));
        }
        if text.is_empty() {
            return Ok(None);
        }
        let error = match serde_json::from_slice(text) {
            Ok(message) => return Ok(Some(message)),
            Err(error) => error,
        };
        let (envelope, _) = Envelope::of(text);
        let error = match error.classify() {
            Category::Syntax | Category::Eof => {
                ErrorData::parse_error("the message is not JSON", None)
            }
            _ if !envelope.expects_answer() => return Ok(None),
            _ if text.starts_with(b"[") => {
                invalid("batches are not supported: send one message per line".to_owned())
            }
            _ => invalid("the message is not JSON-RPC 2.0".to_owned()),
        };
        Err(Box::new((error, envelope.request_id())))
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::{bytes::BytesMut, codec::Decoder as _};

    use crate::mcp::transport::lines::{KEPT, LineDecoder, MAX_LINE};

    /// The code and id that are answered to a line that arrives in chunks.
    fn answer(line: &str) -> String {
        let (mut decoder, mut buffer) = (LineDecoder::default(), BytesMut::new());
        for chunk in line.as_bytes().chunks(line.len() / 300 + 5) {
            buffer.extend_from_slice(chunk);
            assert!(decoder.decode(&mut buffer).unwrap().is_none());
        }
        let line = decoder.decode_eof(&mut buffer).unwrap().unwrap();
        match line.parse() {
            Ok(Some(message)) => panic!("{message:?}"),
            Ok(None) => "ignored".to_owned(),
            Err(rejection) => format!("{} {}", rejection.0.code.0, serde_json::json!(rejection.1)),
        }
    }

    #[test]
    fn a_bad_line_is_answered_with_the_id_of_its_request() {
        let long = "x".repeat(MAX_LINE);
        let cases = r#"
            -32700 null: {nonsense
            -32700 5: {"id":5,"method":"ping","params":{
            -32700 "a": {"method":"ping","id":"a","x":tru}
            -32700 null: {"id":5,"result":{"a":tru}}
            -32700 null: {"params":{"id":5,"method":"ping"},"x":tru}
            -32600 null: BOM5
            -32600 null: [{"jsonrpc":"2.0","id":1,"method":"ping"}]
            -32600 5: {"id":5,"method":"ping"}
            -32600 null: {"jsonrpc":"2.0","id":null,"method":"ping"}
            -32600 null: {"jsonrpc":"2.0","id":[1],"method":"ping"}
            ignored: {"jsonrpc":"1.0","method":"tell"}
            ignored: {"jsonrpc":"2.0","id":{},"result":5}
            -32600 1: {"id":1,"method":"m","params":"LONG"}
            -32600 2: {"method":"m","params":"LONG","id": 2 }
            -32600 3: {"params":"LONG","method":"m","id":3}
            -32600 4: {"method":"m","id":4,"params":["LONG","LONG
            -32600 null: {"method":"m","params":"LONG\"id\":4}
            -32600 null: {"method":"m","params":{"x":"LONG","id":5}}
            -32600 null: {"method":"m","a":"LONG","b":{"c":"LONG","id":5}}
        "#;
        for case in cases.trim().lines() {
            let (expected, line) = case.trim().split_once(": ").unwrap();
            let line = line.replace("BOM", "\u{feff}").replace("LONG", &long);
            assert_eq!(answer(&line), expected, "{case}");
        }
        assert_eq!(answer(" \r"), "ignored");
    }

    #[test]
    fn large_lines_are_not_kept_in_memory() {
        let (mut decoder, mut buffer) = (LineDecoder::default(), BytesMut::new());
        for kibibytes in [2_048, 32_768] {
            for _ in 0..kibibytes {
                buffer.extend_from_slice(&[b'x'; 1_024]);
                assert!(decoder.decode(&mut buffer).unwrap().is_none());
            }
            assert_eq!(buffer.len() > 8 * KEPT, kibibytes < 16_384);
            buffer.extend_from_slice(b"\n{}");
            assert!(decoder.decode(&mut buffer).unwrap().is_some());
            assert!(buffer.capacity() < KEPT, "{}", buffer.capacity());
            assert_eq!(buffer.split(), b"{}".as_slice());
        }
    }
}
