//! Logging, which goes to stderr: stdout belongs to the protocol.

use std::io;

use anstream::{AutoStream, ColorChoice};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _, field::MakeExt as _, filter::Targets, fmt::format::debug_fn,
    layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::domain::text::one_line;

/// Level and format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    pub(crate) level: LevelFilter,
    pub(crate) json: bool,
}

impl Log {
    /// Starts logging to stderr.
    pub fn install(self) {
        // Dependencies never log below warn: at debug, rmcp logs whole calls and their results.
        let targets = Targets::new()
            .with_default(self.level.min(LevelFilter::WARN))
            .with_target(env!("CARGO_CRATE_NAME"), self.level);
        // What services and hosts wrote must not move the cursor or begin a line of its own.
        let fields = debug_fn(|out, field, value| {
            let text = one_line(&format!("{value:?}"));
            match field.name() {
                "message" => write!(out, "{text}"),
                name => write!(out, "{name}={text}"),
            }
        });
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(AutoStream::choice(&io::stderr()) != ColorChoice::Never)
            .with_writer(io::stderr);
        let registry = tracing_subscriber::registry();
        // Fails if a logger is installed already, which then stays.
        let _ = if self.json {
            registry.with(lines.json().with_filter(targets)).try_init()
        } else {
            let lines = lines.fmt_fields(fields.delimited(" "));
            registry.with(lines.with_filter(targets)).try_init()
        };
    }
}
