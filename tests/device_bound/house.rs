//! The application on each framework, over a store that counts.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cloakroom::{
    Event, MemoryStore, SessionLayer,
    device_bound::{DeviceBound, DeviceBoundBuilder, DevicePolicy},
    testing::{FaultStore, TestClock},
};

use crate::support::{App, drivers};

pub(crate) const LIFETIME: Duration = Duration::from_secs(600);

/// A layer on every framework, and the record of its events and of its store's calls.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) layer: SessionLayer<DevicePolicy>,
    pub(crate) store: FaultStore<MemoryStore>,
    pub(crate) clock: TestClock,
    events: Arc<Mutex<Vec<String>>>,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(DeviceBound::builder())
    }

    pub(crate) fn with(options: DeviceBoundBuilder) -> Self {
        let (store, clock, events) = (FaultStore::new(MemoryStore::new()), TestClock::new(), Arc::default());
        let written: Arc<Mutex<Vec<String>>> = Arc::clone(&events);
        let layer = SessionLayer::new(store.clone())
            .clock(clock.clone())
            .on_event(move |event: &Event<'_>| {
                let name = format!("{event:?}").split([' ', '{']).next().unwrap_or_default().to_owned();
                let name = if format!("{event:?}").contains("Unproven") { "Unproven".to_owned() } else { name };
                written.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            })
            .device_bound(options.build().unwrap())
            .unwrap();
        Self { layer, store, clock, events }
    }

    /// One framework after the other, each on this layer: they share the sessions.
    pub(crate) async fn apps(&self) -> Vec<App> {
        vec![
            drivers::tower::app(self.layer.clone()),
            drivers::hyper::app(self.layer.clone()).await,
            drivers::axum::app(self.layer.clone()),
            drivers::actix::app(self.layer.clone(), false).await,
            drivers::actix::app(self.layer.clone(), true).await,
        ]
    }

    /// The application as a tower service, where the framework makes no difference.
    pub(crate) fn app(&self) -> App {
        drivers::tower::app(self.layer.clone())
    }

    pub(crate) fn take_events(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The calls since the last time, loads for `valid_from` and the like included.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        self.store
            .take_calls()
            .iter()
            .map(|call| format!("{call:?}").split(' ').next().unwrap_or_default().to_owned())
            .collect()
    }
}
