//! Shell completions. Bash's script is written here: the one of clap_complete offers nothing after
//! a command of a program with hyphens in its name, nor after `--option=`.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::Shell;

use crate::{cli::Cli, config::known_values};

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The script, without a newline at its end.
pub(crate) fn script(shell: Shell) -> String {
    let mut command = Cli::command().mut_args(with_values);
    if shell == Shell::Bash {
        command.build();
        return bash(&command);
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, PROGRAM, &mut script);
    String::from_utf8_lossy(&script).trim_end().to_owned()
}

/// Values that only `config` knows, and no file names for what is no path.
fn with_values(option: Arg) -> Arg {
    let values = known_values(option.get_id().as_str());
    if !values.is_empty() {
        return option.value_parser(values);
    }
    match option.get_value_hint() {
        ValueHint::Unknown if option.get_action().takes_values() => {
            option.value_hint(ValueHint::Other)
        }
        _ => option,
    }
}

fn bash(command: &Command) -> String {
    let mut with_value = Vec::new();
    let mut values = String::new();
    let all = command.get_subcommands().chain([command]);
    for option in all.flat_map(Command::get_arguments).filter(|option| takes_value(option)) {
        let Some(name) = option.get_long().map(|name| format!("--{name}")) else {
            continue;
        };
        if with_value.contains(&name) {
            continue;
        }
        let action = match option.get_value_hint() {
            ValueHint::DirPath | ValueHint::FilePath => "files=1".to_owned(),
            _ => format!("words={:?}", possible_values(option)),
        };
        let _ = writeln!(values, "        {name}) {action} ;;");
        with_value.push(name);
    }
    let mut commands = String::new();
    let names = |command: &Command| {
        command.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(" ")
    };
    for each in command.get_subcommands() {
        let mut words: Vec<_> = each.get_positionals().map(possible_values).collect();
        words.push(names(each));
        let words = words.join(" ");
        let (name, words) = (each.get_name(), words.trim());
        let _ = writeln!(
            commands,
            "            {name}) words={words:?} options={:?} ;;",
            options(each)
        );
    }
    include_str!("completions.bash")
        .replace("@function@", &PROGRAM.replace('-', "_"))
        .replace("@program@", PROGRAM)
        .replace("@with_value@", &with_value.join("|"))
        .replace("@top_words@", &names(command))
        .replace("@top_options@", &options(command))
        .replace("@values@", values.trim())
        .replace("@commands@", commands.trim())
        .trim_end()
        .to_owned()
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values() && !option.is_positional()
}

fn possible_values(argument: &Arg) -> String {
    let values = argument.get_possible_values();
    let names: Vec<_> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
    names.join(" ")
}

/// The options of a command, the short ones last.
fn options(command: &Command) -> String {
    let long = command.get_arguments().filter_map(Arg::get_long).map(|name| format!("--{name}"));
    let short = command.get_arguments().filter_map(Arg::get_short).map(|name| format!("-{name}"));
    long.chain(short).collect::<Vec<_>>().join(" ")
}
