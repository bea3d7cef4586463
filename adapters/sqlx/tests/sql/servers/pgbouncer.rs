//! PgBouncer, in front of a server of PostgreSQL, in transaction mode.

use std::{fs, net::TcpStream, os::unix::fs::chown, time::Duration};

use sqlx::postgres::PgConnectOptions;

use super::{
    postgres::Postgres,
    process::{Process, as_user, other_user, program, until},
};

pub struct PgBouncer {
    process: Process,
}

impl PgBouncer {
    /// With so many connections to the server.
    pub fn start(server: &Postgres, connections: u32) -> Self {
        let user = other_user("postgres");
        let mut process = Process::prepare("pgbouncer", user);
        let (dir, port) = (process.dir.clone(), process.port);
        let text = format!(
            "[databases]\npostgres = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = transaction\nserver_round_robin = 1\n\
             default_pool_size = {connections}\nmin_pool_size = {connections}\nmax_client_conn = 500\n\
             ignore_startup_parameters = extra_float_digits\nunix_socket_dir =\n",
            server.port()
        );
        let config = dir.join("pgbouncer.ini");
        fs::write(&config, text).unwrap();
        chown(&config, user, None).unwrap();
        let mut command = as_user(user);
        command.push(program("pgbouncer", "pgbouncer").display().to_string());
        command.push(config.display().to_string());
        process.run(&command);
        until("PgBouncer answers", Duration::from_secs(10), || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process }
    }

    pub fn options(&self, server: &Postgres) -> PgConnectOptions {
        server.options().port(self.process.port)
    }
}
