//! A server in a process of its own, which ends with its handle.

use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, ExitCode, Stdio},
    thread,
};

use crate::framework::Framework;

/// The first argument of such a process.
pub(crate) const SERVE: &str = "--serve";

/// The value in a session under the key that is read.
pub(crate) const KEPT: &str = "42";

pub(crate) struct Server {
    process: Child,
    port: u16,
    /// The cookie of a session.
    pub(crate) cookie: String,
}

impl Server {
    /// Starts a server, and returns when it answers as it should: the figures of a server that serves errors would look
    /// good.
    pub(crate) fn start(framework: Framework, name: &str, redis: &str) -> Result<Self, Box<dyn Error>> {
        let process = Command::new(env::current_exe()?)
            .args([SERVE, framework.name(), name, redis])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut server = Self { process, port: 0, cookie: String::new() };
        let mut port = String::new();
        BufReader::new(server.process.stdout.take().ok_or("it is piped")?).read_line(&mut port)?;
        server.port = port.trim().parse().map_err(|_| format!("{name} on {} has not started", framework.title()))?;
        let (head, _) = server.get("/create", "")?;
        let cookies = head.lines().filter_map(|line| {
            let (header, value) = line.split_once(": ")?;
            header.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
        });
        server.cookie = cookies.collect::<Vec<_>>().join("; ");
        match server.get("/read", &server.cookie)? {
            (_, body) if body == KEPT => Ok(server),
            (head, body) => Err(format!("{name} on {} answers {head}{body}", framework.title()).into()),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/read", self.port)
    }

    /// Returns the microseconds that its threads have run until now.
    pub(crate) fn processor(&self) -> io::Result<f64> {
        let mut nanos = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let statistics = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += statistics.split(' ').next().and_then(|run| run.parse::<f64>().ok()).unwrap_or_default();
        }
        Ok(nanos / 1e3)
    }

    /// Returns the response's head and body.
    fn get(&self, path: &str, cookie: &str) -> io::Result<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}Connection: close\r\n\r\n")?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        Ok((head.to_owned(), body.to_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs in the process of its own: prints its port, and serves until it is ended.
pub(crate) fn serve(mut arguments: impl Iterator<Item = String>) -> Result<ExitCode, Box<dyn Error>> {
    let mut next = || arguments.next().ok_or("usage: --serve FRAMEWORK NAME REDIS");
    let (framework, name, redis) = (next()?, next()?, next()?);
    let framework = Framework::of_name(&framework).ok_or("no framework of that name")?;
    // The process ends with its parent, too.
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?.port());
    framework.serve(&name, &redis, listener)?;
    Ok(ExitCode::SUCCESS)
}
