//! The MCP server: what hosts see of it, and the fence around every tool call.

mod lines;
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
        GetPromptRequestParams, GetPromptResponse, Implementation, JsonObject, ListPromptsResult,
        ListToolsResult, PaginatedRequestParams, Reference, ServerCapabilities, ServerConfig, Tool,
    },
    service::{NotificationContext, RequestContext, ServerInitializeError},
};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    api::{Client, types::Session},
    audit::{AuditLog, End},
    config::Config,
    confirm::Confirmer,
    cursor::Cursors,
    domain::{guard::Statuses, step::LeftOut, summary::Record, text},
    export::Exporter,
    fleet::Fleet,
    pace::Pace,
    prompts::{self, Newest},
    tools::{self, Failure, Tools},
};
use lines::Lines;
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
        let pace = Pace::new(config.max_rpm);
        let shared = Shared {
            client: Client::new(config.api.clone()).counted_by(pace.counter()),
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
        if let Some((read, write)) = stdio::sockets() {
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

    /// What the argument of a prompt may become.
    async fn completed(
        &self,
        request: &CompleteRequestParams,
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
                Box::pin(newest.like(typed, client, agents)).await
            }
            _ => Vec::new(),
        };
        let values = CompletionInfo::with_all_values(values).unwrap_or_default();
        Ok(CompleteResult::new(values))
    }

    /// The failure of a call that cannot be given to its tool.
    fn malformed_call(&self, params: Option<&Value>) -> Failure {
        let name = params.and_then(|params| params.get("name")?.as_str());
        let failure = Failure::malformed_call(name);
        let tool = name.and_then(|name| self.shared.tools.router().get(name));
        let writes = tool.filter(|tool| !tools::reads(tool));
        if let (Some(log), Some(tool)) = (self.audit(), writes) {
            let entry = log.entry(tool.name.clone(), &JsonObject::new());
            entry.end(End::Code(failure.code), None);
        }
        failure
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

/// Answers, also when the handler panics: rmcp would leave its request unanswered for ever.
async fn fenced<T>(
    what: &str,
    handler: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let answer = AssertUnwindSafe(handler).catch_unwind().await;
    answer.unwrap_or_else(|_| {
        tracing::error!(what, "a handler panicked");
        let message = format!("{what} failed in this server: see its log");
        Err(ErrorData::internal_error(message, None))
    })
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
        fenced("a prompt", async {
            let given = request.arguments.as_ref();
            let filled = prompts::filled(&request.name, given, |tool| self.has(tool));
            filled.map(Into::into)
        })
        .await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        fenced("a completion", self.completed(&request)).await
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
            let failure = self.malformed_call(request.params.as_ref());
            return serde_json::to_value(failure.into_result(self.left_out()))
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
            let left_out = self.left_out();
            let failure = Failure::unknown_tool(&name, left_out, &self.names_like(&name));
            return Ok(failure.into_result(left_out).into());
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
                Ok(Failure::internal(&name).into_result(self.left_out()).into())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::fenced;
    use rmcp::model::ErrorCode;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered() {
        let handler = async { panic!("on purpose") };
        let error = fenced::<()>("a completion", handler).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::INTERNAL_ERROR);
        assert!(error.message.starts_with("a completion failed"), "{error}");
    }
}
