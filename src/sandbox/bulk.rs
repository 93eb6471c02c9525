//! Many large sessions, for fleet work and benches: made in a moment, because all of them share
//! one prompt and are rendered only when somebody asks.

use std::time::Duration;

use serde_json::json;

use super::{
    seed::{Cast, sketch},
    world::World,
};

const HOUR: u64 = 60 * 60;
const TASKS: [&str; 12] = [
    "Answer travel questions of",
    "Check the receipts of",
    "Explain the handbook to",
    "Draft a travel plan for",
    "Compare hotel rates for",
    "Collect missing forms from",
    "Review the mileage log of",
    "Prepare the audit file of",
    "Sort the invoices of",
    "Book the training trip of",
    "Find cheaper flights for",
    "Reconcile the card bill of",
];
const TEAMS: [&str; 11] = [
    "accounting",
    "the Lisbon office",
    "field service",
    "the design team",
    "sales north",
    "sales south",
    "the data team",
    "customer care",
    "the legal team",
    "logistics",
    "the board",
];

/// Adds `count` sessions of about 100 KB each, the first one youngest.
pub(super) fn sessions(world: &mut World, cast: &Cast, count: usize) {
    let now = world.pace.clock.stamp();
    let tasks = TASKS.iter().cycle();
    let teams = TEAMS.iter().cycle();
    for ((number, task), team) in (1u64..).zip(tasks).zip(teams).take(count) {
        // Any factor would do that spreads neighbours apart without chance.
        let spread = number.wrapping_mul(2_654_435_761) % 1_000;
        let age = number * 2 * HOUR + spread * 7 + 60;
        let title = format!("{task} {team} ({number})");
        let mut session = sketch(&format!("bulk{number:05}"), &title, &cast.policy, now, age);
        session.spent(3 + spread * spread / 250);
        session
            .metadata
            .insert("batch".to_owned(), (number % 8).to_string());
        session.asked(5, "What does the handbook say about this?");
        match number % 20 {
            7 => {}
            13 => session.terminated(age / 3 + 10),
            19 => session.put_away(age / 2 + 10),
            _ => session.rested(
                age.min(30 + spread * 600) / 2 + 10,
                &json!({"type": "end_turn"}),
            ),
        }
        session.updated_at = session.updated_at.min(now.minus(Duration::from_secs(1)));
        world.add(session);
    }
}
