//! One list of scenarios over tower, hyper, Axum and Actix Web: the requests, the responses and the store's calls.

use cloakroom::{
    MemoryStore, SessionLayer,
    testing::{FaultStore, TestClock},
};

use crate::support::{Browser, Sent::Nothing, drivers::every, scenarios::SCENARIOS};

#[tokio::test]
async fn every_framework_answers_and_costs_the_same() {
    for (scenario, steps) in SCENARIOS {
        let fresh = || {
            let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
            (SessionLayer::new(store.clone()).clock(clock.clone()), (store, clock))
        };
        for (app, (store, clock)) in every(fresh).await {
            let browsers = [Browser::new(), Browser::new()];
            for step in *steps {
                clock.advance(step.after);
                store.take_calls();
                let page = browsers[step.browser].get(&app, step.path).await;
                let at = format!("{scenario}, {}, {}: {page:?}", app.name, step.path);
                assert_eq!(page.status.as_u16(), step.status, "{at}");
                assert_eq!(page.body, step.body, "{at}");
                assert_eq!(page.sent(), step.sent, "{at}");
                let expected = step.eager.filter(|_| app.is_eager).unwrap_or(step.calls);
                assert_eq!(store.take_calls(), expected, "{at}");
                assert_eq!(page.headers.contains_key("vary"), step.path != "/plain", "used, not merely loaded: {at}");
                let caching = (step.sent != Nothing).then_some("no-store");
                let found = page.headers.get("cache-control").map(|value| value.to_str().expect("text"));
                assert_eq!(found, caching, "{at}");
            }
        }
    }
}
