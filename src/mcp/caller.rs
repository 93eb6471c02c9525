//! The host as a caller of operations: progress, cancellation, and questions to the person.

use std::time::Duration;

use futures_util::{FutureExt as _, future::BoxFuture};
use rmcp::{
    RoleServer,
    model::{
        ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
        InputRequest, InputRequests, InputRequiredResult, InputResponses,
        ProgressNotificationParam, ProtocolVersion,
    },
    service::RequestContext,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{
        approval::subject::{PendingQuestion, Subject},
        caller::{ApprovalChannel, Caller, Progress, Reply},
    },
    domain::text,
    explain,
};

const CONFIRM: &str = "confirm";
/// The longest name and version of a host that is noted, in characters.
const CLIENT_CHARACTERS: usize = 100;

pub(crate) struct McpCaller {
    pub(crate) context: RequestContext<RoleServer>,
    /// What the host brought back with a person's answer.
    pub(crate) state: Option<String>,
    pub(crate) responses: Option<InputResponses>,
}

impl McpCaller {
    fn response(&self) -> Option<ElicitResult> {
        let response = self.responses.as_ref()?.get(CONFIRM)?;
        serde_json::from_value(response.clone()).ok()
    }
}

impl Caller for McpCaller {
    fn cancellation(&self) -> &CancellationToken {
        &self.context.ct
    }

    fn client(&self) -> Option<String> {
        let client = self.context.client_info()?;
        let named = format!("{} {}", client.name, client.version);
        Some(text::shortened(&text::visible(&named), CLIENT_CHARACTERS))
    }

    fn progress(&self, progress: Progress) -> BoxFuture<'_, ()> {
        let Some(token) = self.context.meta.get_progress_token() else {
            return std::future::ready(()).boxed();
        };
        let (done, total, message) = explain::progress::progress(&progress);
        let message = text::one_line(&message);
        let mut progress = ProgressNotificationParam::new(token, done).with_message(message);
        progress.total = total;
        async move {
            if let Err(error) = self.context.peer.notify_progress(progress).await {
                tracing::debug!(%error, "progress could not be reported");
            }
        }
        .boxed()
    }

    fn approval(&self) -> ApprovalChannel {
        if let (Some(state), Some(response)) = (&self.state, self.response()) {
            return ApprovalChannel::Answered { state: state.clone(), reply: reply(&response) };
        }
        let capabilities = self.context.client_capabilities();
        let elicitation = capabilities.and_then(|client| client.elicitation);
        // Declared without a mode it means forms.
        if !elicitation.is_some_and(|modes| modes.form.is_some() || modes.url.is_none()) {
            return ApprovalChannel::Unavailable;
        }
        match self.context.protocol_version() {
            // It was told to ask, and came back without an answer.
            _ if self.state.is_some() => ApprovalChannel::Unavailable,
            Some(version) if version >= ProtocolVersion::V_2026_07_28 => ApprovalChannel::Deferred,
            _ => ApprovalChannel::Inline,
        }
    }

    fn ask<'a>(&'a self, subject: &'a Subject, timeout: Duration) -> BoxFuture<'a, Option<Reply>> {
        let request =
            self.context.peer.create_elicitation_with_timeout(form(subject), Some(timeout));
        async move {
            match request.await {
                Ok(result) => Some(reply(&result)),
                Err(error) => {
                    tracing::debug!(%error, "the host could not ask");
                    None
                }
            }
        }
        .boxed()
    }
}

/// The result that makes the host ask, and call again with the answer.
pub(crate) fn input_required(question: PendingQuestion) -> InputRequiredResult {
    let request = InputRequest::Elicitation(ElicitRequest::new(form(&question.subject)));
    let requests = InputRequests::from([(CONFIRM.to_owned(), request)]);
    InputRequiredResult::new(Some(requests), Some(question.state))
}

/// Only an accepted form with the box ticked is a yes.
fn reply(result: &ElicitResult) -> Reply {
    let content = result.content.as_ref();
    let ticked = content.and_then(|content| content.get(CONFIRM)?.as_bool()) == Some(true);
    if result.action == ElicitationAction::Accept && ticked { Reply::Yes } else { Reply::No }
}

fn form(subject: &Subject) -> ElicitRequestParams {
    let schema = ElicitationSchema::builder()
        .required_bool_with(CONFIRM, |field| {
            field.title("Yes, do it").description("It cannot be undone")
        })
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: text::visible(&explain::approval::question(subject)).into_owned(),
        requested_schema: schema,
    }
}
