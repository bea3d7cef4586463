//! The examples, each started as a program on a free port and used. `cargo test` builds them beside this test.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use reqwest::{Client, Url, redirect::Policy};

use crate::servers::{postgres, sqlite::File};

struct Example {
    program: Child,
    urls: Vec<Url>,
    /// The program would fail to print to a pipe without a reader.
    _output: BufReader<ChildStdout>,
}

impl Example {
    fn start(name: &str, arguments: &[&str], servers: usize) -> Self {
        let test = std::env::current_exe().unwrap();
        let path = test.ancestors().nth(2).unwrap().join("examples").join(name);
        let mut program = Command::new(path)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("`cargo build -p cloakroom-sqlx --all-features --examples` builds it");
        let mut output = BufReader::new(program.stdout.take().unwrap());
        let lines = output.by_ref().lines().map_while(Result::ok);
        let url = |line: String| line.split_whitespace().find_map(|word| Url::parse(word).ok());
        let urls: Vec<Url> = lines.filter_map(url).take(servers).collect();
        assert_eq!(urls.len(), servers, "{name}");
        Self { program, urls, _output: output }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn browser() -> Client {
    Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap()
}

/// A database of PostgreSQL for one test, because examples use the default table.
async fn database(name: &str) -> String {
    let server = &*postgres::SHARED;
    let text = format!("create database {name}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&server.pool()).await.unwrap();
    format!("postgres://postgres@127.0.0.1:{}/{name}", server.port())
}

#[tokio::test]
async fn visits_are_counted_and_survive_a_restart() {
    let file = File::new();
    let path = file.path();
    let url = database("example").await;
    for (name, place) in [("axum_postgres", url.as_str()), ("actix_sqlite", path.to_str().unwrap())] {
        let browser = browser();
        let mut visits = 0;
        for _ in 0..2 {
            let example = Example::start(name, &[place, "0"], 1);
            for _ in 0..2 {
                visits += 1;
                let page = browser.get(example.urls[0].clone()).send().await.unwrap().text().await.unwrap();
                assert_eq!(page, format!("visits: {visits}\n"), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn two_fleets_share_their_sessions() {
    let file = File::new();
    let path = file.path();
    let url = database("fleet").await;
    for place in [["--postgres", &url], ["--sqlite", path.to_str().unwrap()]] {
        let [option, value] = place;
        let fleets = [0, 1].map(|_| Example::start("fleet_sql", &["--port", "0", option, value], 3));
        let browser = browser();
        let login = fleets[0].urls[0].join("login").unwrap();
        let answer = browser.post(login).form(&[("name", "alice")]).send().await.unwrap();
        assert!(answer.status().is_redirection(), "{option}: {answer:?}");
        for server in fleets.iter().flat_map(|fleet| &fleet.urls) {
            let status: serde_json::Value =
                browser.get(server.join("api/session").unwrap()).send().await.unwrap().json().await.unwrap();
            assert_eq!(status["user"], "alice", "{option}");
        }
    }
}
