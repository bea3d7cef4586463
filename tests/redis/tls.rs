//! TLS, with an authority made for the test.

use cloakroom::redis::RedisStore;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod};

use crate::redis_support::{SECOND, app::App, server::Server, until};

#[path = "../../examples/fleet/certificate_key.rs"]
mod certificate_key;

use self::certificate_key::CertificateKey;

struct Authority(CertifiedIssuer<'static, CertificateKey>);

fn params(names: Vec<String>, common: &str) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    params.serial_number = Some(rand::random::<u64>().into());
    params.key_identifier_method = KeyIdMethod::PreSpecified(rand::random::<[u8; 20]>().to_vec());
    params
}

impl Authority {
    fn new() -> Self {
        let mut params = params(Vec::new(), "the authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, CertificateKey::new().unwrap()).unwrap())
    }

    /// Returns a certificate and its key, in PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let key = CertificateKey::new().unwrap();
        let certificate = params(vec![name.to_owned()], name).signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    async fn server(&self, name: &str, asks: &str) -> Server {
        let mut server = Server::prepare(&["--port", "0", "--tls-auth-clients", asks]);
        let (certificate, key) = self.issue(name);
        for (file, text) in [("ca.pem", self.pem()), ("server.pem", certificate), ("server.key", key)] {
            std::fs::write(server.dir.join(file), text).unwrap();
        }
        let port = server.port.to_string();
        let options = [
            ["--tls-port", &port],
            ["--tls-ca-cert-file", "ca.pem"],
            ["--tls-cert-file", "server.pem"],
            ["--tls-key-file", "server.key"],
        ];
        server.arguments.extend(options.concat().into_iter().map(str::to_owned));
        server.restart().await;
        server
    }
}

#[tokio::test]
async fn with_roots_of_ones_own() {
    let authority = Authority::new();
    let mut server = authority.server("localhost", "no").await;
    let url = format!("rediss://localhost:{}", server.port);
    let store = RedisStore::builder(&url).root_certificates(authority.pem()).connect().await.unwrap();
    let app = App::new(store);
    let cookie = app.new_session().await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    server.kill();
    assert_eq!(app.get("/count", Some(&cookie)).await.status, 503);
    server.restart().await;
    until("it is back", SECOND, || async { app.get("/count", None).await.status == 200 }).await;
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = authority.server("elsewhere", "no").await;
    let url = format!("rediss://localhost:{}", server.port);
    let stores = [
        RedisStore::builder(&url),
        RedisStore::builder(&url).root_certificates(other.pem()),
        RedisStore::builder(&url).root_certificates(authority.pem()),
        // A server that speaks only TLS does not answer a client without it.
        RedisStore::builder(server.url()),
    ];
    for store in stores {
        let error = store.connect().await.unwrap_err();
        assert!(error.is_unreachable(), "{error:?}");
    }
    let error = RedisStore::builder(url).root_certificates("-----BEGIN CERTIFICATE-----\nx").lazy().unwrap_err();
    assert!(error.is_misconfigured(), "{error:?}");
}

#[tokio::test]
async fn with_a_client_s_certificate() {
    let authority = Authority::new();
    let server = authority.server("localhost", "yes").await;
    let url = format!("rediss://localhost:{}", server.port);
    let without = RedisStore::builder(&url).root_certificates(authority.pem());
    assert!(without.clone().connect().await.unwrap_err().is_unreachable());
    let (certificate, key) = authority.issue("web");
    let store = without.client_certificate(certificate, key).connect().await.unwrap();
    App::new(store).new_session().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite() {
    let authority = Authority::new();
    let server = authority.server("localhost", "no").await;
    let builder = RedisStore::builder(format!("rediss://localhost:{}", server.port)).root_certificates(authority.pem());
    cloakroom::testing::contract(async || builder.clone().connect().await.unwrap()).await;
}
