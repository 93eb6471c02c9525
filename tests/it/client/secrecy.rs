//! The key is nowhere but in the header.

use std::{
    io,
    sync::{Arc, Mutex},
};

use managed_sessions_mcp::api::{Client, Settings};
use tracing_subscriber::fmt::MakeWriter;

use super::{
    KEY, client, client_with, id,
    server::{Act, Server, answer, refusal, session},
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
    // For the thread, and with it for every task of this test's runtime, the HTTP client's too.
    let guard = tracing::subscriber::set_default(subscriber);
    let echo = format!(r#"{{"error":"bad key {KEY}"}}"#);
    let page = format!("<html>Authorization: Bearer {KEY}</html>");
    let target = format!("http://127.0.0.1:1/?{KEY}");
    let mut said = Vec::new();
    for acts in [
        vec![session(false)],
        vec![answer(401, &[], &echo)],
        vec![answer(500, &[], &page)],
        vec![answer(200, &[], &page)],
        vec![answer(302, &[("location", &target)], "")],
        vec![Act::ResetAfter, refusal(409)],
        vec![Act::ResetBefore],
    ] {
        let server = Server::start(acts).await;
        let client = client(&server);
        let read = client.get_session(&id()).await;
        let archived = client.archive_session(&id()).await;
        for error in [read.err(), archived.err()].into_iter().flatten() {
            said.push(format!("{error} {error:?}"));
        }
        said.push(format!(
            "{client:?} {:?} {:#?}",
            settings(&server),
            client.describe().await
        ));
    }
    let server = Server::start([session(false)]).await;
    let bad = format!("{KEY}\u{7f}");
    let client = client_with(&server, &[("ANTHROPIC_API_KEY", &bad)]);
    said.push(format!(
        "{:?}",
        client.get_session(&id()).await.unwrap_err()
    ));
    let client = Client::new(Settings {
        base_url: Some(format!("https://user:{KEY}@host/").parse().unwrap()),
        ..settings(&server)
    });
    said.push(format!("{client:?} {:?}", client.describe().await));
    said.push(format!(
        "{:?}",
        client.get_session(&id()).await.unwrap_err()
    ));
    drop(guard);
    let said = said.join("\n");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // The test means something only if things were said.
    assert!(logged.contains("a request failed"), "{logged}");
    assert!(said.contains("bad key [redacted]"), "{said}");
    assert!(said.contains("ANTHROPIC_API_KEY (…CRET)"), "{said}");
    for (place, text) in [("log", logged), ("errors and debug output", said)] {
        assert!(!text.contains(KEY), "the key is in the {place}");
        // Nor a part of it that would do.
        assert!(
            !text.contains("0123456789"),
            "a part of the key is in the {place}"
        );
    }
}
