//! Properties that hold for whatever a model sends.

use proptest::{
    collection::{hash_map, vec},
    prelude::*,
    sample::select,
};
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::mcp::{
    args::{
        parse,
        values::{AmountArg, EventTypeArg, OrderArg, PairsArg, TimeArg},
    },
    schema,
};

/// One argument of each kind.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Args {
    #[schemars(range(min = 1, max = 100))]
    count: u32,
    flag: Option<bool>,
    #[serde(default)]
    order: OrderArg,
    #[serde(default)]
    names: Vec<String>,
    since: Option<TimeArg>,
    cost: Option<AmountArg>,
    #[serde(default)]
    pairs: PairsArg,
    #[schemars(length(max = 5), extend("x-alias" = "words"))]
    word: Option<String>,
}

const NAMES: [&str; 8] = ["count", "flag", "order", "names", "since", "cost", "pairs", "word"];

/// The parsed arguments, or all mistakes.
fn read(given: &JsonObject) -> Result<Value, String> {
    let args = parse::<Args>(&schema::input::<Args>(), given.clone());
    let args = args.map(|args| serde_json::to_value(args).unwrap());
    args.map_err(|mistakes| mistakes.join("; "))
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty() || text == "null",
        _ => false,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_i64..120).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~\u{202e}\u{7}]{0,12}".prop_map(Value::from),
        select(&["7d", "asc", "true", "5", "5.0", "1.50 EUR"][..]).prop_map(Value::from),
        select(&["[]", "{}", "null"][..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z]{1,3}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_call() -> impl Strategy<Value = JsonObject> {
    let name = prop_oneof![
        8 => select(&NAMES[..]).prop_map(str::to_owned),
        1 => "[a-z]{1,6}",
    ];
    vec((name, any_json()), 0..8).prop_map(|pairs| pairs.into_iter().collect())
}

fn good_call() -> impl Strategy<Value = JsonObject> {
    (
        1_u32..=100,
        any::<bool>(),
        prop_oneof![Just("asc"), Just("desc")],
        vec("[ -~]{0,6}", 0..3),
        prop_oneof![Just("7d"), Just("2026-01-31T12:00:00Z"), Just("2 weeks")],
        (0_u32..10_000, 0_u32..100).prop_map(|(major, minor)| format!("{major}.{minor:02}")),
        hash_map("[a-z]{1,3}", "[ -~]{0,4}", 0..3),
        "[a-z]{1,5}",
    )
        .prop_map(|(count, flag, order, names, since, cost, pairs, word)| {
            let call = json!({"count": count, "flag": flag, "order": order, "names": names,
                "since": since, "cost": cost, "pairs": pairs, "word": word});
            call.as_object().unwrap().clone()
        })
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only the schema is used")]
struct Words {
    #[serde(default)]
    orders: Vec<OrderArg>,
    #[serde(default)]
    types: Vec<EventTypeArg>,
    #[schemars(length(min = 1, max = 9))]
    chosen: Option<Vec<String>>,
    #[schemars(with = "Option<Vec<JsonObject>>", extend("x-check" = "entries"))]
    entries: Option<Vec<Value>>,
}

/// The arguments as they are read, or all mistakes.
fn read_words(given: &Value) -> String {
    let given = given.as_object().unwrap().clone();
    match parse::<Value>(&schema::input::<Words>(), given) {
        Ok(read) => read.to_string(),
        Err(mistakes) => mistakes.join("; "),
    }
}

#[test]
fn one_word_is_accepted_for_an_array_of_words() {
    let check = |given: Value, expected: &str| assert_eq!(read_words(&given), expected);
    check(json!({"orders": "asc"}), r#"{"orders":["asc"]}"#);
    check(json!({"orders": "[\"asc\"]"}), r#"{"orders":["asc"]}"#);
    check(json!({"orders": "up"}), r#"orders[0] was "up"; give one of "desc", "asc""#);
    check(json!({"types": "agent.message"}), r#"{"types":["agent.message"]}"#);
    check(json!({"chosen": "one"}), r#"{"chosen":["one"]}"#);
    check(
        json!({"chosen": "[\"one\""}),
        r#"chosen was "[\"one\""; give an array of 1 to 9 entries"#,
    );
    check(json!({"entries": "bash"}), r#"entries was "bash"; give an array of objects"#);
}

#[test]
fn blank_values_and_entries_are_not_given() {
    for blank in [json!(null), json!(""), json!("  "), json!([]), json!("[]"), json!("null")] {
        assert_eq!(read_words(&json!({"orders": blank, "types": blank})), "{}", "{blank}");
    }
    let check = |given: Value, expected: &str| assert_eq!(read_words(&given), expected);
    check(json!({"orders": ["", null]}), "{}");
    check(
        json!({"orders": ["asc", ""], "types": [null, "user.message"]}),
        r#"{"orders":["asc"],"types":["user.message"]}"#,
    );
    // What is acted on is never chosen by leaving it out; a new value may be an empty one.
    check(json!({"chosen": []}), "chosen has 0 entries; give an array of 1 to 9 entries");
    check(json!({"chosen": [""]}), r#"{"chosen":[""]}"#);
    check(json!({"chosen": null, "entries": ""}), "{}");
    check(json!({"entries": []}), r#"{"entries":[]}"#);
}

#[test]
fn an_alias_is_the_same_argument() {
    let check = |given: Value, expected: &str| {
        let given = with_count(given);
        let read = read(&given).map(|args| args["word"].to_string());
        assert_eq!(read.unwrap_or_else(|mistakes| mistakes), expected);
    };
    check(json!({"words": "a"}), "\"a\"");
    check(json!({"words": "a", "word": null}), "\"a\"");
    check(json!({"words": "", "word": "a"}), "\"a\"");
    check(json!({"words": "a", "word": "a"}), "\"a\"");
    check(
        json!({"words": "a", "word": "b"}),
        r#"word was "b" and words was "a", which is the same argument; give word only"#,
    );
}

fn with_count(mut given: Value) -> JsonObject {
    given["count"] = 1.into();
    given.as_object().unwrap().clone()
}

proptest! {
    #[test]
    fn arguments_are_parsed_or_all_mistakes_are_reported(given in any_call()) {
        match read(&given) {
            Ok(args) => {
                for name in given.keys() {
                    prop_assert!(NAMES.contains(&name.as_str()), "{name} was ignored");
                }
                let count = args["count"].as_u64();
                prop_assert!(count.is_some_and(|count| (1..=100).contains(&count)));
            }
            Err(mistakes) => {
                for name in given.keys().filter(|name| !NAMES.contains(&name.as_str())) {
                    prop_assert!(mistakes.contains(&format!("\"{name}\" is not an argument")), "{mistakes}");
                }
                if given.get("count").is_none_or(is_blank) {
                    prop_assert!(mistakes.contains("count is missing"), "{mistakes}");
                }
                prop_assert!(!mistakes.contains(['\u{202e}', '\u{7}']), "{mistakes:?}");
            }
        }
    }

    #[test]
    fn values_may_be_sent_as_strings(given in good_call()) {
        let plain = read(&given);
        prop_assert!(plain.is_ok(), "{plain:?}");
        let texts = given.iter().map(|(name, value)| match value {
            Value::String(_) => (name.clone(), value.clone()),
            other => (name.clone(), Value::from(format!(" {other} "))),
        });
        prop_assert_eq!(read(&texts.collect()), plain);
    }

    #[test]
    fn blank_means_not_given(
        given in good_call(),
        dropped in 0_usize..NAMES.len(),
        blank in select(vec![json!(null), json!(""), json!(" ")]),
    ) {
        let (mut blanked, mut without) = (given.clone(), given);
        blanked.insert(NAMES[dropped].to_owned(), blank);
        without.shift_remove(NAMES[dropped]);
        prop_assert_eq!(read(&blanked), read(&without));
    }
}
