//! The audit log of the real program, when it ends or is cancelled while a write is out.

use std::time::Duration;

use managed_sessions_mcp::sandbox::{Effect, Fault, Sandbox};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::json_lines;
use crate::{
    program::Program,
    support::{sandbox, sandbox_writes},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Signal(Signal),
    StdinCloses,
    Cancelled,
}

/// Longer than a delete that is answered, shorter than the grace of one that is cancelled.
const DELAY: u64 = 400;

async fn until_written(sandbox: &Sandbox) {
    while sandbox_writes(sandbox).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn end(program: &mut Program, ending: Ending) {
    match ending {
        Ending::Signal(signal) => {
            let id = i32::try_from(program.child.id()).expect("an id");
            kill_process(Pid::from_raw(id).expect("an id"), signal).expect("it is running");
        }
        Ending::StdinCloses => drop(program.stdin.take()),
        Ending::Cancelled => program.send(&json!({"jsonrpc": "2.0",
            "method": "notifications/cancelled", "params": {"requestId": "delete"}})),
    }
}

/// The lines that are left when a delete, answered after `delay` milliseconds, is cut off like
/// this.
async fn lines_after(ending: Ending, delay: u64) -> Vec<Value> {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit");
    let url = sandbox.base_url();
    let path = file.to_str().expect("Unicode");
    let environment = [("ANTHROPIC_BASE_URL", url.as_str()), ("ANTHROPIC_API_KEY", "sk-test-1")];
    let mut program = Program::start(&["--audit-log", path], &environment).opened();
    sandbox.fail(Fault::new(Effect::Slow { milliseconds: delay }).on("DELETE", "/v1/sessions/"));
    program.call("delete", "delete_session", &json!({"session_id": "sesn_01"}));
    until_written(&sandbox).await;
    end(&mut program, ending);
    let lines = tokio::task::spawn_blocking(move || {
        if ending == Ending::Cancelled {
            // It serves on, and ends in order afterwards.
            program.is_well();
            assert!(program.close().1.success());
        } else {
            let status = program.ends();
            let killed = ending == Ending::Signal(Signal::KILL);
            assert_eq!(status.success(), !killed, "{ending:?}: {status}");
        }
        json_lines(&file)
    });
    let lines = lines.await.expect("no panic");
    drop(folder);
    for line in &lines {
        assert_eq!(line["session_id"], "sesn_01", "{line}");
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_out_when_the_program_ends_is_noted_with_its_end() {
    for ending in [
        Ending::Signal(Signal::TERM),
        Ending::Signal(Signal::INT),
        Ending::Signal(Signal::HUP),
        Ending::StdinCloses,
        Ending::Cancelled,
    ] {
        let lines = lines_after(ending, DELAY).await;
        assert_eq!(lines.len(), 2, "{ending:?}: {lines:?}");
        assert_eq!(lines[0]["outcome"], "begun", "{ending:?}");
        assert_eq!(lines[1]["outcome"], "deleted", "{ending:?}: {lines:?}");
        assert!(lines[1]["request_id"].is_string(), "{ending:?}: {lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_end_is_not_waited_for_is_in_doubt_and_one_that_is_killed_has_begun() {
    let lines = lines_after(Ending::StdinCloses, 60_000).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!((&lines[0]["outcome"], &lines[1]["code"]), (&json!("begun"), &json!("cancelled")));
    assert_eq!(lines[1]["in_doubt"], true, "{lines:?}");
    let lines = lines_after(Ending::Signal(Signal::KILL), DELAY).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["outcome"], "begun");
}
