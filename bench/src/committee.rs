//! A committee of four validators: how soon a payment is final, how many a second become final, and what happens when
//! validators die. Rotation shares what is alike.

use std::time::{Duration, Instant};

use banyan_crypto::SecretKey;
use banyan_types::AccountId;
use rayon::prelude::*;

use crate::{
    Fault,
    council::{BATCH, Council, Engine, VALIDATORS, height, held, intervals, key, median, submit, wait},
    figure::{Figure, Unit},
    limit,
    world::spend,
};

/// Spends of each sender that are sent as fast as they are taken.
const ROUNDS: u64 = 20;
/// Payments that are sent one after the other, each when the one before is final.
pub(crate) const SINGLES: u64 = 60;
/// Transactions that were sent and are not final, at most.
const WAITING_MAX: u64 = 8_000;
/// How long one validator is away while payments go on, and how long two are.
const AWAY: Duration = Duration::from_secs(15);

/// Everything, one after the other, on one council.
pub(crate) fn committee() -> Result<Vec<Figure>, Fault> {
    let (mut council, keys) = Council::start(Engine::Committee)?;
    let mut figures = singles(&council, &keys[0])?;
    figures.push(sustained(&council, "committee", &keys[1..])?.at_least(3_000.0));
    figures.extend(deaths(&mut council, &keys[0])?);
    council.stop();
    Ok(figures)
}

/// One payment after the other: from the submit until another validator holds it for final.
fn singles(council: &Council, from: &SecretKey) -> Result<Vec<Figure>, Fault> {
    let payee = AccountId(key("single payee").public());
    let (near, far) = (council.handle(0)?, council.handle(2)?);
    let first = height(near)?;
    let mut waits = Vec::new();
    for nonce in 1..=SINGLES {
        let begun = Instant::now();
        submit(near, vec![spend(&council.file.params.network_id, from, payee, nonce)])?;
        wait("a payment", || Ok(held(far, payee)? >= nonce))?;
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let name = format!("committee/{VALIDATORS}");
    let intervals = intervals(near, first)?;
    let (interval, p50, p99) = (median(intervals, 50), median(waits.clone(), 50), median(waits, 99));
    Ok(vec![
        Figure::new(format!("{name},block interval,p50"), interval, Unit::Millis).at_most(250.0),
        Figure::new(format!("{name},final,p50"), p50, Unit::Millis)
            .ratio(p50 / interval, "block interval")
            .at_most(250.0),
        Figure::new(format!("{name},final,p99"), p99, Unit::Millis).ratio(p99 / interval, "block interval"),
    ])
}

/// As many as they take, spread over the validators: how many a second are final everywhere.
pub(crate) fn sustained(council: &Council, engine: &str, keys: &[SecretKey]) -> Result<Figure, Fault> {
    let payee = AccountId(key("payee").public());
    eprintln!("  signing {} spends", keys.len() as u64 * ROUNDS);
    let network_id = &council.file.params.network_id;
    let round = |nonce: u64| keys.par_iter().map(move |key| spend(network_id, key, payee, nonce)).collect::<Vec<_>>();
    let all: Vec<_> = (1..=ROUNDS).flat_map(round).collect();
    let count = all.len() as u64;
    let paid = || -> Result<u64, Fault> {
        let held = council.running().map(|seat| held(seat.service.handle(), payee)).collect::<Result<Vec<_>, _>>()?;
        Ok(held.into_iter().min().unwrap_or(0))
    };
    let begun = Instant::now();
    let mut sent = 0;
    for (at, part) in all.chunks(BATCH).enumerate() {
        wait("room", || Ok(sent - paid()?.min(sent) < WAITING_MAX))?;
        submit(council.handle(at % VALIDATORS)?, part.to_vec())?;
        sent += part.len() as u64;
    }
    wait("all payments", || Ok(paid()? >= count))?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let figure = Figure::new(format!("{engine}/{VALIDATORS},spends"), rate, Unit::PerSecond);
    // Every validator checks every signature.
    let limit = limit::batch_rate(2)? / VALIDATORS as f64;
    Ok(figure.ratio(limit / rate, "what signatures alone allow"))
}

/// One dies: the next block comes soon. Two are dead: none comes, and that is said. One is back: it goes on.
fn deaths(council: &mut Council, from: &SecretKey) -> Result<Vec<Figure>, Fault> {
    let payee = AccountId(key("single payee").public());
    let network_id = council.file.params.network_id.clone();
    let mut nonce = SINGLES;
    let name = format!("committee/{VALIDATORS}");
    let first = height(council.handle(0)?)?;
    council.kill(3);
    let begun = Instant::now();
    let mut worst: f64 = 0.0;
    while begun.elapsed() < AWAY {
        nonce += 1;
        let sent = Instant::now();
        submit(council.handle(0)?, vec![spend(&network_id, from, payee, nonce)])?;
        wait("a payment without one validator", || Ok(held(council.handle(1)?, payee)? >= nonce))?;
        worst = worst.max(sent.elapsed().as_secs_f64() * 1e3);
    }
    let gap = median(intervals(council.handle(0)?, first)?, 100);
    council.kill(2);
    let stopped = height(council.handle(0)?)?;
    nonce += 1;
    submit(council.handle(0)?, vec![spend(&network_id, from, payee, nonce)])?;
    let told = wait("no quorum", || Ok(council.handle(0)?.finality().is_degraded))?;
    let went_on = height(council.handle(0)?)? - stopped;
    council.seat(2)?;
    let back = wait("a payment after the return", || Ok(held(council.handle(0)?, payee)? >= nonce))?;
    Ok(vec![
        Figure::new(format!("{name},one dead,longest gap"), gap, Unit::Millis).at_most(2_000.0),
        Figure::new(format!("{name},one dead,longest payment"), worst, Unit::Millis),
        Figure::new(format!("{name},two dead,blocks"), went_on as f64, Unit::Blocks).at_most(1.0),
        Figure::new(format!("{name},two dead,said after"), told.as_secs_f64() * 1e3, Unit::Millis),
        Figure::new(format!("{name},one back,goes on after"), back.as_secs_f64() * 1e3, Unit::Millis),
    ])
}
