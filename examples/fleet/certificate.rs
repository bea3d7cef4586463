//! A certificate that lives as long as the program.

use std::{error::Error, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p256::pkcs8::EncodePrivateKey as _;
use rcgen::{CertificateParams, KeyIdMethod, PublicKeyData as _};
use sha2::{Digest as _, Sha256};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

#[path = "certificate_key.rs"]
mod certificate_key;

use self::certificate_key::CertificateKey;

/// A self-signed certificate, ready to accept connections.
pub(crate) struct Certificate {
    pub(crate) acceptor: TlsAcceptor,
    /// The SHA-256 of its key in base64, with which Chromium can be told to trust it.
    pub(crate) key_hash: String,
}

impl Certificate {
    /// Makes a certificate of this host: a name or an address.
    pub(crate) fn new(host: &str) -> Result<Self, Box<dyn Error>> {
        let key = CertificateKey::new()?;
        let key_hash = STANDARD.encode(Sha256::digest(key.subject_public_key_info()));
        let mut params = CertificateParams::new([host.to_owned()])?;
        params.serial_number = Some(rand::random::<u64>().into());
        params.key_identifier_method = KeyIdMethod::PreSpecified(rand::random::<[u8; 20]>().to_vec());
        let certificate = params.self_signed(&key)?;
        let key = PrivateKeyDer::try_from(key.key.to_pkcs8_der()?.as_bytes().to_vec())?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), key_hash })
    }
}
