//! `squall completions` and `squall man`: what a shell and man(1) want to know about the command line.

use super::{Cli, Exit, fail};
use crate::names;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// Prints the completions for `shell`.
pub(super) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_names(Cli::command()), "squall", &mut script);
    write(&script)
}

/// Prints the manual page of squall, or of one of its commands.
pub(super) fn man(name: Option<&str>) -> Exit {
    let mut squall = Cli::command();
    // Gives the commands their full names.
    squall.build();
    let command = match name {
        None => squall,
        Some(name) => match squall.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                let known = squall.get_subcommands().map(Command::get_name);
                return fail(Exit::Usage, &names::unknown("command", name, known));
            }
        },
    };
    let mut page = Vec::new();
    let source = concat!("squall ", env!("CARGO_PKG_VERSION"));
    match clap_mangen::Man::new(command).source(source).render(&mut page) {
        Ok(()) => write(&page),
        Err(error) => fail(Exit::Failed, &format!("cannot write the manual page: {error}")),
    }
}

/// The names that a shell may complete. Only here: a wrong name is refused with the nearest, which clap does otherwise.
fn with_names(squall: Command) -> Command {
    let bugs = || squall_targets::target::ALL.iter().flat_map(|target| (target.bugs)()).map(|bug| bug.name);
    let families = squall_nemesis::Family::ALL.iter().map(|family| family.name());
    let test = [
        ("target", squall_targets::target::ALL.iter().map(|target| target.name).collect()),
        ("workload", squall_workloads::ALL.iter().map(|workload| workload.name).collect()),
        ("faults", families.chain(["none"]).collect()),
        ("bug", bugs().collect::<Vec<_>>()),
        ("consistency", names::PROMISES.to_vec()),
    ];
    // Clap keeps names for as long as the program runs.
    let levels = squall_results::Level::all().map(|level| &*level.to_string().leak());
    let consistencies: Vec<&str> = names::PROMISES.into_iter().chain(levels).collect();
    let mut models: Vec<&str> = squall_workloads::ALL.iter().map(|workload| workload.model).collect();
    models.dedup();
    let one_of = |arg: Arg, names: Vec<&'static str>| arg.value_parser(PossibleValuesParser::new(names));
    squall
        .mut_subcommand("test", |command| {
            test.into_iter().fold(command, |command, (id, names)| command.mut_arg(id, |arg| one_of(arg, names)))
        })
        .mut_subcommand("check", |command| {
            let command = command.mut_arg("model", |arg| one_of(arg, models));
            command.mut_arg("consistency", |arg| one_of(arg, consistencies))
        })
}

fn write(text: &[u8]) -> Exit {
    match std::io::stdout().write_all(text) {
        // Who reads along may have read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(Exit::Failed, &format!("cannot write to standard output: {error}"))
        }
        _ => Exit::Valid,
    }
}
