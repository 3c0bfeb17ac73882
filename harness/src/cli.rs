//! The command line: what can be typed, and what each command does.

mod check;
mod completions;
mod doctor;
mod list;
mod test;

use crate::exit::Exit;
use crate::names::{FaultName, ModelName, ProfileName, PromiseName, TargetName, WorkloadName};
use crate::narrate::{RED, RESET};
use crate::plan::{Nodes, Rate, Workers};
use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use squall_nemesis::Span;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// Storms a database cluster with faults and says whether it kept its promises.
#[derive(Debug, Parser)]
#[command(name = "squall", version, arg_required_else_help = true, after_help = EXIT_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_HELP: &str = "Examples:
  squall test                           a 20 s storm over three raftd nodes
  squall test raft --bug stale-read     a server that is wrong on purpose
  squall check store/latest             judge a stored run again
  squall help test                      all that a storm may be told

Exit status: 0 valid, 1 invalid, 2 unknown, 3 squall itself failed, 64 bad usage or plan.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Storm a cluster and judge it: bring it up, let clients work, inject faults, check the history, write a report.
    Test(Box<TestArgs>),
    /// Judge a stored run or a history file again.
    Check(CheckArgs),
    /// List targets, workloads, faults, shapes of partitions and planted bugs.
    List(ListArgs),
    /// Tell what this machine can do for squall, and how to enable the rest.
    #[command(after_help = "Examples:\n  squall doctor                  what works here, and how to enable the rest")]
    Doctor,
    /// Print the completions for a shell.
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, for man(1) to show.
    #[command(after_help = "Examples:\n  squall man | man -l -          show it\n  \
        squall man test | man -l -     that of one command\n  squall man > squall.1          keep it")]
    Man {
        /// The command whose page it is [default: squall itself].
        command: Option<String>,
    },
}

const COMPLETIONS_HELP: &str = "Examples:
  squall completions bash > ~/.local/share/bash-completion/completions/squall
  squall completions zsh > \"${fpath[1]}/_squall\"
  squall completions fish > ~/.config/fish/completions/squall.fish";

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  squall list                    everything, a line each\n  \
    squall list --bugs             planted bugs, with all that is known of each\n  \
    squall list --long             which targets, ways to read and workloads fit together")]
struct ListArgs {
    /// Only the planted bugs, with all that is known of each.
    #[arg(long, conflicts_with = "long")]
    bugs: bool,
    /// Which calls targets support, what they promise, and which workloads they can run.
    #[arg(long)]
    long: bool,
}

#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  squall test                             a 20 s storm over three raftd nodes\n",
    "  squall test --time-limit 60s --nodes 5  longer, on more nodes\n",
    "  squall test --faults none               no faults\n",
    "  squall test raft --bug stale-read       a server that is wrong on purpose\n",
    "  squall test --plan store/latest/plan.yaml  the plan of the last run again\n\n",
    "Exit status: 0 valid, 1 invalid, 2 unknown, 3 squall itself failed, 64 bad usage or plan."
))]
struct TestArgs {
    /// The database under test [default: raft].
    target: Option<TargetName>,
    /// What the clients ask [default: register].
    #[arg(long)]
    workload: Option<WorkloadName>,
    /// The families of faults, with commas between; or none [default: all].
    #[arg(long, value_delimiter = ',', value_name = "FAULT,..|none")]
    faults: Option<Vec<String>>,
    /// The number of nodes [default: 3].
    #[arg(long)]
    nodes: Option<Nodes>,
    /// How long the storm lasts [default: 20s].
    #[arg(long, value_name = "TIME")]
    time_limit: Option<Span>,
    /// Calls a second, in the mean [default: 500].
    #[arg(long, value_name = "HZ")]
    rate: Option<Rate>,
    /// The number of workers [default: 4 a node].
    #[arg(long, value_name = "N")]
    concurrency: Option<Workers>,
    /// The seed of all that is random [default: drawn].
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// A planted bug of the target, see `squall list`.
    #[arg(long, value_name = "NAME")]
    bug: Option<String>,
    /// How the clients read, see `squall list` [default: the target's].
    #[arg(long, value_name = "HOW")]
    read: Option<String>,
    /// Let clients repeat a change whose answer they did not get, in the same session under the same number.
    #[arg(long)]
    retry: bool,
    /// The server to test in place of the installed one: a program, or its distribution's folder.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    bin: Option<PathBuf>,
    /// Which values the target's settings have: default, the vendor's, or fast, shorter time-outs.
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,
    /// Settings of the target, see `squall list`.
    #[arg(long = "set", value_delimiter = ',', value_name = "NAME=N,..", value_parser = setting)]
    settings: Vec<(String, u64)>,
    /// End with the first violation, as soon as it is found.
    #[arg(long)]
    fail_fast: bool,
    /// The consistency to judge at [default: what the target promises].
    #[arg(long, value_name = "C")]
    consistency: Option<PromiseName>,
    /// How long one call may take [default: 1s].
    #[arg(long, value_name = "TIME")]
    call_timeout: Option<Span>,
    /// The folder for runs.
    #[arg(long, value_name = "DIR", default_value = "store", value_hint = ValueHint::DirPath)]
    store: PathBuf,
    /// A plan file; flags outdo what it says.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    plan: Option<PathBuf>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  squall check store/latest\n",
    "  squall check history.jsonl --model cas-register --json\n\n",
    "Exit status: 0 valid, 1 invalid, 2 unknown, 3 squall itself failed, 64 bad usage or plan."
))]
struct CheckArgs {
    /// The folder of a run, or a history file.
    #[arg(value_hint = ValueHint::AnyPath)]
    path: PathBuf,
    /// The model to judge by [default: that of the run's workload].
    #[arg(long, value_name = "M")]
    model: Option<ModelName>,
    /// The consistency to judge at [default: that of the run].
    #[arg(long, value_name = "C")]
    consistency: Option<PromiseName>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

fn setting(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is no setting; write NAME=NUMBER"))?;
    let value = value.parse().map_err(|_| format!("`{value}` is no whole number; write {name}=NUMBER"))?;
    Ok((name.to_owned(), value))
}

/// Families out of what was typed; `none` stands alone.
fn families(typed: Option<&[String]>) -> Result<Option<Vec<FaultName>>, String> {
    match typed {
        None => Ok(None),
        Some([none]) if none == "none" => Ok(Some(Vec::new())),
        Some(names) if names.iter().any(|name| name == "none") => {
            Err("`none` stands alone; name faults or none".into())
        }
        Some(names) => names.iter().map(|name| name.parse()).collect::<Result<_, _>>().map(Some),
    }
}

/// Carries a command line out.
pub fn main(args: Vec<OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let help = !error.use_stderr();
            // Nobody may be listening any more.
            let _ = error.print();
            return if help { Exit::Valid } else { Exit::Usage };
        }
    };
    match cli.command {
        Command::Test(args) => test::main(&args),
        Command::Check(args) => check::main(&args),
        Command::List(args) => list::main(&args),
        Command::Doctor => doctor::main(),
        Command::Completions { shell } => completions::completions(shell),
        Command::Man { command } => completions::man(command.as_deref()),
    }
}

/// Says what is wrong, and ends with `exit`.
fn fail(exit: Exit, error: &str) -> Exit {
    complain(error);
    exit
}

/// As [`fail`], with one JSON object on standard output for who asked for one.
fn fail_as(json: bool, exit: Exit, error: &str) -> Exit {
    if json {
        // A program that reads along is told the reason; it learns from the status if even that cannot be written.
        let _ = print_json(&serde_json::json!({ "error": anstream::adapter::strip_str(error).to_string() }));
    }
    fail(exit, error)
}

fn complain(error: &str) {
    let _ = writeln!(anstream::stderr(), "{RED}squall: {RESET}{error}");
}

/// Prints on standard output; nobody may be listening any more.
fn print(text: &str) {
    let _ = write!(anstream::stdout(), "{text}");
}

fn print_json<T: serde::Serialize>(value: &T) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    writeln!(std::io::stdout(), "{text}").map_err(|error| format!("cannot write to standard output: {error}"))
}
