//! The key appears in the header only.

use std::{
    io,
    sync::{Arc, Mutex},
};

use managed_sessions_mcp::api::{Client, Settings};
use tracing_subscriber::fmt::MakeWriter;

use super::{
    KEY, client, client_with, id, read_error,
    server::{Act, Server, http_error, response, session},
    settings,
};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_key_is_in_no_log_error_debug_output_or_description() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // With a single dispatcher, tracing lets the first thread that reaches an event decide whether
    // it is ever logged, and that may be another test's.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    // For the thread, and with it for every task of this test's runtime, the HTTP client's too.
    let guard = tracing::subscriber::set_default(subscriber);
    let echo = format!(r#"{{"error":"bad key {KEY}"}}"#);
    let page = format!("<html>Authorization: Bearer {KEY}</html>");
    let target = format!("http://127.0.0.1:1/?{KEY}");
    let mut shown = Vec::new();
    for acts in [
        vec![session(false)],
        vec![response(401, &[], &echo)],
        vec![response(500, &[], &page)],
        vec![response(200, &[], &page)],
        vec![response(302, &[("location", &target)], "")],
        vec![Act::ResetAfter, http_error(409)],
        vec![Act::ResetBefore],
    ] {
        let server = Server::start(acts).await;
        let client = client(&server);
        let read = client.get_session(&id()).await;
        let archived = client.archive_session(&id()).await;
        for error in [read.err(), archived.err()].into_iter().flatten() {
            shown.push(format!("{error} {error:?}"));
        }
        shown.push(format!("{client:?} {:?} {:#?}", settings(&server), client.describe().await));
    }
    let server = Server::start([session(false)]).await;
    let bad = format!("{KEY}\u{7f}");
    let client = client_with(&server, &[("ANTHROPIC_API_KEY", &bad)]);
    shown.push(format!("{:?}", read_error(&client).await));
    let client = Client::new(Settings {
        base_url: Some(format!("https://user:{KEY}@host/").parse().unwrap()),
        ..settings(&server)
    });
    shown.push(format!("{client:?} {:?}", client.describe().await));
    shown.push(format!("{:?}", read_error(&client).await));
    drop(guard);
    let shown = shown.join("\n");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // The test means something only if there was output.
    assert!(logged.contains("request failed"), "{logged}");
    assert!(shown.contains("bad key [redacted]"), "{shown}");
    assert!(shown.contains("ANTHROPIC_API_KEY (…CRET)"), "{shown}");
    for (place, text) in [("log", logged), ("errors and debug output", shown)] {
        assert!(!text.contains(KEY), "the key is in the {place}");
        assert!(!text.contains("0123456789"), "a part of the key is in the {place}");
    }
}
