//! The demo, and what else is printed for people, as a terminal shows it.

use crate::program::{run, utf8};

#[track_caller]
fn widest(shown: &str) -> usize {
    shown.lines().map(|line| line.chars().count()).max().expect("lines")
}

#[test]
fn what_is_printed_fits_the_stated_width_and_is_plain_in_a_pipe() {
    for command in [["demo"].as_slice(), &["doctor", "--sandbox"]] {
        for (stated, most) in
            [("80", 80), ("72", 72), ("", 80), ("0", 80), ("wide", 80), ("500", 100)]
        {
            // A terminal may be named and yet not be where the output goes.
            let output = run(command, &[("COLUMNS", stated), ("TERM", "xterm-256color")]);
            let shown = utf8(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "{shown}");
            assert!(widest(shown) <= most, "{command:?} in {stated}:\n{shown}");
            assert!(!shown.contains('\u{1b}'), "{shown}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_its_width_and_colours_unless_it_forbids_them() {
    use crate::{program::command, terminal::Terminal};

    let terminal = ("TERM", "xterm-256color");
    for (environment, coloured) in [
        ([terminal].as_slice(), true),
        (&[terminal, ("NO_COLOR", "1")], false),
        (&[terminal, ("NO_COLOR", "")], true),
        (&[("TERM", "dumb")], false),
    ] {
        for arguments in [["demo"].as_slice(), &["doctor", "--sandbox"], &["--help"]] {
            let shown = Terminal::start(command(arguments, environment)).until_the_end();
            let plain = anstream::adapter::strip_str(&shown).to_string();
            assert!(widest(&plain) <= 80, "{arguments:?}:\n{plain}");
            let has_colours = plain != shown;
            assert_eq!(has_colours, coloured, "{arguments:?} {environment:?}:\n{shown}");
        }
    }
}

#[test]
fn the_demo_has_a_table_with_a_header_and_a_diff() {
    let output = run(&["demo"], &[]);
    let shown = utf8(&output.stdout);
    for expected in [
        "  SESSION  TITLE ",
        "  tools: agent_toolset_20260401\n    - {\"configs\":[{\"name\":\"bash\"",
        "\n    + {\"configs\":[{\"name\":\"bash\"",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
}
