//! The catalog: one line a tool. What a tool is called, where it belongs and what it does is
//! stated once, in its own file; everything else is derived from that.
//!
//! Schemas are derived lazily, since that would be most of the work of a start.

use std::{
    collections::BTreeMap,
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
use crate::app::op::Op;

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
        ToolEntry::of::<tools::plan_cleanup::Args>(),
        ToolEntry::of::<tools::apply_cleanup::Args>(),
    ]
}

/// The tools that the operator's settings leave, by name.
pub(crate) struct Catalog {
    entries: BTreeMap<&'static str, ToolEntry>,
    pub(crate) offered: Arc<OfferedTools>,
    published: LazyLock<Published, Box<dyn FnOnce() -> Published + Send>>,
}

type Published = BTreeMap<&'static str, PublishedTool>;

impl Catalog {
    /// `idle_statuses` are further names that filters by status accept.
    pub(crate) fn new(settings: &Settings, idle_statuses: Vec<String>) -> Self {
        let is_offered = |entry: &ToolEntry| {
            settings.tool_groups.contains(&entry.group)
                && (!settings.read_only || entry.effect == Effect::Reads)
        };
        let entries: BTreeMap<_, _> =
            all().into_iter().filter(is_offered).map(|entry| (entry.op.name(), entry)).collect();
        let offered = Arc::new(OfferedTools::new(entries.values().map(|entry| entry.op)));
        let (derived, vocabulary) = (entries.clone(), Arc::clone(&offered));
        let publish = move || {
            let publish = |entry: &ToolEntry| (entry.publish)(&idle_statuses, &vocabulary);
            let derived = derived.iter();
            derived.map(|(name, entry)| (*name, publish(entry))).collect()
        };
        Self { entries, offered, published: LazyLock::new(Box::new(publish)) }
    }

    /// Whether a tool of this name exists, offered or not.
    pub(crate) fn exists(name: &str) -> bool {
        Op::ALL.iter().any(|op| op.name() == name)
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
