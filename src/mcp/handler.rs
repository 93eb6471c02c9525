//! The requests of MCP, each fenced: rmcp leaves a request unanswered for ever when its handler
//! panics.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestMethod, CallToolRequestParams, CallToolResponse, CallToolResult,
        CompleteRequestParams, CompleteResult, CompletionInfo, ConstString as _, CustomRequest,
        CustomResult, ErrorCode, GetPromptRequestParams, GetPromptResponse, Implementation,
        ListPromptsResult, ListToolsResult, PaginatedRequestParams, Reference, ServerCapabilities,
        ServerConfig, Tool,
    },
    service::{NotificationContext, RequestContext},
};
use serde_json::Value;

use super::{catalog::Catalog, entry::Request, prompts, result, server::Server, tool::Effect};
use crate::{
    app::{error::ErrorKind, op::Op},
    domain::{code::Code, text},
    explain::{explain, explanation::Explanation},
};

impl Server {
    /// Loads in the background what the first call would otherwise wait for. With bad settings
    /// nothing may be sent anywhere: where to is part of what is not known.
    fn warm_up(&self) {
        if let Ok(services) = self.app.services() {
            services.warm_up();
        }
    }

    /// What the argument of a prompt may become.
    async fn completed(
        &self,
        request: &CompleteRequestParams,
    ) -> Result<CompleteResult, ErrorData> {
        let (argument, typed) = (&request.argument.name, &request.argument.value);
        let takes_a_session =
            |prompt| prompts::takes_a_session(prompt, argument, &self.catalog.offered);
        let values = match (&request.r#ref, self.app.services()) {
            (Reference::Prompt(prompt), Ok(services)) if takes_a_session(&prompt.name) => {
                // Boxed: every request is as large as the largest, and is moved several times.
                Box::pin(services.suggest_sessions(typed)).await
            }
            _ => Vec::new(),
        };
        let values = CompletionInfo::with_all_values(values).unwrap_or_default();
        Ok(CompleteResult::new(values))
    }

    /// The failure of a call that is not formed as the protocol says.
    fn malformed_call(&self, params: Option<&Value>) -> CallToolResult {
        let name = params.and_then(|params| params.get("name")?.as_str());
        let entry = name.and_then(|name| self.catalog.get(name));
        if let Some((entry, _)) = entry.filter(|(entry, _)| entry.effect != Effect::Reads) {
            self.app.audit_refusal(entry.op, Code::InvalidArguments);
        }
        let (message, next) = match name {
            Some(name) => (
                format!(
                    "the call of {} was not carried out: its arguments must be a JSON object",
                    text::quoted(name)
                ),
                "call it again with an object, such as {\"session_id\":\"…\"}",
            ),
            None => (
                "a call must name its tool: \"name\" must be a string".to_owned(),
                "call a tool of tools/list by its name",
            ),
        };
        result::failure(&Explanation::new(Code::InvalidArguments, message, next))
    }

    /// The failure of a call of a tool that does not exist or that the operator disabled, with
    /// the tools that are offered, closest first.
    fn unknown_tool(&self, name: &str) -> CallToolResult {
        if self.catalog.lacks_folder(name) {
            let error = match self.app.services() {
                Ok(_) => ErrorKind::ExportUnavailable.into(),
                Err(error) => error.clone(),
            };
            return result::failure(&explain(&error, Op::ExportSession, &*self.catalog.offered));
        }
        let quoted = text::quoted(name);
        let message = if Catalog::exists(name) {
            format!(
                "the tool {quoted} is disabled by the operator's configuration of this server \
                 (--read-only, --toolsets, --disable-tools)"
            )
        } else {
            format!("there is no tool {quoted}")
        };
        let names = self.catalog.offered.names_like(name).join(", ");
        let next = match names.as_str() {
            "" => {
                "ask the operator of this server: its configuration disables every tool".to_owned()
            }
            names => format!("call one of {names}"),
        };
        result::failure(&Explanation::new(Code::InvalidArguments, message, next))
    }
}

/// Answers with an error when the handler panics.
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

impl ServerHandler for Server {
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
            .with_instructions(self.catalog.offered.describe(&prompts::INSTRUCTIONS))
    }

    async fn on_initialized(&self, _: NotificationContext<RoleServer>) {
        self.warm_up();
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        fenced("the list of tools", async {
            self.warm_up();
            Ok(ListToolsResult::with_all_items(self.catalog.list()))
        })
        .await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        fenced("the list of prompts", async {
            let offered = prompts::offered(&self.catalog.offered);
            Ok(ListPromptsResult::with_all_items(offered))
        })
        .await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        fenced("a prompt", async {
            let given = request.arguments.as_ref();
            prompts::filled(&request.name, given, &self.catalog.offered).map(Into::into)
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
        let (_, published) = self.catalog.get(name)?;
        Some(published.tool.clone())
    }

    /// Requests that are not the protocol's, or not formed as it says.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // Returned as a tool error: hosts do not show JSON-RPC errors to the model.
        if request.method == CallToolRequestMethod::VALUE {
            return serde_json::to_value(self.malformed_call(request.params.as_ref()))
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
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        fenced("a tool", async {
            let Some((entry, published)) = self.catalog.get(&params.name) else {
                return Ok(self.unknown_tool(&params.name).into());
            };
            let (offered, input) = (self.catalog.offered.clone(), published.input.clone());
            let request = Request { params, context };
            let call = (entry.call)(&self.app, offered, input, request);
            Ok(AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(tool = entry.op.name(), "a tool panicked");
                let internal = ErrorKind::Internal.into();
                result::failure(&explain(&internal, entry.op, &*self.catalog.offered)).into()
            }))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ErrorCode;

    use super::fenced;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered() {
        let handler = async { panic!("on purpose") };
        let error = fenced::<()>("a completion", handler).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::INTERNAL_ERROR);
        assert!(error.message.starts_with("a completion failed"), "{error}");
    }
}
