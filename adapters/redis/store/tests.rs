use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::redis::{Cmd, RedisFuture, Value};
use futures_util::FutureExt as _;

use super::{super::own::Sender, *};
use crate::{Credentials, Expected, SecretHash, State, Timestamp, testing::ChangesBuilder};

/// A Redis that answers what it was told to, and keeps what it was sent.
#[derive(Clone, Default)]
struct Told {
    replies: Arc<Mutex<VecDeque<Value>>>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Sender for Told {
    fn send(&self, command: Cmd) -> RedisFuture<'static, Value> {
        self.sent.lock().unwrap().push(String::from_utf8_lossy(&command.get_packed_command()).into_owned());
        let reply = self.replies.lock().unwrap().pop_front().unwrap();
        Box::pin(async { Ok(reply) })
    }
}

fn fields(record: &Record) -> Value {
    Value::Array(vec![Value::BulkString(b"record".to_vec()), Value::BulkString(columns::write(record))])
}

/// Who waited for it has gone away, and what was left for him is old when the next one comes too late: no conflict is answered
/// for it, and nobody's login is taken for undone.
#[tokio::test]
async fn what_nobody_took_is_not_what_redis_has() {
    let (told, id, now) = (Told::default(), SessionId::random(), Timestamp::from_millis(1_700_000_000_000));
    let store = RedisStore::over(told.clone());
    let credentials = Credentials::new(SecretHash::from_bytes([7; 32]));
    let state = |n: &str| -> State { [("n", n)].into_iter().collect() };
    let record = |n: &str, nonce| {
        let state = Record::new(credentials.clone(), state(n), now, now.plus(Duration::from_secs(600)));
        ChangesBuilder::new(now).nonce(nonce).build().apply(&state).unwrap()
    };
    let (old, loaded, found) = (record("old", 1), record("new", 2), record("new", 3));

    let turn = store.link.turns.of(&id).await;
    let mut follower = Box::pin(store.link.turns.of(&id));
    assert!((&mut follower).now_or_never().is_none());
    turn.leave(&id, old);
    drop(follower);

    let done = Value::BulkString(b"done".to_vec());
    *told.replies.lock().unwrap() = [fields(&loaded), fields(&found), done].into();
    let changes = ChangesBuilder::new(now).set_if("n", Expected::Value("new"), "newer").build();
    assert_eq!(store.update(&id, &changes).await.unwrap(), Updated::Done);
    let sent = told.sent.lock().unwrap();
    let of = |command: &str| sent.iter().filter(|sent| sent.contains(command)).count();
    assert_eq!((of("HGETALL"), of("0000000000000002"), of("0000000000000003")), (1, 1, 1), "{sent:?}");
}
