//! A server of ZooKeeper as data: its files and its command.

use super::installation::Installation;
use crate::cluster::Node;
use crate::remote::{DaemonSpec, FileSpec};
use crate::target::TargetOptions;
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

/// The server of `node`.
pub fn daemon(installation: &Installation, options: &TargetOptions, node: &Node, nodes: &[Node]) -> DaemonSpec {
    let (settings, data) = (node.dir.join("conf"), data(node));
    let class_path = std::iter::once(settings.display().to_string()).chain(installation.class_path.iter().cloned());
    let mut argv = vec![installation.java.display().to_string(), format!("-Xmx{}m", options.setting("heap_mib"))];
    argv.extend(JAVA_FLAGS.map(str::to_owned));
    argv.extend(["-cp".into(), class_path.collect::<Vec<_>>().join(":")]);
    argv.push("org.apache.zookeeper.server.quorum.QuorumPeerMain".into());
    argv.push(settings.join("zoo.cfg").display().to_string());
    let file = |path: PathBuf, text: &str| FileSpec { path, contents: text.into() };
    let files = vec![
        file(settings.join("zoo.cfg"), &configuration(options, node, nodes)),
        file(settings.join("log4j.properties"), LOG4J),
        file(settings.join("logback.xml"), LOGBACK),
        file(data.join("myid"), &format!("{}\n", member(node, nodes))),
    ];
    let log = node.dir.join("zookeeper.log");
    DaemonSpec { argv, cwd: node.dir.clone(), stdout: log.clone(), stderr: log, files, ..DaemonSpec::default() }
}

fn data(node: &Node) -> PathBuf {
    node.dir.join("data")
}

/// The number of a node: its place among the nodes, from 1.
fn member(node: &Node, nodes: &[Node]) -> usize {
    1 + nodes.iter().position(|other| other.name == node.name).unwrap_or(nodes.len())
}

fn configuration(options: &TargetOptions, node: &Node, nodes: &[Node]) -> String {
    let mut lines = vec![
        format!("tickTime={}", options.setting("tick_time_ms")),
        format!("initLimit={}", options.setting("init_limit_ticks")),
        format!("syncLimit={}", options.setting("sync_limit_ticks")),
        format!("snapCount={}", options.setting("snap_count")),
        // A backslash would begin an escape.
        format!("dataDir={}", data(node).display().to_string().replace('\\', "\\\\")),
        format!("clientPort={CLIENT_PORT}"),
        format!("clientPortAddress={}", node.address),
        // All workers come from one address, which by default may have 60 connections.
        "maxClientCnxns=0".into(),
        "4lw.commands.whitelist=srvr".into(),
        "admin.enableServer=false".into(),
        "standaloneEnabled=false".into(),
    ];
    let peers =
        nodes.iter().map(|peer| format!("server.{}={}:{PEER_PORT}:{ELECTION_PORT}", member(peer, nodes), peer.address));
    lines.extend(peers);
    lines.join("\n") + "\n"
}
