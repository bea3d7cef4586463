//! A program that runs beside the tests. It ends with its handle, and with this process.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Waits for the end of its standard input, and then kills the program and removes its folder. So no server outlives a test
/// that was itself killed. The word `keep` keeps the folder.
const WATCH: &str = r#"
    dir=$1; shift
    "$@" >> "$dir/log" 2>&1 & echo $!
    read -r word
    kill -CONT $! 2>/dev/null; kill -9 $! 2>/dev/null; wait
    [ "$word" = keep ] || rm -rf "$dir"
"#;

/// A folder, a port, and the program that uses them.
pub struct Process {
    pub dir: PathBuf,
    pub port: u16,
    shell: Option<Child>,
    pid: String,
    user: Option<u32>,
}

impl Process {
    /// Makes the folder, which belongs to `user`.
    pub fn prepare(name: &str, user: Option<u32>) -> Self {
        let port = free_port();
        let dir = std::env::temp_dir().join(format!("cloakroom-{name}-{}-{port}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        if user.is_some() {
            chown(&dir, user, None).unwrap();
        }
        Self { dir, port, shell: None, pid: String::new(), user }
    }

    /// Starts the program.
    pub fn run(&mut self, command: &[String]) {
        let mut shell = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(&self.dir)
            .args(command)
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        (self.shell, self.pid) = (Some(shell), pid.trim().to_owned());
    }

    /// Ends it at once, without a word. Its folder stays.
    pub fn kill(&mut self) {
        let Some(mut shell) = self.shell.take() else { return };
        let _ = shell.stdin.take().unwrap().write_all(b"keep\n");
        shell.wait().unwrap();
    }

    /// Sends a signal to the program and to its children.
    pub fn signal(&self, signal: &str) {
        for pid in self.pids() {
            // A child may have ended.
            let _ = Command::new("kill").args([signal, &pid]).stderr(Stdio::null()).status().unwrap();
        }
    }

    /// Limits the size of each file that the program writes, as a full disk would.
    pub fn limit_files(&self, bytes: &str) {
        for pid in self.pids() {
            let mut command = as_user(self.user);
            command.extend(["prlimit".to_owned(), format!("--fsize={bytes}:unlimited"), "--pid".to_owned(), pid]);
            // A child may have ended.
            let _ = Command::new(&command[0]).args(&command[1..]).stderr(Stdio::null()).status().unwrap();
        }
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.pid)).unwrap();
        let limit = limits.lines().find(|line| line.starts_with("Max file size")).unwrap();
        assert_eq!(limit.split_whitespace().nth(3), Some(bytes), "{limit}");
    }

    fn pids(&self) -> Vec<String> {
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &self.pid]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        [self.pid.as_str()].into_iter().chain(children.split_whitespace()).map(str::to_owned).collect()
    }

    pub fn is_running(&self) -> bool {
        Path::new(&format!("/proc/{}", self.pid)).exists()
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        match self.shell.take() {
            Some(mut shell) => {
                drop(shell.stdin.take());
                let _ = shell.wait();
            }
            None => drop(fs::remove_dir_all(&self.dir)),
        }
    }
}

/// Finds a program in the path, and in the folders where packages hide it.
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("these tests need {name}: `apt-get install {package}`"))
}

/// Runs a program to its end, which must be a good one.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until `done`. It is for servers that start, never for a race to be won.
pub fn until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The id of the user `name`, if the tests run as root: a server of PostgreSQL refuses to.
pub fn other_user(name: &str) -> Option<u32> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap_or_else(|_| panic!("there is no user {name}"))
    };
    (id(&["-u"]) == 0).then(|| id(&["-u", name]))
}

/// Begins a command that `user` runs.
pub fn as_user(user: Option<u32>) -> Vec<String> {
    let Some(user) = user else { return Vec::new() };
    ["setpriv".to_owned(), format!("--reuid={user}"), "--regid=0".to_owned(), "--clear-groups".to_owned()].into()
}

fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(37);
    loop {
        let nth = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        // Below those that systems give to clients.
        let port = 10_000 + u16::try_from(nth % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
