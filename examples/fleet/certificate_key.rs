//! The key of a certificate, in Rust alone: those of `rcgen` need a C compiler.

use std::error::Error;

use p256::ecdsa::{DerSignature, SigningKey, signature::Signer as _};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};

/// A key on P-256.
pub(crate) struct CertificateKey {
    pub(crate) key: SigningKey,
    public: Box<[u8]>,
}

impl CertificateKey {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let key = SigningKey::from_slice(&rand::random::<[u8; 32]>())?;
        Ok(Self { public: key.verifying_key().to_sec1_point(false).as_bytes().into(), key })
    }
}

impl PublicKeyData for CertificateKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for CertificateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: DerSignature = self.key.sign(message);
        Ok(signature.as_bytes().to_vec())
    }
}
