//! Calls operations of the API client, one after the other, with the settings of the environment.
//! `tests/interop/run-wire` compares its requests with those of the official SDK.
//!
//! ```text
//! ANTHROPIC_BASE_URL=http://127.0.0.1:4010 ANTHROPIC_API_KEY=k cargo run --example wire -- get list
//! ```

use std::error::Error;

use managed_sessions_mcp::{
    api::{Client, EventQuery, SessionQuery, Settings, ThreadQuery, credentials::Sources},
    environment::Environment,
    model::{Order, SessionId},
};
use serde_json::{Map, Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let environment = Environment::of_process();
    let base_url = environment.get("ANTHROPIC_BASE_URL");
    let client = Client::new(Settings {
        base_url: base_url.map(str::parse).transpose()?,
        credentials: Sources::from_environment(&environment),
        ..Settings::default()
    });
    for operation in std::env::args().skip(1) {
        call(&client, &operation).await?;
    }
    Ok(())
}

/// Uses exactly the arguments of `compare.py`.
async fn call(client: &Client, operation: &str) -> Result<(), Box<dyn Error>> {
    let id = |text| SessionId::parse(text).map_err(|error| format!("{error:?}"));
    let (id, odd) = (id("sesn_1")?, id("a/b?c#d%2eé+&=;,@:")?);
    let earlier = "2026-01-02T03:04:05Z".parse()?;
    let later = "2026-02-03T04:05:06.789Z".parse()?;
    match operation {
        "get" => drop(client.get_session(&id).await?),
        "get_odd_id" => drop(client.get_session(&odd).await?),
        "list" => drop(client.list_sessions(&SessionQuery::default()).await?),
        "list_filtered" => {
            let query = SessionQuery {
                agent_id: Some("agent_1".to_owned()),
                agent_version: Some(3),
                deployment_id: Some("depl_1".to_owned()),
                memory_store_id: Some("memstore_1".to_owned()),
                statuses: vec!["idle".to_owned(), "running".to_owned()],
                include_archived: true,
                created_gt: Some(earlier),
                created_gte: Some(earlier),
                created_lt: Some(later),
                created_lte: Some(later),
                order: Some(Order::Asc),
                limit: Some(7),
                page: Some("cur/s+or=&".to_owned()),
            };
            drop(client.list_sessions(&query).await?);
        }
        "update_tools" => {
            let agent = json!({
                "tools": [{"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": false}]}],
                "mcp_servers": [],
            });
            update(client, &id, json!({ "agent": agent })).await?;
        }
        "update_fields" => {
            let fields =
                json!({"title": "Ünïcode \"quoted\"", "metadata": {"a": "b", "gone": null}});
            update(client, &id, fields).await?;
        }
        "update_title_null" => update(client, &id, json!({"title": null})).await?,
        "archive" => drop(client.archive_session(&id).await?),
        "delete" => drop(client.delete_session(&id).await?),
        "events" => drop(client.list_events(&id, &EventQuery::default()).await?),
        "events_filtered" => {
            let query = EventQuery {
                types: vec!["session.status_idle".to_owned(), "user.message".to_owned()],
                created_gt: Some(earlier),
                created_gte: Some(earlier),
                created_lt: Some(later),
                created_lte: Some(later),
                order: Some(Order::Desc),
                limit: Some(1),
                page: Some("cursor".to_owned()),
            };
            drop(client.list_events(&id, &query).await?);
        }
        "interrupt" => {
            client.send_events(&id, &[json!({"type": "user.interrupt"})]).await.map(drop)?;
        }
        "interrupt_thread" => {
            let event = json!({"type": "user.interrupt", "session_thread_id": "sthr_1"});
            client.send_events(&id, &[event]).await.map(drop)?;
        }
        "threads" => drop(client.list_threads(&id, &ThreadQuery::default()).await?),
        other => return Err(format!("unknown operation {other:?}").into()),
    }
    Ok(())
}

async fn update(client: &Client, id: &SessionId, body: Value) -> Result<(), Box<dyn Error>> {
    let body: Map<String, Value> = serde_json::from_value(body)?;
    drop(client.update_session(id, &body).await?);
    Ok(())
}
