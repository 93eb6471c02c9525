//! One export folder that several processes write, and what else may stand in it.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use super::{exporting, names, unpacked};
use crate::{
    program::{Program, text},
    support::{Api, Host, config, error, in_time, serve, session, with_fields, with_timeout},
};

const SESSION: &str = "/v1/sessions/sesn_1";

fn id() -> Value {
    json!({"session_id": "sesn_1"})
}

/// A session that gets a second event while the first export of it is being made.
#[derive(Debug, Default)]
struct Growing {
    events: usize,
    exports: usize,
    deleted: bool,
}

impl Growing {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        if self.deleted {
            let body = error("not_found_error", "no such session");
            return ResponseTemplate::new(404).set_body_json(body);
        }
        match (request.method.as_str(), request.url.path()) {
            ("DELETE", SESSION) => {
                self.deleted = true;
                ok(json!({"id": "sesn_1", "type": "session_deleted"}))
            }
            ("GET", SESSION) => {
                let at = format!("2026-11-02T09:30:0{}Z", self.events);
                ok(with_fields(session("sesn_1", "idle"), json!({"updated_at": at})))
            }
            ("GET", path) if path.ends_with("/events") => {
                let mut events: Vec<Value> = (0..=self.events)
                    .map(|n| json!({"id": format!("evt_{n}"), "type": "user.message"}))
                    .collect();
                if request.url.query().is_some_and(|query| query.contains("order=desc")) {
                    events.reverse();
                }
                ok(json!({"data": events}))
            }
            ("GET", path) if path.ends_with("/threads") => {
                self.exports += 1;
                let answer = ok(json!({"data": []}));
                if self.exports > 1 {
                    return answer;
                }
                // The history has been read; what comes now is in no copy of it.
                self.events += 1;
                answer.set_delay(Duration::from_millis(400))
            }
            _ => ok(json!({"data": []})),
        }
    }
}

async fn growing() -> (Api, Arc<Mutex<Growing>>) {
    let api = Api::new().await;
    let state = Arc::<Mutex<Growing>>::default();
    let shared = Arc::clone(&state);
    let answer = move |request: &Request| shared.lock().expect("no panic").answer(request);
    Mock::given(matchers::any()).respond_with(answer).mount(&api.0).await;
    (api, state)
}

/// Waits until the slow export has read the history.
async fn has_read_history(state: &Mutex<Growing>) {
    in_time(async {
        while state.lock().expect("no panic").exports == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Whatever the order, what is there in the end has both events.
fn has_both_events(folder: &Path, state: &Mutex<Growing>) {
    assert!(state.lock().expect("no panic").deleted);
    assert_eq!(names(folder), ["sesn_1.jsonl.gz"]);
    let lines = unpacked(&folder.join("sesn_1.jsonl.gz"));
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[tokio::test]
async fn of_two_servers_the_slower_never_replaces_the_newer_copy() {
    for slower in ["export_session", "delete_session"] {
        let (api, state) = growing().await;
        let folder = tempfile::tempdir().expect("a folder");
        let slow = api.host_with(exporting(folder.path())).await;
        let fast = api.host_with(exporting(folder.path())).await;
        let slow = tokio::spawn(async move { slow.outcome(slower, id()).await });
        has_read_history(&state).await;
        let fast = in_time(fast.outcome("delete_session", id())).await;
        let slow = in_time(slow).await.expect("no panic");
        has_both_events(folder.path(), &state);
        // Whoever comes second finds what the other one did.
        let expected: &[&str] = match slower {
            "export_session" => &["exported", "deleted"],
            _ => &["deleted", "not_found"],
        };
        let mut both = [slow.as_str(), fast.as_str()];
        both.sort_by_key(|outcome| expected.iter().position(|one| one == outcome));
        assert_eq!(both, expected, "{slower}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_the_slower_never_replaces_the_newer_copy() {
    let (api, state) = growing().await;
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        let (url, folder) = (api.url(), folder.path().to_str().expect("UTF-8").to_owned());
        let environment =
            [("ANTHROPIC_BASE_URL", url.as_str()), ("ANTHROPIC_API_KEY", "sk-test-0123456789")];
        Program::start(&["--export-dir", &folder], &environment).opened()
    };
    let call = |mut program: Program, tool: &'static str| {
        tokio::task::spawn_blocking(move || {
            program.call("1", tool, &id());
            text(&program.answer()).to_owned()
        })
    };
    let (slow, fast) = (start(), start());
    let slow = call(slow, "export_session");
    has_read_history(&state).await;
    let fast = call(fast, "delete_session").await.expect("no panic");
    let slow = slow.await.expect("no panic");
    assert!(slow.contains("\"exported\"") && fast.contains("\"deleted\""), "{slow} {fast}");
    has_both_events(folder.path(), &state);
}

#[tokio::test]
async fn a_kept_export_does_not_replace_what_another_server_exported_since() {
    let (api, state) = growing().await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(exporting(folder.path()), &api.url());
    // One request of the export a call.
    let slow = Host::connect(serve(with_timeout(config, Duration::from_secs(2)))).await;
    assert_eq!(slow.outcome("export_session", id()).await, "timed_out");
    assert_eq!(slow.outcome("export_session", id()).await, "timed_out");
    let fast = api.host_with(exporting(folder.path())).await;
    assert_eq!(fast.outcome("export_session", id()).await, "exported");
    let mut last = "timed_out".to_owned();
    for _ in 0..8 {
        if last == "timed_out" {
            last = slow.outcome("export_session", id()).await;
        }
        assert_eq!(unpacked(&folder.path().join("sesn_1.jsonl.gz")).len(), 3);
    }
    assert_eq!(last, "exported");
    assert_eq!(fast.outcome("delete_session", id()).await, "deleted");
    assert_eq!(slow.outcome("export_session", id()).await, "not_found");
    has_both_events(folder.path(), &state);
}

#[tokio::test]
async fn an_export_that_another_process_makes_is_waited_for_and_named() {
    let (api, state) = growing().await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(".sesn_1.lock");
    let mut held = File::create(&place).expect("a file");
    held.lock().expect("it can be locked");
    write!(held, "4242").expect("it can be written");
    let config = config(exporting(folder.path()), &api.url());
    let host = Host::connect(serve(with_timeout(config, Duration::from_secs(1)))).await;
    for tool in ["export_session", "delete_session"] {
        let failure = in_time(host.failure(tool, id())).await;
        assert!(failure.starts_with("export_failed: "), "{failure}");
        assert!(failure.contains("process 4242 still exports it"), "{failure}");
    }
    assert_eq!(api.writes().await, [""; 0]);
    // A process that ends releases it, and leaves the file.
    drop(held);
    let host = api.host_with(exporting(folder.path())).await;
    assert_eq!(host.outcome("delete_session", id()).await, "deleted");
    has_both_events(folder.path(), &state);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_regular_file_is_refused_at_once_and_left_alone() {
    use std::os::unix::fs::symlink;

    type Make = fn(&Path);
    let make: [(&str, Make); 5] = [
        ("a named pipe", super::make_pipe),
        ("a folder", |path| fs::create_dir(path).expect("a folder")),
        ("a symbolic link", |path| symlink("/dev/full", path).expect("a link")),
        ("a symbolic link", |path| symlink("nowhere", path).expect("a link")),
        ("a socket", |path| {
            drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"));
        }),
    ];
    for (kind, make) in make {
        for (name, format) in [
            ("sesn_1.jsonl.gz", "jsonl"),
            ("sesn_1.md", "markdown"),
            ("sesn_1.files", "jsonl"),
            (".sesn_1.lock", "jsonl"),
        ] {
            if (kind, name) == ("a folder", "sesn_1.files") {
                continue;
            }
            let (api, _) = growing().await;
            let folder = tempfile::tempdir().expect("a folder");
            let place = folder.path().join(name);
            make(&place);
            let before = place.symlink_metadata().expect("it is there").file_type();
            let host = api.host_with(exporting(folder.path())).await;
            let arguments = with_fields(id(), json!({"format": format}));
            let failure = in_time(host.failure("export_session", arguments)).await;
            assert!(failure.starts_with("export_failed: "), "{kind} {name}: {failure}");
            assert!(failure.contains(&format!("{name} is {kind}")), "{kind} {name}: {failure}");
            if format == "jsonl" {
                let code = in_time(host.outcome("delete_session", id())).await;
                assert_eq!(code, "export_failed", "{kind} {name}");
            }
            assert_eq!(api.writes().await, [""; 0], "{kind} {name}");
            let after = place.symlink_metadata().expect("it is still there").file_type();
            assert_eq!(before, after, "{kind} {name}");
        }
    }
}
