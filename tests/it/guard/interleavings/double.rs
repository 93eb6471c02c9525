//! A service with one session that somebody else uses too.

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::support::{error, session, with_fields};

/// What somebody else does with the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    TurnStarts,
    TurnEnds,
    /// It runs again at once.
    AnotherTurn,
    Renamed,
    Archived,
    Deleted,
    Terminated,
}

impl Change {
    pub(super) const ALL: [Self; 7] = [
        Self::TurnStarts,
        Self::TurnEnds,
        Self::AnotherTurn,
        Self::Renamed,
        Self::Archived,
        Self::Deleted,
        Self::Terminated,
    ];
}

/// How a write is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Plain,
    /// Carried out, and answered with this status.
    Acted(u16),
    /// Not carried out, and answered with this status.
    NotActed(u16),
    /// Answered with this status, and carried out before the next request.
    ActsLate(u16),
    /// Answered as if it were carried out.
    Pretends,
    /// Carried out, but the next reading is as before.
    Lags,
    /// Carried out and answered with this status, and the next readings are as before.
    LostAndLags(u16),
}

impl Reply {
    pub(super) const ALL: [Self; 15] = [
        Self::Acted(500),
        Self::Acted(503),
        Self::Acted(504),
        Self::NotActed(400),
        Self::NotActed(409),
        Self::NotActed(429),
        Self::NotActed(500),
        Self::NotActed(503),
        Self::NotActed(504),
        Self::NotActed(403),
        Self::ActsLate(504),
        Self::ActsLate(503),
        Self::Pretends,
        Self::Lags,
        Self::LostAndLags(500),
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Archive,
    Delete,
    Update,
    Interrupt,
}

/// A reading of the session, as it was answered.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) status: &'static str,
    pub(super) archived: bool,
    pub(super) updated_at: String,
    /// How many events there were.
    pub(super) events: usize,
}

/// A write that arrived.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) kind: Kind,
    /// The newest reading since the write before.
    pub(super) reading: Option<Reading>,
    /// The newest change of status that was read since the write before.
    pub(super) status_read: Option<usize>,
    /// By its answer it may have been carried out.
    pub(super) may_have_acted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Double {
    status: &'static str,
    pub(super) archived: bool,
    pub(super) gone: bool,
    title: String,
    tools: Vec<Value>,
    version: u32,
    turn: u32,
    /// The statuses that it went through.
    history: Vec<&'static str>,
    changes: Vec<Change>,
    answers: Vec<Reply>,
    late: Option<(Kind, Value)>,
    /// So many of the next readings are of this.
    stale: Option<(Value, u32)>,
    reading: Option<Reading>,
    status_read: Option<usize>,
    pub(super) writes: Vec<Write>,
    /// How often a write of each kind was carried out.
    pub(super) acted: Vec<Kind>,
    pub(super) log: Vec<String>,
}

impl Double {
    pub(super) fn new(running: bool) -> Self {
        let mut double = Self { title: "theirs".to_owned(), ..Self::default() };
        double.becomes("idle");
        if running {
            double.change(Change::TurnStarts);
        }
        double
    }

    pub(super) fn script(&mut self, changes: &[Change], answers: &[Reply]) {
        self.changes = changes.iter().rev().copied().collect();
        self.answers = answers.iter().rev().copied().collect();
        (self.reading, self.status_read) = (None, None);
        self.log.clear();
    }

    pub(super) fn updated_at(&self) -> String {
        format!("2026-11-02T09:{:02}:{:02}Z", self.version / 60, self.version % 60)
    }

    fn becomes(&mut self, status: &'static str) {
        self.status = status;
        self.history.push(status);
        self.version += 1;
    }

    fn change(&mut self, change: Change) {
        let is_open = !self.archived && !self.gone && self.status != "terminated";
        match change {
            Change::TurnStarts if is_open && self.status == "idle" => {
                self.turn += 1;
                self.becomes("running");
            }
            Change::TurnEnds if self.status == "running" => self.becomes("idle"),
            Change::AnotherTurn if self.status == "running" => {
                self.becomes("idle");
                self.turn += 1;
                self.becomes("running");
            }
            Change::Renamed if is_open => {
                self.title.push('!');
                self.version += 1;
            }
            Change::Archived if is_open && self.status == "idle" => {
                self.archived = true;
                self.version += 1;
            }
            Change::Terminated if is_open && self.status == "running" => self.becomes("terminated"),
            Change::Deleted if self.status != "running" => self.gone = true,
            _ => return,
        }
        self.log.push(format!("somebody: {change:?}"));
    }

    fn record(&self) -> Value {
        let agent = json!({"id": "agent_1", "name": "Fixer", "version": 3, "tools": self.tools,
            "mcp_servers": []});
        let at = self.archived.then_some("2026-11-03T00:00:00Z");
        with_fields(
            session("sesn_1", self.status),
            json!({"title": self.title, "updated_at": self.updated_at(), "archived_at": at,
                "agent": agent}),
        )
    }

    pub(super) fn answer(&mut self, request: &Request) -> ResponseTemplate {
        if let Some((kind, body)) = self.late.take() {
            self.carry_out(kind, &body);
        }
        if let Some(change) = self.changes.pop() {
            self.change(change);
        }
        let path = request.url.path().trim_start_matches("/v1/sessions/sesn_1");
        let method = request.method.as_str();
        let kind = match (method, path) {
            ("GET", "") => return self.read(),
            ("GET", "/events") => return self.events(),
            ("GET", _) => return ok(&json!({"data": []})),
            ("DELETE", _) => Kind::Delete,
            (_, "/archive") => Kind::Archive,
            (_, "/events") => Kind::Interrupt,
            _ => Kind::Update,
        };
        self.log.push(format!("{kind:?} arrives; {} turn {}", self.status, self.turn));
        self.writes.push(Write {
            kind,
            reading: self.reading.take(),
            status_read: self.status_read.take(),
            may_have_acted: true,
        });
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        self.write(kind, &body)
    }

    fn read(&mut self) -> ResponseTemplate {
        let record = match self.stale.take() {
            Some((stale, times)) => {
                self.stale = (times > 1).then(|| (stale.clone(), times - 1));
                stale
            }
            None if self.gone => {
                self.log.push("read: gone".to_owned());
                return refused(404);
            }
            None => self.record(),
        };
        let status = record["status"].as_str().unwrap_or_default();
        let status = ["idle", "running", "terminated"].into_iter().find(|it| *it == status);
        self.reading = Some(Reading {
            status: status.expect("a status"),
            archived: !record["archived_at"].is_null(),
            updated_at: record["updated_at"].as_str().unwrap_or_default().to_owned(),
            events: self.history.len(),
        });
        self.log.push(format!("read: {:?}", self.reading));
        ok(&record)
    }

    fn events(&mut self) -> ResponseTemplate {
        if self.gone {
            return refused(404);
        }
        self.status_read = Some(self.history.len());
        let event = |(number, status): (usize, &&str)| {
            json!({"id": format!("evt_{number}"), "type": format!("session.status_{status}"),
                "processed_at": format!("2026-11-02T08:{:02}:{:02}Z", number / 60, number % 60),
                "stop_reason": {"type": "end_turn"}})
        };
        let events: Vec<Value> = self.history.iter().enumerate().rev().map(event).collect();
        self.log.push("read: events".to_owned());
        ok(&json!({"data": events}))
    }

    fn write(&mut self, kind: Kind, body: &Value) -> ResponseTemplate {
        let answer = self.answers.pop().unwrap_or(Reply::Plain);
        if self.gone {
            return refused(404);
        }
        if !self.allows(kind) {
            return refused(400);
        }
        let before = self.record();
        self.log.push(format!("{kind:?}: {answer:?}"));
        match answer {
            Reply::Plain => self.carry_out(kind, body),
            Reply::Acted(status) => {
                self.carry_out(kind, body);
                return refused(status);
            }
            Reply::NotActed(status) => {
                if let Some(write) = self.writes.last_mut() {
                    write.may_have_acted = status >= 500;
                }
                return refused(status);
            }
            Reply::ActsLate(status) => {
                self.late = Some((kind, body.clone()));
                return refused(status);
            }
            Reply::Pretends => {}
            Reply::Lags => {
                self.carry_out(kind, body);
                self.stale = Some((before, 1));
            }
            Reply::LostAndLags(status) => {
                self.carry_out(kind, body);
                self.stale = Some((before, 3));
                return refused(status);
            }
        }
        match kind {
            Kind::Delete => ok(&json!({"id": "sesn_1", "type": "session_deleted"})),
            Kind::Interrupt => ok(&json!({"data": []})),
            Kind::Archive | Kind::Update => ok(&self.record()),
        }
    }

    /// As the API has it.
    fn allows(&self, kind: Kind) -> bool {
        let running = self.status == "running";
        match kind {
            Kind::Archive => !running && !self.archived,
            Kind::Delete => !running,
            Kind::Update => !self.archived,
            Kind::Interrupt => !self.archived && self.status != "terminated",
        }
    }

    fn carry_out(&mut self, kind: Kind, body: &Value) {
        if self.gone || !self.allows(kind) {
            return;
        }
        self.log.push(format!("{kind:?} is carried out"));
        self.acted.push(kind);
        match kind {
            Kind::Archive => {
                self.archived = true;
                self.version += 1;
            }
            Kind::Delete => self.gone = true,
            Kind::Interrupt if self.status == "running" => self.becomes("idle"),
            Kind::Interrupt => {}
            Kind::Update => {
                if let Some(title) = body["title"].as_str() {
                    title.clone_into(&mut self.title);
                }
                if let Some(tools) = body["agent"]["tools"].as_array() {
                    self.tools.clone_from(tools);
                }
                self.version += 1;
            }
        }
    }
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn refused(status: u16) -> ResponseTemplate {
    let kind = if status == 404 { "not_found_error" } else { "api_error" };
    ResponseTemplate::new(status)
        .insert_header("retry-after-ms", "2")
        .set_body_json(error(kind, "not now"))
}
