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
        values::{AmountArg, OrderArg, PairsArg, TimeArg},
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
    #[schemars(length(min = 1, max = 5))]
    word: Option<String>,
}

const NAMES: [&str; 8] = ["count", "flag", "order", "names", "since", "cost", "pairs", "word"];

/// The parsed arguments, or all mistakes.
fn read(given: &JsonObject) -> Result<Value, String> {
    let args = parse::<Args>(&schema::input::<Args>(), given.clone());
    let args = args.map(|args| serde_json::to_value(args).unwrap());
    args.map_err(|mistakes| mistakes.join("; "))
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
}

#[test]
fn one_word_is_accepted_for_an_array_of_words() {
    let schema = schema::input::<Words>();
    let check = |given: &str, expected: Option<Value>| {
        let given = json!({"orders": given}).as_object().unwrap().clone();
        assert_eq!(parse::<Value>(&schema, given).ok(), expected);
    };
    check("asc", Some(json!({"orders": ["asc"]})));
    check("[\"asc\"]", Some(json!({"orders": ["asc"]})));
    check("up", None);
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
                if given.get("count").is_none_or(Value::is_null) {
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
    fn null_means_not_given(given in good_call(), dropped in 1_usize..NAMES.len()) {
        let (mut nulled, mut without) = (given.clone(), given);
        nulled.insert(NAMES[dropped].to_owned(), Value::Null);
        without.shift_remove(NAMES[dropped]);
        prop_assert_eq!(read(&nulled), read(&without));
    }
}
