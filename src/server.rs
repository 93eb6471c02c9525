//! The MCP server: what hosts see of it, and the fence around every tool call.

mod opening;
#[cfg(unix)]
mod stdio;
mod turns;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt as _,
    handler::server::{router::tool::ToolRoute, tool::ToolCallContext},
    model::{
        CallToolRequestMethod, CallToolRequestParams, CallToolResponse, CompleteRequestParams,
        CompleteResult, CompletionInfo, ConstString as _, CustomRequest, CustomResult, ErrorCode,
        GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
        ListToolsResult, PaginatedRequestParams, Reference, ServerCapabilities, ServerConfig, Tool,
    },
    service::{NotificationContext, RequestContext, ServerInitializeError},
    transport::IntoTransport,
};

use crate::{
    api::{Client, types::Session},
    audit::AuditLog,
    config::Config,
    confirm::Confirmer,
    cursor::Cursors,
    domain::{guard::Statuses, summary::Record, text},
    export::Exporter,
    fleet::Fleet,
    pace::Pace,
    prompts::{self, Newest},
    tools::{Failure, Tools},
};
use opening::Opening;
use turns::Turns;

/// The server; clones share everything.
#[derive(Clone)]
pub struct SessionsServer {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    client: Client,
    statuses: Statuses,
    tools: Tools,
    turns: Turns,
    audit: Option<AuditLog>,
    confirmer: Confirmer,
    exporter: Option<Exporter>,
    pace: Pace,
    fleet: Fleet,
    cursors: Cursors,
    newest: Newest,
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
        let shared = Shared {
            client: Client::new(config.api.clone()),
            statuses: Statuses::new(config.idle_statuses.clone()),
            tools: Tools::new(&config, further),
            turns: Turns::default(),
            audit: config.audit_log.clone().map(AuditLog::new),
            confirmer: Confirmer::new(config.confirm_deletes),
            exporter: config.export_dir.clone().map(Exporter::new),
            pace: Pace::new(config.max_rpm),
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
        if let Some(sockets) = stdio::sockets() {
            return self.serve_on(sockets).await;
        }
        self.serve_on(rmcp::transport::io::stdio_pipes()).await
    }

    /// Serves MCP over any pair of streams, or one that is both.
    ///
    /// # Errors
    /// As [`Self::serve_stdio`].
    pub async fn serve_on<T, E, A>(self, transport: T) -> Result<(), ServeError>
    where
        T: IntoTransport<RoleServer, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        match self.serve(Opening::new(transport.into_transport())).await {
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
    fn warm_up(&self) {
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
    fn has(&self, tool: &str) -> bool {
        self.shared.tools.names().contains(tool)
    }

    /// The names of the tools that are offered, those most like `name` first.
    fn names_like(&self, name: &str) -> Vec<String> {
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

impl ServerHandler for SessionsServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_completions()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                    .with_title("Managed Sessions"),
            )
            .with_instructions(prompts::instructions(|tool| self.has(tool)))
    }

    async fn on_initialized(&self, _: NotificationContext<RoleServer>) {
        self.warm_up();
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.warm_up();
        Ok(ListToolsResult::with_all_items(
            self.shared.tools.router().list_all(),
        ))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let offered = prompts::offered(|tool| self.has(tool));
        Ok(ListPromptsResult::with_all_items(offered))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let given = request.arguments.as_ref();
        let filled = prompts::filled(&request.name, given, |tool| self.has(tool));
        filled.map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let (argument, typed) = (&request.argument.name, &request.argument.value);
        let takes_a_session =
            |prompt| prompts::takes_a_session(prompt, argument, |tool| self.has(tool));
        let values = match &request.r#ref {
            Reference::Prompt(prompt)
                if self.config().problem().is_none() && takes_a_session(&prompt.name) =>
            {
                let (client, agents) = (self.client(), &self.config().allowed_agents);
                let newest = &self.shared.newest;
                // Boxed: every request is as large as the largest, and is moved some times.
                Box::pin(newest.like(typed, client, self.pace(), agents)).await
            }
            _ => Vec::new(),
        };
        Ok(CompleteResult::new(
            CompletionInfo::with_all_values(values).unwrap_or_default(),
        ))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.shared.tools.router().get(name).cloned()
    }

    /// Requests that are none of the protocol's, or are not formed as it says.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // Told as a failure of the tool, since hosts show the model nothing else.
        if request.method == CallToolRequestMethod::VALUE {
            let failure = Failure::malformed_call(request.params.as_ref());
            return serde_json::to_value(failure.into_result())
                .map(CustomResult::new)
                .map_err(|error| ErrorData::internal_error(error.to_string(), None));
        }
        Err(ErrorData::new(
            ErrorCode::METHOD_NOT_FOUND,
            format!(
                "{} is not a method of this server, or its params are malformed",
                text::quoted(&request.method)
            ),
            None,
        ))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.to_string();
        if !self.has(&name) {
            let failure = Failure::unknown_tool(&name, &self.names_like(&name));
            return Ok(failure.into_result().into());
        }
        let call = self
            .shared
            .tools
            .router()
            .call(ToolCallContext::new(self, request, context));
        // rmcp would leave a request unanswered for ever if its handler panicked.
        AssertUnwindSafe(call)
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                tracing::error!(tool = name, "a tool panicked");
                Ok(Failure::internal(&name).into_result().into())
            })
    }
}
