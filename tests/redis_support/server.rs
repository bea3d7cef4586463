//! A real server on a free port. It ends with its handle, and with this process.
//!
//! `REDIS_SERVER=/path/to/server` sets the server, a Redis or a Valkey. Default: `redis-server`. The servers of the
//! Python wheels have no TLS, so the tests of `tls` fail with them.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cloakroom::redis::RedisStore;
use redis::{AsyncConnectionConfig, FromRedisValue, aio::MultiplexedConnection};

use super::until;

/// The program that the tests run.
static PROGRAM: LazyLock<String> =
    LazyLock::new(|| std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned()));

/// The program's version, for example `Redis server v=7.0.15 ..`.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let output = Command::new(&*PROGRAM).arg("--version").output();
    let output = output.unwrap_or_else(|error| {
        panic!(
            "{}: {error}: these tests need redis-server 6.2 or later: `apt-get install redis-server`, or `brew install redis`",
            *PROGRAM
        )
    });
    String::from_utf8(output.stdout).unwrap()
});

/// Returns true if the server is a Redis 6, which has fewer options.
pub fn is_redis_6() -> bool {
    VERSION.contains(" v=6.")
}

/// Returns true if the server is a Valkey.
pub fn is_valkey() -> bool {
    VERSION.starts_with("Valkey")
}

pub struct Server {
    pub port: u16,
    pub dir: PathBuf,
    pub arguments: Vec<String>,
    running: Option<Running>,
}

/// A shell that waits for its standard input to end, and then kills the server. So no server outlives a test that is
/// killed.
struct Running {
    shell: Child,
    pid: String,
}

const WATCH: &str = r#""$@" >> redis.log 2>&1 & echo $!; read _; kill -9 $! 2>/dev/null"#;

impl Server {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more arguments, as on a command line.
    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::prepare(arguments);
        server.run();
        server.answers().await;
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

    pub async fn answers(&self) {
        until("redis-server answers", Duration::from_secs(10), || async {
            std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        })
        .await;
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        drop(self.running.take());
    }

    pub async fn restart(&mut self) {
        self.run();
        self.answers().await;
    }

    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = &self.running.as_ref().expect("it runs").pid;
        assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    pub async fn store(&self) -> RedisStore {
        RedisStore::connect(self.url()).await.unwrap()
    }

    /// Returns a store over a connection of the application, which replaces records by the script.
    pub async fn provided(&self) -> RedisStore {
        RedisStore::from_connection(self.admin().await)
    }

    /// Returns a connection for the test.
    pub async fn admin(&self) -> MultiplexedConnection {
        admin(&self.url()).await
    }

    /// Waits until the replica has everything that this server has.
    pub async fn is_replicated(&self) {
        until("the replica has caught up", Duration::from_secs(30), || async {
            let state: String = self.run_command("INFO replication").await;
            let offset = |name: &str| {
                let (_, rest) = state.split_once(name)?;
                rest.split(|char: char| !char.is_ascii_digit()).next()?.parse::<u64>().ok()
            };
            let (own, replica) = (offset("master_repl_offset:"), offset("state=online,offset="));
            own.is_some() && own == replica
        })
        .await;
    }

    /// Returns the value of a key in a session, from the key's line.
    pub async fn value<T: std::str::FromStr>(&self, session: &str, key: &str) -> Option<T> {
        let record: Option<String> = self.run_command(&format!("GET cloakroom:{session}")).await;
        let record = record?;
        let line = record.lines().find_map(|line| line.strip_prefix(&format!("{}:{key}=", key.len())))?;
        line.split_once(':')?.1.parse().ok()
    }

    /// Runs one command, written as in `redis-cli`.
    pub async fn run_command<T: FromRedisValue>(&self, line: &str) -> T {
        run(&mut self.admin().await, line).await
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
        assert!(!VERSION.is_empty());
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

pub async fn admin(url: &str) -> MultiplexedConnection {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    redis::Client::open(url).unwrap().get_multiplexed_async_connection_with_config(&config).await.unwrap()
}

/// Runs one command, written as in `redis-cli`.
pub async fn run<T: FromRedisValue>(connection: &mut MultiplexedConnection, line: &str) -> T {
    let mut words = line.split_whitespace();
    let mut command = redis::cmd(words.next().unwrap());
    for word in words {
        command.arg(if word == "\"\"" { "" } else { word });
    }
    command.query_async(connection).await.unwrap_or_else(|error| panic!("{line}: {error}"))
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
