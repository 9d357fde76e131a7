//! A peer that is none of ours: it speaks the wire by hand, and may say anything at all.
//!
//! It dials, proves a key of its own, and then does what the story says: greets or not, lies, stalls, floods.
//! Calls block; the network runs on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lanspread_protocol::message::{CloseCode, Control, Hello, Offer, Presence, Refusal, Request, Response};
use lanspread_protocol::{ALPN, InstanceId, PeerId, frame};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream, VarInt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::runtime::Runtime;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_mins(1);
/// The address that a stranger dials from, unless the story chooses: a PC of its own, as far as bans go.
const OUTSIDE: &str = "127.0.0.200";

/// Its connection closes when it is dropped.
#[derive(Debug)]
pub struct Stranger {
    runtime: Runtime,
    endpoint: Endpoint,
    connection: Connection,
    control: Option<SendStream>,
    id: PeerId,
}

/// What a request got.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Bytes(Vec<u8>),
    Refused(Refusal),
    /// The stream was reset, or the connection closed.
    Nothing,
}

/// A stranger's behaviour with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Sends these bytes and ends the stream.
    Bytes(Vec<u8>),
    /// Sends these bytes and then nothing, with the stream left open. Without bytes the asker never gets an answer.
    Stall(Vec<u8>),
    /// Sends the first bytes at once and the others at this rate.
    Trickle { first: Vec<u8>, rest: Vec<u8>, bytes_per_sec: u32 },
}

/// How a connection came to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Closed {
    Because(CloseCode),
    /// By a code that this version of the protocol does not know.
    Unknown(u64),
    /// Silence, or an error of QUIC or TLS itself.
    Otherwise(String),
}

impl Stranger {
    /// Connects to a peer and says nothing yet.
    #[track_caller]
    pub fn dial(address: &str) -> Self {
        Self::try_dial(address, ALPN).unwrap_or_else(|error| panic!("dialling {address}: {error}"))
    }

    /// Connects with another protocol's name. Errors are what the other side made of it.
    pub fn try_dial(address: &str, alpn: &[u8]) -> Result<Self, String> {
        let is_ipv4 = address.parse::<SocketAddr>().unwrap().is_ipv4();
        Self::try_dial_from(if is_ipv4 { OUTSIDE } else { "::1" }, address, alpn)
    }

    fn try_dial_from(local: &str, address: &str, alpn: &[u8]) -> Result<Self, String> {
        let local = SocketAddr::new(local.parse().unwrap(), 0);
        let address: SocketAddr = address.parse().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (config, id) = client_config(alpn);
        let connect = async {
            let mut endpoint = Endpoint::client(local).map_err(|error| error.to_string())?;
            endpoint.set_default_client_config(config);
            let connecting = endpoint.connect(address, "lanspread").map_err(|error| error.to_string())?;
            let connected = timeout(DEADLINE, connecting).await.map_err(|error| error.to_string())?;
            Ok((endpoint, connected.map_err(|error| error.to_string())?))
        };
        let connected: Result<_, String> = runtime.block_on(connect);
        let (endpoint, connection) = connected?;
        Ok(Self { runtime, endpoint, connection, control: None, id })
    }

    /// Connects and greets as a peer that has nothing.
    #[track_caller]
    pub fn greeting(address: &str) -> Self {
        Self::offering(address, Vec::new())
    }

    /// Connects, greets and offers games.
    #[track_caller]
    pub fn offering(address: &str, offers: Vec<Offer>) -> Self {
        Self::offering_from(OUTSIDE, address, offers)
    }

    /// Connects from this loopback address and says nothing yet.
    #[track_caller]
    pub fn dial_from(local: &str, address: &str) -> Self {
        let dialled = Self::try_dial_from(local, address, ALPN);
        dialled.unwrap_or_else(|error| panic!("dialling {address}: {error}"))
    }

    /// Connects from this loopback address, greets and offers games.
    #[track_caller]
    pub fn offering_from(local: &str, address: &str, offers: Vec<Offer>) -> Self {
        let mut stranger = Self::dial_from(local, address);
        stranger.say(&stranger.hello());
        stranger.say(&Control::Library { revision: 1, offers });
        stranger
    }

    pub fn hello(&self) -> Control {
        let presence = Presence { name: "stranger".into(), pc: "strange".into(), ..Presence::default() };
        let instance = InstanceId(u64::from_le_bytes(self.id.0[..8].try_into().unwrap()));
        Control::Hello(Hello { instance, program: "0".into(), presence })
    }

    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Sends a message on the control stream, which is opened by the first one.
    #[track_caller]
    pub fn say(&mut self, message: &Control) {
        let bytes = frame::encode(message).unwrap();
        self.say_bytes(&bytes).unwrap_or_else(|error| panic!("saying {message:?}: {error}"));
    }

    /// Sends anything on the control stream. An error is the other side's refusal to listen.
    pub fn say_bytes(&mut self, bytes: &[u8]) -> Result<(), String> {
        let write = async {
            if self.control.is_none() {
                self.control = Some(self.connection.open_uni().await.map_err(|error| error.to_string())?);
            }
            let control = self.control.as_mut().unwrap();
            control.write_all(bytes).await.map_err(|error| error.to_string())
        };
        let written = async { timeout(DEADLINE, write).await };
        self.runtime.block_on(written).unwrap_or_else(|_| Err("the other side does not read".into()))
    }

    /// One request and its whole answer.
    #[track_caller]
    pub fn request(&self, request: &Request) -> Answer {
        self.request_bytes(&frame::encode(request).unwrap())
    }

    /// Sends anything as a request.
    #[track_caller]
    pub fn request_bytes(&self, bytes: &[u8]) -> Answer {
        let exchange = async {
            let (mut send, mut recv) = self.connection.open_bi().await.ok()?;
            send.write_all(bytes).await.ok()?;
            send.finish().ok()?;
            match read_frame::<Response>(&mut recv).await? {
                Response::Refused(refusal) => Some(Answer::Refused(refusal)),
                Response::Ok { bytes } => {
                    let limit = usize::try_from(bytes).unwrap_or(usize::MAX).min(256 << 20);
                    let body = recv.read_to_end(limit).await.ok()?;
                    assert_eq!(body.len() as u64, bytes, "as many bytes as were promised");
                    Some(Answer::Bytes(body))
                }
            }
        };
        let answer = self.runtime.block_on(async { timeout(DEADLINE, exchange).await });
        answer.expect("every request is answered or reset in time").unwrap_or(Answer::Nothing)
    }

    /// Sends anything as a request and returns all that comes back on its stream; `None` after a reset.
    #[track_caller]
    pub fn exchange(&self, request: &[u8]) -> Option<Vec<u8>> {
        let exchange = async {
            let (mut send, mut recv) = self.connection.open_bi().await.ok()?;
            send.write_all(request).await.ok()?;
            send.finish().ok()?;
            recv.read_to_end(256 << 20).await.ok()
        };
        let answer = self.runtime.block_on(async { timeout(DEADLINE, exchange).await });
        answer.expect("every request is answered or reset in time")
    }

    /// Opens requests, as many as the other side lets it, and reads no answer.
    pub fn request_and_ignore(&self, request: &Request, count: usize) -> Vec<(SendStream, RecvStream)> {
        let bytes = frame::encode(request).unwrap();
        let mut open = Vec::new();
        self.runtime.block_on(async {
            for _ in 0..count {
                // The other side's limit of streams shows as an opening that waits.
                let opening = timeout(Duration::from_millis(200), self.connection.open_bi()).await;
                let Ok(Ok((mut send, recv))) = opening else { break };
                if send.write_all(&bytes).await.is_err() {
                    break;
                }
                open.push((send, recv));
            }
        });
        open
    }

    /// Answers each request by raw bytes, from now on; `None` leaves the asker waiting for ever.
    pub fn answers(&self, answer: impl Fn(&Request) -> Option<Vec<u8>> + Send + Sync + 'static) {
        self.replies(move |request| answer(request).map_or(Reply::Stall(Vec::new()), Reply::Bytes));
    }

    /// Treats each request as the story says, from now on.
    pub fn replies(&self, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        self.replies_to_frames(move |frame| {
            let request = frame::decode::<Request>(frame).ok().flatten();
            request.as_ref().map_or(Reply::Stall(Vec::new()), &reply)
        });
    }

    /// Treats the payload of each request's frame as the story says, from now on.
    pub fn replies_to_frames(&self, reply: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) {
        let connection = self.connection.clone();
        self.runtime.spawn(async move {
            while let Ok((send, mut recv)) = connection.accept_bi().await {
                let Some(request) = read_payload(&mut recv).await else { continue };
                tokio::spawn(carry_out(reply(&request), send, recv));
            }
        });
    }

    /// Hands over the payload of each frame that comes on the other side's control stream, from now on.
    pub fn hears_frames(&self, mut hear: impl FnMut(Vec<u8>) + Send + 'static) {
        let connection = self.connection.clone();
        self.runtime.spawn(async move {
            let Ok(mut control) = connection.accept_uni().await else { return };
            while let Some(payload) = read_payload(&mut control).await {
                hear(payload);
            }
        });
    }

    /// Awaits that the other side closes the connection.
    #[track_caller]
    pub fn closed(&self) -> Closed {
        let closed = self.runtime.block_on(async { timeout(DEADLINE, self.connection.closed()).await });
        let reason = closed.expect("the other side closes the connection");
        let ConnectionError::ApplicationClosed(close) = &reason else {
            return Closed::Otherwise(reason.to_string());
        };
        let code = close.error_code.into_inner();
        CloseCode::from_code(code).map_or(Closed::Unknown(code), Closed::Because)
    }

    pub fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.connection.close(VarInt::from_u32(CloseCode::Goodbye.code()), b"");
        self.runtime
            .block_on(async { drop(timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await) });
    }
}

/// The asker may go or give the request up at any time: that is its right.
async fn carry_out(reply: Reply, mut send: SendStream, recv: RecvStream) {
    let (first, rest, bytes_per_sec) = match reply {
        Reply::Bytes(bytes) => (bytes, Vec::new(), 1),
        Reply::Trickle { first, rest, bytes_per_sec } => (first, rest, bytes_per_sec),
        Reply::Stall(bytes) => {
            drop(send.write_all(&bytes).await);
            // Dropped, the stream would end or be reset.
            drop(send.stopped().await);
            return drop(recv);
        }
    };
    let mut pace = tokio::time::interval(Duration::from_secs(1) / bytes_per_sec);
    if send.write_all(&first).await.is_err() {
        return;
    }
    for byte in rest {
        pace.tick().await;
        if send.write_all(&[byte]).await.is_err() {
            return;
        }
    }
    drop(send.finish());
    drop(send.stopped().await);
}

async fn read_frame<M: frame::Message>(recv: &mut RecvStream) -> Option<M> {
    frame::decode(&read_payload(recv).await?).ok()?
}

async fn read_payload(recv: &mut RecvStream) -> Option<Vec<u8>> {
    let mut header = [0; frame::FRAME_HEADER_BYTES];
    recv.read_exact(&mut header).await.ok()?;
    let mut payload = vec![0; frame::payload_length(header).ok()?];
    recv.read_exact(&mut payload).await.ok()?;
    Some(payload)
}

fn client_config(alpn: &[u8]) -> (quinn::ClientConfig, PeerId) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["lanspread".into()]).unwrap().self_signed(&key).unwrap();
    let id = PeerId(key.public_key_raw().try_into().unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_client_auth_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    tls.alpn_protocols = vec![alpn.to_vec()];
    (quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap())), id)
}

/// A stranger does not mind whom it talks to.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
