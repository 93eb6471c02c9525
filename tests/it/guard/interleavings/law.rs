//! What must hold, whatever happened.

use std::{fs::File, io::Read as _, path::Path};

use flate2::read::MultiGzDecoder;

use super::{
    Tool,
    double::{Double, Kind, Reading},
};
use crate::reply::Reply;

type Law = Result<(), String>;

pub(super) fn check(tool: Tool, double: &Double, replies: &[Reply], copy: Option<&Path>) -> Law {
    writes_follow_readings(tool, double)?;
    interrupts_stop_one_turn(double)?;
    outcomes_are_true(tool, double, replies.last().expect("a reply"))?;
    copies_are_whole(double, copy)
}

/// Each write has a reading of its own right before, which allows it.
fn writes_follow_readings(tool: Tool, double: &Double) -> Law {
    for write in &double.writes {
        let Some(reading) = &write.reading else {
            return Err(format!("a write without a reading of its own: {write:?}"));
        };
        if !allowed(write.kind, reading) {
            return Err(format!("the newest reading does not allow this write: {write:?}"));
        }
    }
    // A plan's session, and one with `expected_updated_at`, is written in one version only.
    let versions = double.writes.iter().filter(|write| write.kind != Kind::Interrupt);
    let versions = versions.filter_map(|write| Some(&write.reading.as_ref()?.updated_at));
    let mut versions: Vec<_> = versions.collect();
    versions.dedup();
    if matches!(tool, Tool::PlanToArchive | Tool::PlanToDelete) && versions.len() > 1 {
        return Err(format!("a planned session was written in several versions: {versions:?}"));
    }
    Ok(())
}

fn allowed(kind: Kind, reading: &Reading) -> bool {
    match kind {
        Kind::Archive => reading.status != "running" && !reading.archived,
        Kind::Delete => reading.status != "running",
        Kind::Interrupt => reading.status == "running" && !reading.archived,
        // Of tools idle only, of the title any; the service does not tell them apart.
        Kind::Update => !reading.archived,
    }
}

/// An interrupt that may have been carried out is repeated only while the turn that it meant is the
/// one that runs, as far as was read.
fn interrupts_stop_one_turn(double: &Double) -> Law {
    let mut meant = None;
    for write in double.writes.iter().filter(|write| write.kind == Kind::Interrupt) {
        let Some(mark) = write.status_read else {
            return Err("an interrupt without a look at the turn before it".to_owned());
        };
        if meant.is_some_and(|meant| meant != mark) {
            return Err(format!("an interrupt of another turn: {mark} instead of {meant:?}"));
        }
        if write.may_have_acted {
            meant = Some(mark);
        }
    }
    Ok(())
}

fn outcomes_are_true(tool: Tool, double: &Double, reply: &Reply) -> Law {
    let acted = |kind: Kind| double.acted.contains(&kind);
    let claim = |holds: bool, what: &str| {
        holds.then_some(()).ok_or_else(|| format!("{} although {what}", reply.outcome()))
    };
    let Reply::Answer(answer) = reply else {
        return failures_are_true(tool, double, reply);
    };
    match reply.outcome() {
        "archived" => claim(double.archived || double.gone, "it is not archived"),
        "deleted" => claim(double.gone, "it is there"),
        "already_archived" => claim(!acted(Kind::Archive), "this call archived it"),
        "unchanged" => claim(!acted(Kind::Update), "this call changed it"),
        "updated" => claim(acted(Kind::Update), "nothing was changed"),
        "nothing_to_do" => claim(!acted(Kind::Interrupt), "a turn was stopped"),
        "interrupted" | "interrupt_sent" => Ok(()),
        "completed" | "in_progress" => {
            let done = answer["done"] == 1;
            let is_so = match tool {
                Tool::PlanToArchive => double.archived || double.gone,
                _ => double.gone,
            };
            let kind = if tool == Tool::PlanToArchive { Kind::Archive } else { Kind::Delete };
            let skipped = answer["skipped"].as_object().is_some_and(|codes| !codes.is_empty());
            claim(!done || is_so, "it was not done")?;
            claim(!skipped || !acted(kind), "it was done, not skipped")?;
            let failed = &answer["failed"][0]["message"];
            let told = failed.as_str().is_some_and(|it| it.contains("may have been carried out"));
            claim(failed.is_null() || told || !acted(kind), "it failed, and was done")
        }
        other => Err(format!("an unexpected outcome: {other}")),
    }
}

/// What may have acted is never told as not done.
fn failures_are_true(tool: Tool, double: &Double, reply: &Reply) -> Law {
    let Reply::Failure(text, parts) = reply else {
        return Ok(());
    };
    let meant = match tool {
        Tool::Archive => Kind::Archive,
        Tool::Delete | Tool::ExportAndDelete => Kind::Delete,
        Tool::UpdateTools | Tool::UpdateTitle => Kind::Update,
        Tool::Interrupt => Kind::Interrupt,
        Tool::PlanToArchive | Tool::PlanToDelete => return Err(format!("a plan failed: {text}")),
    };
    let in_doubt = parts["in_doubt"] == true;
    if in_doubt != reply_says_doubt(text) {
        return Err(format!("in_doubt and the words differ: {text} {parts}"));
    }
    if double.acted.contains(&meant) && !in_doubt {
        return Err(format!("it was carried out, and the failure does not say so: {text}"));
    }
    Ok(())
}

fn reply_says_doubt(text: &str) -> bool {
    text.contains("may have been carried out")
}

/// Whatever was deleted is in the copy as it was when it was read right before.
fn copies_are_whole(double: &Double, copy: Option<&Path>) -> Law {
    let Some(copy) = copy else {
        return Ok(());
    };
    for write in double.writes.iter().filter(|write| write.kind == Kind::Delete) {
        let events = write.reading.as_ref().map_or(0, |reading| reading.events);
        let mut text = String::new();
        let file = File::open(copy).map_err(|error| format!("deleted without a copy: {error}"))?;
        MultiGzDecoder::new(file).read_to_string(&mut text).map_err(|error| error.to_string())?;
        let copied = text.lines().filter(|line| line.contains("\"session.status_")).count();
        if copied < events {
            return Err(format!("{copied} of {events} events are in the copy: {write:?}"));
        }
    }
    Ok(())
}
