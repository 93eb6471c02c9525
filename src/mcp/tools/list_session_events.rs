//! `list_session_events`: what happened in a session, cut to size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{
        error::ErrorKind,
        ops::list_session_events::{Query, list_session_events},
    },
    domain::events::{EventFilter, View},
    explain::{gaps::warnings, values::no_type_in_view},
    mcp::{
        args::values::{EventTypeArg, ObjectIdArg, OrderArg, SessionIdArg, TimeArg, number},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
    model::ObjectId,
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// A thread, to read its own history: the session's has only part of what its threads do.
    session_thread_id: Option<ObjectIdArg>,
    /// Only these, such as "user.message", "agent.message", "agent.tool_use", "session.error".
    #[serde(default)]
    types: Vec<EventTypeArg>,
    /// A part of it; with types, only those of them that are in it.
    #[serde(default)]
    view: ViewArg,
    /// desc is newest first.
    #[serde(default)]
    order: OrderArg,
    /// Only what is newer than the event with this id: newest of an earlier answer.
    #[schemars(length(max = 256))]
    since: Option<String>,
    /// RFC 3339, or an age such as "2h".
    after: Option<TimeArg>,
    /// As after.
    before: Option<TimeArg>,
    /// How many events. Fewer events are shown in more detail.
    #[serde(default = "number::<20>")]
    #[schemars(range(min = 1, max = 200))]
    limit: u32,
    /// next_page of an earlier answer, with the same other arguments.
    page: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ViewArg {
    /// everything
    #[default]
    All,
    /// what was said, and why turns ended
    Conversation,
    /// calls, results, confirmations
    Tools,
    /// errors, failed calls
    Errors,
}

impl ViewArg {
    fn view(self) -> View {
        match self {
            Self::All => View::All,
            Self::Conversation => View::Conversation,
            Self::Tools => View::Tools,
            Self::Errors => View::Errors,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The events: id, type, at, and what matters of their kind; `cut` characters were left out.
    events: Vec<Map<String, Value>>,
    /// Give it as page to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
    /// Give it as since, to read later what has come by then. The newest event, whatever the
    /// filter and page.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    /// false = not every event could be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    /// Why the answer is not whole, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::ListSessionEvents;
    const TITLE: &'static str = "List a session's events";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Read what happened in a session: messages, tool calls with \
        input and result, errors, why it stopped. Long values are cut; `cut` says by how many \
        characters.",
    )];
    const GROUP: ToolGroup = ToolGroup::Events;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let id = self.session_id.id();
        let order = self.order;
        let thread = self.session_thread_id.map(|arg| arg.0);
        let thread_id = thread.as_ref().map(ObjectId::as_str);
        let (since, times) = (&self.since, (&self.after, &self.before));
        let asked = (id.as_str(), thread_id, &self.types, self.view, order, since, times);
        let request = call.list_request(&asked, self.page.as_deref())?;
        let at = |time: Option<TimeArg>| time.map(|time| time.at(request.asked_at()));
        let filter = EventFilter {
            types: self.types.into_iter().map(|kind| kind.0).collect(),
            view: self.view.view(),
            after: at(self.after),
            before: at(self.before),
        };
        if filter.possible_types().is_none() {
            let mistake = no_type_in_view(&filter.types, filter.view);
            return Err(ErrorKind::InvalidArguments(vec![mistake]).into());
        }
        let (order, limit) = (order.into(), self.limit);
        let since = self.since;
        let query = Query { request, session: id, thread, filter, since, order, limit };
        let listed = list_session_events(call.services, call.cx, query).await?;
        let warnings = warnings(&listed.gaps, listed.next_page.is_some());
        Ok(Output {
            events: listed.events,
            next_page: listed.next_page,
            newest: listed.newest,
            complete: (!warnings.is_empty()).then_some(false),
            warnings,
        })
    }
}
