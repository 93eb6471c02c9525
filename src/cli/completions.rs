//! Shell completions. Those of bash and fish are written here: clap_complete's script for bash offers
//! nothing after a command of a program with hyphens in its name, nor after `--option=`; the one
//! for fish knows neither the values of arguments without a name nor those of an option that the
//! command begins with.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _, ValueHint, builder::StyledStr};
use clap_complete::Shell;

use crate::{cli::Cli, config::known_values};

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// The script, without a newline at its end.
pub(crate) fn script(shell: Shell) -> String {
    let mut command = Cli::command().mut_args(with_values);
    command.build();
    match shell {
        Shell::Bash => return bash(&command),
        Shell::Fish => return fish(&command),
        _ => {}
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
    for each in command.get_subcommands() {
        let mut words: Vec<_> = each.get_positionals().map(possible_values).collect();
        words.push(command_names(each));
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
        .replace("@top_words@", &command_names(command))
        .replace("@top_options@", &options(command))
        .replace("@values@", values.trim())
        .replace("@commands@", commands.trim())
        .trim_end()
        .to_owned()
}

fn fish(command: &Command) -> String {
    let names = command_names(command);
    // No files where nothing asks for them.
    let mut lines = vec![format!("complete -c {PROGRAM} -f")];
    let mut complete = |condition: &str, what: &str, help: Option<&StyledStr>| {
        let condition = match condition {
            "" => String::new(),
            condition => format!(" -n {}", quoted(condition)),
        };
        let help = help.map(|help| format!(" -d {}", quoted(&help.to_string())));
        lines.push(format!("complete -c {PROGRAM}{condition} {what}{}", help.unwrap_or_default()));
    };
    for each in command.get_subcommands() {
        let name = each.get_name();
        let none_yet = format!("not __fish_seen_subcommand_from {names}");
        complete(&none_yet, &format!("-a {name}"), each.get_about());
        let own = each.get_arguments().filter(|argument| !argument.is_global_set());
        for argument in own.filter(|argument| argument.get_id() != "help") {
            let values = possible_values(argument);
            let seen = format!("__fish_seen_subcommand_from {name}");
            if argument.is_positional() {
                let condition = format!("{seen}; and not __fish_seen_subcommand_from {values}");
                complete(&condition, &format!("-a {}", quoted(&values)), None);
            } else {
                complete(&seen, &fish_option(argument), argument.get_help());
            }
        }
    }
    // Also after a command.
    for option in command.get_arguments() {
        complete("", &fish_option(option), option.get_help());
    }
    let help = "__fish_seen_subcommand_from help";
    complete(help, &format!("-a {}", quoted(&names)), None);
    lines.join("\n")
}

fn fish_option(option: &Arg) -> String {
    let long = option.get_long().map(|name| format!("-l {name}"));
    let short = option.get_short().map(|name| format!("-s {name}"));
    let value = takes_value(option).then(|| match option.get_value_hint() {
        ValueHint::DirPath => "-r -f -a '(__fish_complete_directories)'".to_owned(),
        ValueHint::FilePath => "-r -F".to_owned(),
        _ => format!("-r -f -a {}", quoted(&possible_values(option))),
    });
    [long, short, value].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A single-quoted word of fish.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn command_names(command: &Command) -> String {
    command.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(" ")
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
