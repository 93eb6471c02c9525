//! Start a session. The creation is sent once: where its answer was lost, another one could make
//! two sessions.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    api::{Acted, ApiError, ApiResponse},
    app::{
        context::Context,
        creation::CreationMark,
        error::{About, Error, ErrorKind, StartInDoubt},
        lookup::{Found, find, find_by_id},
        services::Services,
        turn_end::{Turn, TurnEnd, turn_end},
    },
    domain::{
        agents::Part,
        new_session::{
            self, Details, Mistake, NewAgent, NewSession, StartWarning, agent_fields_of_its_own,
            merged, toolset_of,
        },
        toolset::{Patch, Toolset, diff},
    },
    model::{Event, ObjectId, Session, SessionId},
};

/// What was given, checked as far as possible without the service.
#[derive(Default)]
pub(crate) struct Request {
    /// Id or name.
    pub agent: Option<String>,
    /// Id or name.
    pub environment: Option<String>,
    pub like_session: Option<SessionId>,
    pub details: Details,
    /// What is added to the tools of the agent, or of the copied session.
    pub patch: Option<Patch>,
    /// None: those of the copied session.
    pub vaults: Vec<String>,
    pub wait: Duration,
    pub dry_run: bool,
}

pub(crate) struct Started {
    /// In a dry run as it would be, without an id.
    pub session: Session,
    /// The turn that its message began, if it was waited for. The session is there if that failed.
    pub turn: Option<Result<TurnEnd, Error>>,
    pub warnings: Vec<StartWarning>,
}

pub(crate) async fn start_session(
    services: &Services,
    cx: &Context,
    request: Request,
) -> Result<Started, Error> {
    let (wait, dry_run) = (request.wait, request.dry_run);
    let (new, mut warnings) = Box::pin(prepare(services, cx, request)).await?;
    let waits = !wait.is_zero() && new.message.is_some();
    if !wait.is_zero() && !waits {
        warnings.push(StartWarning::NothingToWaitFor);
    }
    if dry_run {
        return Ok(Started { session: new.preview(), turn: None, warnings });
    }
    let (session, id) = Box::pin(create(cx, &new)).await?;
    let turn = if waits {
        Some(Box::pin(turn_end(services, cx, &id, wait, Turn::First)).await)
    } else {
        None
    };
    Ok(Started { session, turn, warnings })
}

/// Finds out, with reads only, what to create.
async fn prepare(
    services: &Services,
    cx: &Context,
    request: Request,
) -> Result<(NewSession, Vec<StartWarning>), Error> {
    let Request { agent, environment, like_session, details, patch, vaults, .. } = request;
    let copied = match &like_session {
        Some(id) => Some(cx.read_session(id).await?),
        None => None,
    };
    let mut mistakes = Vec::new();
    let mut needed = |part: Part, given: &Option<String>, of_copied: Option<&str>| {
        if given.is_none() && of_copied.is_none_or(str::is_empty) {
            let name = part.name();
            mistakes.push(match copied {
                Some(_) => Mistake::NotCopied(name),
                None => Mistake::Missing(name),
            });
        }
    };
    let head = copied.as_ref().map(|session| &session.head);
    let copied_agent = head.and_then(|head| head.agent.id.as_deref());
    let copied_environment = head.and_then(|head| head.environment_id.as_deref());
    needed(Part::Agent, &agent, copied_agent);
    needed(Part::Environment, &environment, copied_environment);
    if !mistakes.is_empty() {
        return Err(ErrorKind::InvalidStart(mistakes).into());
    }
    let mut warnings = Vec::new();
    let vaults = match &copied {
        Some(session) if vaults.is_empty() => new_session::vaults(session),
        _ => vaults,
    };
    let agent = Choice { services, cx, copied: copied.as_ref(), patch: patch.as_ref() }
        .agent(agent.as_deref(), !vaults.is_empty(), &mut warnings)
        .await?;
    let environment = match (&environment, copied_environment) {
        (Some(wanted), _) => find(services, cx, Part::Environment, wanted).await?,
        (None, copied) => {
            find_by_id(services, cx, Part::Environment, copied.unwrap_or_default()).await?
        }
    };
    let resources = match &copied {
        Some(session) => {
            let (resources, lost) = new_session::resources(session);
            warnings.extend(lost);
            resources
        }
        None => Vec::new(),
    };
    let new = NewSession {
        agent,
        environment: environment.id().to_owned(),
        title: details.title,
        message: details.message,
        metadata: new_session::metadata(copied.as_ref(), &details.metadata),
        budget: details.budget,
        vaults,
        resources,
    };
    Ok((new, warnings))
}

/// What the agent of the new session, and its tools, are chosen from.
struct Choice<'a> {
    services: &'a Services,
    cx: &'a Context,
    copied: Option<&'a Session>,
    patch: Option<&'a Patch>,
}

impl Choice<'_> {
    async fn agent(
        &self,
        given: Option<&str>,
        has_vaults: bool,
        warnings: &mut Vec<StartWarning>,
    ) -> Result<NewAgent, Error> {
        match (given, self.copied) {
            (None, Some(session)) => self.of_session(session, has_vaults, warnings).await,
            (given, _) => self.given(given.unwrap_or_default(), has_vaults, warnings).await,
        }
    }

    async fn given(
        &self,
        wanted: &str,
        has_vaults: bool,
        warnings: &mut Vec<StartWarning>,
    ) -> Result<NewAgent, Error> {
        let found = find(self.services, self.cx, Part::Agent, wanted).await?;
        let id = found.id().to_owned();
        let fields = match found {
            // Lists of some services leave the large parts out.
            Found::Known(fields) if self.patch.is_some() && !fields.contains_key("tools") => {
                self.read_agent(&id, None).await?
            }
            Found::Known(fields) => fields,
            // What tools are added to is not known.
            Found::Unverified(_, error) if self.patch.is_some() => return Err(error),
            Found::Unverified(..) => Event::new(),
        };
        let own = toolset_of(&fields);
        let is_known = !fields.is_empty();
        let agent = NewAgent { id, version: None, fields, toolset: None };
        if let Some(session) = self.copied
            && is_known
            && !diff(&Toolset::of(session), &own).is_empty()
        {
            warnings.push(StartWarning::ToolsLeftOut);
        }
        let wanted = self.merged(&own, has_vaults, warnings)?;
        Ok(wanted.map_or(agent.clone(), |wanted| agent.with_toolset(&wanted)))
    }

    async fn of_session(
        &self,
        session: &Session,
        has_vaults: bool,
        warnings: &mut Vec<StartWarning>,
    ) -> Result<NewAgent, Error> {
        let head = &session.head.agent;
        let id = head.id.clone().unwrap_or_default();
        let newest = match find_by_id(self.services, self.cx, Part::Agent, &id).await? {
            Found::Known(agent) => Some(agent),
            Found::Unverified(..) => None,
        };
        let is_version = |agent: &Event| {
            agent.get("version").and_then(serde_json::Value::as_i64) == head.version
        };
        let fields = match newest {
            Some(newest) if head.version.is_none() || is_version(&newest) => Some(newest),
            Some(_) => {
                let read = self.read_agent(&id, head.version).await;
                // Some services do not keep versions, or answer the newest one.
                read.ok().filter(is_version)
            }
            None => None,
        };
        let own = Toolset::of(session);
        let wanted = self.merged(&own, has_vaults, warnings)?;
        let agent = NewAgent {
            id,
            version: head.version,
            fields: fields.clone().unwrap_or_default(),
            toolset: None,
        };
        Ok(match (fields, wanted) {
            (Some(fields), wanted) => {
                let left_out = agent_fields_of_its_own(session, &fields);
                warnings.extend(
                    (!left_out.is_empty()).then_some(StartWarning::AgentFieldsLeftOut(left_out)),
                );
                agent.with_toolset(&wanted.unwrap_or(own))
            }
            (None, Some(wanted)) => agent.with_toolset(&wanted),
            (None, None) => {
                warnings.push(StartWarning::ToolsUnknown);
                agent
            }
        })
    }

    async fn read_agent(&self, id: &str, version: Option<i64>) -> Result<Event, Error> {
        let about = || About::Agent(id.to_owned());
        let Ok(id) = ObjectId::parse(id) else {
            let cause = "the id cannot be used";
            return Err(Error::api(about(), ApiError::bad_response(200, cause, None)));
        };
        let read = self.cx.client().get_agent(&id, version).await;
        Ok(read.map_err(|error| Error::api(about(), error))?.body)
    }

    /// The tools with what is added to them; `None` if nothing is.
    fn merged(
        &self,
        current: &Toolset,
        has_vaults: bool,
        warnings: &mut Vec<StartWarning>,
    ) -> Result<Option<Toolset>, Error> {
        let Some(patch) = self.patch else {
            return Ok(None);
        };
        let (wanted, about) =
            merged(current, patch, has_vaults).map_err(ErrorKind::InvalidStartTools)?;
        warnings.extend(about.into_iter().map(StartWarning::Toolset));
        Ok(Some(wanted))
    }
}

/// Creates the session, and makes sure that it is the one asked for.
async fn create(cx: &Context, new: &NewSession) -> Result<(Session, SessionId), Error> {
    let agent = &new.agent.id;
    let mark = CreationMark::take(cx, agent).await;
    let about = || About::NewSession(agent.clone());
    let response = match send(cx, new).await? {
        Ok(response) => response,
        Err(error) if error.acted() == Acted::Unknown => {
            return Err(in_doubt(cx, agent, mark, Error::api(about(), error)).await);
        }
        Err(error) => return Err(cx.clarified(about(), error).await),
    };
    let ApiResponse { body: session, request_id, .. } = response;
    let Ok(id) = SessionId::parse(&session.head.id) else {
        let cause = "its id cannot be used";
        let error = Error::api(about(), ApiError::bad_response(200, cause, request_id));
        return Err(in_doubt(cx, agent, mark, error).await);
    };
    cx.trail().created(&id);
    let mut differences = new.differences(&session);
    if differences.is_empty() {
        return Ok((session, id));
    }
    // Some services answer before all of it is done.
    if let Ok(read) = cx.client().get_session(&id).await
        && read.body.head.id == id.as_str()
    {
        differences = new.differences(&read.body);
        if differences.is_empty() {
            return Ok((read.body, id));
        }
    }
    let session = Box::new(session.head);
    Err(ErrorKind::StartedDifferently { session, differences, request_id }.into())
}

/// Sends the creation, again only after what surely was not carried out.
async fn send(
    cx: &Context,
    new: &NewSession,
) -> Result<Result<ApiResponse<Session>, ApiError>, Error> {
    let body = new.body();
    let mut repetitions = 0;
    loop {
        let outstanding = cx.begin_write()?;
        // Whatever is lost is looked for within the rest of the time.
        let client = cx.client().with_deadline(cx.soft_deadline());
        let error = match client.create_session(&body).await {
            Ok(response) => {
                outstanding.answered(response.request_id.as_deref());
                return Ok(Ok(response));
            }
            Err(error) => error,
        };
        outstanding.answered(error.request_id());
        let is_repeatable = error.acted() == Acted::No;
        match cx.pause_before_repetition(&error, repetitions).filter(|_| is_repeatable) {
            Some(pause) => sleep(pause).await,
            None => return Ok(Err(error)),
        }
        repetitions += 1;
    }
}

async fn in_doubt(cx: &Context, agent: &str, mark: Option<CreationMark>, error: Error) -> Error {
    let created = match mark {
        Some(mark) => mark.created_since(cx, agent).await,
        None => None,
    };
    error.start_in_doubt(StartInDoubt { agent: agent.to_owned(), created })
}
