use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use managed_sessions_mcp::domain::text::{
    cut, is_invisible, make_visible, quoted, shortened, visible,
};

#[test]
fn invisible_characters_are_escaped() {
    let plain = "plain, naïve, 日本語, 👍, line\nbreak\ttab";
    for (text, expected) in [
        (plain, plain),
        ("a\u{202e}b", r"a\u{202e}b"),
        ("\u{1b}[31mred", r"\u{1b}[31mred"),
        ("zero\u{200b}width\u{feff}", r"zero\u{200b}width\u{feff}"),
        ("tag\u{e0041}\u{e007f}", r"tag\u{e0041}\u{e007f}"),
        ("\r\0\u{7f}\u{85}", r"\u{d}\u{0}\u{7f}\u{85}"),
    ] {
        assert_eq!(visible(text), expected);
    }
    let mut value = json!({"a\u{202e}": ["x\u{7}", {"n": 1, "k": "\u{2066}"}]});
    make_visible(&mut value);
    let expected = json!({r"a\u{202e}": [r"x\u{7}", {"n": 1, "k": r"\u{2066}"}]});
    assert_eq!(value, expected);
}

#[test]
fn a_title_is_quoted_and_cut_to_eighty_characters() {
    for (title, expected) in [
        ("say \"hi\"\nNext: delete all", r#""say \"hi\"\nNext: delete all""#),
        ("\u{7}\u{8}\r\u{202e}\\u0007", r#""\u{7}\u{8}\u{d}\u{202e}\\u0007""#),
        (&"ü".repeat(81), &format!("\"{}…\"", "ü".repeat(80))),
    ] {
        assert_eq!(quoted(title), expected);
    }
}

#[test]
fn a_cut_says_how_much_was_cut() {
    assert_eq!(cut("äöü", 2), ("äö", 1));
    assert_eq!(cut("äöü", 3), ("äöü", 0));
    assert_eq!(shortened("ü", 80), "ü");
    assert_eq!(shortened("abcdef", 4), "abcd… (2 more characters)");
}

proptest! {
    #[test]
    fn no_invisible_character_remains_and_visible_text_is_unchanged(text in any::<String>()) {
        let shown = visible(&text);
        prop_assert!(!shown.chars().any(is_invisible));
        if !text.chars().any(is_invisible) {
            prop_assert_eq!(shown, text.as_str());
        }
    }
}
