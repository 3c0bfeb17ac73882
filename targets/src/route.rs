//! The way to a server: its address, and the one that a connection to it comes from.
//!
//! Clients of a node have an address of their own, apart from the controller's: what hits their connections does not hit the
//! questions by which the controller watches the servers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};

/// Where a server listens, and from where it is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The server's address.
    pub to: SocketAddr,
    /// The address to come from; none for the one that the kernel takes.
    pub from: Option<Ipv4Addr>,
}

impl Route {
    /// Opens a connection, without a delay for small writes.
    ///
    /// # Errors
    /// When nobody listens or answers, or the address to come from is none of this machine's.
    pub async fn connect(self) -> io::Result<TcpStream> {
        let stream = match self.from {
            None => TcpStream::connect(self.to).await?,
            Some(from) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::new(from.into(), 0))?;
                socket.connect(self.to).await?
            }
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl From<SocketAddr> for Route {
    fn from(to: SocketAddr) -> Route {
        Route { to, from: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_connection_comes_from_the_address_of_its_route() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        for (from, seen) in [(None, "127.0.0.1"), (Some(Ipv4Addr::new(127, 0, 0, 9)), "127.0.0.9")] {
            let _stream = Route { to, from }.connect().await.unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer.ip().to_string(), seen);
        }
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused() {
        let to = "127.0.0.1:1".parse().unwrap();
        let refused = Route { to, from: Some(Ipv4Addr::new(192, 0, 2, 1)) }.connect().await;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    }
}
