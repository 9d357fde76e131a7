//! TLS 1.3 in which only the key counts.
//!
//! Both sides present a self-signed certificate of their Ed25519 key; the key is the [`PeerId`]. Names and dates are
//! ignored (clocks at parties are wrong), the handshake's signature is verified: who presents a key has it. A dial may
//! expect a key; any other ends the handshake. Sessions are never resumed and no data is sent early: every connection
//! proves its key anew.

use std::sync::{Arc, OnceLock};

use lanspread_protocol::{ALPN, PeerId};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, PeerIncompatible, SignatureScheme,
};
use thiserror::Error;

use crate::identity::Identity;

/// The name asked for in the handshake. It identifies nothing and is the same for all.
pub(crate) const SERVER_NAME: &str = "lanspread";

/// An Ed25519 secret key in PKCS #8 (RFC 8410) is these bytes and the key.
const PKCS8_PREFIX: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// An Ed25519 public key as subject public key info (RFC 8410) is these bytes and the key.
const SPKI_PREFIX: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// Why this peer's own certificate or configuration cannot be made.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("cannot make a certificate of this PC's key: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot configure TLS: {0}")]
    Config(#[from] rustls::Error),
    #[error("cannot configure QUIC's encryption: {0}")]
    Quic(#[from] quinn::crypto::rustls::NoInitialCipherSuite),
}

/// The key of the other side is not the one that the dial expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected the peer {expected}, found {found}")]
struct WrongPeer {
    expected: PeerId,
    found: PeerId,
}

/// This peer's certificate and the settings made of it.
#[derive(Debug)]
pub(crate) struct Tls {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    provider: Arc<CryptoProvider>,
}

/// Which key the other side of a dial showed, told even if the handshake failed because of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenPeer(Arc<OnceLock<PeerId>>);

impl SeenPeer {
    pub(crate) fn get(&self) -> Option<PeerId> {
        self.0.get().copied()
    }
}

impl Tls {
    pub(crate) fn new(identity: &Identity) -> Result<Self, TlsError> {
        let key = PrivatePkcs8KeyDer::from([&PKCS8_PREFIX[..], &identity.secret_bytes()].concat());
        let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_ED25519)?;
        let certificate = rcgen::CertificateParams::new(vec![SERVER_NAME.to_owned()])?.self_signed(&pair)?;
        Ok(Self { certificate: certificate.der().clone(), key, provider: Arc::new(provider()) })
    }

    /// What listening endpoints use.
    pub(crate) fn server(&self) -> Result<QuicServerConfig, TlsError> {
        Ok(self.rustls_server()?.try_into()?)
    }

    fn rustls_server(&self) -> Result<rustls::ServerConfig, TlsError> {
        let verifier = Arc::new(KeyVerifier::new(&self.provider, None));
        let mut config = rustls::ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.certificate.clone()], PrivateKeyDer::Pkcs8(self.key.clone_key()))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// What one dial uses.
    pub(crate) fn client(&self, expect: Option<PeerId>) -> Result<(QuicClientConfig, SeenPeer), TlsError> {
        let verifier = KeyVerifier::new(&self.provider, expect);
        let seen = verifier.seen.clone();
        Ok((self.rustls_client(verifier)?.try_into()?, seen))
    }

    fn rustls_client(&self, verifier: KeyVerifier) -> Result<rustls::ClientConfig, TlsError> {
        let mut config = rustls::ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(
                vec![self.certificate.clone()],
                PrivateKeyDer::Pkcs8(self.key.clone_key()),
            )?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(config)
    }
}

/// ring, with AES-128 first: the fastest wherever the processor has AES, and every gaming PC has.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites = vec![
        ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
        ring::cipher_suite::TLS13_AES_256_GCM_SHA384,
        ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    provider
}

/// The key that the other side of a connection proved.
pub(crate) fn peer_of(connection: &quinn::Connection) -> Option<PeerId> {
    let certificates = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    peer_of_certificate(certificates.first()?).ok()
}

fn peer_of_certificate(certificate: &CertificateDer<'_>) -> Result<PeerId, rustls::Error> {
    let info = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    let key = info.strip_prefix(&SPKI_PREFIX).and_then(|key| key.try_into().ok());
    key.map(PeerId).ok_or_else(|| CertificateError::BadEncoding.into())
}

#[derive(Debug)]
struct KeyVerifier {
    provider: Arc<CryptoProvider>,
    expect: Option<PeerId>,
    seen: SeenPeer,
}

impl KeyVerifier {
    fn new(provider: &Arc<CryptoProvider>, expect: Option<PeerId>) -> Self {
        Self { provider: provider.clone(), expect, seen: SeenPeer::default() }
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let found = peer_of_certificate(certificate)?;
        match self.expect {
            Some(expected) if expected != found => {
                // The lock is fresh for each dial, so only the first key is kept, and there is only one.
                self.seen.0.get_or_init(|| found);
                let wrong = OtherError(Arc::new(WrongPeer { expected, found }));
                Err(CertificateError::Other(wrong).into())
            }
            _ => Ok(()),
        }
    }
}

/// How a handshake's signature is verified: the same for those who dial and those who are dialled, in two traits.
macro_rules! verifies_signatures {
    () => {
        /// TLS 1.2 is not among the configured versions, so that this is never asked.
        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Err(PeerIncompatible::Tls12NotOffered.into())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            verify_tls13_signature(message, cert, dss, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }
    };
}

impl ServerCertVerifier for KeyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    verifies_signatures!();
}

impl ClientCertVerifier for KeyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    verifies_signatures!();
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rustls::client::ResolvesClientCert;
    use rustls::sign::CertifiedKey;

    /// What a dial of another major version uses.
    pub(in crate::net) fn client_with_alpn(identity: &Identity, alpn: &[u8]) -> QuicClientConfig {
        let tls = Tls::new(identity).unwrap();
        let mut config = tls.rustls_client(KeyVerifier::new(&tls.provider, None)).unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        config.try_into().unwrap()
    }

    /// What a listener of another major version uses.
    pub(in crate::net) fn server_with_alpn(identity: &Identity, alpn: &[u8]) -> QuicServerConfig {
        let mut config = Tls::new(identity).unwrap().rustls_server().unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        config.try_into().unwrap()
    }

    #[derive(Debug)]
    struct Thief(Arc<CertifiedKey>);

    impl ResolvesClientCert for Thief {
        fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }

        fn has_certs(&self) -> bool {
            true
        }
    }

    /// A dial that shows `victim`'s certificate but has only `thief`'s key.
    pub(in crate::net) fn client_with_stolen_certificate(
        thief: &Identity,
        victim: &Identity,
    ) -> QuicClientConfig {
        let (thief, victim) = (Tls::new(thief).unwrap(), Tls::new(victim).unwrap());
        let key = ring::sign::any_eddsa_type(&thief.key).unwrap();
        let mut config = thief.rustls_client(KeyVerifier::new(&thief.provider, None)).unwrap();
        let stolen = CertifiedKey::new(vec![victim.certificate], key);
        config.client_auth_cert_resolver = Arc::new(Thief(Arc::new(stolen)));
        config.try_into().unwrap()
    }

    #[test]
    fn a_certificate_names_its_key() {
        let identity = Identity::ephemeral();
        let tls = Tls::new(&identity).unwrap();
        assert_eq!(peer_of_certificate(&tls.certificate).unwrap(), identity.peer_id());
        assert!(peer_of_certificate(&CertificateDer::from(vec![1, 2, 3])).is_err());
        let other_kind = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap();
        assert!(peer_of_certificate(other_kind.cert.der()).is_err());
    }
}
