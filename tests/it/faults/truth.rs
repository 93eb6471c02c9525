//! How things really are, read past the server and past every fault, and whether what was told
//! agrees with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::Path,
};

use managed_sessions_mcp::sandbox::{ReceivedRequest, Sandbox};
use serde_json::{Value, json};

use super::{
    cases::{Case, Done},
    gateway::ask,
    told::{DONE, IN_DOUBT, Told},
};

/// What may be answered besides, when it was done before the answer that told so was lost.
const AS_GOOD: [(&str, &str); 5] = [
    ("archived", "already_archived"),
    ("updated", "unchanged"),
    ("interrupted", "nothing_to_do"),
    ("interrupted", "interrupt_sent"),
    ("completed", "in_progress"),
];
/// Parts of answers that are another each time.
const FLEETING: [&str; 8] = [
    "bytes",
    "plan_id",
    "expires_at",
    "next_page",
    "waited_seconds",
    "active_seconds",
    "quiet_for",
    "age",
];

/// The sessions of the service, as far as anybody can change them.
pub(crate) struct Truth {
    sessions: BTreeMap<String, Value>,
    /// How many events the session has that is exported.
    events: usize,
}

impl Truth {
    pub(crate) async fn of(sandbox: &Sandbox) -> Self {
        let list = "/v1/sessions?include_archived=true&limit=100";
        let (status, list) = ask(sandbox, "GET", list, &Value::Null).await;
        assert_eq!(status, "200", "{list}");
        let events = "/v1/sessions/sesn_01/events?limit=1000";
        let (_, events) = ask(sandbox, "GET", events, &Value::Null).await;
        let sessions = list["data"].as_array().expect("sessions");
        Self {
            sessions: sessions.iter().map(changeable).collect(),
            events: events["data"].as_array().map_or(0, Vec::len),
        }
    }

    fn is(&self, done: Done, id: &str) -> bool {
        let Some(session) = self.sessions.get(id) else {
            return done == Done::Deleted;
        };
        match done {
            Done::Same => true,
            Done::Deleted => false,
            Done::Archived => session["archived"] == true,
            Done::NotBusy => session["status"] == "idle",
            Done::Title(title) => {
                session["title"] == title && session["metadata"]["team"] == "faults"
            }
            Done::WithoutTools => session["agent"]["tools"] == json!([]),
        }
    }
}

/// What is the same in every sandbox until somebody changes it, by id.
fn changeable(session: &Value) -> (String, Value) {
    let fields = ["status", "title", "metadata", "agent", "budget"];
    let mut kept: Value = fields
        .into_iter()
        .map(|field| (field.to_owned(), session[field].clone()))
        .collect();
    kept["archived"] = session["archived_at"].is_string().into();
    (session["id"].as_str().expect("an id").to_owned(), kept)
}

/// A call that met a fault, and all there is to judge it by.
pub(crate) struct Meeting<'a> {
    pub(crate) case: &'a Case,
    /// The codes that tell of the fault.
    pub(crate) codes: &'a [&'static str],
    /// Whether it has to end as if nothing had happened.
    pub(crate) passes: bool,
    /// How often one write may be sent.
    pub(crate) tries: usize,
    pub(crate) told: &'a Told,
    /// The same call once more without the fault, where it only reads.
    pub(crate) again: Option<&'a Told>,
    pub(crate) before: &'a Truth,
    pub(crate) after: &'a Truth,
    pub(crate) requests: &'a [ReceivedRequest],
    pub(crate) folder: &'a Path,
}

impl Meeting<'_> {
    /// Everything that is wrong with it.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        wrong.extend(self.misplaced());
        wrong.extend(self.untrue());
        wrong.extend(self.touched());
        wrong.extend(self.uncalled_for());
        wrong.extend(self.files());
        if let (Told::Answer(told), Some(Told::Answer(again))) = (self.told, self.again)
            && !is_partial(told)
            && let Some(where_) = differs(told, again)
        {
            wrong.push(format!(
                "without the fault it says something else at {where_}"
            ));
        }
        wrong
    }

    /// One answer, of a kind that belongs to the fault.
    fn misplaced(&self) -> Option<String> {
        let (word, says) = (self.told.word(), self.case.says);
        if word == says {
            return None;
        }
        if self.passes && (says, word) != ("interrupted", "nothing_to_do") {
            let as_good = AS_GOOD.contains(&(says, word)) && word != "in_progress";
            return (!as_good).then(|| format!("it should have passed with {says}"));
        }
        let fits = match self.told {
            Told::Answer(_) => AS_GOOD.contains(&(says, word)),
            Told::Failure { code, .. } => self.tells_of_it(code),
        };
        (!fits).then(|| format!("{word} does not belong to this fault"))
    }

    /// Whether a code belongs to the fault. The end of its own time stops a call that keeps
    /// failing, too.
    fn tells_of_it(&self, code: &str) -> bool {
        self.codes.contains(&code) || code == "timed_out" && !self.passes
    }

    /// What it says about its sessions.
    fn untrue(&self) -> Vec<String> {
        let case = self.case;
        let done: Vec<bool> = case
            .sessions
            .iter()
            .map(|id| self.after.is(case.done, id))
            .collect();
        let count = done.iter().filter(|done| **done).count();
        let mut wrong = Vec::new();
        if self.told.denies() && count > 0 {
            wrong.push("it says nothing was done, and it was".to_owned());
        }
        if self.told.is_silent() && count > 0 && case.done != Done::Same {
            wrong.push("it is done, and nothing hints at that".to_owned());
        }
        if DONE.contains(&self.told.word()) && count < done.len() {
            wrong.push("it says it is done, and it is not".to_owned());
        }
        if let Told::Answer(answer) = self.told {
            let about = &answer["session"]["id"];
            if !about.is_null() && *about != case.arguments["session_id"] {
                wrong.push(format!("it tells of {about}"));
            }
            if case.tool == "apply_cleanup" {
                wrong.extend(self.miscounted(answer, count));
            }
            let known = |code: &str| self.tells_of_it(code) || code == "session_running";
            wrong.extend(
                codes_in(answer)
                    .into_iter()
                    .filter(|code| !known(code))
                    .map(|code| format!("{code} does not belong to this fault")),
            );
        }
        wrong
    }

    /// The counts of a clean-up.
    fn miscounted(&self, answer: &Value, really: usize) -> Option<String> {
        let number = |name: &str| answer[name].as_u64().unwrap_or(u64::MAX);
        let skipped = answer["skipped"].as_object();
        let skipped: u64 = skipped
            .into_iter()
            .flat_map(|codes| codes.values())
            .map(|reason| reason["count"].as_u64().unwrap_or(u64::MAX))
            .sum();
        let sum = number("done") + skipped + number("failed_count") + number("remaining");
        let failed = answer["failed"].as_array();
        let ruled_out = failed.into_iter().flatten().find(|failed| {
            let id = failed["id"].as_str().unwrap_or_default();
            let code = failed["code"].as_str().unwrap_or_default();
            !IN_DOUBT.contains(&code) && self.after.is(self.case.done, id)
        });
        if sum != number("matched") {
            return Some("the counts do not add up".to_owned());
        }
        if number("done") > really as u64 {
            return Some(format!("only {really} are done"));
        }
        if skipped > 0
            && really as u64 > number("done") + number("failed_count") + number("remaining")
        {
            return Some("what it skipped is done".to_owned());
        }
        ruled_out.map(|failed| format!("it is done: {failed}"))
    }

    /// What no call of this kind changes.
    fn touched(&self) -> Vec<String> {
        let (before, after) = (&self.before.sessions, &self.after.sessions);
        let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        ids.into_iter()
            .filter(|id| !self.case.sessions.contains(&id.as_str()))
            .filter(|id| before.get(*id) != after.get(*id))
            .map(|id| format!("{id} was changed"))
            .collect()
    }

    /// What no call of this kind sends.
    fn uncalled_for(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut sent: BTreeMap<String, usize> = BTreeMap::new();
        let mut read = false;
        for request in self.requests {
            read |= !request.is_write();
            if !request.is_write() {
                continue;
            }
            if !read {
                wrong.push(format!(
                    "{} was sent before anything was read",
                    request.path
                ));
            }
            let asked = (request.method.as_str(), request.path.as_str());
            if !self.case.writes.contains(&asked) {
                wrong.push(format!("{asked:?} was sent"));
            }
            *sent.entry(request.path.clone()).or_default() += 1;
        }
        // A plan goes on with a session whose write was lost, as long as its call lasts.
        if self.case.tool != "apply_cleanup" {
            let often = sent.into_iter().filter(|(_, times)| *times > self.tries);
            wrong.extend(often.map(|(path, times)| format!("{path} was written {times} times")));
        }
        wrong
    }

    /// What is in the folder for exports.
    fn files(&self) -> Option<String> {
        if !self.case.exports {
            return None;
        }
        let path = self.folder.join("sesn_01.jsonl.gz");
        let lines = std::fs::File::open(path).ok().map(|file| {
            let mut text = String::new();
            let read = flate2::read::GzDecoder::new(file).read_to_string(&mut text);
            read.map_or(0, |_| text.lines().count())
        });
        let whole = lines == Some(self.before.events + 1);
        if lines.is_some() && !whole {
            return Some(format!("the export is not whole: {lines:?}"));
        }
        let gone = !self.after.sessions.contains_key("sesn_01");
        if gone && !whole {
            return Some("it was deleted without an export".to_owned());
        }
        match self.told.word() {
            "exported" if !whole => Some("nothing was exported".to_owned()),
            "exported" => None,
            _ if self.case.tool == "export_session" && whole => {
                Some("there is an export that it does not tell of".to_owned())
            }
            _ => None,
        }
    }
}

/// Whether an answer says of itself that it is not the whole answer.
fn is_partial(answer: &Value) -> bool {
    answer["complete"] == false
        || codes_in(answer)
            .iter()
            .any(|code| IN_DOUBT.contains(&code.as_str()))
}

/// The codes that an answer about many sessions tells of single ones.
fn codes_in(answer: &Value) -> Vec<String> {
    let skipped = answer["skipped"].as_object().into_iter();
    let failed = answer["failed"].as_array().into_iter().flatten();
    let failed = failed.filter_map(|failed| failed["code"].as_str());
    let stopped = answer["stopped_by"].as_str();
    skipped
        .flat_map(|codes| codes.keys().map(String::as_str))
        .chain(failed)
        .chain(stopped)
        .map(str::to_owned)
        .collect()
}

/// Where an answer says what the other does not. It may leave out what could not be read.
fn differs(told: &Value, again: &Value) -> Option<String> {
    match (told, again) {
        (Value::Object(told), Value::Object(again)) => told
            .iter()
            .filter(|(name, _)| !FLEETING.contains(&name.as_str()))
            .find_map(|(name, value)| match again.get(name) {
                Some(other) => differs(value, other).map(|at| format!("{name}.{at}")),
                None => Some(name.clone()),
            }),
        (Value::Array(told), Value::Array(again)) if told.len() == again.len() => told
            .iter()
            .zip(again)
            .enumerate()
            .find_map(|(n, (told, again))| differs(told, again).map(|at| format!("{n}.{at}"))),
        _ => (told != again).then(|| format!("{told} / {again}")),
    }
}
