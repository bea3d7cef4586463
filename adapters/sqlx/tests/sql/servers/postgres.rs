//! A server of PostgreSQL.

use std::{
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use cloakroom_sqlx::PostgresStore;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    process::{Process, as_user, other_user, program, run, until},
    table,
};

pub struct Postgres {
    process: Process,
    user: Option<u32>,
}

/// The server of all tests that do it no harm.
pub static SHARED: LazyLock<Postgres> = LazyLock::new(Postgres::start);

impl Postgres {
    pub fn start() -> Self {
        let user = other_user("postgres");
        let mut server = Self { process: Process::prepare("postgres", user), user };
        server.initialize();
        server.run();
        server
    }

    fn initialize(&self) {
        let initdb = program("initdb", "postgresql");
        let mut words = as_user(self.user);
        words.push(initdb.to_str().unwrap().to_owned());
        let data = self.process.dir.join("data");
        let options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"];
        run(Command::new(&words[0]).args(&words[1..]).args(options).arg(data).current_dir(&self.process.dir));
    }

    /// Starts it. After a kill, it may have to wait for the end of its former children.
    pub fn run(&mut self) {
        let dir = self.process.dir.to_str().unwrap();
        let mut command = as_user(self.user);
        command.push(program("postgres", "postgresql").to_str().unwrap().to_owned());
        command.extend(["-D".to_owned(), format!("{dir}/data"), "-p".to_owned(), self.process.port.to_string()]);
        let settings = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "max_connections=200",
            "shared_buffers=32MB",
            "log_line_prefix=%a|",
        ];
        command.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
        let is_ready = program("pg_isready", "postgresql");
        let port = self.process.port.to_string();
        self.process.run(&command);
        until("PostgreSQL answers", Duration::from_secs(30), || {
            if !self.process.is_running() {
                self.process.kill();
                self.process.run(&command);
            }
            let options = ["-q", "-h", "127.0.0.1", "-p", &port];
            Command::new(&is_ready).args(options).stderr(Stdio::null()).status().unwrap().success()
        });
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    pub fn pause(&self) {
        self.process.signal("-STOP");
    }

    pub fn resume(&self) {
        self.process.signal("-CONT");
    }

    /// No file grows beyond this size.
    pub fn limit_files(&self, bytes: &str) {
        self.process.limit_files(bytes);
    }

    pub fn port(&self) -> u16 {
        self.process.port
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port())
            .username("postgres")
            .database("postgres")
    }

    pub fn pool(&self) -> PgPool {
        pool(self.options())
    }

    /// A store with a table of its own.
    pub async fn store(&self) -> PostgresStore {
        let store = PostgresStore::new(self.pool()).table(&table()).unwrap();
        store.migrate().await.unwrap();
        store
    }
}

pub fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(8).connect_lazy_with(options)
}
