//! `move`: walk coins from one ledger to another.

use std::time::Duration;

use banyan_ledger::key;
use banyan_types::{Amount, Asset};
use banyan_wallet::{
    client::{Client, When},
    journey::{Action, Checked, Draft, DraftLeg, Plan, Progress as Reached, Walk, path},
};
use serde_json::{Value, json};

use crate::{
    ask,
    cli::Move,
    command::follow::millis,
    failure::{Exit, Failure},
    report::{Report, table},
    session::Session,
};

/// Move, quote or resume.
/// # Errors
/// Whatever keeps the coins from arriving; they are under their owner's key all the same.
pub fn run(session: &Session, args: &Move) -> Result<Report, Failure> {
    let client = session.client()?;
    if let Some(id) = &args.resume {
        let plan = Plan::load(&session.moves()?, id)?;
        return walk(session, &client, &plan, args.timeout);
    }
    let (Some(amount), Some(from), Some(to)) = (args.amount, &args.from, &args.to) else {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            "a move needs an amount and two ledgers",
            "banyan move 10 --from root --to bank",
        ));
    };
    let steps = path(&client.tree()?, &from.0.join("/"), &to.0.join("/"))?;
    let start = client.on(&steps.first().map_or_else(String::new, |step| step.on.clone())).status()?;
    let owner = session.owner(args.account.as_ref(), &start)?;
    let draft = Draft::new(&client, owner.account(), amount, &steps)?;
    let quote = Quote::of(&client, &draft)?;
    if args.quote {
        return Ok(Report::new(quote.text(), quote.json()));
    }
    draft.legs().iter().for_each(|leg| session.show(&leg.review));
    if !(session.globals.quiet && session.globals.yes) {
        eprintln!("{}", quote.text());
    }
    ask::confirm("walk these legs?", session.globals.yes)?;
    let plan = draft.sign(&session.unlock(&owner)?)?;
    let file = plan.save(&session.moves()?)?;
    if !session.globals.quiet {
        eprintln!("plan     {}", file.display());
    }
    walk(session, &client, &plan, args.timeout)
}

fn walk(session: &Session, client: &Client, plan: &Plan, seconds: u64) -> Result<Report, Failure> {
    let mut reached: Vec<Reached> = Vec::new();
    let mut progress = session.progress();
    progress.say("under way");
    let mut tell = |step: &Reached| {
        progress.line(&line(plan, step));
        reached.push(step.clone());
    };
    let ended = Walk::new(client, plan, Duration::from_secs(seconds), &mut tell).run();
    drop(progress);
    ended.map_err(|stopped| {
        let failure = Failure::from(stopped);
        let next = failure.next.replace("--resume ID", &format!("--resume {}", plan.id()));
        failure.then(next)
    })?;
    let arrived = plan.legs.last().map_or(Amount::ZERO, |leg| leg.amount);
    let into = plan.legs.last().map_or("", |leg| leg.into.as_str());
    let text = format!("{}   {arrived} BNY arrived on {into}", plan.id());
    Ok(Report::new(
        text,
        json!({
            "id": plan.id(), "account": plan.account.to_string(), "arrived": arrived.base().to_string(), "ledger": into,
            "txs": plan.hashes().map(|hash| hash.to_string()).collect::<Vec<_>>(),
            "steps": reached.iter().map(|step| of_step(plan, step)).collect::<Vec<_>>(),
        }),
    ))
}

/// One step of a leg as a line.
pub fn line(plan: &Plan, step: &Reached) -> String {
    let way = plan.legs.get(step.leg).map_or_else(String::new, |leg| format!("{} → {}", leg.on, leg.into));
    let mut line = format!("{way}   {:<10} {:>6} ms", step.step.word(), step.after.as_millis());
    if let Some(checked) = &step.checked {
        for fact in proven(checked) {
            line.push_str("\n    ");
            line.push_str(&fact);
        }
    }
    line
}

/// What the wallet has checked itself, as lines.
pub fn proven(checked: &Checked) -> Vec<String> {
    let fact = |fact: &String| format!("proven on {} at height {}: {fact}", checked.ledger, checked.height);
    checked.facts.iter().map(fact).collect()
}

fn of_step(plan: &Plan, step: &Reached) -> Value {
    let leg = plan.legs.get(step.leg);
    json!({
        "leg": step.leg, "from": leg.map(|leg| &leg.on), "to": leg.map(|leg| &leg.into), "step": step.step.word(),
        "after_ms": millis(step.after),
        "proven": step.checked.as_ref().map(|checked| json!({
            "ledger": checked.ledger, "height": checked.height.0, "block": checked.block.to_string(), "facts": checked.facts,
        })),
    })
}

/// What a move costs, takes and risks.
struct Quote {
    legs: Vec<QuoteLeg>,
    arrives: Amount,
}

struct QuoteLeg {
    from: String,
    to: String,
    action: Action,
    amount: Amount,
    fee: Amount,
    expected_ms: u64,
    regime: String,
    /// What the parent of the two holds for the child: the most that can be lost with it.
    escrow: Amount,
}

/// Heights of the parent that a leg takes: a block, a block on top of it that makes it final, and half of one to wait.
const HEIGHTS_EXPECTED: u64 = 3;

impl Quote {
    fn of(client: &Client, draft: &Draft) -> Result<Self, Failure> {
        let leg = |leg: &DraftLeg| {
            let parent = client.on(match leg.step.action {
                Action::Commit => &leg.step.on,
                Action::Withdraw => &leg.step.into,
            });
            let id = leg.step.associate;
            let proven = parent.prove(&[key::point(id), key::escrow(id, Asset::Coin)], When::Top)?;
            let regime = proven.point(id)?.map_or_else(String::new, |point| {
                format!("operators {} of {}", point.threshold, point.operators.len())
            });
            Ok(QuoteLeg {
                from: leg.step.on.clone(),
                to: leg.step.into.clone(),
                action: leg.step.action,
                amount: leg.amount,
                fee: leg.fee,
                expected_ms: parent.status()?.limits.height_interval_ms.saturating_mul(HEIGHTS_EXPECTED),
                regime,
                escrow: proven.escrow(id)?.held(),
            })
        };
        let legs = draft.legs().iter().map(leg).collect::<Result<_, Failure>>()?;
        Ok(Self { legs, arrives: draft.arrives() })
    }

    fn fees(&self) -> Amount {
        self.legs.iter().try_fold(Amount::ZERO, |sum, leg| sum.plus(leg.fee)).unwrap_or(Amount::MAX)
    }

    fn expected_ms(&self) -> u64 {
        self.legs.iter().map(|leg| leg.expected_ms).sum()
    }

    fn text(&self) -> String {
        let row = |leg: &QuoteLeg| {
            let child = if leg.action == Action::Commit { &leg.to } else { &leg.from };
            vec![
                format!("{} ─{}→ {}", leg.from, word(leg.action), leg.to),
                format!("{} BNY", leg.amount),
                format!("fee {} BNY", leg.fee),
                format!("about {} s", leg.expected_ms.div_ceil(1_000)),
                format!("{child}: {}; its escrow holds {} BNY", leg.regime, leg.escrow),
            ]
        };
        let legs = table(&self.legs.iter().map(row).collect::<Vec<_>>());
        let (fees, arrives, seconds) = (self.fees(), self.arrives, self.expected_ms().div_ceil(1_000));
        format!("{legs}\nabout {seconds} s   fees {fees} BNY   {arrives} BNY arrive")
    }

    fn json(&self) -> Value {
        let leg = |leg: &QuoteLeg| {
            json!({
                "from": leg.from, "to": leg.to, "action": leg.action, "amount": leg.amount.base().to_string(),
                "fee": leg.fee.base().to_string(), "expected_ms": leg.expected_ms, "regime": leg.regime,
                "escrow": leg.escrow.base().to_string(),
            })
        };
        json!({
            "legs": self.legs.iter().map(leg).collect::<Vec<_>>(), "fees": self.fees().base().to_string(),
            "expected_ms": self.expected_ms(), "arrives": self.arrives.base().to_string(),
        })
    }
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Commit => "commit",
        Action::Withdraw => "withdraw",
    }
}
