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

mod apply_cleanup;
mod archive_session;
mod delete_session;
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

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

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

pub(crate) use archive_session::Archive;
pub(crate) use call::{Call, Person};
pub(crate) use delete_session::Deletion;
pub use error::{Failure, META_KEY};

pub(crate) use crate::config::Toolset;
use crate::{audit::End, config::Config, domain::text, server::SessionsServer};

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

type Route = ToolRoute<SessionsServer>;
type Router = ToolRouter<SessionsServer>;

/// The tools that are offered. What is published of them is only worked out when somebody asks
/// for it: deriving their schemas would be most of the work of a start.
pub(crate) struct Tools {
    names: BTreeSet<String>,
    router: LazyLock<Router, Box<dyn FnOnce() -> Router + Send>>,
}

/// A tool's name, and how its route is made from the statuses declared as idle.
struct Offer {
    name: &'static str,
    route: fn(&[String]) -> Route,
}

impl Tools {
    /// The tools that this configuration offers, and `further` ones.
    pub(crate) fn new(config: &Config, further: impl IntoIterator<Item = Route>) -> Self {
        let offers = registry(config);
        let further: Vec<Route> = further.into_iter().collect();
        let names = offers.iter().map(|offer| offer.name.to_owned());
        let names = names.chain(further.iter().map(|route| route.name().to_owned()));
        let names = names.collect();
        let idle_statuses = config.idle_statuses.clone();
        let published = move || {
            let mut router = Router::new();
            for offer in offers {
                router.add_route((offer.route)(&idle_statuses));
            }
            for route in further {
                router.add_route(route);
            }
            router
        };
        Self {
            names,
            router: LazyLock::new(Box::new(published)),
        }
    }

    /// The names of the tools.
    pub(crate) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// The tools as they are published and called.
    pub(crate) fn router(&self) -> &Router {
        &self.router
    }
}

/// The tools that this configuration offers.
fn registry(config: &Config) -> Vec<Offer> {
    let mut registry = Registry {
        config,
        offers: Vec::new(),
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
    registry.offers
}

struct Registry<'a> {
    config: &'a Config,
    offers: Vec<Offer>,
}

impl Registry<'_> {
    fn add<T: SessionsTool>(&mut self) {
        let toolsets: &BTreeSet<Toolset> = &self.config.toolsets;
        if !toolsets.contains(&T::TOOLSET) || self.config.read_only && T::EFFECT != Effect::Reads {
            return;
        }
        self.offers.push(Offer {
            name: T::NAME,
            route: route::<T>,
        });
    }
}

/// The tool as the router knows it: its published description, and its call from JSON to JSON.
fn route<T: SessionsTool>(idle_statuses: &[String]) -> Route {
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
                return failure.into_result().into();
            }
        },
    };
    let call = Call::new::<T>(context);
    let outcome = async {
        if let Some(problem) = server.config().problem() {
            return Err(Failure::invalid_configuration(problem));
        }
        let args = args::parse(T::NAME, input, given)?;
        call.fenced(T::call(server, args, &call)).await
    };
    let (end, request_id, result) = match outcome.await {
        Ok(output) => {
            let result = success(T::NAME, &output);
            (ended(&result), None, result)
        }
        Err(failure) => {
            let request_id = failure.request_id().map(str::to_owned);
            (End::Code(failure.code), request_id, failure.into_result())
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
