//! A `redis-server` for this program, on a free port. It ends with the program.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// A running server.
pub struct Server {
    port: u16,
    shell: Child,
}

/// Ends the server when the shell's standard input ends, so that no server outlives a benchmark that is killed.
const WATCH: &str = r#"redis-server --port "$1" --bind 127.0.0.1 --save "" --appendonly no > /dev/null 2>&1 &
read _; kill -9 $! 2>/dev/null"#;

impl Server {
    /// Starts a server, and waits until it answers.
    pub fn start() -> Self {
        assert_ne!(version(), "", "this needs redis-server 6.2 or later: `apt-get install redis-server`");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "sh", &port.to_string()]).stdin(Stdio::piped());
        let server = Self { port, shell: command.spawn().unwrap() };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "redis-server does not answer");
            sleep(Duration::from_millis(5));
        }
        server
    }

    /// Returns the server's URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Reads the commands that clients send from now on.
    pub fn monitor(&self) -> Monitor {
        let connect = || TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut lines = connect();
        lines.write_all(b"MONITOR\r\n").unwrap();
        let mut monitor = Monitor { lines: BufReader::new(lines), marks: connect() };
        monitor.lines.read_line(&mut String::new()).unwrap();
        monitor
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// The commands that clients send to a server, as the server reports them.
pub struct Monitor {
    lines: BufReader<TcpStream>,
    marks: TcpStream,
}

impl Monitor {
    /// Returns the names of the commands that clients sent since the last call, without those of scripts.
    pub fn commands(&mut self) -> Vec<String> {
        self.marks.write_all(b"ECHO end-of-count\r\n").unwrap();
        let mut commands = Vec::new();
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            if line.contains("\"ECHO\" \"end-of-count\"") {
                return commands;
            }
            let (from, command) = line.split_once("] ").expect("a line of MONITOR");
            if !from.ends_with(" lua") {
                commands.push(command.split('"').nth(1).unwrap_or_default().to_uppercase());
            }
        }
    }
}

/// Returns the version of the installed server, or an empty text if there is none.
pub fn version() -> String {
    let output = Command::new("redis-server").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or_default().to_owned()
}
