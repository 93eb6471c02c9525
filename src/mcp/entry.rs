//! A tool in the catalog: its published description, and its call from JSON to JSON.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};
use rmcp::{
    RoleServer,
    model::{CallToolRequestParams, CallToolResponse, JsonObject, Tool, ToolAnnotations},
    service::RequestContext,
};
use serde_json::Value;

use super::{
    args::{self, filter::FilterArgs},
    caller::{McpCaller, input_required},
    offered::OfferedTools,
    result, schema,
    settings::ToolGroup,
    tool::{Effect, SessionsTool, ToolCall},
};
use crate::{
    app::{
        audit::Target,
        error::ErrorKind,
        op::Op,
        run::{App, Invocation},
    },
    explain::explain,
};

#[derive(Clone, Copy)]
pub(crate) struct ToolEntry {
    pub(crate) op: Op,
    pub(crate) group: ToolGroup,
    pub(crate) effect: Effect,
    /// Derives schemas and texts, for these further idle statuses and the tools offered.
    pub(crate) publish: fn(&[String], &OfferedTools) -> PublishedTool,
    pub(crate) call:
        for<'a> fn(&'a App, Arc<OfferedTools>, Arc<JsonObject>, Request) -> Response<'a>,
}

/// A tool as hosts see it.
pub(crate) struct PublishedTool {
    pub(crate) tool: Tool,
    /// The schema of its arguments, with the keywords that name checks.
    pub(crate) input: Arc<JsonObject>,
}

pub(crate) struct Request {
    pub(crate) params: CallToolRequestParams,
    pub(crate) context: RequestContext<RoleServer>,
}

type Response<'a> = BoxFuture<'a, CallToolResponse>;

impl ToolEntry {
    pub(crate) fn of<T: SessionsTool>() -> Self {
        Self {
            op: T::OP,
            group: T::GROUP,
            effect: T::EFFECT,
            publish: publish::<T>,
            call: |app, offered, input, request| call::<T>(app, offered, input, request).boxed(),
        }
    }
}

fn publish<T: SessionsTool>(idle_statuses: &[String], offered: &OfferedTools) -> PublishedTool {
    let mut input = schema::input::<T>();
    schema::allow(&mut input, "statuses", idle_statuses);
    for (argument, choice) in offered.disabled_choices() {
        schema::withdraw(&mut input, argument, choice);
    }
    let mut description = offered.describe(T::DESCRIPTION);
    let mut published = schema::published(&input);
    if T::FILTERS && offered.has(Op::ListSessions.name()) {
        // Said once for all of them: the list of tools has to stay small.
        schema::undescribe(&mut published, &schema::input::<FilterArgs>());
        description.push_str(" Filters as in list_sessions.");
    }
    let mut tool = Tool::new(T::OP.name(), description, Arc::new(published));
    tool.title = Some(T::TITLE.to_owned());
    let output = schema::output::<T::Output>(|tool| offered.has(tool));
    tool.output_schema = Some(Arc::new(output));
    tool.annotations = Some(ToolAnnotations::from_raw(
        Some(T::TITLE.to_owned()),
        Some(T::EFFECT == Effect::Reads),
        Some(T::EFFECT == Effect::Destroys),
        Some(T::EFFECT != Effect::Adds),
        Some(true),
    ));
    PublishedTool { tool, input: Arc::new(input) }
}

/// What the audit log notes of an answer.
fn outcome(answer: &Value) -> Option<String> {
    Some(answer.get("outcome")?.as_str()?.to_owned())
}

async fn call<T: SessionsTool>(
    app: &App,
    offered: Arc<OfferedTools>,
    input: Arc<JsonObject>,
    Request { params, context }: Request,
) -> CallToolResponse {
    let given = params.arguments.unwrap_or_default();
    let text = |name: &str| match given.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let invocation = Invocation {
        writes: T::EFFECT != Effect::Reads,
        bulk: T::BULK,
        target: Target { session_id: text("session_id"), plan_id: text("plan_id") },
    };
    let caller =
        McpCaller { context, state: params.request_state, responses: params.input_responses };
    let vocabulary = Arc::clone(&offered);
    let answered = app.run(T::OP, invocation, Arc::new(caller), outcome, move |services, cx| {
        async move {
            let tool: T = args::parse(&input, given).map_err(ErrorKind::InvalidArguments)?;
            let call = ToolCall { services, cx, vocabulary: &*vocabulary };
            let output = tool.call(call).await?;
            let mut answer = serde_json::to_value(output).map_err(|error| {
                tracing::error!(tool = T::OP.name(), %error, "an answer cannot be serialized");
                ErrorKind::Internal
            })?;
            result::bound(&mut answer);
            Ok(answer)
        }
        .boxed()
    });
    let error = match answered.await {
        Ok(answer) => return result::success(answer).into(),
        Err(error) => error,
    };
    if let ErrorKind::InputRequired(question) = error.kind() {
        return input_required((**question).clone()).into();
    }
    result::failure(&explain(&error, T::OP, &*offered)).into()
}
