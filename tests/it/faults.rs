//! The fault matrix: every tool meets everything that can go wrong between the server and the
//! service, through a real MCP client.
//!
//! ```text
//! MCP client --- server --- Gateway --- Sandbox
//!                              |           |
//!                    faults of the way   faults of the service, and the true state
//! ```
//!
//! # The axes
//! - A [`Call`] is a tool with arguments, the sessions it may change, the writes it may send, and
//!   its outcome when nothing goes wrong. Every tool has one, a tool that writes in several modes
//!   one for each mode. The table is `calls.rs`.
//! - A [`Fault`] is what goes wrong, once or for as long as the call lasts, with the codes of a
//!   failure that it may cause. The table is `fault.rs`.
//! - A [`Place`] is the request that meets the fault: the first of the call, or those of one
//!   method whose path contains a text, such as the write.
//!
//! # One cell
//! 1. A sandbox is started and prepared for the call; one that no write reached is used again.
//! 2. The fault is injected, the call made, and the fault removed.
//! 3. The [`ServiceState`] is read from the sandbox directly, past every fault, if a write
//!    reached it.
//! 4. `check.rs` compares the [`Reply`](crate::reply::Reply) with it:
//!    - The reply has the form of every reply, and an outcome or a code that fits the fault. A
//!      fault that occurs once must not be noticed at all.
//!    - What it says about its sessions is true. A write that took effect although the call
//!      failed is at least reported as possible ([`DOUBT`](crate::reply::DOUBT)).
//!    - No other session was changed. No other write was sent, none before a read, and none more
//!      often than a client may retry.
//!    - An exported file is complete, and nothing was deleted without one.
//!
//! # When it fails
//! Every wrong cell is one line: the call, the fault, the place, what is wrong, the reply. The
//! output before it counts the outcomes by call and by fault.

mod calls;
mod check;
mod fault;
mod gateway;
mod state;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZero,
    sync::Arc,
    time::Duration,
};

use calls::{Call, Setup};
use check::Cell;
use fault::{Fault, Source};
use futures_util::{StreamExt as _, stream};
use gateway::{Gateway, ask};
use managed_sessions_mcp::{
    cli::Flags,
    sandbox::{Fault as SandboxFault, Options, Sandbox},
};
use serde_json::{Value, json};
use state::ServiceState;

use crate::{
    reply::Reply,
    support::{Host, NOWHERE, config, request, sandbox_with, serve, with_timeout},
};

/// Rounds that run at once for each core: they mostly wait.
const ROUNDS_PER_CORE: usize = 32;
/// A call that takes longer hangs; its own limit is far below.
const HANGS: Duration = Duration::from_secs(60);

/// The requests that meet a fault: method, and a part of the path. `None` is the first request.
type Place = Option<(&'static str, &'static str)>;

/// A host with a server, and the gateway between that and whichever sandbox is connected.
struct Line {
    gateway: Gateway,
    /// Where exports go.
    folder: tempfile::TempDir,
    host: Host,
}

impl Line {
    async fn new(call: &Call, timeout: Duration) -> Self {
        let gateway = Gateway::open().await;
        let folder = tempfile::tempdir().expect("a folder");
        let flags = Flags {
            export_dir: call.exports.then(|| folder.path().to_owned()),
            ..Flags::default()
        };
        let config = with_timeout(config(flags, &gateway.url()), timeout);
        Self { host: Host::connect(serve(config)).await, gateway, folder }
    }

    /// A sandbox behind the gateway, and the arguments of the call.
    async fn prepare(&self, call: &Call) -> (Sandbox, Value) {
        let sandbox = new_sandbox().await;
        self.gateway.connect(&sandbox);
        let mut arguments = call.arguments.clone();
        match call.setup {
            Setup::Nothing => {}
            Setup::Message => {
                let content = json!([{"type": "text", "text": "Go on."}]);
                let events = json!({"events": [{"type": "user.message", "content": content}]});
                let path = format!("/v1/sessions/{}/events", call.sessions[0]);
                ask(&sandbox, "POST", &path, &events).await;
            }
            Setup::Plan(action) => {
                let mut plan = json!({"action": action, "session_ids": call.sessions});
                if action == "update_tools" {
                    plan["remove_tools"] = json!(["agent_toolset_20260401"]);
                }
                let plan = self.host.answer("plan_changes", plan).await;
                arguments["plan_id"] = plan["plan_id"].clone();
            }
        }
        sandbox.forget_requests();
        (sandbox, arguments)
    }

    async fn call(&self, tool: &str, arguments: &Value) -> Result<Reply, String> {
        let result = self.host.client.call_tool(request(tool, arguments.clone()));
        let result = tokio::time::timeout(HANGS, result).await;
        Reply::read(result.map_err(|_| "it hangs".to_owned())?)
    }

    async fn inject(&mut self, sandbox: &Sandbox, fault: &Fault, place: Place) {
        match &fault.source {
            Source::Sandbox(effect) => {
                let fault = SandboxFault::new(effect.clone()).times(fault.times);
                sandbox.fail(match place {
                    Some((method, path)) => fault.on(method, path),
                    None => fault,
                });
            }
            Source::Gateway(kind) => self.gateway.inject(*kind, fault.times, place).await,
        }
    }

    fn remove_exports(&self) {
        for file in fs::read_dir(self.folder.path()).expect("a folder") {
            fs::remove_file(file.expect("an entry").path()).expect("it can be removed");
        }
    }

    async fn remove_faults(&self, sandbox: &Sandbox) {
        ask(sandbox, "DELETE", "/_sandbox/faults", &Value::Null).await;
        self.gateway.remove_faults();
    }
}

async fn new_sandbox() -> Sandbox {
    let sandbox =
        sandbox_with(Options { turn: Duration::from_millis(100), ..Options::default() }).await;
    // Its long prompt would be most of what is read here.
    ask(&sandbox, "DELETE", "/v1/sessions/sesn_10", &Value::Null).await;
    sandbox
}

/// What every sandbox is like before the call.
struct Baseline {
    state: ServiceState,
    /// How many events the exported session has.
    events: usize,
}

impl Baseline {
    async fn read() -> Self {
        let sandbox = new_sandbox().await;
        let events = "/v1/sessions/sesn_01/events?limit=1000";
        let (_, events) = ask(&sandbox, "GET", events, &Value::Null).await;
        Self {
            state: ServiceState::of(&sandbox).await,
            events: events["data"].as_array().expect("events").len(),
        }
    }
}

/// A call with faults that one server can meet one after the other.
struct Round {
    call: Call,
    place: Place,
    faults: Vec<Fault>,
}

impl Round {
    /// The outcome of the call with each fault, or what is wrong with it.
    async fn run(&self, baseline: &Baseline) -> Vec<Result<String, String>> {
        let mut line = Line::new(&self.call, self.faults[0].timeout).await;
        let mut reusable = None;
        let mut outcomes: Vec<Result<String, String>> = Vec::new();
        for fault in &self.faults {
            let usual =
                |outcome: &Result<String, String>| outcome.as_deref() == Ok(self.call.outcome);
            if self.call.leaves_traces() && !outcomes.last().is_none_or(usual) {
                line = Line::new(&self.call, fault.timeout).await;
                reusable = None;
            }
            let prepared = match reusable.take() {
                Some(prepared) => prepared,
                None => line.prepare(&self.call).await,
            };
            outcomes.push(self.cell(&mut line, fault, &prepared, baseline).await);
            let (sandbox, _) = &prepared;
            // A write that was given up may still be on its way.
            let is_given_up =
                outcomes.last().is_some_and(|last| last.as_deref() == Ok("timed_out"));
            let is_untouched = sandbox.writes() == 0 && (self.call.only_reads() || !is_given_up);
            if is_untouched && self.call.setup == Setup::Nothing {
                sandbox.forget_requests();
                reusable = Some(prepared);
            }
        }
        outcomes
    }

    async fn cell(
        &self,
        line: &mut Line,
        fault: &Fault,
        (sandbox, arguments): &(Sandbox, Value),
        baseline: &Baseline,
    ) -> Result<String, String> {
        let call = &self.call;
        line.remove_exports();
        line.inject(sandbox, fault, self.place).await;
        let reply = line.call(call.tool, arguments).await?;
        let requests = sandbox.requests();
        line.remove_faults(sandbox).await;
        let state;
        let after = if sandbox.writes() == 0 {
            &baseline.state
        } else {
            state = ServiceState::after(sandbox, call).await;
            &state
        };
        let again = if matches!(reply, Reply::Answer(_)) && call.only_reads() && !fault.lies() {
            line.call(call.tool, arguments).await.ok()
        } else {
            None
        };
        let judged = Cell {
            call,
            fault,
            reply: &reply,
            again: again.as_ref(),
            baseline,
            after,
            requests: &requests,
            folder: line.folder.path(),
        };
        let wrong = judged.problems();
        if wrong.is_empty() {
            Ok(reply.outcome().to_owned())
        } else {
            Err(format!("{}; the reply: {reply}", wrong.join("; ")))
        }
    }
}

/// Every cell of the matrix, in rounds.
fn rounds() -> Vec<Round> {
    let mut rounds = Vec::new();
    for call in calls::all() {
        let further = call.places.iter().copied().map(Some);
        for place in std::iter::once(None).chain(further) {
            let mut faults = fault::all();
            faults.retain(|fault| place.is_none() || !fault.is_like_another());
            // The last, since no other can follow it.
            faults.sort_by_key(Fault::is_final);
            let mut by_timeout: BTreeMap<Duration, Vec<Fault>> = BTreeMap::new();
            for fault in faults {
                by_timeout.entry(fault.timeout).or_default().push(fault);
            }
            rounds.extend(by_timeout.into_values().map(|faults| Round {
                call: call.clone(),
                place,
                faults,
            }));
        }
    }
    // The long rounds first.
    rounds.sort_by_key(|round| {
        let length = round.faults.len();
        Reverse((round.call.leaves_traces(), length))
    });
    rounds
}

#[tokio::test]
async fn every_tool_is_in_the_matrix() {
    let tools = Host::with_every_tool(NOWHERE).await.tools().await;
    let offered: BTreeSet<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    let calls = calls::all();
    let called: BTreeSet<&str> = calls.iter().map(|call| call.tool).collect();
    assert_eq!(called, offered);
}

/// How often each outcome occurred.
type Counts = BTreeMap<String, BTreeMap<String, usize>>;

#[tokio::test(flavor = "multi_thread")]
async fn with_every_fault_every_tool_reports_the_truth_and_sends_nothing_else() {
    let baseline = Arc::new(Baseline::read().await);
    let rounds = stream::iter(rounds()).map(|round| {
        let baseline = Arc::clone(&baseline);
        tokio::spawn(async move {
            let outcomes = round.run(&baseline).await;
            (round, outcomes)
        })
    });
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut rounds = rounds.buffer_unordered(ROUNDS_PER_CORE * cores);
    let (mut by_call, mut by_fault) = (Counts::new(), Counts::new());
    let (mut cells, mut wrong) = (0, Vec::new());
    while let Some(round) = rounds.next().await {
        let (round, outcomes) = round.expect("no panic in a round");
        for (fault, outcome) in round.faults.iter().zip(outcomes) {
            cells += 1;
            let (call, fault) = (round.call.name, fault.to_string());
            let outcome = outcome.unwrap_or_else(|problem| {
                wrong.push(format!("{call} x {fault} at {:?}: {problem}", round.place));
                "WRONG".to_owned()
            });
            for (counts, name) in [(&mut by_call, call), (&mut by_fault, &fault)] {
                let outcomes = counts.entry(name.to_owned()).or_default();
                *outcomes.entry(outcome.clone()).or_default() += 1;
            }
        }
    }
    println!("{cells} cells, {} wrong", wrong.len());
    for (title, counts) in [("By call", by_call), ("By fault", by_fault)] {
        println!("\n{title}:");
        for (name, outcomes) in counts {
            println!("{name:28} {outcomes:?}");
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
