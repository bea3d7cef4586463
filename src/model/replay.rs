//! Runs a request through the real layer, its handler and its commit, with the replies so far.

use std::{
    cell::RefCell,
    collections::HashMap,
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response, StatusCode, header};
use tokio::{runtime::Runtime, task::yield_now};
use tower_layer::Layer as _;
use tower_service::Service;

use super::{
    does::Does,
    kept::Cookie,
    request::{Answer, DeviceValues, Next, Options, Progress, Run, SetCookie},
    tape::TapeStore,
};
use crate::{
    Event, LazySession, Lifetime, OnStoreError, Owners, SessionLayer,
    store::{Timestamp, dice},
};

/// A run and its result, with a fingerprint by which it is hashed.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) run: Arc<Run>,
    pub(super) progress: Arc<Progress>,
    fingerprint: u64,
}

impl Step {
    /// Runs the real layer, its handler and its commit again with the replies so far, up to the next call.
    ///
    /// A future cannot be cloned, so a state of the model holds the replies that decide the future's state.
    pub(super) fn of(run: Run) -> Self {
        thread_local! {
            static KNOWN: RefCell<HashMap<u64, Vec<Step>>> = RefCell::default();
        }
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        let fingerprint = hasher.finish();
        let known = KNOWN.with_borrow(|known| known.get(&fingerprint)?.iter().find(|step| *step.run == run).cloned());
        known.unwrap_or_else(|| {
            let progress = Arc::new(dice::with(run.number, || replay(&run)));
            let step = Self { run: Arc::new(run), progress, fingerprint };
            KNOWN.with_borrow_mut(|known| known.entry(fingerprint).or_default().push(step.clone()));
            step
        })
    }

    pub(super) fn next(&self) -> &Next {
        &self.progress.next
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run) || self.run == other.run
    }
}

impl Eq for Step {}

impl Hash for Step {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

fn replay(run: &Run) -> Progress {
    let tape = TapeStore::of(run);
    let layer = layer(run, &tape);
    let mut request = Request::new(());
    let token = run.cookie.as_ref().map(|cookie| format!("__Host-Http-id={}", cookie.as_str()));
    let proof = run.values.proof.as_ref().map(|proof| format!("__Host-id-proof={proof}"));
    let cookies: Vec<String> = token.into_iter().chain(proof).collect();
    if !cookies.is_empty() {
        request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
    }
    let owners = layer.owners().unwrap();
    let Run { does, number, options, .. } = *run;
    let handler = Handler { does, number, options, owners, tape: tape.clone() };
    #[cfg(feature = "device-bound")]
    if options.devices {
        super::device::post(run, &mut request);
        let layer = layer.device_bound(crate::device::DeviceBound::builder().build().unwrap()).unwrap();
        return drive(does, layer.layer(handler), request, &tape);
    }
    drive(does, layer.layer(handler), request, &tape)
}

fn drive<S>(does: Does, mut service: S, request: Request<()>, tape: &TapeStore) -> Progress
where
    S: Service<Request<()>, Response = Response<String>, Error = Infallible>,
{
    let mut response = Box::pin(service.call(request));
    let answer = run_tasks(tape, response.as_mut());
    // It is dropped outside of the runtime, so no task goes on.
    drop(response);
    let next = match answer {
        Some(Ok(response)) => Next::Answer(answer_of(does, &response)),
        None => Next::Call(tape.call().expect("it waits for nothing but the store")),
    };
    tape.progress(next)
}

/// Polls the response and the queue's tasks until they wait for the store.
fn run_tasks<F: Future + ?Sized>(tape: &TapeStore, mut response: Pin<&mut F>) -> Option<F::Output> {
    thread_local! {
        static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    let build = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    RUNTIME.with_borrow_mut(|place| {
        let runtime = place.get_or_insert_with(build);
        let answer = runtime.block_on(async {
            for _ in 0..64 {
                if let Poll::Ready(answer) = response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    return Some(answer);
                }
                if tape.is_asked() {
                    break;
                }
                yield_now().await;
            }
            None
        });
        // A task that is left over would wait for ever.
        if runtime.metrics().num_alive_tasks() > 0 {
            *place = None;
        }
        answer
    })
}

fn layer(run: &Run, tape: &TapeStore) -> SessionLayer {
    let options = run.options;
    #[cfg(feature = "device-bound")]
    let logs_in = run.does.logs_in();
    let always = Lifetime::builder().idle(Duration::from_secs(60 * 60)).extend_on_use(1.0).build().unwrap();
    let (clock, events, is_anonymous) = (tape.clone(), tape.clone(), options.anonymous);
    let mut layer = SessionLayer::new(tape.clone())
        .lifetime(always)
        .on_store_error(if options.anonymous { OnStoreError::Anonymous } else { OnStoreError::Fail })
        .clock(move || clock.now().into())
        .on_event(move |event| match event {
            Event::SupersededWriteDropped { .. } | Event::GoneWriteDropped { .. } => events.dropped(),
            #[cfg(feature = "device-bound")]
            Event::Rejected { reason: crate::Rejection::Unproven, .. } => events.unproven(logs_in),
            // The session is read-only in this case.
            Event::StoreFailed { .. } if is_anonymous => events.dropped(),
            _ => {}
        });
    if options.owner_key {
        layer = layer.owner_key("user");
    }
    if options.epochs {
        let epochs = tape.clone();
        layer = layer.owner_valid_from(move |owner| {
            let epochs = epochs.clone();
            async move { epochs.epoch(owner).await.map(|epoch| epoch.map(Timestamp::into)) }
        });
    }
    layer
}

fn answer_of(does: Does, response: &Response<String>) -> Answer {
    let mut values = DeviceValues::default();
    let mut cookie = SetCookie::Nothing;
    for line in response.headers().get_all(header::SET_COOKIE) {
        let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
        let value = rest.split(';').next().unwrap();
        if name == "__Host-id-proof" {
            values.proof = Some(value.into());
            continue;
        }
        assert_eq!(cookie, SetCookie::Nothing, "one session, one cookie");
        cookie = if value.is_empty() { SetCookie::Remove } else { SetCookie::Set(Cookie::new(value)) };
    }
    #[cfg(feature = "device-bound")]
    {
        values.challenge = super::device::challenge(response.headers());
    }
    // A device that is asked for a signature, or refused, is answered.
    let is_ok = response.status() == StatusCode::OK || (does.is_of_device() && !response.status().is_server_error());
    Answer { is_ok, cookie, values }
}

struct Handler {
    does: Does,
    number: u8,
    options: Options,
    owners: Owners,
    tape: TapeStore,
}

impl Service<Request<()>> for Handler {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let Self { does, number, options, .. } = *self;
        let (owners, tape) = (self.owners.clone(), self.tape.clone());
        Box::pin(async move {
            let is_ok = if does == Does::Everywhere {
                Does::end_everywhere(options, &owners, &tape).await
            } else {
                match request.extensions().get::<LazySession>().unwrap().load().await {
                    Ok(session) => {
                        tape.opened(&session);
                        tape.look(&session);
                        does.run(number, options, &session, &tape).await;
                        true
                    }
                    Err(_) => false,
                }
            };
            let mut response = Response::new(String::new());
            if !is_ok {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            Ok(response)
        })
    }
}
