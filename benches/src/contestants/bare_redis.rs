//! Bare commands through the client that `RedisStore` uses: the lowest possible cost of sessions in Redis.

use std::rc::Rc;

use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use serde_json::{Map, Value};

use super::{Contestant, Framework, Role, Store};
use crate::{
    app::{Answer, App, Call, LocalFuture},
    classes::{COUNTER, Payload, START},
};

/// `GET` to read, `GET` and `SET` to write, `SET` to create, of the whole payload as JSON.
pub const BARE: Contestant = Contestant {
    name: "bare GET, GET + SET, SET",
    framework: Framework::None,
    store: Store::Redis,
    role: Role::Yardstick,
    open: |url| {
        Box::pin(async {
            let client = redis::Client::open(url).unwrap();
            Rc::new(Bare(client.get_multiplexed_async_connection().await.unwrap())) as Rc<dyn App>
        })
    },
};

struct Bare(MultiplexedConnection);

impl App for Bare {
    fn ask<'a>(&'a self, call: &'a Call) -> LocalFuture<'a, Answer> {
        Box::pin(async move {
            self.run(call, 1).await;
            Answer { status: 200, set_cookies: vec![format!("key={}", key(call))], body: String::new() }
        })
    }

    fn run<'a>(&'a self, call: &'a Call, times: u32) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            let key = format!("bare:{}", key(call));
            let payload = if call.path == Payload::Kib.create() { Payload::Kib } else { Payload::Small };
            let made = json(payload);
            for _ in 0..times {
                let mut connection = self.0.clone();
                match call.path {
                    "/read" => drop(connection.get::<_, Vec<u8>>(&key).await.unwrap()),
                    "/write" => {
                        let kept: Vec<u8> = connection.get(&key).await.unwrap();
                        connection.set::<_, _, ()>(&key, kept).await.unwrap();
                    }
                    "/plain" => {}
                    _ => connection.set::<_, _, ()>(&key, &made).await.unwrap(),
                }
            }
        })
    }
}

/// Returns the key of each payload.
fn key(call: &Call) -> &str {
    call.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).map_or(call.path, |(_, key)| key)
}

fn json(payload: Payload) -> String {
    let texts = payload.texts().iter().map(|&(key, text)| (key.to_owned(), Value::from(text)));
    let entries: Map<String, Value> = texts.chain([(COUNTER.to_owned(), Value::from(START))]).collect();
    Value::Object(entries).to_string()
}
