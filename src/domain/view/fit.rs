//! Makes records and diffs of tools fit into an answer.

use std::{collections::BTreeMap, mem};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    bound::{bound, length, readable_numbers},
    record::Record,
    schemas::take_schemas,
    size::{SizeBudget, size},
};
use crate::domain::toolset::Changes;

/// The largest record, with `detail: "full"` too, in bytes.
pub(crate) const RECORD_BYTES: usize = 19_500;
pub(crate) const FULL_RECORD_BYTES: usize = 38_000;
/// The largest diff of tools, in bytes.
pub(crate) const CHANGES_BYTES: usize = 30_000;

/// How many schemas, entries of lists and bytes of long values were left out, by their name.
pub(crate) type LeftOut = BTreeMap<&'static str, usize>;

impl Record {
    /// The record within `limit` bytes: the schemas of custom tools go first.
    pub(crate) fn fitting(mut self, limit: usize) -> Self {
        let mut left_out = LeftOut::new();
        let mut note = |name, count: usize| {
            if count > 0 {
                left_out.insert(name, count);
            }
        };
        let mut extra = Value::Object(mem::take(&mut self.extra));
        note("numbers", readable_numbers(&mut extra));
        let mut parts = [
            ("tools", Value::Array(mem::take(&mut self.tools))),
            ("mcp_servers", Value::Array(mem::take(&mut self.mcp_servers))),
            ("outcomes", Value::Array(mem::take(&mut self.outcomes))),
            ("metadata", Value::Object(mem::take(&mut self.metadata))),
            ("stop_reason", self.stop_reason.take().map_or(Value::Null, Value::Object)),
            ("extra", extra),
        ];
        // What is left has bounds of its own, but for the numbers of resources and vaults.
        let all = self.resources.len();
        self.resources.truncate(fitting(&self.resources, limit / 2));
        note("resources", all - self.resources.len());
        let all = self.vault_ids.len();
        self.vault_ids.truncate(fitting(&self.vault_ids, limit / 10));
        note("vault_ids", all - self.vault_ids.len());
        let limit = limit.saturating_sub(size(&self));
        let total = |parts: &[(&str, Value); 6]| parts.iter().map(|(_, part)| length(part)).sum();
        let whole: usize = total(&parts);
        if whole > limit {
            let [(_, tools), ..] = &mut parts;
            let tools = tools.as_array_mut().into_iter().flatten();
            note("input_schemas", take_schemas(tools, whole - limit));
        }
        let mut rest: usize = total(&parts);
        let mut budget = limit;
        let mut bytes = 0;
        for (name, part) in &mut parts {
            // What the parts after it need is theirs, up to half of what there is.
            let own = length(part);
            rest -= own;
            let share = budget.saturating_sub(rest).max(budget / 2);
            let entries = count(part);
            bytes += bound(part, share);
            note(name, entries.saturating_sub(count(part)));
            budget = budget.saturating_sub(length(part));
        }
        note("bytes", bytes);
        let [tools, mcp_servers, outcomes, metadata, stop_reason, extra] =
            parts.map(|(_, part)| part);
        self.tools = array(tools);
        self.mcp_servers = array(mcp_servers);
        self.outcomes = array(outcomes);
        self.metadata = object(metadata).unwrap_or_default();
        self.stop_reason = object(stop_reason);
        self.extra = object(extra).unwrap_or_default();
        self.left_out = left_out;
        self
    }
}

impl Changes {
    /// The changes within `limit` bytes as they are shown, and what was left out of them.
    pub(crate) fn fitting(mut self, limit: usize) -> (Self, LeftOut) {
        let mut left_out = LeftOut::new();
        let excess = size(&self).saturating_sub(limit);
        if excess == 0 {
            return (self, left_out);
        }
        let tools = &mut self.tools;
        let schemas = take_schemas(tools.added.iter_mut().chain(&mut tools.removed), excess);
        let mut note = |name, count: usize| {
            if count > 0 {
                *left_out.entry(name).or_default() += count;
            }
        };
        note("input_schemas", schemas);
        let mut share = limit;
        while size(&self) > limit && share > 100 {
            for diff in [&mut self.tools, &mut self.mcp_servers] {
                for list in [&mut diff.added, &mut diff.removed] {
                    let mut shown = Value::Array(mem::take(list));
                    let entries = count(&shown);
                    note("bytes", bound(&mut shown, share));
                    note("entries", entries - count(&shown));
                    *list = array(shown);
                }
                let entries = diff.changed.len();
                let one = share / entries.clamp(1, 40);
                diff.changed.truncate((share / 200).max(1));
                note("entries", entries - diff.changed.len());
                for changed in &mut diff.changed {
                    for side in [&mut changed.before, &mut changed.after] {
                        let mut shown = Value::Object(mem::take(side));
                        note("bytes", bound(&mut shown, one.max(100)));
                        *side = object(shown).unwrap_or_default();
                    }
                }
            }
            share /= 2;
        }
        (self, left_out)
    }
}

/// How many of the first entries fit, one at least.
fn fitting(entries: &[impl Serialize], limit: usize) -> usize {
    let mut budget = SizeBudget::of(limit);
    entries.iter().take_while(|entry| budget.take(entry)).count().max(1)
}

fn count(part: &Value) -> usize {
    match part {
        Value::Array(values) => values.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    }
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}
