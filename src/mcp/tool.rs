//! What a tool is: what it is called, where it belongs, what it takes and answers.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use super::settings::ToolGroup;
pub(crate) use crate::app::{error::Error, op::Op};
use crate::{
    app::{context::Context, cursor::ListRequest, error::ErrorKind, services::Services},
    explain::vocabulary::Vocabulary,
};

/// What a tool does to sessions, as its annotations tell hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    /// Changes something that can be changed again. Repeating it changes nothing more.
    Writes,
    /// Adds something, and more with each repetition.
    Adds,
    /// Changes something that cannot be taken back. Repeating it changes nothing more.
    Destroys,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Text {
    Always(&'static str),
    /// Shown where this operation, which it mentions, is offered too.
    Where(Op, &'static str),
    /// Shown where what this operation does needs a confirmation on this server.
    WhereConfirmed(Op, &'static str),
}

/// One tool over one operation: the arguments of a call.
pub(crate) trait SessionsTool: DeserializeOwned + JsonSchema + Send + 'static {
    const OP: Op;
    const TITLE: &'static str;
    /// Written for the model.
    const DESCRIPTION: &'static [Text];
    const GROUP: ToolGroup;
    const EFFECT: Effect;
    /// Works on many sessions; see [`crate::app::run::Invocation::bulk`].
    const BULK: bool = false;
    /// Takes the filters of list_sessions.
    const FILTERS: bool = false;
    /// The audit log notes its `outcome`.
    type Output: Serialize + JsonSchema + Send;

    fn call(self, call: ToolCall<'_>) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// What a tool calls its operation with.
#[derive(Clone, Copy)]
pub(crate) struct ToolCall<'a> {
    pub(crate) services: &'a Services,
    pub(crate) cx: &'a Context,
    pub(crate) vocabulary: &'a dyn Vocabulary,
}

impl ToolCall<'_> {
    /// The list that these arguments ask for, from its start or resumed at `page`.
    pub(crate) fn list_request(
        &self,
        arguments: &impl Serialize,
        page: Option<&str>,
    ) -> Result<ListRequest, Error> {
        let (cursors, op) = (self.services.cursors(), self.cx.op().name());
        ListRequest::read(cursors, op, arguments, page, Timestamp::now())
            .map_err(|invalid| ErrorKind::InvalidCursor(invalid).into())
    }
}
