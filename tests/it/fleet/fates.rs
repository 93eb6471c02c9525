//! The law of clean-up: for any fleet, and whatever happens to its sessions meanwhile, nothing
//! busy or changed is written, nothing is written twice, and the counts add up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

use super::{apply, check_counts, everything, plan};
use crate::support::{Host, error, session, with_fields};

/// What happens to a session once the plan is made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Stays,
    /// It is running when it is read again.
    Starts,
    /// Somebody changed it.
    Changes,
    Vanishes,
    /// It starts between the read and the write.
    StartsBeforeTheWrite,
    /// The first read is rate limited.
    Limited,
    /// The first write meets an overloaded service.
    Overloaded,
    /// The service forbids the write.
    Forbidden,
    /// It has a workflow run that has not ended.
    HasOpenRun,
}

/// Any fate, but most sessions stay as they are.
fn fate() -> impl Strategy<Value = Fate> {
    let others = select(vec![
        Fate::Starts,
        Fate::Changes,
        Fate::Vanishes,
        Fate::StartsBeforeTheWrite,
        Fate::Limited,
        Fate::Overloaded,
        Fate::Forbidden,
        Fate::HasOpenRun,
    ]);
    prop_oneof![4 => Just(Fate::Stays), 7 => others]
}

/// A service whose sessions meet their fates once they are read one by one.
#[derive(Clone)]
struct Service(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    fates: BTreeMap<String, Fate>,
    reads: BTreeMap<String, u32>,
    tries: BTreeMap<String, u32>,
    /// The sessions of accepted writes.
    written: Vec<String>,
}

impl Respond for Service {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if request.url.path().ends_with("/events") {
            return ResponseTemplate::new(200).set_body_json(json!({"data": []}));
        }
        let mut state = self.0.lock().expect("no panic before");
        let path = request.url.path().trim_start_matches("/v1/sessions");
        let id = path.trim_matches('/').trim_end_matches("/archive");
        state.answer(id, request.method.as_str())
    }
}

impl State {
    fn answer(&mut self, id: &str, method: &str) -> ResponseTemplate {
        let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        let reject = |status: u16| {
            ResponseTemplate::new(status)
                .insert_header("retry-after-ms", "5")
                .insert_header("x-should-retry", "false")
                .set_body_json(error("api_error", "no"))
        };
        let record = |fields: Value| ok(with_fields(session(id, "idle"), fields));
        if id.is_empty() {
            let rows: Vec<Value> = self.fates.keys().map(|id| session(id, "idle")).collect();
            return ok(json!({"data": rows}));
        }
        let Some(fate) = self.fates.get(id).copied() else {
            return reject(404);
        };
        let is_write = method != "GET";
        let counts = if is_write { &mut self.tries } else { &mut self.reads };
        let count = counts.entry(id.to_owned()).or_default();
        *count += 1;
        let is_first = *count == 1;
        match (fate, is_write) {
            (Fate::Vanishes, _) => reject(404),
            (Fate::Limited, false) if is_first => reject(429),
            (Fate::Overloaded, true) if is_first => reject(529),
            (Fate::Forbidden, true) => reject(403),
            (Fate::HasOpenRun, true) => {
                let details = json!({"error_code": "workflow_run_open"});
                let error = json!({"type": "invalid_request_error", "details": details});
                ResponseTemplate::new(400).set_body_json(json!({"type": "error", "error": error}))
            }
            (Fate::StartsBeforeTheWrite, true) => reject(409),
            (Fate::Starts, false) => record(json!({"status": "running"})),
            (Fate::StartsBeforeTheWrite, false) if !is_first => {
                record(json!({"status": "running"}))
            }
            (Fate::Changes, false) => record(json!({"updated_at": "2026-11-20T00:00:00Z"})),
            (_, true) => {
                self.written.push(id.to_owned());
                if method == "DELETE" {
                    return ok(json!({"id": id, "type": "session_deleted"}));
                }
                record(json!({"archived_at": "2026-11-20T00:00:00Z"}))
            }
            (_, false) if self.written.iter().any(|written| written == id) => reject(404),
            (_, false) => record(json!({})),
        }
    }
}

/// Applies a plan for a fleet of these fates, with so many calls at once.
async fn check_fleet(fates: &[Fate], action: &str, at_once: usize) {
    let fates: BTreeMap<String, Fate> =
        fates.iter().enumerate().map(|(n, fate)| (format!("sesn_{n:03}"), *fate)).collect();
    let service = Service(Arc::new(Mutex::new(State { fates: fates.clone(), ..State::default() })));
    let server = MockServer::start().await;
    let mock = Mock::given(matchers::any()).respond_with(service.clone());
    mock.mount(&server).await;
    let host = Host::new(&server.uri()).await;
    let plan = plan(&host, everything(action)).await;
    assert_eq!(plan["matched"], fates.len());
    let mut end = Value::Null;
    for _ in 0..20 {
        let calls = (0..at_once).map(|_| apply(&host, &plan));
        for answer in futures_util::future::join_all(calls).await {
            check_counts(&answer);
        }
        end = apply(&host, &plan).await;
        if end["remaining"] == 0 {
            break;
        }
    }
    let count = |wanted: &[Fate]| fates.values().filter(|fate| wanted.contains(fate)).count();
    let skipped = |code: &str| &end["skipped"][code]["count"];
    let good = [Fate::Stays, Fate::Limited, Fate::Overloaded];
    let busy = [Fate::Starts, Fate::StartsBeforeTheWrite];
    for (number, fates) in [
        (&end["remaining"], &[] as &[Fate]),
        (&end["done"], &good),
        (&end["failed_count"], &[Fate::Forbidden]),
        (skipped("session_changed"), &[Fate::Changes]),
        (skipped("not_found"), &[Fate::Vanishes]),
        (skipped("workflow_run_open"), &[Fate::HasOpenRun]),
        (skipped("session_running"), &busy),
    ] {
        let number = number.as_u64().unwrap_or(0);
        assert_eq!(number, count(fates) as u64, "{fates:?}: {end}");
    }
    let mut written = service.0.lock().expect("no panic before").written.clone();
    written.sort();
    let good = fates.iter().filter(|(_, fate)| good.contains(fate));
    let expected: Vec<&String> = good.map(|(id, _)| id).collect();
    assert_eq!(written.iter().collect::<Vec<_>>(), expected, "each once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn nothing_busy_or_changed_is_written_and_nothing_twice(
        fates in vec(fate(), 1..24),
        delete: bool,
        at_once in 1_usize..4,
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(check_fleet(&fates, if delete { "delete" } else { "archive" }, at_once));
    }
}
