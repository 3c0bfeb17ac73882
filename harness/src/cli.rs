//! The command line: what can be typed, and what each command does.

mod campaign;
mod check;
mod completions;
mod convert;
mod doctor;
mod list;
mod merge;
mod nodes;
mod progress;
mod replay;
mod test;

use crate::campaign::case::Shard;
use crate::exit::Exit;
use crate::names::{Consistency, FaultName, ModelName, ProfileName, PromiseName, TargetName, WorkloadName};
use crate::narrate::{RED, RESET};
use crate::plan::{Nodes, Rate, Spares, Workers};
use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use squall_nemesis::Span;
use squall_results::formats::{FailedCas, Format, Keys, Options, Reader, Subject};
use squall_results::model::NilRead;
use squall_targets::hosts::HostSpec;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

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
  squall replay store/latest --times 5  how often does it come back?
  squall campaign nightly.yaml          all cases of a file, unattended
  squall check store/latest             judge a stored run again
  squall check history.edn --model cas-register  judge a history of Jepsen
  squall help test                      all that a storm may be told

Exit status: 0 valid, 1 invalid or did not serve when it had to, 2 unknown, 3 squall itself failed,
64 bad usage or plan.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Storm a cluster and judge it: bring it up, let clients work, inject faults, check the history, write a report.
    Test(Box<TestArgs>),
    /// Run the schedule of a stored run again, once or several times, and tell whether what was found comes back.
    Replay(ReplayArgs),
    /// Carry out all cases of a file, unattended: what each comes to, and which database keeps its promises at what price.
    Campaign(CampaignArgs),
    /// Join the shards of a campaign: one overview of all their cases.
    Merge(MergeArgs),
    /// Judge a stored run again, or anybody's history: of Jepsen, Knossos, Porcupine, or in CSV or JSONL.
    Check(Box<CheckArgs>),
    /// Write a history down in another format, for a second opinion.
    Convert(ConvertArgs),
    /// List targets, workloads, faults, shapes of partitions and planted bugs.
    List(ListArgs),
    /// Tell what other machines can do for squall, before anything is touched there.
    Nodes(NodesArgs),
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
#[command(after_help = "Examples:\n  squall nodes check --nodes root@db1,root@db2,root@db3")]
struct NodesArgs {
    #[command(subcommand)]
    command: NodesCommand,
}

#[derive(Debug, Subcommand)]
enum NodesCommand {
    /// Log in everywhere at once and look: root, iptables, netem, FUSE, clock, room, servers. Nothing is copied or changed.
    #[command(after_help = "Examples:\n  squall nodes check --nodes root@db1,root@db2,root@db3\n  \
        squall nodes check --nodes nodes.txt    a line each: user@host:port address=IP\n  \
        squall nodes check --vagrant            all machines of the Vagrantfile here\n\n\
        Exit status: 0 a run is possible, 3 not on all of them, 64 bad usage.")]
    Check {
        /// The machines, with commas between; or a file with one a line.
        #[arg(long, value_name = "HOST,..|FILE", value_parser = where_nodes_are, required_unless_present = "vagrant")]
        nodes: Option<WhereNodesAre>,
        /// The machines that Vagrant has brought up, of the Vagrantfile in DIR [default: here].
        #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".", conflicts_with = "nodes", value_hint = ValueHint::DirPath)]
        vagrant: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  squall test                             a 20 s storm over three raftd nodes\n",
    "  squall test --time-limit 60s --nodes 5  longer, on more nodes\n",
    "  squall test --faults none               no faults\n",
    "  squall test --nodes root@db1,root@db2,root@db3  on machines that are reached by ssh\n",
    "  squall test raft --vagrant              on the machines of the Vagrantfile here\n",
    "  squall test raft --bug stale-read       a server that is wrong on purpose\n",
    "  squall test --plan store/latest/plan.yaml  the plan of the last run again\n\n",
    "Exit status: 0 valid, 1 invalid or did not serve when it had to, 2 unknown, 3 squall itself failed,\n",
    "64 bad usage or plan."
))]
struct TestArgs {
    /// The database under test [default: raft].
    target: Option<TargetName>,
    /// What the clients ask [default: register].
    #[arg(long)]
    workload: Option<WorkloadName>,
    /// The families of faults, with commas between; or none [default: partition,kill,pause, and pause-client with locks].
    #[arg(long, value_delimiter = ',', value_name = "FAULT,..|none")]
    faults: Option<Vec<String>>,
    /// Draw the storm itself from the seed: which families, how often, how long, how many nodes, how hard clients work.
    #[arg(long)]
    swarm: bool,
    /// The number of local nodes; or the machines that are the nodes, reached by ssh; or a file with one a line [default: 3].
    #[arg(long, value_name = "N|HOST,..|FILE", value_parser = where_nodes_are)]
    nodes: Option<WhereNodesAre>,
    /// The number of nodes beside them that can join, by faults of the family membership [default: 0].
    #[arg(long, value_name = "N")]
    spares: Option<Spares>,
    /// The machines that Vagrant has brought up are the nodes, of the Vagrantfile in DIR [default: here].
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".", conflicts_with = "nodes", value_hint = ValueHint::DirPath)]
    vagrant: Option<PathBuf>,
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
    "  squall replay store/latest             the same calls, faults and times; roles resolved again\n",
    "  squall replay store/latest --times 10  in how many runs it comes back, with a confidence interval\n",
    "  squall replay store/latest --exact     the recorded nodes and links are hit, whoever leads\n\n",
    "Exit status: 0 every run valid, 1 some run invalid, 2 none invalid but some unknown, 3 squall itself failed,\n",
    "64 bad usage, or no run to replay."
))]
struct ReplayArgs {
    /// The folder of the run.
    #[arg(value_hint = ValueHint::DirPath)]
    path: PathBuf,
    /// Hit the nodes and links that were hit, in place of selecting them again.
    #[arg(long)]
    exact: bool,
    /// How many times.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    times: u32,
    /// The folder for runs.
    #[arg(long, value_name = "DIR", default_value = "store", value_hint = ValueHint::DirPath)]
    store: PathBuf,
    /// Print one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  squall campaign harness/campaigns/nightly.yaml             everything in the file\n",
    "  squall campaign harness/campaigns/nightly.yaml --resume    go on where it was killed\n",
    "  squall campaign nightly.yaml --shard 1/2 --seed 7          every second case; the other machine does 2/2\n",
    "  squall merge store/campaigns/nightly-1-of-2/latest store/campaigns/nightly-2-of-2/latest\n\n",
    "Exit status, the first that applies: 1 some case is invalid that should not be, 3 squall itself failed in some case,\n",
    "4 a control did not show what it must, 2 some verdict is unknown or some case was not run, 0 all as expected;\n",
    "64 bad usage or file."
))]
struct CampaignArgs {
    /// The campaign file.
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Only every n-th case, beginning with the i-th.
    #[arg(long, value_name = "i/n")]
    shard: Option<Shard>,
    /// Go on with the newest campaign of this file: cases that have a verdict are not run again.
    #[arg(long)]
    resume: bool,
    /// How many cases go on side by side [default: half of the processors].
    #[arg(long, value_name = "J", value_parser = jobs)]
    jobs: Option<usize>,
    /// What the cases' seeds are drawn from [default: what the file says, else drawn].
    #[arg(long, value_name = "S", conflicts_with = "resume")]
    seed: Option<u64>,
    /// The summary, or the folder of a campaign, whose anomalies are not new [default: the campaign of this name before].
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    against: Option<PathBuf>,
    /// The folder for runs.
    #[arg(long, value_name = "DIR", default_value = "store", value_hint = ValueHint::DirPath)]
    store: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  squall merge store/campaigns/nightly-1-of-2/latest store/campaigns/nightly-2-of-2/latest\n\n",
    "Exit status: as that of squall campaign."
))]
struct MergeArgs {
    /// The folders of the shards.
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    folders: Vec<PathBuf>,
    /// The summary, or the folder of a campaign, whose anomalies are not new [default: the campaign of this name before].
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    against: Option<PathBuf>,
    /// The folder for runs.
    #[arg(long, value_name = "DIR", default_value = "store", value_hint = ValueHint::DirPath)]
    store: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  squall check store/latest\n",
    "  squall check history.edn --model cas-register\n",
    "  squall check etcd.log.gz --model cas-register --html report.html\n",
    "  squall check kv.txt --model kv --memory-limit 500MB\n",
    "  squall check append.edn --model list-append --consistency snapshot-isolation\n",
    "  zcat history.edn.gz | squall check - --model multi-register --initial x=0,y=0\n\n",
    "Formats: squall, jepsen-edn (Jepsen's history.edn and Knossos' files), jepsen-json, etcd-log (lines of a log of\n",
    "Jepsen), porcupine-kv, and for anybody else's histories csv and jsonl: process, f (read, write, cas, ...), value,\n",
    "and either result, start, end, outcome (an operation a line) or type, time (invoke, then ok, fail or info).\n\n",
    "Exit status: 0 valid, 1 invalid or did not serve when it had to, 2 unknown, 3 squall itself failed,\n",
    "64 bad usage or plan."
))]
struct CheckArgs {
    /// The folder of a run, or a history file; - reads standard input.
    #[arg(value_hint = ValueHint::AnyPath)]
    path: PathBuf,
    /// The model to judge by [default: that of the run's workload].
    #[arg(long, value_name = "M")]
    model: Option<ModelName>,
    /// The consistency to judge at: linearizable or sequential; of transactions an isolation level, such as
    /// snapshot-isolation or serializable [default: that of the run, or strict-serializable].
    #[arg(long, value_name = "C")]
    consistency: Option<Consistency>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// What the object holds at first: a value, or of several registers x=0,y=0 [default: nil, or nothing].
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    initial: Option<String>,
    /// What a read of nil means: the value nil, or that nobody noted what it found [default: value].
    #[arg(long, value_name = "value|wildcard", value_parser = nil_read)]
    nil_read: Option<NilRead>,
    /// Accounts of a bank may hold less than nothing.
    #[arg(long)]
    allow_negative: bool,
    /// Judge all keys as one object, which takes longer and says the same.
    #[arg(long)]
    whole: bool,
    /// How long judging may take [default: 1m].
    #[arg(long, value_name = "TIME")]
    time_limit: Option<Span>,
    /// How much memory judging may take [default: 1GB].
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory_limit: Option<usize>,
    /// Write the report of a history file to this file; a run's folder has one.
    #[arg(long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    html: Option<PathBuf>,
    /// Print one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// How a file is to be read that squall did not write.
#[derive(Debug, Args)]
struct ReadingArgs {
    /// The format of the file [default: as it begins].
    #[arg(long, visible_alias = "from", value_name = "F")]
    format: Option<Format>,
    /// Where keys stand: in this field, in the value as [key value], or none [default: as the format has them].
    #[arg(long, value_name = "FIELD|value|none")]
    key_of: Option<Keys>,
    /// What a failed compare-and-set means: that the value was another, or nothing [default: as the format has it].
    #[arg(long, value_name = "observation|nothing")]
    failed_cas: Option<FailedCas>,
}

#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:\n",
    "  squall convert store/latest/history.jsonl --to jepsen-edn -o history.edn\n",
    "  squall convert etcd.log --to csv\n",
    "  squall convert set.edn --model set --to jsonl\n\n",
    "Exit status: 0 written, 3 squall itself failed, 64 the file cannot be read, or the format cannot hold it."
))]
struct ConvertArgs {
    /// The history file; - reads standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    path: PathBuf,
    /// The format to write.
    #[arg(long, value_name = "F")]
    to: Format,
    /// The file to write [default: standard output].
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// The model that the calls are about, where they do not say it themselves.
    #[arg(long, value_name = "M")]
    model: Option<ModelName>,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// How a file is to be read.
fn reading(args: &ReadingArgs, model: Option<&ModelName>) -> Options {
    Options {
        format: args.format,
        subject: model.and_then(|model| Subject::of_model(model.as_str())),
        keys: args.key_of.clone(),
        failed_cas: args.failed_cas,
        keeps_names: false,
    }
}

/// Opens a history file, or standard input where `-` is typed.
fn open(path: &Path, options: &Options) -> Result<Reader, String> {
    let opened = match path.to_str() {
        Some("-") => Reader::new(std::io::stdin(), Path::new("standard input"), options),
        _ => Reader::open(path, options),
    };
    opened.map_err(|error| error.to_string())
}

fn nil_read(text: &str) -> Result<NilRead, String> {
    match text {
        "value" => Ok(NilRead::Value),
        "wildcard" => Ok(NilRead::Wildcard),
        other => Err(format!("`{other}` is no meaning of a read of nil; write value or wildcard")),
    }
}

/// `300MB`, `2GB`, in powers of ten.
fn memory(text: &str) -> Result<usize, String> {
    let units = [("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    let parsed = units.iter().find_map(|(unit, bytes)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        let bytes = number * f64::from(*bytes);
        (1e6..=1e15).contains(&bytes).then_some(bytes as usize)
    });
    parsed.ok_or_else(|| format!("`{text}` is no amount of memory; write for instance 300MB or 2GB"))
}

fn jobs(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=64).contains(number));
    number.ok_or_else(|| format!("`{text}` is no number of cases at a time; write one from 1 to 64"))
}

/// What nodes are wished for.
#[derive(Debug, Clone)]
enum WhereNodesAre {
    /// So many, on this machine.
    Here(Nodes),
    /// On these machines.
    On(Vec<HostSpec>),
}

fn where_nodes_are(text: &str) -> Result<WhereNodesAre, String> {
    if text.parse::<f64>().is_ok() {
        text.parse().map(WhereNodesAre::Here)
    } else {
        HostSpec::all(text).map(WhereNodesAre::On)
    }
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
        Command::Replay(args) => replay::main(&args),
        Command::Campaign(args) => campaign::main(&args),
        Command::Merge(args) => merge::main(&args),
        Command::Check(args) => check::main(&args),
        Command::Convert(args) => convert::main(&args),
        Command::List(args) => list::main(&args),
        Command::Nodes(args) => nodes::main(&args),
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
