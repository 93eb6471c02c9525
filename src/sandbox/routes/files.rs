//! `/v1/files`: uploaded files, and those of sessions, which only requests with the beta of
//! managed agents see.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use crate::sandbox::{
    clock::Timestamp,
    exchange::{ApiRequest, respond},
    file::{File, unnamed},
    middleware::check_beta,
    multipart::{self, Part},
    page::{PageRequest, SortKey},
    rejection::{Rejection, Result},
    store::Store,
};

/// Uploaded files as of `now` and, if `scoped`, those of all sessions; each with its session.
fn files(
    store: &Store,
    scoped: bool,
    now: Timestamp,
) -> impl Iterator<Item = (&File, Option<&str>)> {
    let sessions = store.stored_sessions().filter(move |_| scoped);
    let scoped = sessions
        .flat_map(move |session| session.files(now).map(|file| (file, Some(session.id.as_str()))));
    store.files.iter().map(|(_, file)| (file, None)).chain(scoped)
}

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let query = &request.query;
    let scope = query.one("scope_id")?;
    if scope.is_some() {
        check_beta(request.headers())?;
    }
    let scoped = check_beta(request.headers()).is_ok();
    let ids: BTreeSet<&str> = query.many("ids").into_iter().collect();
    if ids.len() > 100 {
        return Err(Rejection::field("ids", "at most 100"));
    }
    if !ids.is_empty() && (query.one("page")?.is_some() || query.one("limit")?.is_some()) {
        return Err(Rejection::field("ids", "cannot be combined with page or limit"));
    }
    let limits = if ids.is_empty() { (20, 1000) } else { (100, 100) };
    let page = PageRequest::new(query, &store.quirks, "f", None, limits)?;
    let matching = files(store, scoped, Timestamp::now()).filter(|(file, session)| {
        (scope.is_none() || *session == scope) && (ids.is_empty() || ids.contains(file.id.as_str()))
    });
    let mut matching: Vec<(SortKey, Value)> =
        matching.map(|(file, session)| (file.sort_key(), file.view(session))).collect();
    matching.sort_by_key(|(key, _)| *key);
    respond(&page.select(matching.into_iter()))
}

/// The file with the id of the path, and its session.
fn find<'a>(store: &'a Store, request: &ApiRequest) -> Result<(&'a File, Option<&'a str>)> {
    let id = request.id();
    let found = files(store, true, Timestamp::now()).find(|(file, _)| file.id == id);
    let missing = || Rejection::not_found(format!("There is no file {id:?}."));
    let (file, session) = found.ok_or_else(missing)?;
    if session.is_some() {
        check_beta(request.headers())?;
    }
    Ok((file, session))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (file, session) = find(store, request)?;
    respond(&file.view(session))
}

pub(super) fn content(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (file, _) = find(store, request)?;
    file.check_expiry(Timestamp::now())?;
    let bytes = file.content()?;
    Ok(([(CONTENT_TYPE, file.mime.clone())], bytes).into_response())
}

pub(super) fn upload(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parts = multipart::parse(content_type, request.body())?;
    if let Some(part) = parts.iter().find(|part| !is_known(part)) {
        return Err(Rejection::field(&part.name, "unknown field"));
    }
    let mut files = parts.iter().filter(|part| part.name == "file");
    let (Some(part), None) = (files.next(), files.next()) else {
        return Err(Rejection::field("file", "exactly one file"));
    };
    let lifetime = parts.iter().find(|part| part.name == "expires_in_seconds");
    let lifetime = lifetime.map(read_lifetime).transpose()?;
    let now = store.clock.stamp();
    let id = format!("file_{}", store.new_id_suffix());
    let path = part.filename.as_deref().unwrap_or_default();
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let bytes = part.content.to_vec().into();
    let mut file = File::uploaded(id.clone(), name, bytes, now);
    if let Some(mime) = &part.content_type {
        file.mime.clone_from(mime);
    }
    if name.is_empty() {
        file.name = unnamed(&file.mime);
    }
    file.expires_at = lifetime.map(|lifetime| now.plus(lifetime));
    store.created += 1;
    let response = respond(&file.view(None))?;
    store.files.insert(id, file);
    Ok(response)
}

fn is_known(part: &Part<'_>) -> bool {
    ["file", "expires_in_seconds"].contains(&part.name.as_str())
}

fn read_lifetime(part: &Part<'_>) -> Result<Duration> {
    let text = std::str::from_utf8(part.content).ok();
    let seconds = text.and_then(|text| text.trim().parse().ok());
    match seconds {
        Some(seconds) if (3_600..=7_776_000).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(Rejection::field("expires_in_seconds", "must be between 3600 and 7776000")),
    }
}

/// Deletes an uploaded file, whose copies in sessions stay, or one that a session produced.
pub(super) fn delete(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let id = request.id();
    match find(store, request)? {
        (_, None) => {
            store.files.remove(id)?;
        }
        (file, Some(_)) if file.downloadable => {
            for session in store.stored_sessions_mut() {
                session.produced.retain(|file| file.id != id);
            }
        }
        _ => {
            let message = "This is a session's copy of a mounted file. Delete the resource.";
            return Err(Rejection::invalid(message));
        }
    }
    respond(&json!({"id": id, "type": "file_deleted"}))
}
