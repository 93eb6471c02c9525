//! The pure parts: guard, tool changes, rows of a page, retry decisions.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

use criterion::{Criterion, Throughput};
use http::{HeaderMap, HeaderValue};
use managed_sessions_mcp::{
    api::retry::{AttemptOutcome, Hints, Policy, Repeat},
    domain::{
        guard::{Operation, Statuses},
        toolset,
        toolset::{Mode, Patch, Toolset},
        view::row::Row,
    },
    model::{Page, SessionHead},
};
use serde_json::{Value, json};

use crate::session;

pub(crate) fn all(criterion: &mut Criterion) {
    guard(criterion);
    tools(criterion);
    page(criterion);
    retry(criterion);
}

fn guard(criterion: &mut Criterion) {
    let statuses = Statuses::new(vec!["paused".to_owned()]);
    let head = |status: &str| SessionHead { status: status.to_owned(), ..SessionHead::default() };
    let sessions = ["idle", "running", "rescheduling", "terminated", "paused", "new"].map(head);
    let operations = [
        Operation::UpdateTools,
        Operation::Archive,
        Operation::Delete,
        Operation::Interrupt,
        Operation::UpdateDetails,
        Operation::UpdateBudget,
    ];
    criterion.bench_function("guard/6 operations on 6 sessions", |bencher| {
        bencher.iter(|| {
            for session in &sessions {
                for operation in operations {
                    black_box(statuses.judge(operation, black_box(session)));
                }
            }
        });
    });
}

/// The maximum number of tools: one built-in toolset, 20 MCP toolsets, 107 custom tools.
fn toolset_of_128() -> Toolset {
    let configs: Vec<Value> = ["bash", "read", "write", "edit", "glob", "grep"]
        .map(|name| json!({"name": name, "enabled": true}))
        .into();
    let mut tools = vec![json!({"type": "agent_toolset_20260401", "configs": configs})];
    let mut mcp_servers = Vec::new();
    for number in 0..20 {
        let name = format!("server-{number}");
        let url = format!("https://{name}.example.com/mcp");
        mcp_servers.push(json!({"type": "url", "name": name, "url": url}));
        let policy = json!({"type": "always_ask"});
        tools.push(json!({
            "type": "mcp_toolset",
            "mcp_server_name": name,
            "default_config": {"enabled": true, "permission_policy": policy},
            "configs": [{"name": "search", "enabled": number % 2 == 0}],
        }));
    }
    tools.extend((0..107).map(|number| {
        json!({
            "type": "custom",
            "name": format!("tool_{number}"),
            "description": "Looks up a booking by its number and says what it costs.",
            "input_schema": {
                "type": "object",
                "properties": {
                    "number": {"type": "string", "description": "The booking's number"},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 100},
                },
                "required": ["number"],
            },
        })
    }));
    Toolset { tools, mcp_servers }
}

fn tools(criterion: &mut Criterion) {
    let current = toolset_of_128();
    let patch = Patch {
        mode: Mode::Merge,
        tools: Some(vec![
            json!({"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": false}]}),
            json!({"type": "mcp_toolset", "mcp_server_name": "server-7", "configs": []}),
            json!({"type": "custom", "name": "tool_50", "description": "Looks up a hotel."}),
        ]),
        mcp_servers: None,
        remove_tools: vec!["tool_99".to_owned()],
        remove_mcp_servers: vec!["server-3".to_owned()],
        remove_configs: Vec::new(),
    };
    let plan = toolset::plan(&current, &patch).expect("the patch is possible");
    let result = Toolset {
        tools: plan.tools.expect("tools change"),
        mcp_servers: plan.mcp_servers.expect("servers change"),
    };
    criterion.bench_function("toolset/merge into 128 tools", |bencher| {
        bencher.iter(|| toolset::plan(black_box(&current), black_box(&patch)));
    });
    criterion.bench_function("toolset/undo among 128 tools", |bencher| {
        bencher.iter(|| toolset::undo(black_box(&current), black_box(&result)));
    });
    criterion.bench_function("toolset/diff of 128 tools", |bencher| {
        bencher.iter(|| toolset::diff(black_box(&current), black_box(&result)));
    });
}

fn page(criterion: &mut Criterion) {
    let body = session::page();
    let read = |body: &[u8]| -> Page<SessionHead> {
        serde_json::from_slice(body).expect("the page can be read")
    };
    let mut group = criterion.benchmark_group("page of 100 sessions of 100 KB");
    group.sample_size(30);
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("read", |bencher| bencher.iter(|| read(black_box(&body))));
    let page = read(&body);
    let session = serde_json::to_vec(&session::session(0, 98_500)).expect("JSON");
    group.throughput(Throughput::Elements(100));
    group.bench_function("shown as rows", |bencher| {
        bencher.iter(|| {
            let rows: Vec<Row> = black_box(&page).data.iter().map(Row::of).collect();
            serde_json::to_string(&rows)
        });
    });
    group.finish();
    criterion.bench_function("session of 100 KB/read whole", |bencher| {
        bencher.iter(|| {
            serde_json::from_slice::<managed_sessions_mcp::model::Session>(black_box(&session))
        });
    });
}

fn retry(criterion: &mut Criterion) {
    let policy = Policy::default();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let headers = |lines: &[(&'static str, &'static str)]| -> HeaderMap {
        let line = |&(name, value): &(&'static str, &'static str)| {
            let name = http::HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    };
    let failures = [
        (AttemptOutcome::NotSent, headers(&[])),
        (AttemptOutcome::ResponseLost, headers(&[])),
        (AttemptOutcome::Status(429), headers(&[("retry-after", "2")])),
        (AttemptOutcome::Status(429), headers(&[("retry-after", "Thu, 01 Jan 2026 00:00:05 GMT")])),
        (AttemptOutcome::Status(529), headers(&[("x-should-retry", "true")])),
        (AttemptOutcome::Status(400), headers(&[])),
    ];
    criterion.bench_function("retry/6 decisions", |bencher| {
        bencher.iter(|| {
            for (outcome, headers) in &failures {
                let hints = Hints::read(black_box(headers), now);
                black_box(policy.delay(Repeat::Idempotent, *outcome, hints, 0, 0.5));
            }
        });
    });
}
