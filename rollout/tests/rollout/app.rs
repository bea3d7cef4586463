//! The application that runs on every node: it reads and writes values of each type, counts, logs in and logs out.

use std::{collections::BTreeMap, fmt::Display};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// The values of a session. Keys without a value are absent.
pub type Values = Map<String, Value>;

/// The key of the user that is logged in.
pub const USER: &str = "user";
pub const COUNT: &str = "count";

/// The keys of a session, with the types of their values: [`typed`] has them, too.
pub const KEYS: [&str; 9] = ["big", "small", "ratio", "text", "nested", "nothing", "flag", COUNT, USER];

/// A request, in a body of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Op {
    /// Reads all values.
    Read,
    /// Writes these values.
    Write(Values),
    Remove(String),
    /// Adds 1 to the number under `count`.
    Count,
    /// Renews the session and writes the user.
    Login(String),
    Logout,
}

impl Op {
    /// Returns the values after this request.
    pub fn after(&self, before: &Values) -> Values {
        let mut values = before.clone();
        match self {
            Self::Read => {}
            Self::Write(written) => values.extend(written.clone()),
            Self::Remove(key) => drop(values.remove(key)),
            Self::Count => {
                let count = values.get(COUNT).and_then(Value::as_u64).unwrap_or_default();
                values.insert(COUNT.to_owned(), json!(count + 1));
            }
            Self::Login(user) => drop(values.insert(USER.to_owned(), json!(user))),
            Self::Logout => values.clear(),
        }
        values
    }
}

#[derive(Serialize, Deserialize)]
pub struct Nested {
    pub list: Vec<i64>,
    pub map: BTreeMap<String, Option<f64>>,
}

/// A session of one of the crates.
pub trait Session {
    fn get<T: DeserializeOwned + Send>(&self, key: &str) -> impl Future<Output = Result<Option<T>, String>> + Send;
    fn insert<T: Serialize + Send + Sync>(
        &self,
        key: &str,
        value: T,
    ) -> impl Future<Output = Result<(), String>> + Send;
    fn remove(&self, key: &str) -> impl Future<Output = Result<(), String>> + Send;
    fn renew(&self) -> impl Future<Output = Result<(), String>> + Send;
    fn purge(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Runs a request, and returns the values that the session had before it.
pub async fn run(session: &impl Session, body: &str) -> Result<String, String> {
    let op: Op = serde_json::from_str(body).map_err(text)?;
    let before = read(session).await?;
    match op {
        Op::Read => {}
        Op::Write(values) => {
            for (key, value) in values {
                write(session, &key, value).await?;
            }
        }
        Op::Remove(key) => session.remove(&key).await?,
        Op::Count => {
            let count: Option<u64> = session.get(COUNT).await?;
            session.insert(COUNT, count.unwrap_or_default() + 1).await?;
        }
        Op::Login(user) => {
            session.renew().await?;
            session.insert(USER, user).await?;
        }
        Op::Logout => session.purge().await?,
    }
    serde_json::to_string(&before).map_err(text)
}

/// Reads each value by its own type and as any JSON, which must be the same: `3.0` is not `3`.
async fn read(session: &impl Session) -> Result<Values, String> {
    let mut values = Values::new();
    for key in KEYS {
        let Some(value) = session.get::<Value>(key).await? else { continue };
        let typed = match key {
            "big" | COUNT => typed::<u64>(session, key).await?,
            "small" => typed::<i64>(session, key).await?,
            "ratio" => typed::<f64>(session, key).await?,
            "text" | USER => typed::<String>(session, key).await?,
            "nested" => typed::<Nested>(session, key).await?,
            "flag" => typed::<bool>(session, key).await?,
            _ => Value::Null,
        };
        if typed != value {
            return Err(format!("{key} is {value}, and as its type {typed}"));
        }
        values.insert(key.to_owned(), value);
    }
    Ok(values)
}

async fn typed<T: DeserializeOwned + Serialize + Send>(session: &impl Session, key: &str) -> Result<Value, String> {
    let value: Option<T> = session.get(key).await?;
    serde_json::to_value(value).map_err(text)
}

async fn write(session: &impl Session, key: &str, value: Value) -> Result<(), String> {
    match key {
        "big" | COUNT => insert::<u64>(session, key, value).await,
        "small" => insert::<i64>(session, key, value).await,
        "ratio" => insert::<f64>(session, key, value).await,
        "text" | USER => insert::<String>(session, key, value).await,
        "nested" => insert::<Nested>(session, key, value).await,
        "flag" => insert::<bool>(session, key, value).await,
        _ => session.insert(key, Value::Null).await,
    }
}

async fn insert<T>(session: &impl Session, key: &str, value: Value) -> Result<(), String>
where
    T: DeserializeOwned + Serialize + Send + Sync,
{
    let value: T = serde_json::from_value(value).map_err(text)?;
    session.insert(key, value).await
}

pub fn text(error: impl Display) -> String {
    error.to_string()
}

impl Session for cloakroom::Session {
    async fn get<T: DeserializeOwned + Send>(&self, key: &str) -> Result<Option<T>, String> {
        self.get(key).map_err(text)
    }

    async fn insert<T: Serialize + Send + Sync>(&self, key: &str, value: T) -> Result<(), String> {
        self.insert(key, value).map_err(text)
    }

    async fn remove(&self, key: &str) -> Result<(), String> {
        let _ = self.remove(key);
        Ok(())
    }

    async fn renew(&self) -> Result<(), String> {
        self.renew();
        Ok(())
    }

    async fn purge(&self) -> Result<(), String> {
        self.purge();
        Ok(())
    }
}
