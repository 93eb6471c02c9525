//! What is logged, and how. Logs go to stderr: stdout belongs to the protocol.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{
    cli::{Flags, LogFormatFlag},
    config::{Reader, flag, values::none_of},
};

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    level: LevelFilter,
    json: bool,
}

impl Log {
    pub(crate) fn read(reader: &mut Reader<'_>, flags: &Flags) -> Self {
        let typed = flag("--log-level", flags.log_level.as_deref());
        let level = reader.value(typed, "MANAGED_SESSIONS_LOG", level);
        let format = reader.value(None, "MANAGED_SESSIONS_LOG_FORMAT", is_json);
        let typed = flags.log_format.map(|format| format == LogFormatFlag::Json);
        Self {
            level: level.unwrap_or(LevelFilter::WARN),
            json: typed.or(format).unwrap_or(false),
        }
    }

    /// Starts logging to stderr.
    pub fn install(self) {
        // Libraries log what they carry: rmcp, at debug, whole calls and answers.
        let others = self.level.min(LevelFilter::WARN);
        let targets = Targets::new()
            .with_default(others)
            .with_target(env!("CARGO_CRATE_NAME"), self.level);
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr);
        // A logger that is there already was put there by somebody who wants it.
        let registry = tracing_subscriber::registry();
        let _ = if self.json {
            registry.with(lines.json().with_filter(targets)).try_init()
        } else {
            registry.with(lines.with_filter(targets)).try_init()
        };
    }
}

fn level(text: &str) -> Result<LevelFilter, String> {
    text.parse()
        .map_err(|_| none_of(text, "off, error, warn, info, debug or trace"))
}

fn is_json(text: &str) -> Result<bool, String> {
    match text {
        "json" => Ok(true),
        "text" => Ok(false),
        _ => Err(none_of(text, "text or json")),
    }
}
