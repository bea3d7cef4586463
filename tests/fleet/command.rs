//! The program: its output and its end.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use serde_json::Value;

use super::{
    harness::browser,
    program::{Program, path},
};

fn run(args: &[&str]) -> Output {
    Command::new(path("fleet")).args(args).output().unwrap()
}

fn assert_refused(args: &[&str], expected: &str) {
    let output = run(args);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!output.status.success(), "{args:?}");
    assert_eq!((stdout.lines().count(), stderr.lines().count()), (0, 1), "{args:?}: {stdout}{stderr}");
    assert!(stderr.starts_with("fleet: ") && stderr.contains(expected), "{args:?}: {stderr}");
}

#[test]
fn what_it_does_not_understand_is_one_line_and_a_failure() {
    assert_refused(&["--prot", "1"], "--prot");
    assert_refused(&["-p"], "-p");
    assert_refused(&["8080"], "8080");
    assert_refused(&["--port"], "--port");
    for port in ["x", "", "-1", "65534", "65536", "80 80"] {
        assert_refused(&["--port", port], "a port is a number from 0 to 65533");
    }
}

#[test]
fn options_that_this_build_or_browsers_cannot_serve_are_one_line_and_a_failure() {
    let table: [(bool, &[&str], &str); 4] = [
        (cfg!(feature = "redis-rustls"), &["--https"], "--features redis-rustls"),
        (cfg!(feature = "device-bound"), &["--device-bound"], "--features device-bound"),
        (!cfg!(feature = "device-bound"), &["--device-bound"], "--device-bound needs --https"),
        (
            !cfg!(all(feature = "device-bound", feature = "redis-rustls")),
            &["--cookie-store", "--port", "0", "--https", "--device-bound"],
            "sessions in cookies cannot be bound to a device",
        ),
    ];
    for (is_other_build, args, expected) in table {
        if !is_other_build {
            assert_refused(args, expected);
        }
    }
}

#[test]
fn a_taken_port_is_one_line_and_a_failure() {
    // The first port is taken. Other programs may have taken its neighbours.
    let (taken, port) = std::iter::repeat_with(|| TcpListener::bind("127.0.0.1:0").unwrap())
        .map(|taken| (taken.local_addr().unwrap().port(), taken))
        .find_map(|(port, taken)| (port <= 65_533).then_some((taken, port)))
        .unwrap();
    assert_refused(&["--port", &port.to_string()], &format!("cannot listen on 127.0.0.1:{port}"));
    drop(taken);
}

#[test]
fn help_is_no_failure() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--port N"));
}

#[tokio::test]
async fn it_prints_what_to_open_serves_it_and_ends_by_ctrl_c() {
    let (running, lines) = Program::start("fleet", &["--port", "0"], 4);
    assert!(lines[3].contains(".insecure_http()"), "{lines:?}");
    let urls: Vec<&str> = lines[..3].iter().map(|line| line.split_whitespace().last().unwrap()).collect();
    let browser = browser();
    for url in &urls {
        assert_eq!(browser.get(format!("{url}health")).send().await.unwrap().text().await.unwrap(), "ok");
    }
    browser.post(format!("{}login", urls[0])).form(&[("name", "Ada")]).send().await.unwrap();
    for (url, line) in urls.iter().zip(&lines) {
        let answer = browser.get(format!("{url}api/session")).send().await.unwrap();
        let status: Value = answer.json().await.unwrap();
        assert_eq!(status["user"], "Ada");
        assert!(line.starts_with(status["framework"].as_str().unwrap()), "{line}");
    }
    assert!(running.interrupt().success());
}

/// There is no store: one key, and each session in its cookie.
#[tokio::test]
async fn sessions_in_the_cookie_are_at_home_on_every_server() {
    let (running, lines) = Program::start("fleet", &["--port", "0", "--cookie-store"], 4);
    let urls: Vec<&str> = lines[..3].iter().map(|line| line.split_whitespace().last().unwrap()).collect();
    let user = async |browser: &reqwest::Client, url: &str| -> Value {
        let answer = browser.get(format!("{url}api/session")).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["user"].clone()
    };
    for (login, logout) in [(0, 1), (1, 2), (2, 0)] {
        let browser = browser();
        browser.post(format!("{}login", urls[login])).form(&[("name", "Ada")]).send().await.unwrap();
        for url in &urls {
            assert_eq!(user(&browser, url).await, "Ada", "{url}");
        }
        browser.post(format!("{}logout", urls[logout])).send().await.unwrap();
        for url in &urls {
            assert_eq!(user(&browser, url).await, Value::Null, "{url}");
        }
    }
    assert!(running.interrupt().success());
}

#[test]
fn three_ports_from_the_first_one_on() {
    // These ports are below those that systems give out. If a program has one of the three, the fleet prints nothing,
    // and the next three are tried.
    for first in (20_000..30_000).step_by(3) {
        let (running, lines) = Program::start("fleet", &["--port", &first.to_string()], 4);
        if lines.is_empty() {
            continue;
        }
        for (port, line) in (first..).zip(&lines[..3]) {
            assert!(line.ends_with(&format!("http://127.0.0.1:{port}/")), "{line}");
        }
        drop(running);
        return;
    }
    panic!("no three free ports in a row");
}
