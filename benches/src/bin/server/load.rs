//! `wrk`, which makes the load.

use std::{error::Error, fmt, process::Command, time::Duration};

/// The installed `wrk`.
pub(crate) struct Load {
    version: String,
}

/// The responses in a turn.
pub(crate) struct Done {
    pub(crate) requests: f64,
    /// Requests a second.
    pub(crate) rate: f64,
}

/// Enough connections for the server to be always busy.
const CONNECTIONS: &str = "32";

impl Load {
    pub(crate) fn find() -> Result<Self, String> {
        // `wrk` has no exit code for that, so its first line is checked.
        let output = Command::new("wrk").arg("--version").output();
        let output = output.map_err(|_| "there is no `wrk`, which makes the load: `apt-get install wrk` brings it")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split(" [").next().unwrap_or_default();
        Ok(Self { version: version.to_owned() })
    }

    /// Sends requests for one turn. Each of them must succeed.
    pub(crate) fn send(&self, url: &str, cookie: Option<&str>, turn: Duration) -> Result<Done, Box<dyn Error>> {
        let mut command = Command::new("wrk");
        command.args(["-t", "1", "-c", CONNECTIONS, "-d", &format!("{}s", turn.as_secs())]);
        if let Some(cookie) = cookie {
            command.args(["-H", &format!("Cookie: {cookie}")]);
        }
        let output = command.arg(url).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
            return Err(format!("{}: {text}{}", self.version, String::from_utf8_lossy(&output.stderr)).into());
        }
        let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
        let requests = text.lines().find_map(|line| line.split_once(" requests in ")).map(|(requests, _)| requests);
        Ok(Done {
            requests: requests.ok_or("wrk tells no number of requests")?.trim().parse()?,
            rate: rate.ok_or("wrk tells no rate")?.trim().parse()?,
        })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {CONNECTIONS} connections, 1 thread", self.version)
    }
}
