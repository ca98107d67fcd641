//! Coins cross trees of real nodes: with one signature or one for each leg, through crashes, and into closed doors.

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use banyan_types::{Amount, Height, Nonce};
use banyan_wallet::{
    client::{Client, Level},
    journey::{CannotPlan, Manner, Plan, Quote, Step, Stopped, Walk},
    tx::{self, Terms},
};
use serde_json::Value;
use support::*;

/// Each step of each leg that was reached, in order.
fn words(reached: &[banyan_wallet::journey::Progress]) -> String {
    reached.iter().map(|step| format!("{}:{}", step.leg, step.step.word())).collect::<Vec<_>>().join(" ")
}

/// Each event of a journey as the node tells it, with the leg and the ledger.
fn events(told: &Value) -> String {
    let event = |event: &Value| format!("{}:{}@{}", event["leg"], event["event"], event["ledger"]).replace('"', "");
    told["events"].as_array().unwrap().iter().map(event).collect::<Vec<_>>().join(" ")
}

const TOLD: &str = "0:signed@relay 0:included@relay 0:final@relay 0:outbox@relay 0:summarised@bank 0:remitted@bank \
                    1:outbox@bank 1:summarised@root 1:remitted@root 2:inbox@root 2:credited@arena 3:inbox@arena \
                    3:credited@shop 3:done@shop";
const ROUTED: &str = "0:received 0:ordered 0:entered 0:summarised 0:remitted 1:entered 1:summarised 1:remitted \
                      2:entered 2:credited 3:entered 3:credited";
const WALKED: &str = "0:received 0:ordered 0:entered 0:summarised 0:remitted 1:received 1:ordered 1:entered \
                      1:summarised 1:remitted 2:received 2:ordered 2:final 2:entered 2:credited 3:received 3:ordered \
                      3:final 3:entered 3:credited";

#[test]
fn a_journey_crosses_five_ledgers_with_one_signature() {
    let world = World::new();
    let client = world.serve();
    moved(&client, 0, coins(100), ("root", "relay"));
    let before = balances(&client, 0);

    let draft = draft(&client, 0, coins(50), &steps(&client, "relay", "shop"), Manner::Routed);
    let (arrives, fee) = (draft.arrives(), draft.legs()[0].fee);
    let plan = draft.sign(&key(0)).unwrap();
    assert_eq!((plan.legs.len(), plan.hashes().count()), (4, 1));
    let reached = walk(&client, &plan).unwrap();

    assert_eq!(words(&reached), ROUTED);
    let mut expected = before;
    let spent = coins(50).plus(fee).unwrap();
    expected.insert("relay".into(), expected["relay"].minus(spent).unwrap());
    expected.insert("shop".into(), arrives);
    assert_eq!(balances(&client, 0), expected, "what is not on the way is untouched");
    // Each arrival is proven with the state before it, so nothing here rests on the node's word.
    for step in reached.iter().filter(|step| step.step.is_last()) {
        let facts = &step.checked.as_ref().unwrap().facts;
        assert!(facts[0].contains(" went from "), "{facts:?}");
    }
    // The node tells the same to whoever speaks nothing but HTTP.
    let told: Value = client.get(&format!("/banyan/v1/journeys/{}", plan.name())).unwrap();
    assert_eq!((&told["status"], &told["ledger"]), (&"done".into(), &"shop".into()), "{told}");
    assert_eq!(events(&told), TOLD, "{told}");
    assert_eq!(told["events"].as_array().unwrap().last().unwrap()["amount"], arrives.base().to_string());
}

#[test]
fn the_node_quotes_the_way_that_the_wallet_walks() {
    let world = World::new();
    let client = world.serve();
    moved(&client, 0, coins(100), ("root", "relay"));
    let draft = draft(&client, 0, coins(50), &steps(&client, "relay", "shop"), Manner::Routed);
    let way: Value = client.get(&format!("/banyan/v1/path?from=relay&to=shop&amount={}", coins(50).base())).unwrap();
    assert_eq!(
        (&way["through"], &way["arrives"]),
        (&"root".into(), &draft.arrives().base().to_string().into()),
        "{way}"
    );
    let hops: Vec<_> =
        way["legs"].as_array().unwrap().iter().map(|leg| format!("{}>{}", leg["on"], leg["into"])).collect();
    assert_eq!(hops.join(" ").replace('"', ""), "relay>bank bank>root root>arena arena>shop");
    let route = ["up".to_owned(), world.id("arena").to_string(), world.id("shop").to_string()];
    assert_eq!(way["route"], Value::from(route.to_vec()));
    let fee: u128 = way["legs"][0]["fee"].as_str().unwrap().parse().unwrap();
    assert!(fee >= draft.legs()[0].fee.base(), "a quote is not exceeded");
}

#[test]
fn a_stranger_cannot_stand_in_for_a_leg() {
    let world = World::new();
    let client = world.serve();
    let plan = draft(&client, 0, coins(20), &steps(&client, "root", "bank"), Manner::Routed).sign(&key(0)).unwrap();
    // Whoever has seen the name writes it into a commit of its own, which is in the list first.
    let (root, bank) = (client.on("root"), world.id("bank"));
    let status = root.status().unwrap();
    let terms = Terms { params: status.params(), height: status.height(), nonce: Nonce(1), ttl: None, fee: None };
    let tx = tx::commit(account(1), bank, account(1), coins(20), vec![], &terms).unwrap();
    let tx = tx::set_leg(tx, plan.name()).sign(&status.network_id, &key(1));
    root.submit_and_wait(&tx, Level::Ordered, LIMIT).unwrap();
    walk(&client, &plan).unwrap();
    assert_eq!(balance(&client, 0, "bank"), coins(20));
    let told: Value = client.get(&format!("/banyan/v1/journeys/{}", plan.name())).unwrap();
    assert_eq!(told["txs"][0], plan.hashes().next().unwrap().to_string());
}

#[test]
fn a_quote_is_not_exceeded() {
    let world = World::new();
    let client = world.serve();
    let rows =
        [("root", "relay", Manner::Routed), ("root", "relay", Manner::Walked), ("relay", "shop", Manner::Routed)];
    for (from, to, manner) in rows {
        let draft = draft(&client, 0, coins(20), &steps(&client, from, to), manner);
        let quote = Quote::of(&client, &draft).unwrap();
        assert!(quote.legs.iter().all(|leg| leg.is_covered() == Some(true)), "{quote:?}");
        assert!(quote.legs.iter().all(|leg| leg.amount >= quote.arrives && leg.regime == "operators 2 of 3"));
        let (had, there) = (balance(&client, 0, from), balance(&client, 0, to));
        let begun = Instant::now();
        walk(&client, &draft.sign(&key(0)).unwrap()).unwrap();
        let took = begun.elapsed();

        let left = had.minus(balance(&client, 0, from)).unwrap();
        let arrived = balance(&client, 0, to).minus(there).unwrap();
        assert_eq!(arrived, quote.arrives, "{from} to {to}");
        assert!(left.minus(arrived).unwrap() <= quote.fees(), "{left} left, {arrived} arrived, {quote:?}");
        assert!(took <= Duration::from_millis(quote.worst_ms()), "{took:?}, {quote:?}");
    }
}

/// Walk a plan that is on disk and lose all memory after so many steps. Whether it got so far.
fn crash_after(client: &Client, folder: &Path, id: &str, steps: usize) -> bool {
    let mut left = steps;
    let walked = catch_unwind(AssertUnwindSafe(|| {
        let plan = Plan::load(folder, id).unwrap();
        let mut tell = |_: &_| {
            left =
                left.checked_sub(1).filter(|left| *left > 0).unwrap_or_else(|| std::panic::resume_unwind(Box::new(())));
        };
        Walk::new(client, &plan, LIMIT, &mut tell).run()
    }));
    walked.is_err()
}

/// One journey of `user` from relay to shop that is killed at step `at` and resumed.
fn crash_and_resume(client: &Client, user: u8, manner: Manner, at: usize) {
    let folder = tempfile::tempdir().unwrap();
    let before = balances(client, user);
    let draft = draft(client, user, coins(20), &steps(client, "relay", "shop"), manner);
    let (arrives, fee) = (draft.arrives(), draft.legs()[0].fee);
    let plan = draft.sign(&key(user)).unwrap();
    plan.save(folder.path()).unwrap();
    let id = plan.id();
    drop(plan);
    // Step 0: the plan is written and nothing is sent.
    assert!(at == 0 || crash_after(client, folder.path(), &id, at), "{manner:?} has no step {at}");
    // Twice: what has arrived is not sent again.
    for _ in 0..2 {
        let plan = Plan::load(folder.path(), &id).unwrap();
        walk(client, &plan).unwrap_or_else(|stopped| panic!("{manner:?} {at}: {stopped}"));
        let mut expected = before.clone();
        let spent = coins(20).plus(fee).unwrap();
        expected.insert("relay".into(), expected["relay"].minus(spent).unwrap());
        expected.insert("shop".into(), arrives);
        assert_eq!(balances(client, user), expected, "{manner:?} killed at step {at}");
    }
}

#[test]
fn a_journey_resumes_after_a_crash_at_every_step() {
    let world = World::new();
    let client = world.serve();
    let steps_of = |words: &str| words.split_whitespace().count();
    let rows: Vec<_> = (0..=steps_of(ROUTED))
        .map(|at| (Manner::Routed, at))
        .chain((0..=steps_of(WALKED)).map(|at| (Manner::Walked, at)))
        .collect();
    // A user for each row, so that they need not wait for each other; a few at a time, so that the machine can follow.
    for (part, rows) in rows.chunks(12).enumerate() {
        std::thread::scope(|scope| {
            for (index, (manner, at)) in rows.iter().enumerate() {
                let (client, user) = (&client, u8::try_from(part * 12 + index).unwrap());
                scope.spawn(move || {
                    moved(client, user, coins(40), ("root", "relay"));
                    crash_and_resume(client, user, *manner, *at);
                });
            }
        });
    }
}

#[test]
fn a_plan_that_was_not_written_in_full_was_not_sent() {
    let world = World::new();
    let client = world.serve();
    let folder = tempfile::tempdir().unwrap();
    let plan = draft(&client, 0, coins(20), &steps(&client, "root", "relay"), Manner::Routed).sign(&key(0)).unwrap();
    // Killed while the plan is written: its text stands under another name, cut off.
    let text = serde_json::to_vec(&plan).unwrap();
    std::fs::write(folder.path().join(format!("{}.tmp", plan.id())), &text[..text.len() / 2]).unwrap();
    assert!(Plan::load(folder.path(), &plan.id()).is_err());
    assert_eq!(balance(&client, 0, "root"), coins(COINS));
}

/// Where money that came to rest is, it can go on from.
fn goes_on(client: &Client, user: u8, from: &str) {
    let held = balance(client, user, from);
    let arrives = moved(client, user, held.minus(coins(1)).unwrap(), (from, "shop"));
    assert_eq!(balance(client, user, "shop"), arrives);
}

#[test]
fn a_stopped_journey_leaves_the_money_with_its_owner() {
    let world = World::new();
    let client = world.serve();
    let way = |into| -> Vec<Step> { [steps(&client, "bank", "arena"), vec![world.step_into(into)]].concat() };
    moved(&client, 0, coins(100), ("root", "bank"));
    // The door is open when the journey is planned, and somebody else takes the last place before it gets there.
    let draft = draft(&client, 0, coins(50), &way("vault"), Manner::Routed);
    let resting = draft.legs()[1].amount;
    let plan = draft.sign(&key(0)).unwrap();
    moved(&client, 1, coins(20), ("root", "arena"));
    let taken = support::draft(&client, 1, coins(10), &[world.step_into("vault")], Manner::Routed);
    let taken = taken.sign(&key(1)).unwrap();
    Walk::new(&client, &taken, Duration::ZERO, &mut |_| {}).run().unwrap_err();
    let fee = taken.legs[0].fee;
    let left = balance(&client, 1, "arena");
    until(|| balance(&client, 1, "arena") <= left.minus(coins(10)).and_then(|left| left.minus(fee)).unwrap_or(left));

    for _ in 0..2 {
        let stopped = walk(&client, &plan).unwrap_err();
        let Stopped::Rests { leg: 2, ledger, amount, why } = &stopped else { panic!("{stopped}") };
        assert_eq!((ledger.as_str(), *amount, why.as_str()), ("arena", resting, "1 inbox entries are open"));
        assert_eq!(balance(&client, 0, "arena"), resting);
    }
    let told: Value = client.get(&format!("/banyan/v1/journeys/{}", plan.name())).unwrap();
    let last = told["events"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&told["status"], &last["event"], &last["reason"]),
        (&"stopped".into(), &"stopped".into(), &"inbox_full".into())
    );
    assert_eq!((&last["ledger"], &last["amount"]), (&"arena".into(), &resting.base().to_string().into()));
    goes_on(&client, 0, "arena");
    // Who asks now is told before anything is signed.
    let blocked = banyan_wallet::journey::Draft::new(&client, account(0), coins(10), &way("vault"), Manner::Routed);
    assert!(matches!(&blocked, Err(CannotPlan::Blocked { why, .. }) if why.code() == "inbox_full"), "{blocked:?}");
}

#[test]
fn a_skipped_leg_gives_the_money_back_where_it_left() {
    let mut world = World::new();
    let client = world.serve();
    let way: Vec<Step> = [steps(&client, "bank", "arena"), vec![world.step_into("slow")]].concat();
    moved(&client, 0, coins(100), ("root", "bank"));
    let draft = draft(&client, 0, coins(50), &way, Manner::Routed);
    let back = draft.arrives();
    let plan = draft.sign(&key(0)).unwrap();
    // The child's node starts when the deadline has passed.
    let mut entered = None;
    let mut tell = |step: &banyan_wallet::journey::Progress| {
        if (step.leg, step.step.word()) == (2, "entered") {
            entered = Some(());
            std::panic::resume_unwind(Box::new(()));
        }
    };
    let killed = catch_unwind(AssertUnwindSafe(|| Walk::new(&client, &plan, LIMIT, &mut tell).run()));
    assert!(killed.is_err() && entered.is_some());
    let height = client.on("arena").status().unwrap().height();
    until_height(&client, "arena", Height(height.0 + 12));
    world.start("slow");
    let client = world.serve();

    let stopped = walk(&client, &plan).unwrap_err();
    let Stopped::Skipped { leg: 2, child, ledger, amount, height, deadline } = &stopped else { panic!("{stopped}") };
    assert_eq!((child.as_str(), ledger.as_str(), *amount), ("slow", "arena", back));
    assert!(height > deadline);
    assert_eq!((balance(&client, 0, "arena"), balance(&client, 0, "slow")), (back, Amount::ZERO));
    let told: Value = client.get(&format!("/banyan/v1/journeys/{}", plan.name())).unwrap();
    assert!(events(&told).ends_with("2:inbox@arena 2:skipped@slow 2:returned@arena"), "{told}");
    assert_eq!(told["status"], "returned");
    goes_on(&client, 0, "arena");
}
