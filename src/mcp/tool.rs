//! What a tool is: what it is called, where it belongs, what it takes and answers.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use super::settings::ToolGroup;
use crate::{
    app::{
        context::Context,
        cursor::ListRequest,
        error::{Error, ErrorKind},
        op::Op,
        services::Services,
    },
    explain::vocabulary::Vocabulary,
};

/// What a tool does to sessions, as its annotations tell hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing.
    Reads,
    /// Changes something that can be changed again. Repeating it changes nothing more.
    Writes,
    /// Changes something that cannot be taken back. Repeating it changes nothing more.
    Destroys,
}

/// Part of a description.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text {
    /// Always shown.
    Always(&'static str),
    /// Shown where this operation, which it mentions, is offered too.
    Where(Op, &'static str),
}

/// One tool over one operation.
pub(crate) trait SessionsTool: 'static {
    const OP: Op;
    const TITLE: &'static str;
    /// Written for the model.
    const DESCRIPTION: &'static [Text];
    const GROUP: ToolGroup;
    const EFFECT: Effect;
    /// Works on many sessions; see [`crate::app::run::Invocation::bulk`].
    const BULK: bool = false;
    type Args: DeserializeOwned + JsonSchema + Send;
    type Output: Serialize + JsonSchema + Send;

    /// Calls the operation.
    fn call(
        call: ToolCall<'_>,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;

    /// What the audit log notes of an answer of a tool that writes.
    fn outcome(_: &Self::Output) -> Option<String> {
        None
    }
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

/// The word that an outcome is shown as.
pub(crate) fn word(outcome: &impl Serialize) -> Option<String> {
    let value = serde_json::to_value(outcome).ok()?;
    value.as_str().map(str::to_owned)
}
