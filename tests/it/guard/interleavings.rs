//! The law of writes, on a service that changes its mind between any two requests: no write
//! reaches it that the newest reading before would not have allowed, and no outcome is told that
//! the service's state contradicts.
//!
//! `INTERLEAVINGS=10000 cargo test --test it interleavings` runs more cases than usual.

mod double;
mod law;

use std::{
    sync::{Arc, Mutex},
    thread,
};

use managed_sessions_mcp::cli::Flags;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, matchers};

use self::{
    double::{Change, Double, Reply as Answer},
    law::check,
};
use crate::support::{Host, with_fields};

const USUAL_CASES: u32 = 400;
const THREADS: u32 = 16;

/// One call, and what the service does meanwhile.
#[derive(Debug, Clone)]
struct Case {
    call: Call,
    starts_running: bool,
    /// What happens right before the first request, the second, and so on.
    changes: Vec<Change>,
    /// How the first write is answered, the second, and so on.
    answers: Vec<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Archive,
    Delete,
    ExportAndDelete,
    UpdateTools,
    UpdateTitle,
    Interrupt,
    PlanToArchive,
    PlanToDelete,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    tool: Tool,
    if_busy: &'static str,
    expects: bool,
}

impl Call {
    fn arguments(self, updated_at: &str) -> (&'static str, Value) {
        let (tool, more) = match self.tool {
            Tool::Archive => ("archive_session", json!({})),
            Tool::Delete | Tool::ExportAndDelete => ("delete_session", json!({})),
            Tool::UpdateTools => {
                let tool = json!({"type": "custom", "name": "asked", "input_schema": {}});
                ("update_session_tools", json!({"tools": [tool]}))
            }
            Tool::UpdateTitle => ("update_session", json!({"title": "asked"})),
            Tool::Interrupt => return ("interrupt_session", json!({"session_id": "sesn_1"})),
            Tool::PlanToArchive | Tool::PlanToDelete => return ("apply_changes", json!({})),
        };
        let mut arguments = with_fields(json!({"session_id": "sesn_1"}), more);
        if self.tool != Tool::UpdateTitle {
            arguments["if_busy"] = self.if_busy.into();
            arguments["wait_seconds"] = 1.into();
        }
        if self.expects {
            arguments["expected_updated_at"] = updated_at.into();
        }
        (tool, arguments)
    }
}

fn case() -> impl Strategy<Value = Case> {
    let call =
        (select(Tool::ALL.to_vec()), select(vec!["refuse", "wait", "interrupt"]), any::<bool>())
            .prop_map(|(tool, if_busy, expects)| Call { tool, if_busy, expects });
    let change = prop_oneof![3 => Just(Change::Nothing), 2 => select(Change::ALL.to_vec())];
    let answer = prop_oneof![1 => Just(Answer::Plain), 3 => select(Answer::ALL.to_vec())];
    (call, any::<bool>(), vec(change, 0..9), vec(answer, 0..4)).prop_map(
        |(call, starts_running, changes, answers)| Case { call, starts_running, changes, answers },
    )
}

impl Tool {
    const ALL: [Self; 8] = [
        Self::Archive,
        Self::Delete,
        Self::ExportAndDelete,
        Self::UpdateTools,
        Self::UpdateTitle,
        Self::Interrupt,
        Self::PlanToArchive,
        Self::PlanToDelete,
    ];
}

/// The servers under test, all against one service.
struct Bench {
    double: Arc<Mutex<Double>>,
    _service: MockServer,
    exports: tempfile::TempDir,
    host: Host,
    exporting: Host,
}

impl Bench {
    async fn start() -> Self {
        let double = Arc::new(Mutex::new(Double::default()));
        let service = MockServer::builder().disable_request_recording().start().await;
        let answering = Arc::clone(&double);
        let answer = move |request: &Request| {
            let mut double = answering.lock().expect("no panic before");
            double.answer(request)
        };
        Mock::given(matchers::any()).respond_with(answer).mount(&service).await;
        let exports = tempfile::tempdir().expect("a folder");
        let flags = Flags { export_dir: Some(exports.path().to_owned()), ..Flags::default() };
        let host = Host::new(&service.uri()).await;
        let exporting = Host::with_flags(flags, &service.uri()).await;
        Self { double, _service: service, exports, host, exporting }
    }

    async fn run(&self, case: &Case) -> Result<(), TestCaseError> {
        let updated_at = {
            let mut double = self.double.lock().expect("no panic before");
            *double = Double::new(case.starts_running);
            double.updated_at()
        };
        let exports = case.call.tool == Tool::ExportAndDelete;
        let host = if exports { &self.exporting } else { &self.host };
        let (tool, mut arguments) = case.call.arguments(&updated_at);
        if let Tool::PlanToArchive | Tool::PlanToDelete = case.call.tool {
            let archives = case.call.tool == Tool::PlanToArchive;
            let action = if archives { "archive" } else { "delete" };
            let plan = json!({"action": action, "session_ids": ["sesn_1"]});
            arguments["plan_id"] = host.answer("plan_changes", plan).await["plan_id"].clone();
        }
        self.double.lock().expect("no panic before").script(&case.changes, &case.answers);
        let mut replies = vec![host.call(tool, arguments.clone()).await];
        // A plan goes on where it stopped.
        while tool == "apply_changes" && replies.len() < 4 {
            replies.push(host.call(tool, arguments.clone()).await);
        }
        let double = self.double.lock().expect("no panic before");
        let copy = exports.then(|| self.exports.path().join("sesn_1.jsonl.gz"));
        let result = check(case.call.tool, &double, &replies, copy.as_deref());
        if let Some(copy) = copy {
            let _ = std::fs::remove_file(copy);
        }
        result.map_err(|wrong| {
            let log = double.log.join("\n  ");
            TestCaseError::fail(format!("{wrong}\nreplies: {replies:?}\n  {log}"))
        })
    }
}

#[test]
fn no_write_goes_out_that_the_newest_reading_would_not_allow_and_no_outcome_is_untrue() {
    #[expect(clippy::disallowed_methods, reason = "set by whoever runs the test")]
    let cases = std::env::var("INTERLEAVINGS")
        .map_or(USUAL_CASES, |number| number.parse().expect("INTERLEAVINGS is a number of cases"));
    // Most of a case is waiting, so many run at once.
    let failures: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(move || some_cases(cases.div_ceil(THREADS))))
            .collect();
        let ended = threads.into_iter().filter_map(|thread| thread.join().expect("no panic"));
        ended.collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Runs so many cases one after the other; returns the smallest that breaks the law.
fn some_cases(cases: u32) -> Option<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let bench = runtime.block_on(Bench::start());
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let outcome = TestRunner::new(config).run(&case(), |case| runtime.block_on(bench.run(&case)));
    outcome.err().map(|error| error.to_string())
}
