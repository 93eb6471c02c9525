//! What is wrong with one cell of the matrix.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use managed_sessions_mcp::sandbox::ReceivedRequest;
use serde_json::Value;

use super::{
    Baseline,
    calls::{Call, Effect},
    fault::Fault,
    state::ServiceState,
};
use crate::reply::{DONE, IN_DOUBT, Reply};

/// Outcomes that may take the place of another, when the call took effect before the reply that
/// said so was lost.
const AS_GOOD: [(&str, &str); 5] = [
    ("archived", "already_archived"),
    ("updated", "unchanged"),
    ("interrupted", "nothing_to_do"),
    ("interrupted", "interrupt_sent"),
    ("completed", "in_progress"),
];
/// The same for a fault that must not be noticed.
const AS_GOOD_UNNOTICED: [(&str, &str); 4] = [AS_GOOD[0], AS_GOOD[1], AS_GOOD[2], AS_GOOD[3]];
/// Parts of an answer that differ from call to call.
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

/// A call that met a fault, and everything to judge it by.
pub(crate) struct Cell<'a> {
    pub(crate) call: &'a Call,
    pub(crate) fault: &'a Fault,
    pub(crate) reply: &'a Reply,
    /// The reply to the same call without the fault, if it only reads.
    pub(crate) again: Option<&'a Reply>,
    pub(crate) baseline: &'a Baseline,
    pub(crate) after: &'a ServiceState,
    /// What the sandbox received.
    pub(crate) requests: &'a [ReceivedRequest],
    /// Where exports go.
    pub(crate) folder: &'a Path,
}

impl Cell<'_> {
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(self.wrong_outcome());
        problems.extend(self.untrue());
        problems.extend(self.side_effects());
        problems.extend(self.wrong_requests());
        problems.extend(self.wrong_file().map(str::to_owned));
        problems.extend(self.wrong_content());
        problems
    }

    /// The outcome or code must be the usual one, or fit the fault.
    fn wrong_outcome(&self) -> Option<String> {
        let (usual, outcome) = (self.call.outcome, self.reply.outcome());
        if outcome == usual {
            return None;
        }
        let pair = &(usual, outcome);
        let is_in_doubt =
            matches!(self.reply, Reply::Failure(_, parts) if parts["in_doubt"] == true);
        if self.call.is_sent_once && is_in_doubt {
            let fits = self.fault.may_cause(outcome);
            return (!fits).then(|| format!("{outcome} does not fit the fault"));
        }
        if self.fault.is_harmless {
            let fits = AS_GOOD_UNNOTICED.contains(pair);
            return (!fits).then(|| format!("the fault should go unnoticed, with {usual}"));
        }
        let fits = match self.reply {
            Reply::Answer(_) => AS_GOOD.contains(pair),
            // Whatever kept the copy from being made is told as that.
            Reply::Failure(..) if self.call.exports && outcome == "export_failed" => true,
            Reply::Failure(..) => self.fault.may_cause(outcome),
        };
        (!fits).then(|| format!("{outcome} does not fit the fault"))
    }

    /// What it says about its sessions must be true.
    fn untrue(&self) -> Vec<String> {
        let Call { sessions, effect, .. } = self.call;
        let shows = |id: &&&str| self.after.shows(*effect, id);
        let changed = sessions.iter().filter(shows).count();
        let mut problems = Vec::new();
        if changed > 0 && self.reply.denies() {
            problems.push("it says that nothing was done, and it was".to_owned());
        }
        if changed > 0 && *effect != Effect::Unchanged && self.reply.is_without_doubt() {
            problems.push("it was done, and the failure leaves no doubt".to_owned());
        }
        if DONE.contains(&self.reply.outcome()) && changed < sessions.len() {
            problems.push("it says that it is done, and it is not".to_owned());
        }
        if self.call.starts {
            let started = self.after.new_since(&self.baseline.state).len();
            let reply = self.reply;
            if reply.outcome() == "started" && started != 1 {
                problems.push(format!("it says that a session is started, and {started} are"));
            }
            if started > 0 && (reply.denies() || reply.is_without_doubt()) {
                problems.push("a session was started, and the failure leaves no doubt".to_owned());
            }
            if started > 1 {
                problems.push(format!("{started} sessions were started"));
            }
        }
        if let Reply::Answer(answer) = self.reply {
            let id = &answer["session"]["id"];
            let arguments = &self.call.arguments;
            let several = arguments["session_ids"].as_array();
            let is_one_of_several = several.is_some_and(|ids| ids.contains(id));
            let is_asked = *id == arguments["session_id"] || is_one_of_several;
            if !id.is_null() && !is_asked && !self.call.starts {
                problems.push(format!("it is about {id}"));
            }
            if self.call.tool == "apply_changes" {
                problems.extend(self.miscounted(answer, changed));
            }
            let fits = |code: &str| self.fault.may_cause(code) || code == "session_running";
            let codes = codes_of_sessions(answer).into_iter();
            let misfits = codes.filter(|code| !fits(code));
            problems.extend(misfits.map(|code| format!("{code} does not fit the fault")));
        }
        problems
    }

    /// The counts of a clean-up must agree with how many sessions were changed.
    fn miscounted(&self, answer: &Value, changed: usize) -> Option<String> {
        let number = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
        let [matched, done, failed, remaining] =
            ["matched", "done", "failed_count", "remaining"].map(|name| number(&answer[name]));
        let skipped = answer["skipped"].as_object().into_iter();
        let skipped = skipped.flat_map(|codes| codes.values());
        let skipped: u64 = skipped.map(|reason| number(&reason["count"])).sum();
        let changed = changed as u64;
        if done + skipped + failed + remaining != matched {
            return Some("the counts do not add up".to_owned());
        }
        if done > changed {
            return Some(format!("only {changed} were changed"));
        }
        if skipped > 0 && changed > done + failed + remaining {
            return Some("a skipped session was changed".to_owned());
        }
        let mut failures = answer["failed"].as_array().into_iter().flatten();
        let denied = failures.find(|failure| {
            let [id, code] = ["id", "code"].map(|name| failure[name].as_str().unwrap_or_default());
            !IN_DOUBT.contains(&code) && self.after.shows(self.call.effect, id)
        });
        denied.map(|failure| format!("it was changed: {failure}"))
    }

    /// No other session may be changed.
    fn side_effects(&self) -> impl Iterator<Item = String> {
        let changed = self.after.changed_since(&self.baseline.state).into_iter();
        let new = self.after.new_since(&self.baseline.state);
        let is_new = move |id: &&str| self.call.starts && new.contains(id);
        let others = changed.filter(|id| !self.call.sessions.contains(id));
        let others = others.filter(move |id| !is_new(id));
        others.map(|id| format!("{id} was changed"))
    }

    /// No other write may be sent, none before a read, and none too often.
    fn wrong_requests(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
        let mut has_read = false;
        for request in self.requests {
            if !request.is_write() {
                has_read = true;
                continue;
            }
            let write = (request.method.as_str(), request.path.as_str());
            if !has_read {
                problems.push(format!("{write:?} was sent before any read"));
            }
            if !self.call.writes.contains(&write) {
                problems.push(format!("{write:?} was sent"));
            }
            *sent.entry(write.1).or_default() += 1;
        }
        // As long as its call lasts, a plan goes back to a session whose write was lost.
        if self.call.tool != "apply_changes" {
            let in_doubt =
                matches!(self.reply, Reply::Failure(..)) && !self.reply.is_without_doubt();
            let once = self.call.starts && in_doubt;
            let most = if once { 1 } else { self.fault.most_tries() };
            let often = sent.into_iter().filter(|(_, times)| *times > most);
            problems.extend(often.map(|(path, times)| format!("{path} was written {times} times")));
        }
        problems
    }

    /// An export must be complete, reported, and there before the session is deleted.
    fn wrong_file(&self) -> Option<&'static str> {
        if !self.call.exports {
            return None;
        }
        let file = fs::File::open(self.folder.join("sesn_01.jsonl.gz")).ok();
        let lines = file.map(|file| {
            let mut text = String::new();
            let read = flate2::read::GzDecoder::new(file).read_to_string(&mut text);
            read.map_or(0, |_| text.lines().count())
        });
        // The record is the first line.
        let is_complete = lines == Some(1 + self.baseline.events);
        let is_reported = self.reply.outcome() == "exported";
        let only_exports = self.call.tool == "export_session";
        if lines.is_some() && !is_complete {
            Some("the export is incomplete")
        } else if !self.after.exists("sesn_01") && !is_complete {
            Some("it was deleted without an export")
        } else if is_reported && !is_complete {
            Some("nothing was exported")
        } else if only_exports && is_complete && !is_reported {
            Some("it was exported, and the reply does not say so")
        } else {
            None
        }
    }

    /// An answer may be partial, if it says so, but must not differ from the one without the fault.
    fn wrong_content(&self) -> Option<String> {
        let (Reply::Answer(answer), Some(Reply::Answer(again))) = (self.reply, self.again) else {
            return None;
        };
        let codes = codes_of_sessions(answer);
        let warnings = answer["warnings"].to_string();
        let is_partial = answer["complete"] == false
            || warnings.contains("could not be read")
            || codes.iter().any(|code| IN_DOUBT.contains(&code.as_str()));
        let difference = difference(answer, again).filter(|_| !is_partial)?;
        Some(format!("without the fault it differs at {difference}"))
    }
}

/// The codes that an answer about many sessions has for single ones.
fn codes_of_sessions(answer: &Value) -> Vec<String> {
    let skipped = answer["skipped"].as_object().into_iter();
    let skipped = skipped.flat_map(|codes| codes.keys().map(String::as_str));
    let failed = answer["failed"].as_array().into_iter().flatten();
    let failed = failed.filter_map(|failed| failed["code"].as_str());
    let codes = skipped.chain(failed).chain(answer["stopped_by"].as_str());
    codes.map(str::to_owned).collect()
}

/// Where an answer says something else than the other. It may leave out what it could not read.
fn difference(answer: &Value, other: &Value) -> Option<String> {
    let at = |name: &str, value: &Value, other: &Value| {
        difference(value, other).map(|inner| format!("{name}.{inner}"))
    };
    match (answer, other) {
        (Value::Object(answer), Value::Object(other)) => {
            let mut lasting = answer.iter().filter(|(name, _)| !FLEETING.contains(&name.as_str()));
            lasting.find_map(|(name, value)| match other.get(name) {
                Some(other) => at(name, value, other),
                None => Some(name.clone()),
            })
        }
        (Value::Array(answer), Value::Array(other)) if answer.len() == other.len() => {
            let mut pairs = answer.iter().zip(other).enumerate();
            pairs.find_map(|(n, (value, other))| at(&n.to_string(), value, other))
        }
        _ => (answer != other).then(|| format!("{answer} / {other}")),
    }
}
