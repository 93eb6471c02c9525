//! `list_session_events`: what happened in a session, cut to size.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::scan::{Walk, sources::Events},
    config::Toolset,
    domain::{
        events,
        events::EventFilter,
        view::size::{LIST_BYTES, SizeBudget, size},
    },
    explain::Failure,
    mcp::{
        args::values::{OrderArg, SessionIdArg, TimeArg},
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
    model::Event,
};

/// How many events one call looks at, where the service ignores the filters.
const MOST_LOOKED_AT: usize = 10_000;
/// What the long values of an answer may take, shared among its events.
const VALUE_CHARACTERS: usize = 24_000;
const LEAST_OF_A_VALUE: usize = 400;

pub(crate) struct ListSessionEvents;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// Only these, such as "user.message", "agent.message", "agent.tool_use", "session.error".
    #[serde(default)]
    types: Vec<String>,
    /// desc is newest first.
    #[serde(default)]
    order: OrderArg,
    /// RFC 3339, or an age such as "2h".
    after: Option<TimeArg>,
    /// As after.
    before: Option<TimeArg>,
    /// How many events. Fewer events are shown in more detail.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 200))]
    limit: u32,
    /// next_page of an earlier answer, with the same other arguments.
    page: Option<String>,
}

fn default_limit() -> u32 {
    20
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The events: id, type, at, and what matters of their kind; `cut` characters were left out.
    events: Vec<Map<String, Value>>,
    /// Give it as page to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

impl SessionsTool for ListSessionEvents {
    const NAME: &'static str = "list_session_events";
    const TITLE: &'static str = "List a session's events";
    const DESCRIPTION: &'static str = "Read what happened in a session: messages, tool calls with \
        input and result, errors, why it stopped. Long values are cut; `cut` says by how many \
        characters.";
    const TOOLSET: Toolset = Toolset::Events;
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let id = args.session_id.id();
        let order = args.order;
        let asked = (id.as_str(), &args.types, order, &args.after, &args.before);
        let question = call.question(server, &asked, args.page.as_deref(), Timestamp::now())?;
        call.allows(id).await?;
        let at = |when: Option<TimeArg>| when.map(|when| when.at(question.asked_at));
        let source = Events {
            session: id.clone(),
            filter: EventFilter {
                types: args.types,
                after: at(args.after),
                before: at(args.before),
            },
            order: order.into(),
        };
        let (client, pace) = (call.client(), server.pace());
        let mut walk = Walk::over(source, client, pace, MOST_LOOKED_AT, call.soon())
            .by(args.limit)
            .from(question.position.clone());
        let limit = args.limit as usize;
        let each = (VALUE_CHARACTERS / limit).max(LEAST_OF_A_VALUE);
        let mut shown = Vec::new();
        let mut room = SizeBudget::of(LIST_BYTES);
        while shown.len() < limit {
            let next = walk.next().await;
            let next = next.map_err(|error| Failure::api(&format!("session {id}"), &error))?;
            let Some(event) = next else { break };
            let fields = fitting(&event, each);
            if !room.take(&fields) {
                walk.put_back(event);
                break;
            }
            shown.push(fields);
        }
        Ok(Output {
            events: shown,
            next_page: question.continued(server.cursors(), walk.position()),
        })
    }
}

/// The event with its values cut to `limit`, or to less if it would not fit into an answer.
fn fitting(event: &Event, mut limit: usize) -> Map<String, Value> {
    loop {
        let shown = events::shown(event, limit);
        if size(&shown) < LIST_BYTES / 2 {
            return shown;
        }
        if limit < 32 {
            // Thousands of fields: its id and what they are called must do.
            let named = |field: &str| matches!(field, "id" | "type" | "at");
            let fields = shown.into_iter().filter(|(field, _)| named(field));
            return fields
                .chain([("cut".to_owned(), size(event).into())])
                .collect();
        }
        limit /= 2;
    }
}
