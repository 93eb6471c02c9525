//! Whatever a service does with the key it was sent, the key is in nothing that anybody is shown.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use managed_sessions_mcp::cli::Flags;
use serde_json::json;

use crate::{
    client::{
        KEY,
        server::{Act, Server, response},
    },
    program::{run, utf8},
    support::{Host, config, serve},
};

/// The longest run of the key's characters that may be shown: it begins like every other.
const SHOWN: usize = 15;

fn hostile() -> Vec<(&'static str, Act)> {
    let envelope = |kind: &str, message: &str, id: &str| {
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": id})
            .to_string()
    };
    let message = |text: &str| response(401, &[], envelope("authentication_error", text, "req_1"));
    let each = |escape: fn(u8) -> String| KEY.bytes().map(escape).collect::<String>();
    let percent = each(|byte| format!("%{byte:02X}"));
    let escaped = each(|byte| format!("\\u{byte:04x}"));
    let beginning = KEY.get(..25).expect("it is longer");
    let redirect = |to: &str| response(302, &[("location", to)], "");
    let host = KEY.to_lowercase();
    vec![
        ("message", message(&format!("bad key {KEY}"))),
        ("cut", message(&format!("{}{KEY}", "x".repeat(480)))),
        ("tags", response(401, &[], format!("<p>{}</p>{KEY}", "x".repeat(485)))),
        ("end of what is read", response(401, &[], " ".repeat((64 << 10) - 20) + KEY)),
        ("body cut short", response(401, &[("content-length", "999")], beginning)),
        ("percent", message(&percent)),
        ("json escapes", response(401, &[], format!(r#"{{"error":"{escaped}"}}"#))),
        ("base64", message(&STANDARD.encode(format!("user:{KEY}")))),
        ("error type", response(401, &[], envelope(KEY, "no", "req_1"))),
        ("request id of the body", response(500, &[], envelope("api_error", "no", KEY))),
        ("request id", response(401, &[("request-id", KEY)], "{}")),
        (
            "request id, late",
            response(401, &[("request-id", &format!("{}{KEY}", "r".repeat(190)))], "{}"),
        ),
        ("request id of a bad answer", response(200, &[("request-id", KEY)], "[]")),
        (
            "error code",
            response(
                409,
                &[],
                json!({"error": {"message": "m", "details": {"error_code": KEY}}}).to_string(),
            ),
        ),
        ("redirect host", redirect(&format!("https://{host}.example/"))),
        (
            "redirect host, escaped",
            redirect(&format!("https://{}.example/", host.replace('-', "%2d"))),
        ),
        ("redirect path", redirect(&format!("/{KEY}"))),
        ("problems", response(422, &[], json!({"detail": [{"input": KEY}]}).to_string())),
    ]
}

#[track_caller]
fn assert_safe(name: &str, place: &str, shown: &str) {
    let lower = shown.to_lowercase();
    let key = KEY.to_lowercase();
    for at in 0..key.len() - SHOWN {
        let part = key.get(at..=at + SHOWN).expect("ASCII");
        assert!(!lower.contains(part), "{name}: {part} in {place}: {shown}");
    }
    let basic = STANDARD.encode(format!("user:{KEY}"));
    for encoded in ["%73%6B%2D", "\\u0073\\u006b", basic.get(8..32).expect("it is longer")] {
        assert!(!shown.contains(encoded), "{name}: {encoded} in {place}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_in_no_failure_audit_line_log_or_report() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, act) in hostile() {
        let server = Server::start([act]).await;
        let url = server.url();
        let audit = folder.path().join("audit.jsonl");
        let flags = Flags { audit_log: Some(audit.clone()), ..Flags::default() };
        let host = Host::connect(serve(config(flags, &url).against_sandbox(&url, KEY))).await;
        for tool in ["get_session", "archive_session", "delete_session"] {
            let result = host.call_raw(tool, json!({"session_id": "sesn_1"})).await;
            assert_eq!(result.is_error, Some(true), "{name}");
            assert_safe(name, "a failure", &serde_json::to_string(&result).expect("JSON"));
        }
        assert_safe(name, "the audit log", &std::fs::read_to_string(&audit).expect("a log"));
        let report = tokio::task::spawn_blocking(move || {
            let environment = [("ANTHROPIC_API_KEY", KEY), ("ANTHROPIC_BASE_URL", url.as_str())];
            let output = run(&["--log-level", "debug", "doctor"], &environment);
            utf8(&output.stdout).to_owned() + utf8(&output.stderr)
        });
        let shown = report.await.expect("it runs");
        assert!(shown.contains("request failed"), "{shown}");
        assert_safe(name, "the report of doctor or its log", &shown);
    }
}
