//! The members of raftd: numbers that nobody gets twice, learners that its leader promotes.

use super::end::{End, Fate};
use super::{CLIENT_PORT, PEER_PORT, Raft, http};
use crate::cluster::Node;
use crate::members::{Member, Members, NotChanged};
use crate::remote::DaemonSpec;
use async_trait::async_trait;
use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::net::{SocketAddr, SocketAddrV4};

/// What `GET /v1/members` answers.
#[derive(Deserialize)]
struct ListAnswer {
    committed: bool,
    members: Vec<Listed>,
}

/// A member there, and in the status.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) id: u64,
    role: String,
    address: String,
}

impl Listed {
    /// The same for everybody.
    pub(super) fn member(&self) -> Result<Member, String> {
        let address: SocketAddrV4 = self
            .address
            .parse()
            .map_err(|_| format!("member {} is at `{}`, which is no address", self.id, self.address))?;
        Ok(Member { number: self.id, address: *address.ip(), votes: self.role == "voter" })
    }
}

#[derive(Deserialize)]
struct Progress {
    applied: u64,
}

/// Asks the server of `node` for something that changes nothing. Who asks waits no longer than for a status.
async fn read<T: DeserializeOwned>(node: &Node, path: &str) -> Result<T, String> {
    let answer = super::in_time(http::get_once(client_address(node), path)).await?;
    serde_json::from_slice(&answer.body).map_err(|error| format!("no answer to {path}: {error}"))
}

/// Asks the server of `node` for a change.
async fn change(node: &Node, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<(), NotChanged> {
    let asked = async { http::Connection::open(client_address(node)).await?.send(method, path, body).await };
    match asked.await.map_or_else(End::Error, End::Answer).judge().0 {
        Fate::Done(_) => Ok(()),
        Fate::NotDone { why, .. } => Err(NotChanged::Refused(why)),
        Fate::InDoubt { why, .. } => Err(NotChanged::InDoubt(why)),
    }
}

fn client_address(node: &Node) -> SocketAddr {
    SocketAddr::new(node.address.into(), CLIENT_PORT)
}

#[async_trait]
impl Members for Raft {
    async fn list(&self, node: &Node) -> Result<Vec<Member>, String> {
        let answer: ListAnswer = read(node, "/v1/members").await?;
        if !answer.committed {
            return Err("it does not know whether the last change is committed".into());
        }
        answer.members.iter().map(Listed::member).collect()
    }

    async fn remove(&self, through: &Node, number: u64) -> Result<(), NotChanged> {
        change(through, Method::DELETE, &format!("/v1/members/{number}"), None).await
    }

    async fn add(&self, through: &Node, node: &Node, number: u64) -> Result<(), NotChanged> {
        let body = json!({ "id": number, "address": format!("{}:{PEER_PORT}", node.address) });
        change(through, Method::POST, "/v1/members", Some(body.to_string().into_bytes())).await
    }

    fn newcomer(&self, node: &Node, number: u64, _members: &[Member], _nodes: &[Node]) -> DaemonSpec {
        let mut spec = self.server(node, number, format!("{number}={}:{PEER_PORT}", node.address));
        spec.argv.push("--join".into());
        spec
    }

    async fn applied(&self, node: &Node) -> Result<u64, String> {
        Ok(read::<Progress>(node, "/v1/status").await?.applied)
    }
}
