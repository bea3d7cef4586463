//! A `redis-server` on a free port, which ends with its handle.

use std::{
    io,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

pub(crate) struct Redis {
    /// A shell that waits for its standard input to end, and then ends the server. So the server never outlives this
    /// process.
    shell: Child,
    port: u16,
}

const WATCH: &str = r#""$@" > /dev/null & read _; kill $! 2> /dev/null; wait"#;

impl Redis {
    pub(crate) fn start() -> io::Result<Self> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            return Err(io::Error::other("there is no `redis-server`: `apt-get install redis-server` brings it"));
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let shell = Command::new("sh")
            .args(["-c", WATCH, "sh", "redis-server", "--bind", "127.0.0.1", "--save", "", "--port"])
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .spawn()?;
        let redis = Self { shell, port };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(redis);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(io::Error::other("redis-server does not answer"))
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
