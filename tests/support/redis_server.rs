//! A real server on a free port, for the tests and the benchmarks. It ends with its handle, and with this process.
//!
//! `REDIS_SERVER=/path/to/server` sets the server, a Redis or a Valkey. Default: `redis-server`. The servers of the
//! Python wheels have no TLS, so the tests of `tls` fail with them.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

/// The program of the server.
static PROGRAM: LazyLock<String> =
    LazyLock::new(|| std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned()));

/// The program's version, for example `Redis server v=7.0.15 ..`. Empty if the program is not installed.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let output = Command::new(&*PROGRAM).arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
});

/// Returns the number of the server's version, for example `7.0.15`. Empty if the server is not installed.
pub fn version() -> &'static str {
    VERSION.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or_default()
}

/// Returns true if the server is a Redis 6, which has fewer options.
pub fn is_redis_6() -> bool {
    version().starts_with("6.")
}

/// Returns true if the server is a Valkey.
pub fn is_valkey() -> bool {
    VERSION.starts_with("Valkey")
}

/// A server, with a folder of its own.
pub struct Server {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// The folder of its files, which is deleted with it.
    pub dir: PathBuf,
    /// More arguments, as on a command line.
    pub arguments: Vec<String>,
    running: Option<Running>,
}

/// A shell that waits for its standard input to end, and then kills the server. So no server outlives a program that is
/// killed.
struct Running {
    shell: Child,
    pid: String,
}

const WATCH: &str = r#""$@" >> redis.log 2>&1 & echo $!; read _; kill -9 $! 2>/dev/null"#;

impl Server {
    /// Starts a server, and waits until it answers.
    pub fn launch() -> Self {
        let mut server = Self::prepare(&[]);
        server.run();
        let started = Instant::now();
        while !server.is_up() {
            assert!(started.elapsed() < Duration::from_secs(10), "{} does not answer", *PROGRAM);
            sleep(Duration::from_millis(5));
        }
        server
    }

    /// Returns a server that does not run yet.
    pub fn prepare(arguments: &[&str]) -> Self {
        let port = free_port();
        Self {
            port,
            dir: directory(port),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            running: None,
        }
    }

    /// Starts the server, and does not wait for it.
    pub fn run(&mut self) {
        let port = self.port.to_string();
        let mut command = vec![PROGRAM.clone()];
        // A sentinel's configuration file comes first.
        let (files, options): (Vec<_>, Vec<_>) =
            self.arguments.iter().cloned().partition(|argument| argument.strip_suffix(".conf").is_some());
        command.extend(files);
        command.extend(["--port".to_owned(), port, "--bind".to_owned(), "127.0.0.1".to_owned()]);
        if !options.iter().any(|option| option == "--sentinel") {
            command.extend(["--save".to_owned(), String::new()]);
            if !is_redis_6() {
                command.extend(["--enable-debug-command", "local"].map(str::to_owned));
            }
        }
        command.extend(options);
        self.running = Some(Running::start(&command, &self.dir));
    }

    /// Returns true if the server takes connections.
    pub fn is_up(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        drop(self.running.take());
    }

    /// Stops the server's process until [`Server::resume`].
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets the server's process go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = &self.running.as_ref().expect("it runs").pid;
        assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
    }

    /// Returns the server's host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the server's URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Running {
    fn start(command: &[String], dir: &Path) -> Self {
        assert!(
            !VERSION.is_empty(),
            "`{}` does not run: this needs redis-server 6.2 or later: `apt-get install redis-server`, or `brew install redis`",
            *PROGRAM
        );
        let mut shell = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .args(command)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        Self { shell, pid: pid.trim().to_owned() }
    }
}

impl Drop for Running {
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
    /// Reads the commands from now on.
    pub fn start(server: &Server) -> Self {
        let connect = || TcpStream::connect(server.address()).unwrap();
        let mut lines = connect();
        lines.write_all(b"MONITOR\r\n").unwrap();
        let mut monitor = Self { lines: BufReader::new(lines), marks: connect() };
        monitor.lines.read_line(&mut String::new()).unwrap();
        monitor
    }

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

/// Returns a port that is free now, and below those that systems give to clients. The port of a cluster's bus, 10000
/// above it, is free, too.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(37);
    loop {
        let nth = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + u16::try_from(nth % 12_000).unwrap();
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 10_000) {
            return port;
        }
    }
}

fn directory(port: u16) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("cloakroom-redis-{}-{port}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
