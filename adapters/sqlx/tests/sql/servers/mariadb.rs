//! A server of MariaDB.

use std::{
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use cloakroom_sqlx::MySqlStore;
use sqlx::{
    MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

use super::{
    process::{Process, program, run, until},
    table,
};

pub struct MariaDb {
    process: Process,
}

/// The server of all tests that do it no harm.
pub static SHARED: LazyLock<MariaDb> = LazyLock::new(MariaDb::start);

impl MariaDb {
    pub fn start() -> Self {
        let mut server = Self { process: Process::prepare("mariadb", None) };
        let mut install = Command::new(program("mariadb-install-db", "mariadb-server"));
        let data = format!("--datadir={}/data", server.process.dir.display());
        let options = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-log-bin", &data];
        run(install.args(options).arg(format!("--user={}", user())).current_dir(&server.process.dir));
        server.run();
        server
    }

    pub fn run(&mut self) {
        let dir = self.process.dir.display();
        let command = [
            program("mariadbd", "mariadb-server").display().to_string(),
            "--no-defaults".to_owned(),
            format!("--user={}", user()),
            format!("--datadir={dir}/data"),
            format!("--socket={dir}/socket"),
            format!("--pid-file={dir}/pid"),
            format!("--port={}", self.process.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--innodb-flush-log-at-trx-commit=2".to_owned(),
            "--innodb-buffer-pool-size=32M".to_owned(),
            "--innodb-log-file-size=16M".to_owned(),
            "--max-connections=200".to_owned(),
        ];
        self.process.run(&command);
        let admin = program("mariadb-admin", "mariadb-client");
        let port = format!("--port={}", self.process.port);
        until("MariaDB answers", Duration::from_secs(30), || {
            let options = ["--no-defaults", "--host=127.0.0.1", "--user=root", &port, "ping"];
            let mut ping = Command::new(&admin);
            ping.args(options).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
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

    pub fn port(&self) -> u16 {
        self.process.port
    }

    pub fn options(&self) -> MySqlConnectOptions {
        MySqlConnectOptions::new().host("127.0.0.1").port(self.port()).username("root").database("test")
    }

    pub fn pool(&self) -> MySqlPool {
        pool(self.options())
    }

    /// A store with a table of its own.
    pub async fn store(&self) -> MySqlStore {
        let store = MySqlStore::new(self.pool()).table(&table()).unwrap();
        store.migrate().await.unwrap();
        store
    }
}

pub fn pool(options: MySqlConnectOptions) -> MySqlPool {
    MySqlPoolOptions::new().max_connections(8).connect_lazy_with(options)
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
