//! The registry: one line a tool. What a tool is called, where it belongs and what it does to a
//! session is said once, in its own file; everything else here is derived from that.

mod apply_cleanup;
pub mod archive_session;
pub mod delete_session;
mod diagnose_session;
mod export_session;
mod get_session;
mod interrupt_session;
mod list_session_events;
mod list_sessions;
mod plan_cleanup;
mod summarize_sessions;
mod update_session;
mod update_session_tools;
mod wait_for_session;

use std::{collections::BTreeSet, sync::Arc};

use futures_util::FutureExt as _;
use rmcp::{
    handler::server::{router::tool::ToolRoute, tool::ToolCallContext},
    model::{CallToolResponse, CallToolResult, Tool, ToolAnnotations},
};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use crate::config::Toolset;
use crate::{
    app::audit::End,
    config::Config,
    domain::{step::LeftOut, text},
    explain::Failure,
    mcp::{
        args,
        call::Call,
        catalog::{Offer, Route},
        schema,
        server::SessionsServer,
    },
};

/// What a scan asks about, in a failure.
const LIST: &str = "the list of sessions";

/// What a tool does to the sessions, as hosts are told by its annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Looks only.
    Reads,
    /// Changes something that can be changed again. Repeating it changes nothing more.
    Writes,
    /// Changes something that cannot be taken back. Repeating it changes nothing more.
    Destroys,
}

/// One tool: what it takes, what it answers, and how it gets from one to the other.
pub(crate) trait SessionsTool: 'static {
    const NAME: &'static str;
    const TITLE: &'static str;
    /// Written for the model.
    const DESCRIPTION: &'static str;
    const TOOLSET: Toolset;
    const EFFECT: Effect;
    /// Works on many sessions: takes turns at the pace allowed, ends within 40 s, and, where it
    /// writes, is not torn out of a session when it is cancelled but stops after it.
    const BULK: bool = false;
    type Args: DeserializeOwned + JsonSchema + Send;
    type Output: Serialize + JsonSchema;

    fn call(
        server: &SessionsServer,
        args: Self::Args,
        call: &Call,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

/// The tools that this configuration offers, and those that it leaves out.
pub(crate) fn registry(config: &Config) -> (Vec<Offer>, LeftOut) {
    let mut registry = Registry {
        config,
        offers: Vec::new(),
        left_out: LeftOut::default(),
    };
    registry.add::<get_session::GetSession>();
    registry.add::<list_sessions::ListSessions>();
    registry.add::<update_session_tools::UpdateSessionTools>();
    registry.add::<archive_session::ArchiveSession>();
    registry.add::<delete_session::DeleteSession>();
    registry.add::<export_session::ExportSession>();
    registry.add::<interrupt_session::InterruptSession>();
    registry.add::<update_session::UpdateSession>();
    registry.add::<list_session_events::ListSessionEvents>();
    registry.add::<wait_for_session::WaitForSession>();
    registry.add::<diagnose_session::DiagnoseSession>();
    registry.add::<summarize_sessions::SummarizeSessions>();
    registry.add::<plan_cleanup::PlanCleanup>();
    registry.add::<apply_cleanup::ApplyCleanup>();
    (registry.offers, registry.left_out)
}

struct Registry<'a> {
    config: &'a Config,
    offers: Vec<Offer>,
    left_out: LeftOut,
}

impl Registry<'_> {
    fn add<T: SessionsTool>(&mut self) {
        let toolsets: &BTreeSet<Toolset> = &self.config.toolsets;
        if !toolsets.contains(&T::TOOLSET) || self.config.read_only && T::EFFECT != Effect::Reads {
            self.left_out.add(T::NAME);
        } else {
            self.offers.push(Offer {
                name: T::NAME,
                route: route::<T>,
            });
        }
    }
}

/// Whether a tool says that it changes nothing.
pub(crate) fn reads(tool: &Tool) -> bool {
    let hints = tool.annotations.as_ref();
    hints.is_some_and(|hints| hints.read_only_hint == Some(true))
}

/// The tool as the router knows it: its published description, and its call from JSON to JSON.
fn route<T: SessionsTool>(idle_statuses: &[String], left_out: &LeftOut) -> Route {
    let mut input = schema::input::<T::Args>();
    schema::allow(&mut input, "statuses", idle_statuses);
    let reads = T::EFFECT == Effect::Reads;
    let description = left_out.without(T::DESCRIPTION);
    let mut tool = Tool::new(T::NAME, description, Arc::new(schema::published(&input)));
    tool.title = Some(T::TITLE.to_owned());
    tool.output_schema = Some(Arc::new(schema::output::<T::Output>(|text| {
        left_out.without(text)
    })));
    tool.annotations = Some(ToolAnnotations::from_raw(
        Some(T::TITLE.to_owned()),
        Some(reads),
        Some(T::EFFECT == Effect::Destroys),
        Some(true),
        Some(true),
    ));
    let input = Arc::new(input);
    ToolRoute::new_dyn(tool, move |context: ToolCallContext<'_, SessionsServer>| {
        let input = Arc::clone(&input);
        async move { Ok(answer::<T>(&input, context).await) }.boxed()
    })
}

async fn answer<T: SessionsTool>(
    input: &rmcp::model::JsonObject,
    mut context: ToolCallContext<'_, SessionsServer>,
) -> CallToolResponse {
    let server = context.service;
    let given = context.arguments.take().unwrap_or_default();
    let entry = match server.audit().filter(|_| T::EFFECT != Effect::Reads) {
        None => None,
        Some(log) => match log.begin(T::NAME, &given) {
            Ok(entry) => Some(entry),
            Err(error) => {
                let failure = Failure::audit_failed(T::NAME, log.path(), &error);
                log.entry(T::NAME, &given)
                    .end(End::Code(failure.code), None);
                return failure.into_result(server.left_out()).into();
            }
        },
    };
    let call = Call::new::<T>(context);
    let outcome = async {
        if let Some(problem) = server.config().problem() {
            return Err(Failure::invalid_configuration(&problem));
        }
        let args = args::parse(input, given)
            .map_err(|mistakes| Failure::invalid_arguments(T::NAME, &mistakes))?;
        call.fenced(T::call(server, args, &call)).await
    };
    let (end, request_id, result) = match outcome.await {
        Ok(output) => {
            let result = success(T::NAME, &output, server.left_out());
            (ended(&result), None, result)
        }
        Err(failure) => {
            let (code, request_id) = (failure.code, failure.request_id().map(str::to_owned));
            let result = failure.into_result(server.left_out());
            (End::Code(code), request_id, result)
        }
    };
    let question = call.ends_asking();
    if let Some(entry) = entry {
        entry.end(end, request_id.or_else(|| call.noted_write()).as_deref());
    }
    question.map_or_else(|| result.into(), CallToolResponse::from)
}

/// What an answer says of how the call ended.
fn ended(result: &CallToolResult) -> End {
    let answer = result.structured_content.as_ref();
    let outcome = answer.and_then(|answer| answer.get("outcome")?.as_str());
    End::Outcome(outcome.unwrap_or("answered").to_owned())
}

/// The same JSON as structure and as text: some hosts show the model only one of them.
fn success<O: Serialize>(tool: &str, output: &O, left_out: &LeftOut) -> CallToolResult {
    match serde_json::to_value(output) {
        Ok(mut value) => {
            text::make_visible(&mut value);
            CallToolResult::structured(value)
        }
        Err(error) => {
            tracing::error!(tool, %error, "an answer could not be written as JSON");
            Failure::internal(tool).into_result(left_out)
        }
    }
}
