//! What nobody can be faster than, measured in the same run: the disk, and a bare QUIC stream on loopback.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use lanspread_tests::{GIB, MIB};
use quinn::{AckFrequencyConfig, ClientConfig, Endpoint, ServerConfig, TransportConfig, VarInt};
use rustls::pki_types::PrivatePkcs8KeyDer;

pub(crate) fn mb_per_sec(bytes: u64, secs: f64) -> f64 {
    bytes as f64 / 1e6 / secs
}

/// MB/s of writing a file of 1 GiB and flushing it, in this folder.
pub(crate) fn disk_write(folder: &Path) -> f64 {
    let path = folder.join("disk-write");
    let piece: Vec<u8> = blake3::hash(b"piece").as_bytes().repeat(MIB as usize / 32);
    let start = Instant::now();
    let mut file = File::create(&path).unwrap();
    for _ in 0..GIB / MIB {
        file.write_all(&piece).unwrap();
    }
    file.sync_all().unwrap();
    let rate = mb_per_sec(GIB, start.elapsed().as_secs_f64());
    std::fs::remove_file(path).unwrap();
    rate
}

/// MB/s of writing these files, each by its own name into folders of a few hundred, and flushing them all: what small
/// files cost the filesystem.
pub(crate) fn small_writes(folder: &Path, sizes: &[u64]) -> f64 {
    let root = folder.join("small-writes");
    let piece = vec![7; sizes.iter().max().map_or(0, |largest| *largest as usize)];
    let start = Instant::now();
    for (nth, size) in sizes.iter().enumerate() {
        let folder = root.join((nth / 200).to_string());
        if nth % 200 == 0 {
            std::fs::create_dir_all(&folder).unwrap();
        }
        std::fs::write(folder.join(nth.to_string()), &piece[..*size as usize]).unwrap();
    }
    let flush = std::process::Command::new("sync").arg("-f").arg(&root).status();
    assert!(flush.is_ok_and(|status| status.success()), "sync -f does not work here");
    let rate = mb_per_sec(sizes.iter().sum(), start.elapsed().as_secs_f64());
    std::fs::remove_dir_all(root).unwrap();
    rate
}

/// MB/s of one bare quinn stream on loopback: 2 GiB out of memory into nothing, tuned as well as is known for packets
/// of Ethernet's size.
pub(crate) fn bare_quinn() -> f64 {
    const BYTES: u64 = 2 * GIB;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["bench".into()]).unwrap().self_signed(&key).unwrap();
    let chain = vec![certificate.der().clone()];
    let mut server_config =
        ServerConfig::with_single_cert(chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into()).unwrap();
    server_config.transport_config(transport());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let mut client_config = ClientConfig::with_root_certificates(Arc::new(roots)).unwrap();
    client_config.transport_config(transport());

    // Two runtimes, as two programs have.
    let (address_to, address_from) = std::sync::mpsc::sync_channel::<SocketAddr>(1);
    let serving = std::thread::Builder::new()
        .name("bare-quinn-source".into())
        .spawn(move || {
            runtime().block_on(async move {
                let endpoint = Endpoint::server(server_config, "127.0.0.1:0".parse().unwrap()).unwrap();
                address_to.send(endpoint.local_addr().unwrap()).unwrap();
                let connection = endpoint.accept().await.unwrap().await.unwrap();
                let mut stream = connection.open_uni().await.unwrap();
                let piece = bytes::Bytes::from(vec![7; MIB as usize]);
                for _ in 0..BYTES / MIB {
                    stream.write_chunk(piece.clone()).await.unwrap();
                }
                stream.finish().unwrap();
                connection.closed().await;
            });
        })
        .unwrap();
    let address = address_from.recv().unwrap();
    let secs = runtime().block_on(async move {
        let mut endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        endpoint.set_default_client_config(client_config);
        let connection = endpoint.connect(address, "bench").unwrap().await.unwrap();
        let mut stream = connection.accept_uni().await.unwrap();
        let start = Instant::now();
        let mut received = 0;
        while let Some(chunk) = stream.read_chunk(MIB as usize, false).await.unwrap() {
            received += chunk.bytes.len() as u64;
        }
        assert_eq!(received, BYTES);
        let secs = start.elapsed().as_secs_f64();
        connection.close(VarInt::from_u32(0), b"");
        endpoint.wait_idle().await;
        secs
    });
    serving.join().unwrap();
    mb_per_sec(BYTES, secs)
}

fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport.ack_frequency_config(Some(AckFrequencyConfig::default()));
    transport.initial_mtu(1452);
    transport.stream_receive_window(VarInt::from_u32(16 << 20));
    transport.receive_window(VarInt::from_u32(64 << 20));
    transport.send_window(64 << 20);
    Arc::new(transport)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}
