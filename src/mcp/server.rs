//! The MCP server: what it is made of, and how it is served.

use std::sync::Arc;

use rmcp::{
    ServiceExt as _, handler::server::router::tool::ToolRoute, service::ServerInitializeError,
};
use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(unix)]
use crate::mcp::transport::stdio;
use crate::{
    api::{Client, RequestOptions},
    app::{
        approval::Confirmer, audit::AuditLog, cursor::Cursors, export::Exporter, locks::Turns,
        pace::Pace, plan::Fleet, suggestions::Newest,
    },
    config::Config,
    domain::{guard::Statuses, step::LeftOut, view::record::Record},
    mcp::{
        catalog::Tools,
        transport::{lines::Lines, opening::Opening},
    },
    model::Session,
};

/// The server; clones share everything.
#[derive(Clone)]
pub struct SessionsServer {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    config: Config,
    client: Client,
    statuses: Statuses,
    pub(crate) tools: Tools,
    turns: Turns,
    audit: Option<AuditLog>,
    confirmer: Confirmer,
    exporter: Option<Exporter>,
    pace: Pace,
    fleet: Fleet,
    cursors: Cursors,
    pub(crate) newest: Newest,
}

impl SessionsServer {
    /// A server for this configuration. Nothing is read or connected yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_routes(config, [])
    }

    /// The same with further tools, so that tests can have one that misbehaves.
    #[must_use]
    pub fn with_routes(
        config: Config,
        further: impl IntoIterator<Item = ToolRoute<SessionsServer>>,
    ) -> Self {
        let pace = Pace::new(config.max_rpm);
        let shared = Shared {
            client: Client::new(config.api.clone()).with_options(RequestOptions {
                on_request: Some(pace.counter()),
                ..RequestOptions::default()
            }),
            statuses: Statuses::new(config.idle_statuses.clone()),
            tools: Tools::new(&config, further),
            turns: Turns::default(),
            audit: config.audit_log.clone().map(AuditLog::new),
            confirmer: Confirmer::new(config.confirm_deletes),
            exporter: config.export_dir.clone().map(Exporter::new),
            pace,
            fleet: Fleet::default(),
            cursors: Cursors::new(&config),
            newest: Newest::default(),
            config,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Serves MCP over the standard streams until the host closes them.
    ///
    /// # Errors
    /// When the streams fail, or the first message is not one that opens a session.
    pub async fn serve_stdio(self) -> Result<(), ServeError> {
        #[cfg(unix)]
        if let Some((_kept, read, write)) = stdio::Sockets::of_process() {
            return self.serve_lines(Lines::new(read, write)).await;
        }
        let (read, write) = rmcp::transport::io::stdio_pipes();
        self.serve_lines(Lines::new(read, write)).await
    }

    /// Serves MCP over a stream that is read and written, such as a pipe in memory.
    ///
    /// # Errors
    /// As [`Self::serve_stdio`].
    pub async fn serve_on<S>(self, stream: S) -> Result<(), ServeError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (read, write) = tokio::io::split(stream);
        self.serve_lines(Lines::new(read, write)).await
    }

    async fn serve_lines<R, W>(self, lines: Lines<R, W>) -> Result<(), ServeError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        // Boxed, since rmcp's future is large.
        match Box::pin(self.serve(Opening::new(lines))).await {
            Ok(running) => {
                running.waiting().await?;
                Ok(())
            }
            // Some hosts open and close a server once before they use it.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Gets ready for the first call. With a bad setting nothing may be sent anywhere: where to
    /// is part of what is not known.
    pub(crate) fn warm_up(&self) {
        if self.config().problem().is_none() {
            self.client().warm_up();
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    pub(crate) fn statuses(&self) -> &Statuses {
        &self.shared.statuses
    }

    /// The tools that the configuration leaves out.
    pub(crate) fn left_out(&self) -> &LeftOut {
        self.shared.tools.left_out()
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.shared.fleet
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.shared.turns
    }

    pub(crate) fn audit(&self) -> Option<&AuditLog> {
        self.shared.audit.as_ref()
    }

    pub(crate) fn confirmer(&self) -> &Confirmer {
        &self.shared.confirmer
    }

    pub(crate) fn exporter(&self) -> Option<&Exporter> {
        self.shared.exporter.as_ref()
    }

    /// How fast bulk work may ask.
    pub(crate) fn pace(&self) -> &Pace {
        &self.shared.pace
    }

    /// Makes and reads the cursors of this server.
    pub(crate) fn cursors(&self) -> &Cursors {
        &self.shared.cursors
    }

    /// The record of a session as this server shows it.
    pub(crate) async fn record(&self, session: &Session) -> Record {
        Record::concise(session, self.statuses(), self.client().is_official().await)
    }

    /// Whether a tool is offered.
    pub(crate) fn has(&self, tool: &str) -> bool {
        self.shared.tools.names().contains(tool)
    }

    /// The names of the tools that are offered, those most like `name` first.
    pub(crate) fn names_like(&self, name: &str) -> Vec<String> {
        let names = self.shared.tools.names();
        let mut names: Vec<String> = names.iter().cloned().collect();
        names.sort_by_cached_key(|each| std::cmp::Reverse(likeness(each, name)));
        names
    }
}

/// How many neighbouring pairs of characters two names share.
fn likeness(one: &str, other: &str) -> usize {
    let pairs = |text: &str| -> std::collections::HashSet<(char, char)> {
        let text = text.to_lowercase();
        text.chars().zip(text.chars().skip(1)).collect()
    };
    pairs(one).intersection(&pairs(other)).count()
}

/// Why serving ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The first message did not open a session.
    #[error("the MCP session could not be opened: {0}")]
    Initialize(#[from] Box<ServerInitializeError>),
    /// The task that served the session failed.
    #[error("the MCP session ended abnormally: {0}")]
    Join(#[from] tokio::task::JoinError),
}

impl From<ServerInitializeError> for ServeError {
    fn from(error: ServerInitializeError) -> Self {
        Self::Initialize(Box::new(error))
    }
}
