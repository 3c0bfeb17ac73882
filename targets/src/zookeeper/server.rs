//! A server of ZooKeeper as data: its files and its command.

use super::installation::Installation;
use crate::cluster::Node;
use crate::remote::{DaemonSpec, FileSpec};
use crate::target::TargetOptions;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// Where clients connect.
pub const CLIENT_PORT: u16 = 2181;

const PEER_PORT: u16 = 2888;
const ELECTION_PORT: u16 = 3888;

/// Its log goes to standard output, without a line for every time that squall asks who leads.
const LOG4J: &str = "log4j.rootLogger=INFO, CONSOLE
log4j.logger.org.apache.zookeeper.server.NIOServerCnxn=WARN
log4j.logger.org.apache.zookeeper.server.command=WARN
log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender
log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout
log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %-5p %c{1}: %m%n
";

/// The same for distributions that log by logback.
const LOGBACK: &str = r#"<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} %-5p %c{0}: %m%n</pattern></encoder>
  </appender>
  <logger name="org.apache.zookeeper.server.NIOServerCnxn" level="WARN"/>
  <logger name="org.apache.zookeeper.server.command" level="WARN"/>
  <root level="INFO"><appender-ref ref="CONSOLE"/></root>
</configuration>
"#;

/// What the Java machine is told so that several servers start soon and share one machine. None of it changes what a server
/// does.
const JAVA_FLAGS: [&str; 7] = [
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dzookeeper.jmx.log4j.disable=true",
    "-Djava.net.preferIPv4Stack=true",
];

/// Where servers of which members come and go read their configuration: with their data, since they rewrite it when members change,
/// and it goes with the data when a node is to begin anew.
const OWN_SETTINGS: &str = "squall/zoo.cfg";

/// Starts a server whose configuration is its own after the first start: `$0` is that, `$1` the first one, then the command.
const FIRST_SETTINGS: &str = r#"mkdir -p "${0%/*}"
test -e "$0" || { cp "$1" "$0.new" && sync "$0.new" && mv "$0.new" "$0"; } || exit 1
shift
exec "$@""#;

/// The server of `node`, as this number among these `members`.
pub fn daemon(
    installation: &Installation,
    options: &TargetOptions,
    node: &Node,
    number: u64,
    members: &[(u64, Ipv4Addr)],
) -> DaemonSpec {
    let (settings, data) = (node.dir.join("conf"), data(node));
    let first = settings.join("zoo.cfg");
    let own = if options.changes_members { data.join(OWN_SETTINGS) } else { first.clone() };
    let class_path = std::iter::once(settings.display().to_string()).chain(installation.class_path.iter().cloned());
    let mut argv = Vec::new();
    if options.changes_members {
        argv.extend(["sh".into(), "-c".into(), FIRST_SETTINGS.into()]);
        argv.extend([&own, &first].map(|path| path.display().to_string()));
    }
    argv.extend([installation.java.display().to_string(), format!("-Xmx{}m", options.setting("heap_mib"))]);
    argv.extend(JAVA_FLAGS.map(str::to_owned));
    if options.changes_members {
        // Who changes the members must be allowed to; nobody else is kept from anything.
        argv.push("-Dzookeeper.skipACL=yes".into());
    }
    argv.extend(["-cp".into(), class_path.collect::<Vec<_>>().join(":")]);
    argv.push("org.apache.zookeeper.server.quorum.QuorumPeerMain".into());
    argv.push(own.display().to_string());
    let file = |path: PathBuf, text: &str| FileSpec { path, contents: text.into() };
    let files = vec![
        file(first, &configuration(options, node, members)),
        file(settings.join("log4j.properties"), LOG4J),
        file(settings.join("logback.xml"), LOGBACK),
        file(data.join("myid"), &format!("{number}\n")),
    ];
    let log = node.dir.join("zookeeper.log");
    DaemonSpec { argv, cwd: node.dir.clone(), stdout: log.clone(), stderr: log, files, ..DaemonSpec::default() }
}

fn data(node: &Node) -> PathBuf {
    node.dir.join("data")
}

/// The line of a member in a configuration that may change.
pub fn line(number: u64, address: Ipv4Addr) -> String {
    format!("server.{number}={address}:{PEER_PORT}:{ELECTION_PORT}:participant;{address}:{CLIENT_PORT}")
}

fn configuration(options: &TargetOptions, node: &Node, members: &[(u64, Ipv4Addr)]) -> String {
    let mut lines = vec![
        format!("tickTime={}", options.setting("tick_time_ms")),
        format!("initLimit={}", options.setting("init_limit_ticks")),
        format!("syncLimit={}", options.setting("sync_limit_ticks")),
        format!("snapCount={}", options.setting("snap_count")),
        // A backslash would begin an escape.
        format!("dataDir={}", data(node).display().to_string().replace('\\', "\\\\")),
        // All workers come from one address, which by default may have 60 connections.
        "maxClientCnxns=0".into(),
        "4lw.commands.whitelist=srvr,conf".into(),
        "admin.enableServer=false".into(),
        "standaloneEnabled=false".into(),
    ];
    if options.changes_members {
        lines.push("reconfigEnabled=true".into());
        lines.extend(members.iter().map(|(number, address)| line(*number, *address)));
    } else {
        lines.extend([format!("clientPort={CLIENT_PORT}"), format!("clientPortAddress={}", node.address)]);
        let peer =
            |(number, address): &(u64, Ipv4Addr)| format!("server.{number}={address}:{PEER_PORT}:{ELECTION_PORT}");
        lines.extend(members.iter().map(peer));
    }
    lines.join("\n") + "\n"
}
