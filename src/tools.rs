//! The registry: one line a tool. What a tool is called, where it belongs and what it does to a
//! session is said once, in its own file; everything else here is derived from that.

mod answer;
mod args;
mod call;
mod conditions;
mod error;
mod filter_args;
mod newest;
mod schema;

mod archive_session;
mod delete_session;
mod diagnose_session;
mod get_session;
mod interrupt_session;
mod list_session_events;
mod list_sessions;
mod summarize_sessions;
mod update_session;
mod update_session_tools;
mod wait_for_session;

use std::{collections::BTreeSet, sync::Arc};

use futures_util::FutureExt as _;
use rmcp::{
    handler::server::{
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
    },
    model::{CallToolResponse, CallToolResult, Tool, ToolAnnotations},
};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use call::Call;
pub use error::{Failure, META_KEY};

pub(crate) use crate::config::Toolset;
use crate::{config::Config, domain::text, server::SessionsServer};

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
    type Args: DeserializeOwned + JsonSchema + Send;
    type Output: Serialize + JsonSchema;

    fn call(
        server: &SessionsServer,
        args: Self::Args,
        call: &Call,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

/// The tools that this configuration offers.
pub(crate) fn registry(config: &Config) -> ToolRouter<SessionsServer> {
    let mut registry = Registry {
        config,
        router: ToolRouter::new(),
    };
    registry.add::<get_session::GetSession>();
    registry.add::<list_sessions::ListSessions>();
    registry.add::<update_session_tools::UpdateSessionTools>();
    registry.add::<archive_session::ArchiveSession>();
    registry.add::<delete_session::DeleteSession>();
    registry.add::<interrupt_session::InterruptSession>();
    registry.add::<update_session::UpdateSession>();
    registry.add::<list_session_events::ListSessionEvents>();
    registry.add::<wait_for_session::WaitForSession>();
    registry.add::<diagnose_session::DiagnoseSession>();
    registry.add::<summarize_sessions::SummarizeSessions>();
    registry.router
}

struct Registry<'a> {
    config: &'a Config,
    router: ToolRouter<SessionsServer>,
}

impl Registry<'_> {
    fn add<T: SessionsTool>(&mut self) {
        let toolsets: &BTreeSet<Toolset> = &self.config.toolsets;
        if !toolsets.contains(&T::TOOLSET) || self.config.read_only && T::EFFECT != Effect::Reads {
            return;
        }
        self.router
            .add_route(route::<T>(&self.config.idle_statuses));
    }
}

/// The tool as the router knows it: its published description, and its call from JSON to JSON.
fn route<T: SessionsTool>(idle_statuses: &[String]) -> ToolRoute<SessionsServer> {
    let mut input = schema::input::<T::Args>();
    schema::allow(&mut input, "statuses", idle_statuses);
    let reads = T::EFFECT == Effect::Reads;
    let mut tool = Tool::new(T::NAME, T::DESCRIPTION, Arc::new(schema::published(&input)));
    tool.title = Some(T::TITLE.to_owned());
    tool.output_schema = Some(Arc::new(schema::output::<T::Output>()));
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
    context: ToolCallContext<'_, SessionsServer>,
) -> CallToolResponse {
    let server = context.service;
    let call = Call::new(T::NAME, server, context.request_context);
    let outcome = async {
        let args = args::parse(T::NAME, input, context.arguments.unwrap_or_default())?;
        if let Some(problem) = server.config().problem() {
            return Err(Failure::invalid_configuration(problem));
        }
        call.fenced(T::call(server, args, &call)).await
    };
    match outcome.await {
        Ok(output) => success(T::NAME, &output),
        Err(failure) => failure.into_result(),
    }
    .into()
}

/// The same JSON as structure and as text: some hosts show the model only one of them.
fn success<O: Serialize>(tool: &str, output: &O) -> CallToolResult {
    match serde_json::to_value(output) {
        Ok(mut value) => {
            text::make_visible(&mut value);
            CallToolResult::structured(value)
        }
        Err(error) => {
            tracing::error!(tool, %error, "an answer could not be written as JSON");
            Failure::internal(tool).into_result()
        }
    }
}
