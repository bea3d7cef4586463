//! A gate at which calls wait for the test.

use std::{fmt, sync::Arc};

use tokio::sync::Semaphore;

/// Holds calls until the test lets them pass. [`Rule::waits`](super::Rule::waits) and
/// [`Rule::answers_late`](super::Rule::answers_late) return it. It works in any runtime.
///
/// It opens when it is dropped, so that a failing test does not hang.
#[must_use = "a gate opens when it is dropped"]
pub struct Gate {
    posts: Posts,
}

#[derive(Clone)]
pub(super) struct Posts {
    /// Has a permit for each call that arrived and was not yet reported by [`Gate::reached`].
    came: Arc<Semaphore>,
    /// Has a permit for each call that may pass. It is closed when all may pass.
    may_go: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new() -> (Self, Posts) {
        let posts = Posts { came: Arc::new(Semaphore::new(0)), may_go: Arc::new(Semaphore::new(0)) };
        (Self { posts: posts.clone() }, posts)
    }

    /// Waits until a call arrives at the gate. Each time, waits for one more call.
    pub async fn reached(&self) {
        if let Ok(permit) = self.posts.came.acquire().await {
            permit.forget();
        }
    }

    /// Lets one call pass.
    pub fn let_one_go(&self) {
        self.posts.may_go.add_permits(1);
    }

    /// Lets all calls pass, now and later.
    pub fn open(&self) {
        self.posts.may_go.close();
    }
}

impl Posts {
    pub(super) async fn wait(&self) {
        self.came.add_permits(1);
        if let Ok(permit) = self.may_go.acquire().await {
            permit.forget();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("is_open", &self.posts.may_go.is_closed()).finish_non_exhaustive()
    }
}
