//! What this machine can do at best: everything else is held against it.

use std::{
    fs::File,
    io::Write as _,
    sync::OnceLock,
    time::{Duration, Instant},
};

use banyan_crypto::{Claim, SecretKey};
use rayon::prelude::*;

use crate::{
    Fault,
    figure::{Figure, Unit},
    machine::{self, CORES},
    sample::Sample,
};

/// Signatures of one batch.
pub(crate) const BATCH: usize = 256;
/// Batches of one round.
const BATCHES: usize = 16;

/// A signed message with its key.
type Signed = ([u8; 32], Vec<u8>, [u8; 64]);

/// How fast signatures can be checked.
pub(crate) fn ed25519() -> Result<Vec<Figure>, Fault> {
    let signed = signatures(BATCH * BATCHES);
    let claims: Vec<_> = signed.iter().map(claim).collect();
    if !verify(&claims, CORES[0]) {
        return Err("a signature made here does not verify".into());
    }
    let single = Sample::timed(10, || claims[..BATCH].iter().all(|claim| banyan_crypto::verify(*claim).is_ok()));
    let mut figures = vec![Figure::rate("ed25519::verify/single", &single, BATCH)];
    for cores in CORES {
        let sample = Sample::timed(10, || verify(&claims, cores));
        let figure = Figure::rate(format!("ed25519::verify/batch={BATCH},cores={cores}"), &sample, claims.len());
        let times = figure.value / figures[0].value;
        figures.push(figure.ratio(times, "ed25519::verify/single"));
    }
    Ok(figures)
}

/// Signatures a second in bare batches on so many cores.
pub(crate) fn batch_rate(cores: usize) -> Result<f64, Fault> {
    let name = format!("ed25519::verify/batch={BATCH},cores={cores}");
    let figure = ed25519()?.into_iter().find(|figure| figure.name == name);
    Ok(figure.ok_or("that number of cores is not measured")?.value)
}

/// Check all claims in batches, on so many cores.
pub(crate) fn verify(claims: &[Claim<'_>], cores: usize) -> bool {
    machine::pool(cores).install(|| claims.par_chunks(BATCH).all(|batch| banyan_crypto::verify_all(batch).is_ok()))
}

fn signatures(count: usize) -> Vec<Signed> {
    let sign = |number: usize| {
        let key = SecretKey::from_seed(banyan_crypto::sha256(&[&number.to_be_bytes()]));
        let message = [&b"banyan_dev"[..], &banyan_crypto::blake2b(&[&number.to_be_bytes()])].concat();
        (key.public(), message.clone(), key.sign(&message))
    };
    (0..count).into_par_iter().map(sign).collect()
}

fn claim((key, message, signature): &Signed) -> Claim<'_> {
    Claim { key, message, signature }
}

/// How fast two nodes become one.
pub(crate) fn sha256() -> Result<Vec<Figure>, Fault> {
    let nodes = [0x5a; 64];
    if node(&nodes) != banyan_crypto::sha256(&[&nodes]) {
        return Err("the bare function is not SHA-256".into());
    }
    Ok(vec![Figure::new("sha256/64B", 1e9 * node_seconds(), Unit::Nanos)])
}

/// SHA-256 of 64 bytes with nothing around it.
fn node(nodes: &[u8; 64]) -> [u8; 32] {
    const PADDING: [u8; 64] = {
        let mut block = [0; 64];
        (block[0], block[62]) = (0x80, 2);
        block
    };
    let mut state =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    sha2::block_api::compress256(&mut state, &[*nodes, PADDING]);
    let mut hash = [0; 32];
    hash.as_chunks_mut().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    hash
}

/// Seconds that hashing two nodes takes on one core, each time with the last hash in it.
pub(crate) fn node_seconds() -> f64 {
    const HASHES: usize = 100_000;
    static SECONDS: OnceLock<f64> = OnceLock::new();
    let chain = || {
        (0..HASHES).fold([0x5a; 64], |mut nodes, _| {
            let hash = node(&nodes);
            nodes[..32].copy_from_slice(&hash);
            nodes
        })
    };
    *SECONDS.get_or_init(|| Sample::timed(20, chain).median() / HASHES as f64)
}

/// What the disk does with a small durable write, and with a long one.
pub(crate) fn disk() -> Result<Vec<Figure>, Fault> {
    let (fsync, bytes) = (fsync()?, write_rate()?);
    Ok(vec![
        Figure::time("disk::fsync/4KiB", fsync, 1, Unit::Micros),
        Figure::new("disk::write/sequential", bytes / f64::from(1 << 20), Unit::MibPerSecond),
    ])
}

/// Append 4 KiB and sync.
pub(crate) fn fsync() -> Result<&'static Sample, Fault> {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    if let Some(sample) = SAMPLE.get() {
        return Ok(sample);
    }
    let folder = machine::folder()?;
    let mut file = File::create(folder.path().join("fsync"))?;
    let mut times = Vec::new();
    let begun = Instant::now();
    while times.len() < 500 && begun.elapsed() < Duration::from_secs(3) {
        let write = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_all()?;
        times.push(write.elapsed());
    }
    Ok(SAMPLE.get_or_init(|| Sample::from_times(times)))
}

/// Bytes a second of a long write with one sync at its end.
pub(crate) fn write_rate() -> Result<f64, Fault> {
    const MIB: usize = 128;
    static RATE: OnceLock<f64> = OnceLock::new();
    if let Some(rate) = RATE.get() {
        return Ok(*rate);
    }
    let folder = machine::folder()?;
    let chunk = vec![0x5a; 1 << 20];
    let mut times = Vec::new();
    for round in 0..4 {
        let mut file = File::create(folder.path().join(format!("write{round}")))?;
        let begun = Instant::now();
        for _ in 0..MIB {
            file.write_all(&chunk)?;
        }
        file.sync_all()?;
        times.push(begun.elapsed());
    }
    let sample = Sample::from_times(times.into_iter().skip(1));
    Ok(*RATE.get_or_init(|| (MIB << 20) as f64 / sample.median()))
}
