//! smoke
use cloakroom::{LazySession, MemoryStore, Session, SessionLayer};
use http::{Request, Response, header};
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn tower_counts() {
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    let mut svc = layer.layer(service_fn(|req: Request<String>| async move {
        let s = req.extensions().get::<LazySession>().unwrap().load().await.unwrap();
        s.update_or("n", 1, |n: i32| n + 1).unwrap();
        Ok::<_, std::convert::Infallible>(Response::new(s.get::<i32>("n").unwrap().unwrap().to_string()))
    }));
    let res = svc.ready().await.unwrap().call(Request::new(String::new())).await.unwrap();
    println!("{res:?}");
    let cookie = res.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    for n in 2..5 {
        let res = svc
            .ready()
            .await
            .unwrap()
            .call(Request::builder().header("cookie", &cookie).body(String::new()).unwrap())
            .await
            .unwrap();
        assert_eq!(res.body(), &n.to_string());
        assert!(!res.headers().contains_key("set-cookie"));
    }
}

#[actix_web::test]
async fn actix_counts() {
    use actix_web::{App, test, web};
    use cloakroom::actix_web::{SessionExt, SessionMiddleware};
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    for lazy in [false, true] {
        let mw = SessionMiddleware::from(layer.clone());
        let mw = if lazy { mw.lazy() } else { mw };
        let app = test::init_service(
            App::new()
                .wrap(mw)
                .route(
                    "/",
                    web::get().to(|s: Session| async move {
                        s.update_or("n", 1, |n: i32| n + 1)?;
                        s.renew();
                        Ok::<_, actix_web::Error>(s.get::<i32>("n")?.unwrap().to_string())
                    }),
                )
                .route(
                    "/err",
                    web::get().to(|req: actix_web::HttpRequest| async move {
                        req.get_session().purge();
                        Err::<String, _>(actix_web::error::ErrorImATeapot("no"))
                    }),
                ),
        )
        .await;
        let res = test::call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
        println!("{res:?}");
        let cookie = res.headers().get("set-cookie").unwrap().to_str().unwrap().split(';').next().unwrap().to_owned();
        let res = test::call_service(
            &app,
            test::TestRequest::get().uri("/").insert_header(("cookie", cookie.clone())).to_request(),
        )
        .await;
        println!("{res:?}");
        let cookie = res.headers().get("set-cookie").unwrap().to_str().unwrap().split(';').next().unwrap().to_owned();
        let res = test::call_service(
            &app,
            test::TestRequest::get().uri("/err").insert_header(("cookie", cookie.clone())).to_request(),
        )
        .await;
        println!("{res:?}");
    }
}
