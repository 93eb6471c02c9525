//! A host that creates sessions, calls every tool on them while the service fails, and compares
//! what it is told with what the service says past every fault.

use std::{error::Error, sync::PoisonError, time::Duration};

use managed_sessions_mcp::sandbox::Sandbox;
use rmcp::{RoleClient, model::CallToolRequestParams, service::RunningService};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Shared,
    reply::{DONE, IN_DOUBT, Reply},
};

/// A call that takes so long hangs: the server is told to give up after 3 s.
const HANGS: Duration = Duration::from_secs(60);
/// How many calls are made on a session before it is archived or deleted.
const CALLS: u64 = 12;
const LIST: &str = "/v1/sessions";
const FAULTS: &str = "/_sandbox/faults";
/// Codes that need no fault: they tell of the session's state.
const OF_THE_STATE: [&str; 2] = ["session_running", "busy_timeout"];
/// Codes that tell of what a fault led to, beside those that tell of the fault itself.
const OF_A_FAULT: [&str; 2] = ["not_applied", "export_failed"];

pub(crate) type Ended<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The service, asked past every fault.
#[derive(Debug)]
pub(crate) struct Service {
    http: reqwest::Client,
    base_url: String,
    key: String,
}

impl Service {
    pub(crate) fn new(sandbox: &Sandbox) -> Result<Self, reqwest::Error> {
        // reqwest panics without one; if there is one already it is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            base_url: sandbox.base_url(),
            key: sandbox.api_key().to_owned(),
        })
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Ended<(u16, Value)> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let url = format!("{}{path}", self.base_url);
        let request = self
            .http
            .request(method, url)
            .bearer_auth(&self.key)
            .header("anthropic-version", "2026-10-21")
            .header("anthropic-beta", "managed-agents-2026-04-01")
            .header("content-type", "application/json")
            // A fault of its own keeps it from meeting those that are meant for others.
            .header("x-sandbox-fault", "slow=0");
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// The session, if there is one.
    async fn session(&self, id: &str) -> Ended<Option<Value>> {
        let path = path(id);
        let (status, session) = self.ask("GET", &path, &Value::Null).await?;
        Ok((status == 200).then_some(session))
    }

    async fn create(&self, running: bool) -> Ended<String> {
        let content = json!([{"type": "text", "text": "Go on."}]);
        let message = json!({"type": "user.message", "content": content});
        let events = if running { vec![message] } else { Vec::new() };
        let body = json!({
            "agent": "agent_01", "environment_id": "env_01", "title": "Soaked",
            "initial_events": events,
        });
        let (status, session) = self.ask("POST", LIST, &body).await?;
        let id = session.get("id").and_then(Value::as_str);
        let id = id.ok_or_else(|| format!("no session was created: {status} {session}"))?;
        Ok(id.to_owned())
    }
}

/// What a call is to bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    Nothing,
    Title(String),
    Tool(String),
    Interrupted,
    Archived,
    Deleted,
}

impl Deed {
    /// Whether the session is so.
    fn is_done(&self, session: Option<&Value>) -> bool {
        let Some(session) = session else {
            return *self == Self::Deleted;
        };
        let field = |name| session.get(name);
        match self {
            Self::Nothing | Self::Deleted => false,
            Self::Title(title) => field("title").is_some_and(|it| it == title.as_str()),
            Self::Tool(name) => {
                let tools = field("agent").and_then(|agent| agent.get("tools")?.as_array());
                let mut tools = tools.into_iter().flatten();
                tools.any(|tool| tool.get("name").is_some_and(|it| it == name.as_str()))
            }
            Self::Interrupted => field("status").is_some_and(|it| it != "running"),
            Self::Archived => field("archived_at").is_some_and(Value::is_string),
        }
    }

    /// Whether the session is not used any more afterwards.
    fn is_last(&self) -> bool {
        matches!(self, Self::Archived | Self::Deleted)
    }
}

fn path(id: &str) -> String {
    format!("{LIST}/{id}")
}

/// What nobody but a call of ours changes.
fn kept(session: Option<&Value>) -> Option<[Option<Value>; 3]> {
    let field = |name: &str| session?.get(name).cloned();
    session.map(|_| [field("title"), field("agent"), field("archived_at")])
}

/// One host.
pub(crate) struct Caller {
    pub(crate) host: RunningService<RoleClient, ()>,
    pub(crate) service: Service,
    pub(crate) dice: fastrand::Rng,
    /// Calls in a hundred that meet a fault.
    pub(crate) faults: u64,
    /// Whether nobody else meets a fault on the list of sessions.
    pub(crate) alone: bool,
    pub(crate) rest: Duration,
    pub(crate) tally: Shared,
}

impl Caller {
    /// Works until then.
    pub(crate) async fn work(mut self, until: Instant) -> Ended<()> {
        while Instant::now() < until {
            let running = self.dice.u64(..3) == 0;
            let id = self.service.create(running).await?;
            for number in 0..=CALLS {
                let last = number == CALLS;
                if Instant::now() >= until || self.turn(&id, last).await? {
                    break;
                }
                sleep(self.rest).await;
            }
            self.remove(&id).await?;
        }
        self.host.cancel().await?;
        Ok(())
    }

    /// One call, or a plan and its application; true when the session is not to be used again.
    async fn turn(&mut self, id: &str, last: bool) -> Ended<bool> {
        if last && self.dice.u64(..2) == 0 {
            let action = self.dice.choice(&["archive", "delete"]).copied().unwrap_or("archive");
            let plan = json!({"action": action, "session_ids": [id]});
            let told = self.call(id, "plan_changes", plan, &Deed::Nothing).await?;
            let plan = match &told {
                Some(Reply::Answer(plan)) => plan.get("plan_id").cloned(),
                _ => None,
            };
            let deed = if action == "archive" { Deed::Archived } else { Deed::Deleted };
            if let Some(plan) = plan {
                let arguments = json!({"plan_id": plan});
                self.call(id, "apply_changes", arguments, &deed).await?;
            }
            return Ok(true);
        }
        let (tool, arguments, deed) = self.choice(id, last);
        let told = self.call(id, tool, arguments, &deed).await?;
        // What is late may be carried out later: such a session is left alone.
        let late = told.is_none_or(|told| told.outcome() == "timed_out");
        Ok(deed.is_last() || deed != Deed::Nothing && late)
    }

    fn choice(&mut self, id: &str, last: bool) -> (&'static str, Value, Deed) {
        let number = self.dice.u64(..1_000_000);
        let if_busy = self.dice.choice(&["refuse", "wait", "interrupt"]);
        let only = json!({"session_id": id});
        if last {
            let arguments = json!({"session_id": id, "if_busy": if_busy});
            return if number.is_multiple_of(2) {
                ("archive_session", arguments, Deed::Archived)
            } else {
                ("delete_session", arguments, Deed::Deleted)
            };
        }
        let reading = |tool, arguments| (tool, arguments, Deed::Nothing);
        match number % 12 {
            0 => reading("get_session", only),
            1 => reading("get_session", json!({"session_id": id, "detail": "full"})),
            2 => reading("list_sessions", json!({"limit": 5})),
            3 => reading("list_sessions", json!({"title_contains": "soak", "max_scan": 200})),
            4 => {
                let title = format!("Soaked {number}");
                let arguments = json!({"session_id": id, "title": title});
                ("update_session", arguments, Deed::Title(title))
            }
            5 => {
                let name = format!("tool_{number}");
                let tool = json!({"type": "custom", "name": name, "description": "Looks it up.",
                                  "input_schema": {"type": "object"}});
                let arguments = json!({"session_id": id, "tools": [tool], "if_busy": if_busy});
                ("update_session_tools", arguments, Deed::Tool(name))
            }
            6 => ("interrupt_session", only, Deed::Interrupted),
            7 => reading("list_session_events", only),
            8 => reading("wait_for_session", json!({"session_id": id, "wait_seconds": 1})),
            9 => reading("diagnose_session", only),
            10 => reading("export_session", only),
            _ => reading("summarize_sessions", json!({})),
        }
    }

    /// Makes a call, perhaps with a fault, and judges what it tells.
    async fn call(
        &mut self,
        id: &str,
        tool: &'static str,
        arguments: Value,
        deed: &Deed,
    ) -> Ended<Option<Reply>> {
        // What nobody else asks for, so that no other host meets the fault.
        let path = match tool {
            "list_sessions" | "summarize_sessions" => self.alone.then(|| LIST.to_owned()),
            _ => Some(path(id)),
        };
        let fault = match &path {
            Some(path) => self.spoil(path).await?,
            None => None,
        };
        let before = self.service.session(id).await?;
        let mut request = CallToolRequestParams::new(tool);
        request.arguments = arguments.as_object().cloned();
        let answer = timeout(HANGS, self.host.call_tool(request)).await;
        let told = match answer {
            Ok(answer) => Reply::read(answer),
            Err(_) => Err("it hangs".to_owned()),
        };
        if let (Some(path), Some(_)) = (path, &fault) {
            let faults = format!("{FAULTS}?path={path}");
            self.service.ask("DELETE", &faults, &Value::Null).await?;
        }
        let after = self.service.session(id).await?;
        let wrong = match &told {
            Ok(told) => misplaced(told, fault.is_some())
                .or_else(|| untrue(told, deed, before.as_ref(), after.as_ref())),
            Err(wrong) => Some(wrong.clone()),
        };
        let told = told.ok();
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.calls += 1;
        if let Some(reply @ Reply::Failure(..)) = &told {
            let code = reply.outcome().to_owned();
            *tally.failures.entry(code).or_default() += 1;
        }
        if let Some(wrong) = wrong {
            let fault = fault.map_or_else(|| "no fault".to_owned(), |fault| fault.to_string());
            tally.wrong.push(format!("{tool} {arguments} with {fault}: {wrong}; it told {told:?}"));
        }
        Ok(told)
    }

    /// Makes something go wrong with what is asked of this path next; `None` for nothing.
    async fn spoil(&mut self, path: &str) -> Ended<Option<Value>> {
        if self.dice.u64(..100) >= self.faults {
            return Ok(None);
        }
        let effects = [
            json!({"kind": "status", "status": 408}),
            json!({"kind": "status", "status": 429}),
            json!({"kind": "status", "status": 429, "retry_after": "1"}),
            json!({"kind": "status", "status": 500}),
            json!({"kind": "status", "status": 502}),
            json!({"kind": "status", "status": 503}),
            json!({"kind": "status", "status": 529}),
            json!({"kind": "reset"}),
            json!({"kind": "reset_after"}),
            json!({"kind": "truncated"}),
            json!({"kind": "html", "status": 502}),
            json!({"kind": "html", "status": 200}),
            json!({"kind": "empty", "status": 200}),
            json!({"kind": "redirect", "location": "https://elsewhere.example/"}),
            json!({"kind": "slow", "milliseconds": 4_000}),
            json!({"kind": "slow", "milliseconds": 300}),
        ];
        let method = match self.dice.u64(..4) {
            0 => Some("POST"),
            1 => Some("DELETE"),
            _ => None,
        };
        let fault = json!({
            "effect": self.dice.choice(&effects),
            "times": self.dice.choice(&[1, 1, 1, 2, 3, 100]),
            "method": method,
            "path": path,
        });
        let faults = json!({"faults": [fault]});
        let (status, answer) = self.service.ask("POST", FAULTS, &faults).await?;
        if status >= 300 {
            return Err(format!("the sandbox takes no fault: {status} {answer}").into());
        }
        Ok(Some(faults))
    }

    /// The sandbox keeps nothing of what was done, so that it does not grow either.
    async fn remove(&self, id: &str) -> Ended<()> {
        let (session, events) = (path(id), json!([{"type": "user.interrupt"}]));
        loop {
            let (status, _) = self.service.ask("DELETE", &session, &Value::Null).await?;
            if matches!(status, 200 | 404) {
                return Ok(());
            }
            let body = json!({ "events": events });
            let path = format!("{session}/events");
            self.service.ask("POST", &path, &body).await?;
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A failure that has no cause.
fn misplaced(told: &Reply, spoilt: bool) -> Option<String> {
    if matches!(told, Reply::Answer(_)) {
        return None;
    }
    let code = told.outcome();
    let of_a_fault = IN_DOUBT.contains(&code) || OF_A_FAULT.contains(&code);
    if OF_THE_STATE.contains(&code) || of_a_fault && spoilt {
        None
    } else if of_a_fault {
        Some(format!("{code}, and no fault was set"))
    } else {
        Some(format!("{code} belongs to no fault"))
    }
}

/// What is wrong with what was told of the session.
fn untrue(
    told: &Reply,
    deed: &Deed,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Option<String> {
    let done = deed.is_done(after);
    let by_this_call = done && !deed.is_done(before) && *deed != Deed::Interrupted;
    if told.denies() && by_this_call {
        return Some("it says nothing was done, and it was".to_owned());
    }
    if told.is_without_doubt() && by_this_call {
        return Some("it is done, and nothing hints at that".to_owned());
    }
    let says_done = match told {
        Reply::Answer(answer) => answer.get("done").is_some_and(|done| done == 1),
        Reply::Failure(..) => false,
    };
    if *deed == Deed::Nothing {
        return (kept(before) != kept(after)).then(|| "it changed the session".to_owned());
    }
    if (says_done || DONE.contains(&told.outcome())) && !done {
        return Some("it says it is done, and it is not".to_owned());
    }
    None
}
