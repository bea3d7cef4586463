//! The application as a tower service, called in process.

use std::convert::Infallible;

use bytes::Bytes;
use cloakroom::{FailureResponse, LazySession, SessionLayer};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::App;
use crate::support::app::{Reply, run};

pub fn app<P>(layer: SessionLayer<P>) -> App
where
    P: FailureResponse<Full<Bytes>> + Clone + 'static,
{
    let service = layer.layer(service_fn(handle::<Bytes>));
    App::new("tower", move |request| {
        let service = service.clone();
        Box::pin(async move { collect(service.oneshot(request).await.expect("no error")).await })
    })
}

/// A handler without a framework.
pub async fn handle<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let Some(script) = request.uri().path().strip_prefix("/app/").map(str::to_owned) else {
        return Ok(respond(Reply::plain()));
    };
    let lazy = request.extensions().get::<LazySession>().expect("the layer put it there").clone();
    drop(request);
    match lazy.extract().await {
        Ok(session) => Ok(respond(run(&session, &script).await)),
        Err(failure) => Ok(failure.into_response()),
    }
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value.parse().expect("a header"));
    }
    response
}

pub async fn collect(response: Response<Full<Bytes>>) -> Response<Bytes> {
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.expect("a body").to_bytes())
}
