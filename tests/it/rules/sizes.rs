use managed_sessions_mcp::domain::{
    text,
    view::bound::{bound, length},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,200}".prop_map(Value::from),
        "[\u{202e}\"\\\\\n\u{7}é]{0,50}".prop_map(Value::from),
        (1_usize..4_000).prop_map(|count| "long".repeat(count).into()),
    ];
    leaf.prop_recursive(6, 400, 60, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..60).prop_map(Value::from),
            vec(("\\PC{0,12}", inner), 0..60)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_bounded_value_fits_and_a_small_one_is_unchanged(value in values()) {
        let mut bounded = value.clone();
        let cut = bound(&mut bounded, 20_000);
        prop_assert!(length(&bounded) <= 20_000);
        prop_assert_eq!(cut == 0, length(&value) <= 20_000);
        if cut == 0 {
            prop_assert_eq!(bounded, value);
        }
    }

    #[test]
    fn the_length_of_a_value_is_that_of_its_answer(value in values()) {
        let mut answered = value.clone();
        text::make_visible(&mut answered);
        prop_assert_eq!(length(&value), answered.to_string().len());
    }
}

#[test]
fn even_what_no_level_cuts_enough_is_bounded() {
    let wide =
        |inner: &Value| Value::Object((0..48).map(|n| (n.to_string(), inner.clone())).collect());
    let mut value = wide(&wide(&wide(&json!("x"))));
    assert!(length(&value) > 500_000);
    bound(&mut value, 20_000);
    assert!(length(&value) <= 20_000);
}
