//! What hosts see: an answer to each request of MCP, and the fence around every tool call.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::tool::ToolCallContext,
    model::{
        CallToolRequestMethod, CallToolRequestParams, CallToolResponse, CompleteRequestParams,
        CompleteResult, CompletionInfo, ConstString as _, CustomRequest, CustomResult, ErrorCode,
        GetPromptRequestParams, GetPromptResponse, Implementation, JsonObject, ListPromptsResult,
        ListToolsResult, PaginatedRequestParams, Reference, ServerCapabilities, ServerConfig, Tool,
    },
    service::{NotificationContext, RequestContext},
};
use serde_json::Value;

use crate::{
    app::audit::End,
    domain::text,
    explain::Failure,
    mcp::{prompts, server::SessionsServer, tools},
};

impl SessionsServer {
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
                let (client, agents) = (self.client(), &self.config().app.allowed_agents);
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
    use rmcp::model::ErrorCode;

    use crate::mcp::handler::fenced;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered() {
        let handler = async { panic!("on purpose") };
        let error = fenced::<()>("a completion", handler).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::INTERNAL_ERROR);
        assert!(error.message.starts_with("a completion failed"), "{error}");
    }
}
