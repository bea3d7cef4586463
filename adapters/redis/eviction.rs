//! The check of the eviction policy.

use std::{fmt, time::Duration};

use ::redis::{Value, aio::MultiplexedConnection};
use tokio::time::timeout;

/// Warns if the server evicts keys when its memory is full. A user without the right to `INFO` gets no warning.
///
/// Returns true if the connection can still be used. A proxy may close it at `INFO`, or send no answer. Then the next
/// command would fail, or get the answer of another one.
pub(super) async fn check(connection: &mut MultiplexedConnection, target: &impl fmt::Debug, limit: Duration) -> bool {
    let mut question = ::redis::cmd("INFO");
    question.arg("memory");
    let answer = match timeout(limit, connection.send_packed_command(&question)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return error.code().is_some(),
        Err(_) => return false,
    };
    if let Some(policy) = policy(&answer).filter(|policy| *policy != "noeviction") {
        tracing::warn!(
            policy,
            server = ?target,
            "maxmemory-policy should be noeviction: a full Redis drops sessions and the indexes of owners, and then \
             \"log out everywhere\" misses sessions"
        );
    }
    true
}

fn policy(answer: &Value) -> Option<&str> {
    let text = match answer {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?,
        Value::VerbatimString { text, .. } => text,
        _ => return None,
    };
    text.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"))
}

#[cfg(test)]
mod tests {
    use ::redis::VerbatimFormat;

    use super::*;

    #[test]
    fn finds_the_policy_in_either_protocol() {
        let text = "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\nmem:1\r\n";
        assert_eq!(policy(&Value::BulkString(text.as_bytes().to_vec())), Some("allkeys-lru"));
        let verbatim = Value::VerbatimString { format: VerbatimFormat::Text, text: text.to_owned() };
        assert_eq!(policy(&verbatim), Some("allkeys-lru"));
        assert_eq!(policy(&Value::Nil), None);
    }
}
