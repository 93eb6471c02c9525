//! The law of clean-up: for any fleet and whatever becomes of its sessions meanwhile, nothing that
//! was busy or changed is written, nothing is written twice, and the counts add up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

use super::{adds_up, fast};
use crate::support::{Host, error, session, with};

/// What becomes of a session once the plan is made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Stays,
    /// It is running when it is read again.
    Starts,
    /// Somebody changed it.
    Changes,
    Vanishes,
    /// It starts between the reading and the write.
    StartsUnderTheWrite,
    /// The first reading meets a limit.
    Limited,
    /// The first write meets an overloaded service.
    Overloaded,
    /// The write is refused for good.
    Forbidden,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Stays),
        1 => Just(Fate::Starts),
        1 => Just(Fate::Changes),
        1 => Just(Fate::Vanishes),
        1 => Just(Fate::StartsUnderTheWrite),
        1 => Just(Fate::Limited),
        1 => Just(Fate::Overloaded),
        1 => Just(Fate::Forbidden),
    ]
}

/// A fleet whose fates come true once its sessions are read one by one.
#[derive(Clone)]
struct World(Arc<Mutex<State>>);

struct State {
    fates: BTreeMap<String, Fate>,
    reads: BTreeMap<String, u32>,
    tries: BTreeMap<String, u32>,
    /// Accepted writes.
    written: Vec<String>,
}

impl Respond for World {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().expect("no panic before");
        let path = request
            .url
            .path()
            .trim_start_matches("/v1/sessions")
            .trim_start_matches('/');
        let is_write = request.method.as_str() != "GET";
        if path.is_empty() {
            let rows: Vec<Value> = state.fates.keys().map(|id| session(id, "idle")).collect();
            return ResponseTemplate::new(200).set_body_json(json!({"data": rows}));
        }
        let id = path.trim_end_matches("/archive").to_owned();
        let Some(fate) = state.fates.get(&id).copied() else {
            return ResponseTemplate::new(404).set_body_json(error("not_found_error", "no"));
        };
        let counts = if is_write {
            &mut state.tries
        } else {
            &mut state.reads
        };
        let count = counts.entry(id.clone()).or_default();
        *count += 1;
        let first = *count == 1;
        let written = state.written.contains(&id);
        let refuse = |status: u16| {
            ResponseTemplate::new(status)
                .insert_header("retry-after-ms", "5")
                .insert_header("x-should-retry", "false")
                .set_body_json(error("api_error", "no"))
        };
        match (fate, is_write) {
            (Fate::Vanishes, _) => refuse(404),
            (Fate::Limited, false) if first => refuse(429),
            (Fate::Overloaded, true) if first => refuse(529),
            (Fate::Forbidden, true) => refuse(403),
            (Fate::StartsUnderTheWrite, true) => refuse(409),
            (Fate::Starts, false) => {
                ResponseTemplate::new(200).set_body_json(session(&id, "running"))
            }
            (Fate::StartsUnderTheWrite, false) if !first => {
                ResponseTemplate::new(200).set_body_json(session(&id, "running"))
            }
            (Fate::Changes, false) => {
                let changed = json!({"updated_at": "2026-11-20T00:00:00Z"});
                ResponseTemplate::new(200).set_body_json(with(session(&id, "idle"), changed))
            }
            (_, true) => {
                state.written.push(id.clone());
                if request.method.as_str() == "DELETE" {
                    let deleted = json!({"id": id, "type": "session_deleted"});
                    return ResponseTemplate::new(200).set_body_json(deleted);
                }
                let archived = json!({"archived_at": "2026-11-20T00:00:00Z"});
                ResponseTemplate::new(200).set_body_json(with(session(&id, "idle"), archived))
            }
            (_, false) if written => refuse(500),
            (_, false) => ResponseTemplate::new(200).set_body_json(session(&id, "idle")),
        }
    }
}

/// Carries a fleet through its fates with so many calls at once.
async fn carry_out(fates: &[Fate], action: &str, at_once: usize) {
    let fates: BTreeMap<String, Fate> = fates
        .iter()
        .enumerate()
        .map(|(n, fate)| (format!("sesn_{n:03}"), *fate))
        .collect();
    let world = World(Arc::new(Mutex::new(State {
        fates: fates.clone(),
        reads: BTreeMap::new(),
        tries: BTreeMap::new(),
        written: Vec::new(),
    })));
    let server = MockServer::start().await;
    Mock::given(matchers::any())
        .respond_with(world.clone())
        .mount(&server)
        .await;
    let host = Host::with(fast(), &server.uri()).await;
    let arguments = json!({"action": action, "max_sessions": 1000});
    let plan = host.call("plan_cleanup", arguments).await.answer();
    assert_eq!(plan["matched"], fates.len());
    let mut end = Value::Null;
    for _ in 0..20 {
        let apply = || host.call("apply_cleanup", json!({"plan_id": plan["plan_id"]}));
        let calls = (0..at_once).map(|_| apply());
        for came in futures_util::future::join_all(calls).await {
            end = came.answer();
            adds_up(&end);
        }
        end = apply().await.answer();
        if end["remaining"] == 0 {
            break;
        }
    }
    let many = |wanted: &[Fate]| fates.values().filter(|fate| wanted.contains(fate)).count();
    let good = [Fate::Stays, Fate::Limited, Fate::Overloaded];
    let skipped = |code: &str| end["skipped"][code]["count"].as_u64().unwrap_or(0);
    assert_eq!(end["remaining"], 0, "{end}");
    assert_eq!(end["done"], many(&good), "{end}");
    assert_eq!(end["failed_count"], many(&[Fate::Forbidden]), "{end}");
    assert_eq!(
        skipped("session_changed"),
        many(&[Fate::Changes]) as u64,
        "{end}"
    );
    assert_eq!(
        skipped("not_found"),
        many(&[Fate::Vanishes]) as u64,
        "{end}"
    );
    let running = many(&[Fate::Starts, Fate::StartsUnderTheWrite]) as u64;
    assert_eq!(skipped("session_running"), running, "{end}");
    let mut written = world.0.lock().expect("no panic before").written.clone();
    written.sort();
    let expected: Vec<String> = fates
        .iter()
        .filter(|(_, fate)| good.contains(fate))
        .map(|(id, _)| id.clone())
        .collect();
    assert_eq!(written, expected, "each good one once, no other");
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
        runtime.block_on(carry_out(&fates, if delete { "delete" } else { "archive" }, at_once));
    }
}
