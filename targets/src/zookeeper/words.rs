//! What servers say of themselves to `srvr` and `conf`, two of ZooKeeper's commands of four letters.

use futures_util::future::join_all;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a server may take to answer. It is asked over and over, so a missed answer costs little.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(240);

/// The part that a server plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It leads, in its own opinion.
    Leads,
    /// It follows, or observes.
    Follows,
    /// It does not serve: it looks for a leader, or catches up with one.
    Waits,
}

/// What a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    part: Part,
    /// The epoch of the last transaction that it applied. A leader begins an epoch by it, a follower may be behind.
    epoch: u64,
}

/// Who leads in the opinion of the server at this place, and since which epoch.
///
/// # Errors
/// Why the server gave no answer, for people.
pub async fn status(servers: &[SocketAddr], place: usize) -> Result<(Option<usize>, u64), String> {
    let said = parse(&ask(servers[place], "srvr").await?)?;
    match said.part {
        Part::Leads => Ok((Some(place), said.epoch)),
        Part::Waits => Ok((None, said.epoch)),
        Part::Follows => {
            let asked = servers.iter().map(|server| async { parse(&ask(*server, "srvr").await?) });
            Ok(newest_leader(&join_all(asked).await)
                .map_or((None, said.epoch), |(leader, epoch)| (Some(leader), epoch)))
        }
    }
}

fn newest_leader(said: &[Result<Said, String>]) -> Option<(usize, u64)> {
    let known = said.iter().enumerate().filter_map(|(place, said)| Some((place, said.as_ref().ok()?)));
    let leaders = known.filter(|(_, said)| said.part == Part::Leads);
    leaders.max_by_key(|(_, said)| said.epoch).map(|(place, said)| (place, said.epoch))
}

/// The version of a server.
///
/// # Errors
/// Why it is not known, for people.
pub async fn version(server: SocketAddr) -> Result<String, String> {
    let text = ask(server, "srvr").await?;
    let version = field(&text, "Zookeeper version: ").ok_or_else(|| format!("no version in its answer: {text}"))?;
    // What follows is the commit that it was built of, where its maker noted it.
    Ok(format!("ZooKeeper {}", version.split(['-', ',']).next().unwrap_or(version)))
}

/// The last transaction that a server has applied.
///
/// # Errors
/// Why it is not known, for people.
pub async fn applied(server: SocketAddr) -> Result<u64, String> {
    let text = ask(server, "srvr").await?;
    let zxid = field(&text, "Zxid: 0x").and_then(|zxid| u64::from_str_radix(zxid, 16).ok());
    zxid.ok_or_else(|| format!("no transaction in its answer: {}", text.lines().next().unwrap_or("nothing")))
}

/// The members that a server has in its settings, a line each.
///
/// # Errors
/// Why they are not known, for people; a server that follows nobody does not tell them.
pub async fn members(server: SocketAddr) -> Result<String, String> {
    let text = ask(server, "conf").await?;
    let Some((_, members)) = text.split_once("\nmembership:") else {
        return Err(format!("no members in its answer: {}", text.lines().next().unwrap_or("nothing")));
    };
    Ok(members.to_owned())
}

async fn ask(server: SocketAddr, word: &str) -> Result<String, String> {
    let exchange = async {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(word.as_bytes()).await?;
        let mut text = String::new();
        stream.take(1 << 16).read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    let text = tokio::time::timeout(ANSWER_TIMEOUT, exchange).await.map_err(|_| "no answer in time".to_owned())?;
    text.map_err(|error| error.to_string())
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn parse(text: &str) -> Result<Said, String> {
    if text.contains("not currently serving requests") {
        return Ok(Said { part: Part::Waits, epoch: 0 });
    }
    let senseless = || format!("not a status: {}", text.lines().next().unwrap_or("nothing"));
    let part = match field(text, "Mode: ").ok_or_else(senseless)? {
        "leader" | "standalone" => Part::Leads,
        "follower" | "observer" => Part::Follows,
        _ => return Err(senseless()),
    };
    let zxid = field(text, "Zxid: 0x").and_then(|zxid| u64::from_str_radix(zxid, 16).ok()).ok_or_else(senseless)?;
    Ok(Said { part, epoch: zxid >> 32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADER: &str = "Zookeeper version: 3.8.0-${mvngit.commit.id}, built on 2024-06-16 12:22 UTC
Latency min/avg/max: 0/0.0/0
Received: 1
Zxid: 0x300000007
Mode: leader
Node count: 5
";

    #[test]
    fn a_server_says_which_part_it_plays() {
        assert_eq!(parse(LEADER), Ok(Said { part: Part::Leads, epoch: 3 }));
        let follower = LEADER.replace("Mode: leader", "Mode: follower").replace("0x3", "0x2");
        assert_eq!(parse(&follower), Ok(Said { part: Part::Follows, epoch: 2 }));
        let waits = "This ZooKeeper instance is not currently serving requests\n";
        assert_eq!(parse(waits), Ok(Said { part: Part::Waits, epoch: 0 }));
        for senseless in ["", "srvr is not executed because it is not in the whitelist.", "Mode: leader", "Mode: king"]
        {
            assert!(parse(senseless).unwrap_err().contains("not a status"), "{senseless}");
        }
    }

    #[test]
    fn of_two_that_say_they_lead_the_one_of_the_newer_epoch_does() {
        let said = |part, epoch| Ok(Said { part, epoch });
        let silent = || Err("no answer in time".to_owned());
        let check = |said: &[Result<Said, String>], expected| assert_eq!(newest_leader(said), expected);
        check(&[said(Part::Leads, 3), said(Part::Leads, 4), said(Part::Follows, 9)], Some((1, 4)));
        check(&[silent(), said(Part::Follows, 4), said(Part::Leads, 4)], Some((2, 4)));
        check(&[silent(), said(Part::Follows, 4), said(Part::Waits, 0)], None);
    }
}
