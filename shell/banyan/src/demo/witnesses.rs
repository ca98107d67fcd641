//! Three of the root's four witnesses go: work goes on, finality waits, and comes back with them.

use std::{
    thread,
    time::{Duration, Instant},
};

use banyan_types::{Amount, Payee, TxHash};
use banyan_wallet::{
    client::{Client, Level, TxStatus},
    tx,
};
use serde_json::Value;

use super::{steps::Scene, story::Story};
use crate::{
    command::{terms, word},
    devnet::Tree,
    failure::Failure,
    session::{Owner, dev_key},
};

/// The nodes that go; the first mines, and stays.
const GONE: [usize; 3] = [1, 2, 3];
/// Key blocks without a final one that are waited for: from here on users are told.
const LAG: u64 = 3;
/// What each wait may take.
const LIMIT: Duration = Duration::from_mins(1);
/// How often something is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// Tell it.
/// # Errors
/// Finality does not stop, work stops, or finality does not come back.
pub fn lose(story: &mut Story, tree: &mut Tree, scene: &Scene) -> Result<(), Failure> {
    let root = scene.root();
    let before = standing(&root)?;
    for n in GONE {
        tree.rest(n);
    }
    let paid = pay(&root)?;
    let lost = wait(|| Ok(Some(standing(&root)?).filter(|now| now["degraded"] == true && number(now, "lag") >= LAG)))?;
    let lag = lost.as_ref().map_or(0, |now| number(now, "lag"));
    story.check(lost.is_some(), format!("nothing is final any more; {lag} key blocks were mined meanwhile"))?;
    let covered = wait(|| Ok(status(&root, paid)?.filter(|paid| paid.detail["word"] == "covered")))?;
    let described = covered.as_ref().map_or_else(String::new, word);
    story.check(covered.is_some(), format!("a payment made meanwhile is {described}"))?;

    let woken = Instant::now();
    for n in GONE {
        tree.wake(n)?;
    }
    let height = number(&before, "final_height") + LAG;
    let back = wait(|| Ok(Some(standing(&root)?).filter(|now| number(now, "final_height") > height)))?;
    let took = woken.elapsed().as_secs_f64();
    story.check(back.is_some(), format!("they are back, and {took:.1} s later all of it is final"))?;
    let sure = wait(|| Ok(status(&root, paid)?.filter(|paid| paid.level == Some(Level::RootFinal))))?;
    story.check(sure.is_some(), "so is the payment")
}

/// A payment on the root, which its leader takes up without any witness.
fn pay(root: &Client) -> Result<TxHash, Failure> {
    let (from, to) = (Owner::Dev(0).account(), Owner::Dev(1).account());
    let status = root.status()?;
    let one = Amount::coins(1).unwrap_or_default();
    let tx = tx::spend(from, Payee::Account(to), one, &terms(&status, root.account(from)?.next()))?;
    Ok(root.submit(&tx.sign(&status.network_id, &dev_key(0)))?)
}

fn standing(root: &Client) -> Result<Value, Failure> {
    Ok(root.get("/banyan/v1/finality")?)
}

fn status(root: &Client, hash: TxHash) -> Result<Option<TxStatus>, Failure> {
    Ok(root.transaction(hash)?)
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or(0)
}

/// Ask until there is an answer, or for too long.
fn wait<T>(mut ask: impl FnMut() -> Result<Option<T>, Failure>) -> Result<Option<T>, Failure> {
    let begun = Instant::now();
    loop {
        let answer = ask()?;
        if answer.is_some() || begun.elapsed() >= LIMIT {
            return Ok(answer);
        }
        thread::sleep(PAUSE);
    }
}
