//! The commands that clients send to a server, as the server reports them.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::server::Server;

pub struct Monitor {
    lines: BufReader<TcpStream>,
    admin: redis::aio::MultiplexedConnection,
}

impl Monitor {
    pub async fn start(server: &Server) -> Self {
        let admin = server.admin().await;
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(stream);
        lines.read_line(&mut String::new()).await.unwrap();
        Self { lines, admin }
    }

    /// Returns the names of the commands that clients sent since the last call, without those of scripts.
    pub async fn commands(&mut self) -> Vec<String> {
        let _: String = redis::cmd("ECHO").arg("the end").query_async(&mut self.admin).await.unwrap();
        let mut commands = Vec::new();
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).await.unwrap();
            if line.contains("\"ECHO\" \"the end\"") {
                return commands;
            }
            let (from, command) = line.split_once("] ").unwrap();
            if !from.ends_with(" lua") {
                commands.push(command.split('"').nth(1).unwrap().to_uppercase());
            }
        }
    }
}
