//! The catalog: one line a tool. What a tool is called, where it belongs and what it does is
//! stated once, in its own file; everything else is derived from that.
//!
//! Schemas are derived lazily, since that would be most of the work of a start.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use rmcp::model::Tool;

use super::{
    entry::{PublishedTool, ToolEntry},
    offered::OfferedTools,
    settings::Settings,
    tool::Effect,
    tools,
};
use crate::app::{op::Op, plan::action::Action, settings as app};

fn all() -> Vec<ToolEntry> {
    vec![
        ToolEntry::of::<tools::get_session::Args>(),
        ToolEntry::of::<tools::list_sessions::Args>(),
        ToolEntry::of::<tools::update_session_tools::Args>(),
        ToolEntry::of::<tools::archive_session::Args>(),
        ToolEntry::of::<tools::delete_session::Args>(),
        ToolEntry::of::<tools::export_session::Args>(),
        ToolEntry::of::<tools::interrupt_session::Args>(),
        ToolEntry::of::<tools::update_session::Args>(),
        ToolEntry::of::<tools::list_session_events::Args>(),
        ToolEntry::of::<tools::wait_for_session::Args>(),
        ToolEntry::of::<tools::diagnose_session::Args>(),
        ToolEntry::of::<tools::summarize_sessions::Args>(),
        ToolEntry::of::<tools::triage_sessions::Args>(),
        ToolEntry::of::<tools::plan_changes::Args>(),
        ToolEntry::of::<tools::apply_changes::Args>(),
        ToolEntry::of::<tools::list_agents::Args>(),
        ToolEntry::of::<tools::start_session::Args>(),
        ToolEntry::of::<tools::send_message::Args>(),
        ToolEntry::of::<tools::answer_session::Args>(),
    ]
}

/// The tools that the operator's settings leave, by name.
pub(crate) struct Catalog {
    entries: BTreeMap<&'static str, ToolEntry>,
    pub(crate) offered: Arc<OfferedTools>,
    /// Whether exports would be offered if there were a folder for them.
    lacks_folder: bool,
    published: LazyLock<Published, Box<dyn FnOnce() -> Published + Send>>,
}

type Published = BTreeMap<&'static str, PublishedTool>;

impl Catalog {
    pub(crate) fn new(settings: &Settings, app: &app::Settings) -> Self {
        let disabled = with_dependents(&app.disabled);
        let is_configured = |entry: &ToolEntry| {
            settings.tool_groups.contains(&entry.group)
                && (!settings.read_only || entry.effect == Effect::Reads)
                && !disabled.contains(&entry.op)
        };
        let needs_folder = |entry: &ToolEntry| entry.op == Op::ExportSession;
        let has_folder = app.export_dir.is_some();
        let is_offered =
            |entry: &ToolEntry| is_configured(entry) && (has_folder || !needs_folder(entry));
        let lacks_folder =
            !has_folder && all().iter().any(|each| needs_folder(each) && is_configured(each));
        let entries: BTreeMap<_, _> =
            all().into_iter().filter(is_offered).map(|entry| (entry.op.name(), entry)).collect();
        let confirmed =
            [(Op::DeleteSession, app.confirm_deletes), (Op::AnswerSession, app.confirm_approvals)];
        let is_confirmed =
            |(op, way): &(Op, app::Confirm)| *way != app::Confirm::Off && !disabled.contains(op);
        let confirmed = confirmed.into_iter().filter(is_confirmed).map(|(op, _)| op).collect();
        let offered = OfferedTools::new(entries.values().map(|entry| entry.op));
        let offered = Arc::new(offered.under(disabled, confirmed));
        let idle_statuses = app.idle_statuses.clone();
        let (derived, vocabulary) = (entries.clone(), Arc::clone(&offered));
        let publish = move || {
            let publish = |entry: &ToolEntry| (entry.publish)(&idle_statuses, &vocabulary);
            let derived = derived.iter();
            derived.map(|(name, entry)| (*name, publish(entry))).collect()
        };
        Self { entries, offered, lacks_folder, published: LazyLock::new(Box::new(publish)) }
    }

    /// Whether a tool of this name exists, offered or not.
    pub(crate) fn exists(name: &str) -> bool {
        Op::ALL.iter().any(|op| op.name() == name)
    }

    /// Whether all that this tool lacks is a folder for exports.
    pub(crate) fn lacks_folder(&self, name: &str) -> bool {
        self.lacks_folder && name == Op::ExportSession.name()
    }

    /// The tool of this name, with what is published of it.
    pub(crate) fn get(&self, name: &str) -> Option<(&ToolEntry, &PublishedTool)> {
        Some((self.entries.get(name)?, self.published.get(name)?))
    }

    /// The tools as they are published, by name.
    pub(crate) fn list(&self) -> Vec<Tool> {
        let published = self.published.values();
        published.map(|published| published.tool.clone()).collect()
    }
}

/// What is of no use without what is disabled is disabled too: a plan that may do nothing, and
/// applying plans that nobody can make.
fn with_dependents(disabled: &BTreeSet<Op>) -> BTreeSet<Op> {
    let mut all = disabled.clone();
    if Action::ALL.iter().all(|action| all.contains(&action.op())) {
        all.insert(Op::PlanChanges);
    }
    if all.contains(&Op::PlanChanges) {
        all.insert(Op::ApplyChanges);
    }
    all
}
