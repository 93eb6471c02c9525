use serde_json::{Value, json};

use crate::{
    domain::new_session::{Details, Mistake, StartWarning, agent_fields_of_its_own, resources},
    model::Session,
};

fn session(fields: &Value) -> Session {
    Session::from_json(fields.to_string().as_bytes()).unwrap()
}

#[test]
fn a_budget_is_a_whole_number_of_cents_in_dollars() {
    let check = |text: &str, expected: Result<&str, Mistake>| {
        let mut mistakes = Vec::new();
        let read = Details::read(None, None, None, Some(text), &mut mistakes);
        let cents = read.budget.map(|money| money.to_minor_string());
        let read = cents.ok_or_else(|| mistakes.remove(0));
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    };
    check("50.00 USD", Ok("5000"));
    check("0.01", Ok("1"));
    check("7 usd", Ok("700"));
    check("50 EUR", Err(Mistake::BudgetCurrency("EUR".to_owned())));
    check("0 USD", Err(Mistake::BudgetCents));
    check("0.001 USD", Err(Mistake::BudgetCents));
}

#[test]
fn resources_are_taken_over_without_what_belongs_to_their_session() {
    let copied = session(&json!({"resources": [
        {"id": "sesrsc_1", "type": "file", "file_id": "file_1", "mount_path": "/a", "created_at": "x"},
        {"id": "sesrsc_2", "type": "github_repository", "url": "https://github.com/a/b",
         "checkout": {"type": "branch", "name": "main"}, "mount_path": "/b"},
        {"type": "memory_store", "memory_store_id": "memstore_1", "access": "read_only",
         "instructions": null, "mount_path": "/c", "name": "Notes"},
        {"id": "sesrsc_4", "type": "volume", "mount_path": "/d"},
        {"id": "sesrsc_5", "type": "file"},
        7,
    ]}));
    let (taken, warnings) = resources(&copied);
    assert_eq!(
        json!(taken),
        json!([
            {"type": "file", "file_id": "file_1", "mount_path": "/a"},
            {"type": "github_repository", "url": "https://github.com/a/b",
             "checkout": {"type": "branch", "name": "main"}, "mount_path": "/b"},
            {"type": "memory_store", "memory_store_id": "memstore_1", "access": "read_only"},
        ])
    );
    let left_out = |kind: &str, which: Option<&str>| {
        StartWarning::ResourceLeftOut(kind.to_owned(), which.map(str::to_owned))
    };
    assert_eq!(
        warnings,
        [
            StartWarning::WithoutToken("https://github.com/a/b".to_owned()),
            left_out("volume", Some("/d")),
            left_out("file", Some("sesrsc_5")),
            left_out("", None),
        ]
    );
}

#[test]
fn a_bare_model_is_no_difference() {
    let copied =
        session(&json!({"agent": {"model": "claude-opus-4-8", "system": "A", "skills": []}}));
    let agent = json!({"model": {"id": "claude-opus-4-8"}, "system": "B"});
    let own = agent_fields_of_its_own(&copied, agent.as_object().unwrap());
    assert_eq!(own, ["system"]);
}
