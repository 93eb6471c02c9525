//! Every tool times everything that can go wrong between it and the service, through the front
//! door. Of each pair three things must hold: there is one clear answer, of a kind that belongs
//! to the fault; what it says about the session is true; and nothing was sent that this call may
//! not send.

mod cases;
mod gateway;
mod told;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
    sync::Arc,
    time::Duration,
};

use cases::{Before, Case};
use futures_util::{StreamExt as _, stream};
use gateway::{Gateway, Twist, ask};
use managed_sessions_mcp::{
    cli::Flags,
    mcp::server::SessionsServer,
    sandbox::{Effect, Fault as SandboxFault, Options, Sandbox},
};
use rmcp::model::CallToolRequestParams;
use serde_json::{Value, json};
use told::{Told, told};
use truth::{Meeting, Truth};

use crate::support::{Host, config};

/// How many rounds go on at once for each core: most of the time they wait.
const AT_ONCE: usize = 12;
/// A call that takes so long hangs; its own limits are far below.
const HANGS: Duration = Duration::from_secs(90);
/// The whole time of a call: more than enough, on a busy machine too.
const ENOUGH: &str = "30";
const SHORT: &str = "1";
const FOR_EVER: u32 = u32::MAX;
/// Met at the first request only: at every other place they take the way of another that is met
/// there too.
const LIKE_OTHERS: [&str; 6] = ["408", "502", "503", "529", "an array", "trickle"];

#[derive(Debug, Clone)]
enum Kind {
    Sandbox(Effect),
    Gateway(Twist),
}

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    name: &'static str,
    kind: Kind,
    times: u32,
    /// The codes that tell of it.
    codes: &'static [&'static str],
    /// Whether the call has to end as if nothing had happened.
    passes: bool,
    timeout: &'static str,
}

/// Where something goes wrong: at the first request, or at those of this method whose path
/// contains this.
type Place = Option<(&'static str, &'static str)>;

impl Fault {
    fn named(&self) -> (&'static str, &'static str) {
        (self.name, if self.times == 1 { "once" } else { "for ever" })
    }

    fn lies(&self) -> bool {
        matches!(self.kind, Kind::Gateway(Twist::MixedUp))
    }
}

fn status(status: u16) -> Effect {
    Effect::Status {
        status,
        retry_after: None,
        should_retry: None,
    }
}

/// What passes when it happens once, and does not when it goes on.
fn transient() -> Vec<Fault> {
    let kinds: [(&str, Effect, &[&str]); 9] = [
        ("reset", Effect::Reset, &["api_unreachable"]),
        ("reset after", Effect::ResetAfter, &["api_unreachable"]),
        ("truncated", Effect::Truncated, &["bad_response"]),
        ("408", status(408), &["timed_out"]),
        ("429", status(429), &["rate_limited"]),
        ("500", status(500), &["api_error"]),
        ("502", status(502), &["api_error"]),
        ("503", status(503), &["overloaded"]),
        ("529", status(529), &["overloaded"]),
    ];
    let fault = |(name, effect, codes), times| Fault {
        name,
        kind: Kind::Sandbox(effect),
        times,
        codes,
        passes: times == 1,
        timeout: ENOUGH,
    };
    let once = kinds.clone().map(|kind| fault(kind, 1));
    once.into_iter()
        .chain(kinds.map(|kind| fault(kind, FOR_EVER)))
        .collect()
}

/// What does not go away by trying again.
fn lasting() -> Vec<Fault> {
    const BAD: &[&str] = &["bad_response"];
    // Accepted, and not done: what can be read back is.
    const BAD_OR_UNDONE: &[&str] = &["bad_response", "not_applied", "busy_timeout"];
    let fault = |name, kind, codes, times, timeout| Fault {
        name,
        kind,
        times,
        codes,
        passes: false,
        timeout,
    };
    let sandbox = |name, effect, codes| fault(name, Kind::Sandbox(effect), codes, FOR_EVER, ENOUGH);
    let gateway = |name, twist, codes| fault(name, Kind::Gateway(twist), codes, FOR_EVER, ENOUGH);
    let slow = |name, kind| fault(name, kind, &["timed_out"], FOR_EVER, SHORT);
    let elsewhere = "https://elsewhere.example/v1".to_owned();
    vec![
        sandbox("html", Effect::Html { status: 502 }, &["api_error"]),
        sandbox("html with 200", Effect::Html { status: 200 }, BAD_OR_UNDONE),
        sandbox("empty", Effect::Empty { status: 200 }, BAD_OR_UNDONE),
        sandbox(
            "redirect",
            Effect::Redirect {
                location: elsewhere,
            },
            BAD,
        ),
        gateway("refused", Twist::Gone, &["api_unreachable"]),
        gateway("an array", Twist::Other("[1, 2]"), BAD),
        gateway(
            "another object",
            Twist::Other(r#"{"error": null, "ok": true}"#),
            BAD,
        ),
        gateway("mixed up", Twist::MixedUp, BAD),
        slow(
            "slow to act",
            Kind::Sandbox(Effect::Slow {
                milliseconds: 60_000,
            }),
        ),
        slow("slow to answer", Kind::Gateway(Twist::Late)),
        slow("trickle", Kind::Gateway(Twist::Trickle)),
        Fault {
            passes: true,
            ..gateway("another clock", Twist::Ahead, &[])
        },
        Fault {
            times: 1,
            passes: true,
            ..gateway("429 by another clock", Twist::LimitedAhead, &[])
        },
    ]
}

/// A host, its server, and the gateway between that and whatever sandbox it is led to.
struct Line {
    gateway: Gateway,
    folder: tempfile::TempDir,
    host: Host,
}

impl Line {
    async fn new(case: &Case, timeout: &str) -> Self {
        let gateway = Gateway::open().await;
        let folder = tempfile::tempdir().expect("a folder");
        let flags = Flags {
            timeout_seconds: Some(timeout.to_owned()),
            max_rpm: Some("60000".to_owned()),
            export_dir: case.exports.then(|| folder.path().to_owned()),
            ..Flags::default()
        };
        let mut config = config(flags, &gateway.url());
        // The usual rules, faster.
        config.app.api.retry.base = Duration::from_millis(10);
        Self {
            host: Host::of(SessionsServer::new(config)).await,
            gateway,
            folder,
        }
    }

    async fn call(&self, tool: &'static str, arguments: &Value) -> Result<Told, String> {
        let arguments = arguments.as_object().expect("an object").clone();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let answer = tokio::time::timeout(HANGS, self.host.client.call_tool(request)).await;
        told(answer.map_err(|_| "it hangs".to_owned())?)
    }

    /// Makes something go wrong from now on.
    async fn spoil(&mut self, sandbox: &Sandbox, fault: &Fault, place: Place) {
        match &fault.kind {
            Kind::Sandbox(effect) => {
                let spoilt = SandboxFault::new(effect.clone()).times(fault.times);
                sandbox.fail(match place {
                    Some((method, path)) => spoilt.on(method, path),
                    None => spoilt,
                });
            }
            Kind::Gateway(twist) => self.gateway.turn(*twist, fault.times, place).await,
        }
    }
}

async fn seeded() -> Sandbox {
    let options = Options {
        turn: Duration::from_millis(300),
        status_lag: Duration::ZERO,
        ..Options::default()
    };
    let sandbox = Sandbox::start("127.0.0.1:0".parse().expect("an address"), options)
        .await
        .expect("the sandbox starts");
    // Its long prompt would be most of what is read here.
    ask(&sandbox, "DELETE", "/v1/sessions/sesn_10", &Value::Null).await;
    sandbox
}

/// A sandbox to call on, and what the call has to be given.
async fn ground(case: &Case, line: &Line) -> (Sandbox, Value) {
    let sandbox = seeded().await;
    line.gateway.lead_to(&sandbox);
    let mut arguments = case.arguments.clone();
    match case.before {
        Before::Nothing => {}
        Before::Message => {
            let content = json!([{"type": "text", "text": "Go on."}]);
            let events = json!({"events": [{"type": "user.message", "content": content}]});
            let path = format!("/v1/sessions/{}/events", case.sessions[0]);
            ask(&sandbox, "POST", &path, &events).await;
        }
        Before::Plan(action, ids) => {
            let plan = json!({"action": action, "session_ids": ids});
            let plan = line.host.call("plan_cleanup", plan).await.answer();
            arguments["plan_id"] = plan["plan_id"].clone();
        }
    }
    (sandbox, arguments)
}

/// Tries faults one after the other with one server: the words they were answered with, or what
/// is wrong with that.
async fn round(
    case: &Case,
    faults: Vec<Fault>,
    place: Place,
    before: &Truth,
) -> Vec<(Fault, Result<String, String>)> {
    let mut line = Line::new(case, faults[0].timeout).await;
    let mut used = None;
    let mut tried = Vec::new();
    for fault in faults {
        let (sandbox, arguments) = match used.take() {
            Some(ground) => ground,
            None => ground(case, &line).await,
        };
        sandbox.forget_requests();
        line.spoil(&sandbox, &fault, place).await;
        let told = line.call(case.tool, &arguments).await;
        let requests = sandbox.requests();
        ask(&sandbox, "DELETE", "/_sandbox/faults", &Value::Null).await;
        line.gateway.forget();
        let after = Truth::of(&sandbox).await;
        let again = match &told {
            // Once more without the fault.
            Ok(Told::Answer(_)) if case.writes.is_empty() && !fault.lies() => {
                line.call(case.tool, &arguments).await.ok()
            }
            _ => None,
        };
        let word = told.and_then(|told| {
            let meeting = Meeting {
                case,
                codes: fault.codes,
                passes: fault.passes,
                tries: if fault.times == 1 { 2 } else { 3 },
                told: &told,
                again: again.as_ref(),
                before,
                after: &after,
                requests: &requests,
                folder: line.folder.path(),
            };
            match meeting.wrong() {
                wrong if wrong.is_empty() => Ok(told.word().to_owned()),
                wrong => Err(format!("{}; it told {told:?}", wrong.join("; "))),
            }
        });
        tried.push((fault, word));
        if case.writes.is_empty() {
            used = Some((sandbox, arguments));
        }
    }
    tried
}

/// What can be tried with one server: nothing that one leaves behind meets the next.
fn rounds(case: &Case, faults: Vec<Fault>) -> Vec<Vec<Fault>> {
    let mut rounds: Vec<Vec<Fault>> = Vec::new();
    let mut shared: BTreeMap<&str, Vec<Fault>> = BTreeMap::new();
    for fault in faults {
        let leaves = matches!(fault.kind, Kind::Gateway(Twist::Gone));
        if leaves || case.exports || matches!(case.before, Before::Plan(..)) {
            rounds.push(vec![fault]);
        } else {
            shared.entry(fault.timeout).or_default().push(fault);
        }
    }
    rounds.extend(shared.into_values());
    rounds
}

#[tokio::test]
async fn no_tool_is_left_out() {
    let line = Line::new(&cases::all()[0], ENOUGH).await;
    let tools = line.host.tools().await;
    let offered: BTreeSet<String> = tools.iter().map(|tool| tool.name.to_string()).collect();
    let tried: BTreeSet<String> = cases::all()
        .iter()
        .map(|case| case.tool.to_owned())
        .collect();
    assert_eq!(tried, offered);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_every_tool_tells_the_truth_and_sends_nothing_else() {
    let faults: Vec<Fault> = transient().into_iter().chain(lasting()).collect();
    let mut all = Vec::new();
    for case in cases::all() {
        let places = case.places.iter().copied().map(Some);
        for place in std::iter::once(None).chain(places) {
            let mut faults = faults.clone();
            faults.retain(|fault| place.is_none() || !LIKE_OTHERS.contains(&fault.name));
            for round in rounds(&case, faults) {
                all.push((case.clone(), round, place));
            }
        }
    }
    // Those that take longest first.
    all.sort_by_key(|(case, ..)| !matches!(case.before, Before::Plan(..)));
    let before = Arc::new(Truth::of(&seeded().await).await);
    let rounds = stream::iter(all).map(|(case, faults, place)| {
        let before = Arc::clone(&before);
        tokio::spawn(async move { (case.name, place, round(&case, faults, place, &before).await) })
    });
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut rounds = rounds.buffer_unordered(AT_ONCE * cores);
    let mut tried = 0;
    let mut by_call: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let mut by_fault: BTreeMap<(&str, &str), BTreeMap<String, usize>> = BTreeMap::new();
    let mut wrong = Vec::new();
    while let Some(round) = rounds.next().await {
        let (case, place, round) = round.expect("no panic in a round");
        for (fault, came) in round {
            tried += 1;
            let word = came.unwrap_or_else(|why| {
                wrong.push(format!("{case} x {:?} at {place:?}: {why}", fault.named()));
                "WRONG".to_owned()
            });
            let words = by_call.entry(case).or_default();
            *words.entry(word.clone()).or_default() += 1;
            let words = by_fault.entry(fault.named()).or_default();
            *words.entry(word).or_default() += 1;
        }
    }
    println!(
        "\n{tried} pairs of a call and a fault, {} wrong. By call:",
        wrong.len()
    );
    for (case, words) in by_call {
        println!("{case:28} {words:?}");
    }
    println!("\nBy fault:");
    for ((fault, times), words) in by_fault {
        println!("{:28} {words:?}", format!("{fault} {times}"));
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
